"""Examples of strokes: they end as live windows do when the gesture is over."""

from dataclasses import replace

import numpy as np
import pytest

from handflow.recognize.few_shot.packaged import packaged_encoders
from handflow.recognize.few_shot.stroke_examples import BEFORE, ENDS, HELD, idle_views, stroke_examples
from handflow.recognize.few_shot.views import view_of
from handflow.types import BACKGROUND, Clip
from teach.few_shot_samples import clip_of, nothing, performed, stay

TIMES = np.arange(0, 3, 1 / 30)


def swiped(number: int, *, stroke: tuple[float, float] | None = None) -> Clip:
    made = performed(TIMES, start=1.0, lasts=0.5 + 0.02 * number)
    return replace(clip_of(made, "swipe", f"swipe-{number}"), stroke=stroke)


def test_each_take_is_seen_up_to_shortly_after_its_stroke() -> None:
    clip = swiped(0, stroke=(1.0, 1.5))
    examples, found = stroke_examples([clip], packaged_encoders())
    assert examples is not None
    assert examples.labels == ("swipe",) * len(ENDS)
    assert examples.clips == (clip.id,) * len(ENDS)
    assert [stroke.held for stroke in found["swipe"]] == [False]
    for number, later in enumerate(ENDS):
        wanted = view_of(clip.sequence, 1.0 - BEFORE, 1.5 + later)
        assert wanted is not None
        np.testing.assert_array_equal(examples.views.landmarks[number], wanted.landmarks[0])
        assert examples.seconds[number] == pytest.approx(0.5 + BEFORE + later)


def test_strokes_that_nobody_marked_are_found() -> None:
    examples, found = stroke_examples([swiped(n) for n in range(3)], packaged_encoders())
    assert examples is not None
    assert len(examples) == 3 * len(ENDS)
    for n, stroke in enumerate(found["swipe"]):
        assert (stroke.onset, stroke.offset) == pytest.approx((1.0, 1.5 + 0.02 * n), abs=0.15)


def test_of_a_pose_a_part_is_shown() -> None:
    held = [clip_of(performed(TIMES, stay, curl=(1.0, 1.0)), "fist", f"fist-{n}") for n in range(3)]
    examples, found = stroke_examples(held, packaged_encoders())
    assert examples is not None
    assert all(stroke.held for stroke in found["fist"])
    assert examples.seconds.max() <= HELD + BEFORE + 1e-6


def test_a_wished_window_is_how_long_every_example_lasts() -> None:
    examples, _ = stroke_examples([swiped(0), swiped(5)], packaged_encoders(), window=0.9)
    assert examples is not None
    np.testing.assert_allclose(examples.seconds, 0.9, atol=1e-6)


def test_idle_hands_and_takes_without_a_hand_show_no_stroke() -> None:
    clips = [clip_of(performed(TIMES), BACKGROUND, "idle"), clip_of(nothing(30), "swipe", "blank")]
    assert stroke_examples(clips, packaged_encoders()) == (None, {})


def test_idle_hands_are_seen_as_live_all_along() -> None:
    clips = [clip_of(performed(TIMES), BACKGROUND, "idle"), swiped(0)]
    views, which = idle_views(clips, (0.5, 1.0))
    assert len(views) == len(which)
    assert {clip for clip, _, _ in which} == {"idle"}
    assert sorted({seconds for _, _, seconds in which}) == [0.5, 1.0]
    for number, (_, end, seconds) in enumerate(which):
        assert end - seconds >= -1e-9
        wanted = view_of(clips[0].sequence, end - seconds, end)
        assert wanted is not None
        np.testing.assert_array_equal(views.landmarks[number], wanted.landmarks[0])
    assert len(idle_views([clip_of(nothing(30), BACKGROUND, "blank")], (0.5,))[1]) == 0


def test_of_long_idle_recordings_no_more_views_are_taken_than_of_short_ones() -> None:
    times = np.arange(0, 300, 1 / 5)
    views, which = idle_views([clip_of(performed(times), BACKGROUND, "long")], (0.5, 1.0))
    assert 3500 < len(views) <= 4000
    assert which[-1][1] > 299
