"""Moved photos move as they say, and what programs find is counted rightly."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from handflow.bench.all_hands import bench_all_hands
from handflow.bench.entering import entering_scene
from handflow.bench.followers import Reported, followers
from handflow.bench.hands import make_frames
from handflow.bench.moving import (
    PALM,
    PATHS,
    SIZE,
    STILL,
    SWEEP,
    WAVE,
    Path_,
    StillHand,
    frames_in_motion,
    moving_frames,
    shift_at,
    still_hand,
)
from handflow.bench.photos import _agreement, _nearest, empty_views
from handflow.errors import HandflowError
from handflow.hands import HandLandmarker, HandModels
from handflow.synth.render import render_frames
from handflow.types import LEFT, RIGHT, Float32, HandLandmark, Image


def dot() -> StillHand:
    """A picture with one bright dot in the middle in place of a hand."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    cv2.circle(image, (SIZE[0] // 2, SIZE[1] // 2), 8, (255, 255, 255), cv2.FILLED)
    middle = np.array(SIZE, np.float32) // 2
    return StillHand("dot", image, np.eye(2, 3), np.tile(middle, (21, 1)))


def place(image: Image) -> float:
    weight = image[:, :, 0].sum(axis=0, dtype=float)
    return float((weight * np.arange(image.shape[1])).sum() / weight.sum())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("speed", [30.0, 60.0, 90.0])
@pytest.mark.parametrize("blurred", [False, True])
def test_the_hand_is_where_the_shift_says_and_moves_as_fast_as_asked(
    path: Path_, speed: float, blurred: bool
) -> None:
    hand = dot()
    images, shifts = zip(*moving_frames(hand, path, speed, blurred=blurred), strict=True)
    steps = np.abs(np.diff(shifts))
    assert steps[: STILL - 1].max() == 0
    assert steps.max() == pytest.approx(speed)
    turning = 0.25 * speed / 2 if blurred and path == "wave" else 0.0  # a turn bends the blur to one side
    for image, shift in zip(images, shifts, strict=True):
        assert place(image) == pytest.approx(SIZE[0] / 2 + shift, abs=1 + turning)


def test_blur_lasts_half_of_the_time_between_two_frames() -> None:
    *_, (image, _) = moving_frames(dot(), "sweep", 60.0, blurred=True)
    width = np.flatnonzero(image[SIZE[1] // 2, :, 0] > 4)
    assert np.ptp(width) == pytest.approx(17 + 30, abs=4)


def test_a_wave_stays_within_its_width_and_a_sweep_ends_at_its_other_side() -> None:
    times = np.arange(0, 100, 0.1)
    for speed in (30.0, 60.0, 90.0):
        wave = [shift_at("wave", speed, t) for t in times]
        assert max(wave) == pytest.approx(WAVE, abs=speed / 10)
        assert min(wave) == pytest.approx(-WAVE, abs=speed / 10)
        assert shift_at("wave", speed, 0) == 0
        assert shift_at("sweep", speed, -1) == -SWEEP
        assert shift_at("sweep", speed, frames_in_motion("sweep", speed) + 1) == SWEEP


def test_a_photo_is_brought_to_the_usual_size_and_place(hand_models: HandModels, tmp_path: Path) -> None:
    frame = next(iter(render_frames(make_frames(1, 2, 3))))
    path = tmp_path / "hand.png"
    cv2.imwrite(str(path), cv2.resize(frame.image[:, :, ::-1], None, fx=1.7, fy=1.7))
    hand = still_hand(path, HandLandmarker(models=hand_models))
    assert hand is not None
    palm = hand.landmarks[HandLandmark.MIDDLE_MCP] - hand.landmarks[HandLandmark.WRIST]
    assert np.linalg.norm(palm) == pytest.approx(PALM, rel=0.08)
    middle = (hand.landmarks.max(axis=0) + hand.landmarks.min(axis=0)) / 2
    assert middle == pytest.approx(np.array(SIZE) / 2, abs=6)


def test_a_photo_without_a_hand_is_left_out(hand_models: HandModels, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((200, 300, 3), 128, np.uint8))
    assert still_hand(tmp_path / "grey.png", HandLandmarker(models=hand_models)) is None


def points(x: float) -> Float32:
    return np.stack([x + np.linspace(0, 100, 21), np.linspace(0, 100, 21)], axis=1).astype(np.float32)


def reported(*places: float) -> list[Reported]:
    return [Reported(points(x), None, "right") for x in places]


@pytest.mark.parametrize(
    ("ours", "theirs", "hands", "missed", "more"),
    [
        ([0], [0], 1, 0, 0),
        ([10], [0], 1, 0, 0),
        ([200], [0], 1, 1, 1),
        ([], [0], 1, 1, 0),
        ([0, 300], [0], 1, 0, 1),
        ([0], [], 0, 0, 1),
        ([300, 0], [0, 300], 2, 0, 0),
    ],
)
def test_hands_of_two_programs_are_matched(
    ours: list[float], theirs: list[float], hands: int, missed: int, more: int
) -> None:
    row = _agreement("photos", [{"handflow": [reported(*ours)], "mediapipe": [reported(*theirs)]}])
    assert (row.frames, row.hands, row.missed, row.more) == (1, hands, missed, more)


def test_the_nearest_hand_decides_and_none_is_infinitely_far() -> None:
    assert _nearest(reported(50, 7), points(0)) == pytest.approx(7)
    assert _nearest([], points(0)) == np.inf


def test_places_without_a_hand_show_none(hand_models: HandModels) -> None:
    scene = make_frames(1, 2, 3)
    frame = next(iter(render_frames(scene)))
    low, high = (f(scene.truth().landmarks[0, RIGHT, :, :2], axis=0).astype(int) for f in (np.min, np.max))
    hand = frame.image[low[1] : high[1], low[0] : high[0]]
    wide = cv2.copyMakeBorder(frame.image, 300, 300, 500, 500, cv2.BORDER_REPLICATE)
    views = empty_views(np.asarray(wide, np.uint8), 0)
    assert views
    for view in views:
        assert view.shape == (480, 640, 3)
        # The hand would be enlarged as well: look for it at some scales.
        for scale in (1.0, 1.4, 2.0):
            part = cv2.resize(hand, None, fx=scale, fy=scale)
            assert cv2.matchTemplate(view, part, cv2.TM_CCOEFF_NORMED).max() < 0.95


@pytest.mark.parametrize("seed", range(4))
def test_the_second_hand_enters_from_outside_and_stays(seed: int) -> None:
    truth = entering_scene(seed).truth().landmarks
    there = np.isfinite(truth).all(axis=(2, 3))
    assert there[:, RIGHT].all()
    assert not there[:4, LEFT].any()
    assert there[-5:, LEFT].all()
    assert (truth[-5:, LEFT, :, 0] < 640).all()


def test_programs_follow_stream_after_stream_afresh(
    hand_models: HandModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDFLOW_PEERS", str(tmp_path))  # handflow alone
    frames = np.stack([frame.image for frame in render_frames(make_frames(1, 3, 3))])
    with followers() as programs:
        assert list(programs) == ["handflow"]
        first, second = (programs["handflow"](frames, np.arange(3) / 30, 2) for _ in range(2))
        with pytest.raises(HandflowError, match="handflow could not be measured"):
            programs["handflow"](frames[0], np.arange(3) / 30, 2)  # no stream: the process ends
    assert [[h.track for h in hands] for hands in first] == [[0]] * 3
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a[0].points, b[0].points)


def test_a_folder_without_photos_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(HandflowError, match=r"no photos below .*photos"):
        bench_all_hands(data=tmp_path)
