"""What all tests share: skips that CI turns into failures, and where real data lies."""

import os
from pathlib import Path

import pytest

from handflow.errors import ModelFileError
from handflow.hands import HandModels, find_hand_models

ROOT = Path(__file__).resolve().parent.parent


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


@pytest.fixture(scope="session")
def hand_models() -> HandModels:
    """The real hand models, fetched once; the test is skipped where they cannot be had."""
    try:
        return find_hand_models(quiet=True)
    except ModelFileError as error:
        need(False, f"the hand models are not here: {error}")
        raise
