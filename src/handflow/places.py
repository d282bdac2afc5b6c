"""Where handflow keeps what can be made or fetched again, what it notes as it runs, and what people make."""

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


def studio_dir() -> Path:
    """The user's folder for the projects of the studio; `HANDFLOW_STUDIO` overrides it. Not made."""
    given = os.environ.get("HANDFLOW_STUDIO")
    return Path(given) if given else Path(platformdirs.user_data_dir("handflow", appauthor=False)) / "studio"
