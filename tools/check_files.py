"""Keeps what can be made or fetched again out of the repository and out of its distributions.

`python tools/check_files.py FILE …` prints a line per file that does not belong and exits with 1.
"""

import sys
from pathlib import Path

MAX_BYTES = 2_000_000  # of one file; pictures of the documentation stay well below
MADE = "is made when needed and does not belong here"
FORBIDDEN = {
    ".mp4": MADE,
    ".avi": MADE,
    ".npz": MADE,
    ".pyc": MADE,
    ".ckpt": MADE,
    ".tflite": "is fetched by the user",
    ".task": "is fetched by the user",
}


def complaint(name: str, content: bytes) -> str | None:
    """Why a file does not belong here, in one line; None where it does."""
    reason = FORBIDDEN.get(Path(name).suffix.lower())
    if reason is None and content[4:8] == b"TFL3":  # the identifier of TFLite's format, whatever the name
        reason = "is a TFLite model, " + FORBIDDEN[".tflite"]
    if reason is None and len(content) > MAX_BYTES:
        reason = f"has {len(content) / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.0f} are meant"
    return None if reason is None else f"{name} {reason}"


if __name__ == "__main__":
    found = [line for name in sys.argv[1:] if (line := complaint(name, Path(name).read_bytes()))]
    sys.exit("\n".join(found) if found else 0)
