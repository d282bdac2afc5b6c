"""How much memory this process has used at most."""

import sys


def peak_memory() -> float | None:
    """Peak resident memory in MB; None on Windows, which does not tell it to the standard library."""
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024**2 if sys.platform == "darwin" else 1024)
