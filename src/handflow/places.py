"""Where handflow keeps what can be made or fetched again."""

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
