"""The benchmarks' own arithmetic, and what they say where a program fails."""

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from handflow.bench.hands import CASES, _agreement, _run, make_frames
from handflow.bench.peers import pack_task, peers_python
from handflow.errors import HandflowError
from handflow.hands import HandModels


def square(x: float, size: float = 100.0) -> list[list[float]]:
    """21 points in a box of this size, from x on."""
    return [[x + size * (i % 2), size * (i // 11)] for i in range(21)]


@pytest.mark.parametrize(
    ("found", "share", "errors"),
    [
        ([square(0)], 1.0, [0.0]),
        ([square(10)], 1.0, [0.1]),
        ([square(200), square(10)], 1.0, [0.1]),  # the nearest counts
        ([square(50)], 0.0, []),  # too far away to be this hand
        ([], 0.0, []),
    ],
)
def test_a_hand_counts_as_found_where_it_lies_on_the_true_one(
    found: list[list[list[float]]], share: float, errors: list[float]
) -> None:
    truth = np.full((1, 2, 21, 3), np.nan, np.float32)
    truth[0, 1] = np.pad(np.array(square(0), np.float32), ((0, 0), (0, 1)))
    got, distances = _agreement([found], truth)
    assert got == share
    assert distances == pytest.approx(errors, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_each_case_shows_as_many_hands_as_it_says(case: str) -> None:
    in_sight = CASES[case][0]
    truth = make_frames(in_sight, 20, seed=3).truth()
    assert np.isfinite(truth.landmarks).all(axis=(2, 3)).sum(axis=1).max() == in_sight


def test_a_program_that_fails_is_one_line_with_its_last_words() -> None:
    with pytest.raises(
        HandflowError, match=r"mediapipe could not be measured, libGL is missing: .*make peers"
    ):
        _run("mediapipe", [sys.executable, "-c", "import sys; sys.exit('first line\\nlibGL is missing')"])


def test_without_the_peers_environment_there_is_no_peer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDFLOW_PEERS", str(tmp_path))
    assert peers_python() is None


def test_the_peer_gets_the_same_two_networks_stored(hand_models: HandModels, tmp_path: Path) -> None:
    with zipfile.ZipFile(pack_task(tmp_path / "hand.task")) as bundle:
        assert [m.compress_type for m in bundle.infolist()] == [zipfile.ZIP_STORED] * 2
        assert bundle.read("hand_detector.tflite") == hand_models.palm
        assert bundle.read("hand_landmarks_detector.tflite") == hand_models.landmark
