"""Names of gestures and clips that are safe as folder names on every system."""

import unicodedata
from pathlib import Path

from handflow.capture.folder import natural_key
from handflow.errors import GestureNameError

LONGEST_NAME = 80
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}


def gesture_name(name: str) -> str:
    """The name in its one normal form.

    >>> gesture_name(" swipe left ")
    'swipe left'

    Raises:
        GestureNameError: the name holds more than letters, digits, `_`, `-` and spaces, or is reserved.
    """
    normal = unicodedata.normalize("NFC", name).strip()
    fits = normal and all(
        c.isalnum() or c in "_- " or unicodedata.category(c) in ("Mn", "Mc") for c in normal
    )
    if not fits or len(normal.encode()) > LONGEST_NAME or normal.lower() in _RESERVED:
        raise GestureNameError(
            f"'{name}' cannot name a gesture: use up to {LONGEST_NAME} letters, digits, '_', '-' and spaces"
        )
    return normal


def clip_id(wish: str) -> str:
    """A clip's id made of a wish: what no folder name may hold becomes `_`.

    >>> clip_id("anna/../take 3")
    'anna_.._take 3'
    """
    normal = unicodedata.normalize("NFC", wish)
    safe = "".join(c if c.isalnum() or c in "_-. " else "_" for c in normal).strip(" .")
    while len(safe.encode()) > LONGEST_NAME:
        safe = safe[:-1].strip(" .")
    return f"{safe}_" if safe.split(".")[0].lower() in _RESERVED else safe


def natural_paths(folder: Path) -> list[Path]:
    """The visible things in a folder, in natural order of their names."""
    visible = (p for p in folder.iterdir() if not p.name.startswith("."))
    return sorted(visible, key=lambda p: natural_key(p.name))
