"""Windows that training draws: named by when they end, in every situation a clip is put into."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from handflow.recognize.features import encode
from handflow.recognize.strokes import Stroke, find_strokes
from handflow.recognize.windows import Windows, cut_window
from handflow.train import sampling
from handflow.train.compose import at_tempo, sequence_from, thinned
from handflow.train.sampling import (
    EARLY,
    LATE,
    SETTLED,
    WINDOWS_PER_SCENE,
    Samples,
    Scene,
    WindowSampler,
    choose_window_seconds,
    gestures_held,
    named,
    usual_seconds,
)
from handflow.types import BACKGROUND, RIGHT, Clip, Float64, HandSequence
from train.persons import persons_clips

LABELS = ("a", "b", BACKGROUND)
NONE = 2
SECONDS = 1.0
SWIPE = Stroke(1.5, 2.1, held=False)
POSE = Stroke(1.2, 2.4, held=True)
UNSURE = 0.35 * 0.6  # seconds before the end of SWIPE from which a window may be the gesture


def hand(tag: float = 0.0) -> np.ndarray:
    points = np.random.default_rng(0).uniform(0, 80, (21, 3))
    points[4, 2] = tag
    return points


def timed(seconds: float = 4.0, fps: float = 30.0, tag: float = 0.0, start: float = 0.0) -> HandSequence:
    """A right hand whose wrist tells the time: x is 100 a second. It moves all along."""
    times = start + np.arange(round(seconds * fps)) / fps
    marks = np.full((len(times), 2, 21, 3), np.nan)
    marks[:, RIGHT] = hand(tag)
    marks[:, RIGHT, :, 0] += (100 * times)[:, None]
    marks[:, RIGHT, 0, 0] = 100 * times
    return sequence_from(marks.astype(np.float32), times)


def ends(samples: Samples) -> Float64:
    """When each window ends, as the hand in it tells: the last step is that very frame."""
    return samples.windows.landmarks[:, -1, RIGHT, 0, 0].astype(np.float64) / 100


def many(scene: Scene, times: int = 40) -> tuple[Float64, np.ndarray]:
    """Ends and labels of many draws of one scene."""
    sampler = WindowSampler(LABELS, SECONDS)
    drawn = Samples.stack([sampler.windows_of(scene, np.random.default_rng(k)) for k in range(times)])
    return ends(drawn), drawn.label


# What a window is called


def test_windows_are_called_by_when_they_end() -> None:
    end, label = many(Scene(timed(), 1, SWIPE))
    assert set(label) == {1, NONE}
    shown, other = end[label == 1], end[label == NONE]
    assert shown.min() >= SWIPE.offset - EARLY - 1e-3
    assert shown.max() <= SWIPE.offset + LATE + 1e-3
    unsure = (other > SWIPE.offset - UNSURE + 1e-3) & (other < SWIPE.offset + LATE + 0.2 - 1e-3)
    assert not unsure.any()
    # Before the stroke, in its first half, and after it: all are asked about, and near it alone.
    for low, high in ((1.0, 1.5), (1.5, 1.5 + 0.6 - UNSURE), (2.6, 3.6)):
        assert ((other > low) & (other < high)).mean() > 0.1, (low, high)
    assert other.min() >= SWIPE.onset - 0.5
    assert other.max() <= SWIPE.offset + LATE + 0.2 + SECONDS


def test_named_windows_fill_their_span_evenly() -> None:
    end, label = many(Scene(timed(fps=60), 0, SWIPE), times=200)
    counts, _ = np.histogram(end[label == 0], bins=4, range=(SWIPE.offset - EARLY, SWIPE.offset + LATE))
    assert counts.min() > 0.6 * counts.max()


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.7])
@pytest.mark.parametrize("fps", [10.0, 15.0, 30.0])
def test_at_every_tempo_and_frame_rate_times_after_the_end_count_in_seconds(
    factor: float, fps: float
) -> None:
    sequence = thinned(at_tempo(timed(fps=60), factor), fps, np.random.default_rng(0))
    stroke = Stroke(SWIPE.onset * factor, SWIPE.offset * factor, held=False)
    end, label = many(Scene(sequence, 0, stroke))
    end = end * factor  # the hand tells the time of the clip
    shown, other = end[label == 0], end[label == NONE]
    assert len(shown) and len(other)
    assert shown.min() >= stroke.offset - EARLY - 1e-3
    assert shown.max() <= stroke.offset + LATE + 1e-3
    before = stroke.offset - max(0.35 * stroke.seconds, EARLY)
    assert not ((other > before + 1e-3) & (other < stroke.offset + LATE + 0.2 - 1e-3)).any()


def test_a_short_stroke_is_not_named_before_three_quarters_of_it() -> None:
    short = Stroke(1.0, 1.2, held=False)
    end, label = many(Scene(timed(fps=60), 0, short))
    assert end[label == 0].min() >= 1.15 - 1e-3


def test_a_held_pose_is_named_from_when_it_has_settled_until_it_ends() -> None:
    end, label = many(Scene(timed(), 1, POSE))
    shown, other = end[label == 1], end[label == NONE]
    assert shown.min() >= POSE.onset + SETTLED - 1e-3
    assert shown.max() <= POSE.offset + 0.05 + 1e-3
    assert not ((other > POSE.onset + 1e-3) & (other < POSE.offset + 0.2 - 1e-3)).any()
    brief = Stroke(1.0, 1.4, held=True)
    end, label = many(Scene(timed(), 1, brief))
    assert end[label == 1].min() >= 1.2 - 1e-3


@pytest.mark.parametrize("stroke", [SWIPE, POSE, Stroke(0.0, 0.1, False), Stroke(3.0, 3.05, True)])
def test_the_four_times_of_a_stroke_rise(stroke: Stroke) -> None:
    times = named(stroke)
    assert all(a <= b for a, b in pairwise(times))
    assert times[1] < times[2]


def test_a_scene_without_a_stroke_is_background_and_holds_most_of_a_window() -> None:
    end, label = many(Scene(timed(), NONE, None))
    assert set(label) == {NONE}
    assert end.min() > 0.15 * SECONDS
    assert len(end) == 40 * WINDOWS_PER_SCENE


def test_a_scene_too_short_for_all_its_windows_gives_those_it_has() -> None:
    sampler, rng = WindowSampler(LABELS, SECONDS), np.random.default_rng(0)
    short = timed(0.3, fps=10)
    assert len(sampler.windows_of(Scene(short, 0, Stroke(0.0, 0.2, False)), rng)) <= len(short)
    assert len(sampler.windows_of(Scene(timed(0.1, fps=30), NONE, None), rng)) == 0


# Scenes that are drawn


@dataclass(frozen=True)
class Cut:
    """A window that was cut: from what, and when it ends."""

    sequence: HandSequence
    end: float


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Cut]]:
    """Every window cut by the sampler, in order."""
    noted: list[Cut] = []

    def noting(sequence: HandSequence, end: float, seconds: float, *, hands_matter: bool) -> Windows:
        noted.append(Cut(sequence, end))
        return cut_window(sequence, end, seconds, hands_matter=hands_matter)

    monkeypatch.setattr(sampling, "cut_window", noting)
    yield noted


TAG = 4321.0  # depth of a thumb by which frames of the clip are known wherever they come to lie


def placed(scene: HandSequence, clip: HandSequence, when: float) -> float:
    """When a moment of the clip comes in a scene that holds frames of it, at whatever tempo."""
    own = np.flatnonzero(scene.landmarks[:, RIGHT, 4, 2] == np.float32(TAG))
    told = scene.landmarks[own, RIGHT, 0, 0].astype(np.float64) / 100
    first = np.flatnonzero(np.diff(told) <= 0)  # what repeats or goes back is not the clip itself
    stop = int(first[0]) + 1 if len(first) else len(own)
    assert stop > 2
    factor, start = np.polyfit(told[:stop], scene.timestamps[own[:stop]], 1)
    return float(factor * when + start)


@pytest.mark.parametrize("stroke", [SWIPE, POSE], ids=["stroke", "pose"])
@pytest.mark.parametrize("annotated", [False, True])
def test_in_every_scene_no_window_is_called_by_a_name_too_early_or_too_late(
    cuts: list[Cut], stroke: Stroke, annotated: bool
) -> None:
    clip = timed(tag=TAG)
    mark = (stroke.onset, stroke.offset) if annotated else None
    takes = [Clip(f"{k}", "a", clip, (320, 240), stroke=mark) for k in range(2)]
    takes.append(Clip("idle", BACKGROUND, timed(3.0), (320, 240)))
    sampler = WindowSampler(LABELS, SECONDS)
    idle = [timed(8.0, tag=1.0)]
    drawn = sampler.draw(takes, [stroke, stroke, None], 60, np.random.default_rng(3), idle)
    assert len(drawn) == len(cuts)
    shown = 0
    for cut, label in zip(cuts, drawn.label, strict=True):
        if not (cut.sequence.landmarks[:, RIGHT, 4, 2] == np.float32(TAG)).any():
            assert label == NONE
            continue
        begin, end = (placed(cut.sequence, clip, t) for t in (stroke.onset, stroke.offset))
        if stroke.held:
            first = begin + min(SETTLED, 0.5 * (end - begin))
            unsure, over, sure = begin, end + 0.05, end + 0.2
        else:
            first = end - EARLY
            unsure, over, sure = end - 0.35 * (end - begin), end + LATE, end + LATE + 0.2
        if label == NONE:
            assert not unsure + 0.01 < cut.end < sure - 0.01
        else:
            assert label == 0
            assert first - 0.01 <= cut.end <= over + 0.01
            shown += 1
    assert shown > 100


def test_scenes_differ_in_what_surrounds_the_clip_in_tempo_and_in_frame_rate(cuts: list[Cut]) -> None:
    clip = timed(tag=TAG)
    takes = [Clip(f"{k}", "a", clip, (320, 240)) for k in range(3)]
    WindowSampler(LABELS, SECONDS).draw(takes, [SWIPE] * 3, 40, np.random.default_rng(0), [timed(8.0)])
    scenes = list({id(cut.sequence): cut.sequence for cut in cuts}.values())
    lengths = [placed(s, clip, SWIPE.offset) - placed(s, clip, SWIPE.onset) for s in scenes]
    assert np.ptp(np.log(np.array(lengths) / SWIPE.seconds)) > 0.5
    rates = [1 / np.median(np.diff(s.timestamps)) for s in scenes]
    assert min(rates) < 13 and max(rates) > 27
    strange = [(s.landmarks[:, RIGHT, 4, 2] != np.float32(TAG)).any() for s in scenes]
    assert 0.3 < np.mean(strange) < 1


def test_natural_scenes_are_the_clips_themselves(cuts: list[Cut]) -> None:
    takes = [Clip("a", "a", timed(), (320, 240)), Clip("n", BACKGROUND, timed(), (320, 240))]
    sampler = WindowSampler(LABELS, SECONDS, natural=True)
    sampler.draw(takes, [SWIPE, None], 3, np.random.default_rng(0), [timed(8.0)])
    assert all(any(cut.sequence is c.sequence for c in takes) for cut in cuts)


@pytest.mark.parametrize("natural", [True, False])
@pytest.mark.parametrize("derive", [True, False])
def test_every_gesture_is_named_as_often_and_no_window_gets_the_name_of_another(
    natural: bool, derive: bool
) -> None:
    clips = persons_clips(60, persons=3, clips=3)
    labels = ("hand_left", "hand_right", BACKGROUND)
    sampler = WindowSampler(labels, 1.0, natural=natural, derive_background=derive)
    counts = []
    for gesture in labels:
        chosen = [c for c in clips if c.label == gesture]
        strokes = [s for s, c in zip(find_strokes(clips), clips, strict=True) if c.label == gesture]
        samples = sampler.draw(chosen, strokes, 4, np.random.default_rng(1))
        assert set(samples.label) <= {labels.index(gesture), NONE}
        assert 0 < len(samples) <= 4 * WINDOWS_PER_SCENE * len(chosen)
        np.testing.assert_array_equal(samples.targets(3).argmax(axis=1), samples.label)
        np.testing.assert_array_equal(samples.targets(3).sum(axis=1), 1)
        assert np.isfinite(encode(samples.windows, 1.0).features).all()
        counts.append((samples.label != NONE).mean())
    left, right, none = counts
    assert none == 0
    assert 0.2 < left < 0.6 and 0.2 < right < 0.6
    assert abs(left - right) < 0.1


def test_a_quarter_of_the_scenes_become_background_where_there_is_none() -> None:
    takes = [Clip(f"{k}", "a", timed(), (320, 240)) for k in range(3)]
    shares = []
    for derive in (False, True):
        sampler = WindowSampler(LABELS, SECONDS, derive_background=derive)
        drawn = sampler.draw(takes, [SWIPE] * 3, 60, np.random.default_rng(2))
        shares.append((drawn.label == 0).mean())
    assert 0.65 < shares[1] / shares[0] < 0.85


def test_a_take_whose_stroke_was_not_found_shows_nothing() -> None:
    takes = [Clip("x", "a", timed(), (320, 240))]
    drawn = WindowSampler(LABELS, SECONDS).draw(takes, [None], 10, np.random.default_rng(0))
    assert len(drawn) and set(drawn.label) == {NONE}


def test_the_same_seed_draws_the_same() -> None:
    clips = persons_clips(70, persons=1, clips=2)
    strokes = find_strokes(clips)
    sampler = WindowSampler(("hand_left", "hand_right", BACKGROUND), 1.0)
    one, two, other = (sampler.draw(clips, strokes, 2, np.random.default_rng(k)) for k in (5, 5, 6))
    np.testing.assert_array_equal(one.windows.landmarks, two.windows.landmarks)
    np.testing.assert_array_equal(one.label, two.label)
    assert len(one) != len(other) or not np.array_equal(one.windows.landmarks, other.windows.landmarks)


# Idle hands


def test_idle_windows_are_background_and_spread_over_all_their_time() -> None:
    idle = [timed(30.0), timed(10.0, start=100.0)]
    drawn = WindowSampler(LABELS, SECONDS).draw_idle(idle, 80, np.random.default_rng(0))
    assert set(drawn.label) == {NONE}
    assert len(drawn) == pytest.approx(80, abs=2)
    end = ends(drawn)
    assert (end >= 100).sum() == pytest.approx(20, abs=2)
    early = end[end < 50]
    assert len(np.unique(early)) == len(early)
    assert np.histogram(early, bins=5, range=(0, 30))[0].min() >= 5


def test_no_idle_hands_give_no_windows_and_few_frames_give_each_once() -> None:
    sampler, rng = WindowSampler(LABELS, SECONDS), np.random.default_rng(0)
    assert len(sampler.draw_idle([], 50, rng)) == 0
    few = sampler.draw_idle([timed(0.5, fps=10)], 50, rng)
    assert len(few) == 5
    assert len(np.unique(ends(few))) == 5


# What is learned from the strokes


def test_samples_can_be_taken_and_stacked() -> None:
    sampler = WindowSampler(LABELS, SECONDS)
    one = sampler.draw_idle([timed(5.0)], 6, np.random.default_rng(0))
    two = sampler.windows_of(Scene(timed(), 1, SWIPE), np.random.default_rng(0))
    both = Samples.stack([one, two])
    assert len(both) == len(one) + len(two)
    np.testing.assert_array_equal(both.take(np.arange(len(one), len(both))).label, two.label)
    assert len(Samples.stack([])) == 0


def test_a_window_holds_the_strokes_and_what_comes_before() -> None:
    quick, slow = (choose_window_seconds([Stroke(0, s, False)] * 5) for s in (0.3, 1.5))
    assert quick == pytest.approx(0.9)
    assert slow == pytest.approx(2.1)
    assert choose_window_seconds([Stroke(0, 60, False)]) == 3.0
    assert choose_window_seconds([Stroke(0, 0.01, False)]) == 0.7
    assert choose_window_seconds([Stroke(0, 30, True)]) == 1.0  # a pose need not be seen to its end
    assert choose_window_seconds([]) == choose_window_seconds([None]) == 1.0


def test_usual_durations_and_held_gestures_are_those_of_most_takes() -> None:
    clips = [Clip(f"{k}", "ab"[k % 2], timed(), (320, 240)) for k in range(6)]
    clips.append(Clip("n", BACKGROUND, timed(), (320, 240)))
    strokes = [
        Stroke(0, 0.5, False), Stroke(0, 1.0, True), Stroke(0, 0.7, False), Stroke(0, 2.0, True), None,
        Stroke(0, 0.4, False), None,
    ]  # fmt: skip
    assert usual_seconds(clips, strokes) == {"a": 0.7, "b": 1.0}
    assert gestures_held(clips, strokes) == ("b",)
    assert gestures_held(clips, [None] * 7) == ()
