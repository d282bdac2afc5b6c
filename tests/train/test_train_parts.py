"""The parts of training: scenes, augmentation, thresholds, network, export."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from handflow.errors import TrainingError
from handflow.recognize.features import CHANNELS
from handflow.recognize.windows import STEPS, Windows, cut_window
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.train import TrainConfig, export
from handflow.train.augment import AugmentConfig, augment, flip, flipped_labels
from handflow.train.compose import (
    at_tempo,
    held,
    is_stroke,
    joined,
    moved_to_end_of,
    reversed_in_time,
    thinned,
    with_travel,
)
from handflow.train.content import content_of
from handflow.train.landmark import example_features
from handflow.train.network import LandmarkNetwork, NetworkConfig, count_parameters
from handflow.train.thresholds import HIGHEST, LOWEST, tuned_thresholds
from handflow.types import RIGHT, HandSequence

LABELS = ("hand_left", "hand_right", "background")


def synthetic(gesture: str, seed: int = 3) -> HandSequence:
    return make_clip(gesture, random_person(5, hand="right"), seed, fps=30, second_hand=False).clip.sequence


def windows(count: int = 40) -> Windows:
    clip = synthetic("hand_left")
    ends = np.linspace(0.5, float(clip.timestamps[-1]), count)
    return Windows.stack(cut_window(clip, float(e), 0.8) for e in ends)


def test_content_lies_where_the_hand_moves() -> None:
    made = make_clip("hand_left", random_person(5, hand="right"), 3, fps=30, second_hand=False)
    assert made.onset is not None and made.offset is not None
    content = content_of(made.clip.sequence)
    share = content.share(made.onset, made.offset) / (made.offset - made.onset)
    rest = (1 - content.share(made.onset, made.offset)) / (2.0 - made.offset + made.onset)
    assert share > 2 * rest


def test_content_of_a_held_pose_lies_evenly() -> None:
    marks = np.repeat(synthetic("hold_open").landmarks[30:31], 50, axis=0)
    still = HandSequence(
        marks, np.arange(50) / 30, np.ones((50, 2), np.float32), np.ones((50, 2), np.float32)
    )
    assert content_of(still).share(0.0, 49 / 60) == pytest.approx(0.5, abs=0.03)


def test_content_of_nothing_is_nothing() -> None:
    nobody = np.full((5, 2, 21, 3), np.nan, np.float32)
    empty = HandSequence(nobody, np.arange(5.0), np.ones((5, 2), np.float32), np.zeros((5, 2), np.float32))
    assert content_of(empty).share(0, 5) == 0


def test_scenes_keep_the_clip_inside_and_their_clock() -> None:
    rng = np.random.default_rng(0)
    clip = synthetic("hand_left")
    for scene in (
        held(clip, 0.5, 0.7, rng),
        with_travel(clip, synthetic("background"), 3.0, 0.6, after=True, rng=rng),
        with_travel(clip, synthetic("background"), 3.0, 0.6, after=False, rng=rng),
        joined(clip, moved_to_end_of(synthetic("background"), clip), 0.1),
        joined(clip, reversed_in_time(clip, 1.5), 0.0),
    ):
        assert np.all(np.diff(scene.timestamps) > 0)
        assert scene.duration > clip.duration + 0.3
        middle = int(np.searchsorted(scene.timestamps, clip.timestamps[30] - 1e-9))
        np.testing.assert_allclose(scene.landmarks[middle], clip.landmarks[30], atol=1e-3)


def test_what_follows_goes_on_where_the_hand_was() -> None:
    clip = synthetic("hand_left")
    later = moved_to_end_of(synthetic("background"), clip)
    last, first = (
        s.landmarks[np.flatnonzero(s.seen.any(axis=1))[i], RIGHT, (0, 5, 9, 13, 17), :2].mean(axis=0)
        for s, i in ((clip, -1), (later, 0))
    )
    size = np.linalg.norm(clip.landmarks[30, RIGHT, 9, :2] - clip.landmarks[30, RIGHT, 0, :2])
    assert np.linalg.norm(last - first) < 0.3 * size


def test_tempo_and_rate() -> None:
    clip = synthetic("hand_left")
    assert at_tempo(clip, 1.5).duration == pytest.approx(1.5 * clip.duration)
    slow = thinned(clip, 10, np.random.default_rng(0))
    assert 0.08 < np.median(np.diff(slow.timestamps)) < 0.12
    assert clip.timestamps[-1] - slow.timestamps[-1] < 0.11


@pytest.mark.parametrize("gesture", ["wave", "hold_open", "circle_clockwise"])
def test_what_ends_where_it_began_is_no_stroke(gesture: str) -> None:
    person = replace(random_person(5, hand="right"), variation=0.0)
    made = make_clip(gesture, person, 3, fps=30, second_hand=False)
    assert made.onset is not None and made.offset is not None
    times = made.clip.sequence.timestamps
    part = (times >= made.onset) & (times <= made.offset)
    s = made.clip.sequence
    core = HandSequence(s.landmarks[part], times[part], s.handedness[part], s.presence[part])
    assert not is_stroke(core)


def test_a_swipe_is_a_stroke() -> None:
    made = make_clip("hand_left", random_person(5, hand="right"), 3, fps=30, second_hand=False)
    s, times = made.clip.sequence, made.clip.sequence.timestamps
    assert made.onset is not None and made.offset is not None
    part = (times >= made.onset) & (times <= made.offset)
    assert is_stroke(HandSequence(s.landmarks[part], times[part], s.handedness[part], s.presence[part]))


def test_augmentation_keeps_what_is_unknown_unknown() -> None:
    plain = windows()
    config = AugmentConfig(dropout=0.0, wrong_hand=0.0)
    varied = augment(plain, config, np.random.default_rng(0))
    np.testing.assert_array_equal(varied.known, plain.known)
    assert not varied.landmarks[plain.known == 0].any()
    assert np.isfinite(varied.landmarks).all()


def test_augmentation_keeps_the_direction_and_leaves_its_input_alone() -> None:
    plain = windows(1).take(np.zeros(200, np.intp))
    before = plain.landmarks.copy()
    varied = augment(plain, AugmentConfig(), np.random.default_rng(0))
    np.testing.assert_array_equal(plain.landmarks, before)
    again = augment(plain, AugmentConfig(), np.random.default_rng(0))
    np.testing.assert_array_equal(varied.landmarks, again.landmarks)


def test_no_variation_changes_nothing() -> None:
    nothing = AugmentConfig(0, 0, (1, 1), 0, 0, 0, 0, 0, 0, 0, 0, 0)
    plain = windows()
    np.testing.assert_allclose(
        augment(plain, nothing, np.random.default_rng(0)).landmarks, plain.landmarks, atol=1e-2
    )


OF_HANDS = {"build", "attitude", "no_shape"}
"""What varies hands; levels are of everything else."""


def test_without_level_hands_alone_vary_and_level_one_is_as_it_was() -> None:
    config = AugmentConfig()
    plain = windows()
    none = config.scaled(0.0)
    assert {name: getattr(none, name) for name in OF_HANDS} == {n: getattr(config, n) for n in OF_HANDS}
    same = augment(plain, replace(none, build=0, attitude=0, no_shape=0), np.random.default_rng(0))
    np.testing.assert_allclose(same.landmarks, plain.landmarks, atol=1e-2)
    assert config.scaled(1.0) == config


def test_a_lower_level_varies_ways_tracker_and_camera_less() -> None:
    config = AugmentConfig()
    half = config.scaled(0.5)
    for name in set(config.__slots__) - {"reach", "longest_loss"} - OF_HANDS:
        assert getattr(half, name) == pytest.approx(getattr(config, name) / 2), name
    assert config.reach[0] < half.reach[0] < 1 < half.reach[1] < config.reach[1]
    with pytest.raises(ValueError, match="expected 0 to 1"):
        config.scaled(90.0)
    plain = windows(1).take(np.zeros(60, np.intp))
    far, near = (
        np.abs(
            augment(plain, replace(c, wrong_hand=0, build=0, attitude=0), np.random.default_rng(0)).landmarks
            - plain.landmarks
        ).mean()
        for c in (config, half)
    )
    assert 0.2 * far < near < 0.8 * far


def test_a_flip_mirrors_the_path_and_changes_the_hand() -> None:
    plain = windows()
    mirrored = flip(plain)
    np.testing.assert_array_equal(mirrored.known, plain.known[:, :, ::-1])
    np.testing.assert_array_equal(mirrored.landmarks[:, :, 0, :, 0], -plain.landmarks[:, :, 1, :, 0])
    np.testing.assert_array_equal(flip(mirrored).landmarks, plain.landmarks)


def test_flipped_labels_go_both_ways() -> None:
    assert flipped_labels(LABELS, {"hand_left": "hand_right"}) == [1, 0, 2]


def test_thresholds_lie_between_what_is_and_what_is_not() -> None:
    rng = np.random.default_rng(0)
    targets = np.eye(3, dtype=np.float32)[rng.integers(0, 3, 300)]
    probabilities = np.where(targets > 0.5, 0.96, 0.02).astype(np.float32)
    found = tuned_thresholds(LABELS, probabilities, targets)
    assert set(found) == {"hand_left", "hand_right"}
    for threshold in found.values():
        assert LOWEST <= threshold.enter <= HIGHEST
        assert 0.02 < threshold.enter < 0.96
        assert threshold.leave < threshold.enter


def test_the_network_is_small_and_takes_any_number_of_windows() -> None:
    network = LandmarkNetwork(NetworkConfig(labels=5)).eval()
    assert 50_000 < count_parameters(network) < 250_000
    for n in (1, 7):
        assert network(torch.zeros(n, CHANNELS, STEPS)).shape == (n, 5)


def test_an_export_that_differs_is_refused(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "parity", lambda network, path, examples: 1e-2)
    with pytest.raises(TrainingError, match="differs"):
        network = LandmarkNetwork(NetworkConfig(labels=3))
        export.export_onnx(network, tmp_path / "m.onnx", example_features())  # type: ignore[operator]


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch": 0},
        {"learning_rate": 5.0},
        {"window_seconds": 9.0},
        {"validation_by": "moon"},
        {"seed": -1},
        {"idle_minutes": -1.0},
    ],
)
def test_a_config_refuses_nonsense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TrainConfig(**wrong)  # type: ignore[arg-type]
