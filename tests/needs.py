"""What tests need: skips that CI turns into failures, and where real data lies."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DIRECTIONS = ("hand_up", "hand_down", "hand_left", "hand_right")


def need(condition: object, reason: str, *, optional: bool = False) -> None:
    """Skips the test where something is missing; fails instead when HANDFLOW_REQUIRE=1.

    Args:
        condition: what must hold for the test to run.
        reason: names what is missing and how to get it.
        optional: real recordings, which are not part of the project, may be absent even then.
    """
    if condition:
        return
    if os.environ.get("HANDFLOW_REQUIRE") == "1" and not optional:
        pytest.fail(f"HANDFLOW_REQUIRE=1, but {reason}")
    pytest.skip(reason)


def real_data() -> Path:
    """The folder of real recordings; skips the test where there is none."""
    folder = Path(os.environ.get("HANDFLOW_DATA", ROOT.parent / "shared" / "data"))
    need(folder.is_dir(), f"no real recordings at {folder} (set HANDFLOW_DATA)", optional=True)
    return folder
