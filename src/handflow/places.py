"""Where handflow keeps what can be made or fetched again, and what it notes as it runs."""

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """The user's cache folder for handflow; `HANDFLOW_CACHE` overrides it. Made when missing."""
    folder = Path(
        os.environ.get("HANDFLOW_CACHE") or platformdirs.user_cache_dir("handflow", appauthor=False)
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def state_dir() -> Path:
    """The user's folder for what handflow notes as it runs; `HANDFLOW_STATE` overrides it. Not made."""
    return Path(os.environ.get("HANDFLOW_STATE") or platformdirs.user_state_dir("handflow", appauthor=False))
