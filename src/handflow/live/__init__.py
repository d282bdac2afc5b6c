"""Live: the rooms composed into one running system."""
