"""Views: the same for slow and quick, for any frame rate and either hand; what is not seen is bridged."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handflow.recognize.few_shot.views import (
    LEAST_SEEN,
    Views,
    active_span,
    live_view,
    seen_span,
    view_of,
)
from handflow.recognize.windows import STEPS
from handflow.types import LEFT, RIGHT, Float32, HandSequence
from teach.few_shot_samples import PALM, SIZE, nothing, performed, sequence, stay, swipe, together, until


def landmarks_of(view: Views | None) -> Float32:
    assert view is not None and len(view) == 1
    assert view.landmarks.shape == (1, STEPS, 2, 21, 3)
    assert view.landmarks.dtype == np.float32
    return view.landmarks[0]


def frames_of(made: HandSequence, which: slice | np.ndarray) -> HandSequence:
    return HandSequence(
        made.landmarks[which], made.timestamps[which], made.handedness[which], made.presence[which]
    )


def without(made: HandSequence, gone: np.ndarray, slot: int = RIGHT) -> HandSequence:
    marks = made.landmarks.copy()
    marks[gone, slot] = np.nan
    return sequence(marks, made.timestamps)


def backwards(phase):
    return swipe(1 - phase)


def unlike(one: Float32, other: Float32) -> float:
    """Mean distance of the acting hand's landmarks, in hand sizes."""
    return float(np.linalg.norm(one[:, 0] - other[:, 0], axis=-1).mean()) / SIZE


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize("lasts", [0.6, 1.2, 3.0])
def test_pace_and_frame_rate_leave_the_view_as_it_is(lasts: float, fps: float) -> None:
    def seen(path, fps: float, lasts: float) -> Float32:
        made = performed(np.arange(0, lasts + 1e-9, 1 / fps), path, lasts=lasts, curl=(0.0, 0.9))
        return landmarks_of(view_of(made, 0.0, float(made.timestamps[-1])))

    reference = seen(swipe, 100, 1.0)
    assert unlike(seen(swipe, fps, lasts), reference) < 0.06
    assert unlike(seen(backwards, fps, lasts), reference) > 1


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_not_seen_lies_on_the_line_between_sights_and_the_ends_are_held(data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.floats(0.01, 0.3), min_size=2, max_size=25))
    times = 5.0 + np.cumsum(gaps)
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times))))
    seen[data.draw(st.integers(0, len(times) - 1))] = True
    lasts = float(times[-1] - times[0])
    made = performed(times, lambda u: np.stack([200 * u, -90 * u], axis=1), start=times[0], lasts=lasts)
    marks = landmarks_of(view_of(without(made, ~seen), float(times[0]), float(times[-1])))
    first, last = times[seen][[0, -1]]
    moments = np.linspace(times[0], times[-1], STEPS).clip(first, last)
    wanted = 100 + 200 * (moments - times[0]) / lasts
    np.testing.assert_allclose(marks[:, 0, PALM, 0].mean(axis=1), wanted, atol=0.02)
    assert np.isfinite(marks).all()


def test_the_view_ends_with_its_stretch() -> None:
    whole = performed(np.arange(0, 3, 1 / 30), lasts=3.0)
    inside = frames_of(whole, (whole.timestamps > 0.99) & (whole.timestamps < 2.01))
    np.testing.assert_array_equal(
        landmarks_of(view_of(whole, 1.0, 2.0)), landmarks_of(view_of(inside, 1.0, 2.0))
    )


def test_a_left_hand_is_mirrored_in_shape_and_never_in_path() -> None:
    times = np.arange(0, 1.01, 0.05)
    left, right = (performed(times, slot=slot, curl=(0.2, 0.8)) for slot in (LEFT, RIGHT))
    assert np.abs(left.landmarks[:, LEFT] - right.landmarks[:, RIGHT]).max() > SIZE / 4
    views = [view_of(made, 0.0, 1.0) for made in (left, right)]
    assert views[0] and views[1]
    np.testing.assert_allclose(views[0].landmarks, views[1].landmarks, atol=1e-3)
    assert [int(v.acting[0]) for v in views if v] == [LEFT, RIGHT]
    middle = landmarks_of(views[0])[:, 0, PALM, 0].mean(axis=1)
    assert middle[-1] - middle[0] == pytest.approx(3 * SIZE, rel=1e-3)


@pytest.mark.parametrize("slot", [LEFT, RIGHT])
def test_where_hands_matter_they_keep_their_shapes_and_say_which_they_are(slot: int) -> None:
    times = np.arange(0, 1.01, 0.05)
    made = performed(times, slot=slot, curl=(0.0, 0.5))
    view = view_of(made, 0.0, 1.0, hands_matter=True)
    marks = landmarks_of(view)
    assert view is not None
    np.testing.assert_allclose(marks[[0, -1], 0], made.landmarks[[0, -1], slot], atol=1e-3)
    np.testing.assert_array_equal(marks[:, 1], 0)
    assert view.share[0].tolist() == [1, 0]
    assert view.side.tolist() == [slot]


def test_where_hands_matter_a_hand_in_the_other_slot_is_another_hand() -> None:
    made = performed(np.arange(0, 1.01, 0.05))
    marks = made.landmarks.copy()
    marks[12:, LEFT], marks[12:, RIGHT] = marks[12:, RIGHT], np.nan
    view = view_of(sequence(marks, made.timestamps), 0.0, 1.0, hands_matter=True)
    assert view is not None
    assert sorted(view.share[0].tolist()) == pytest.approx([9 / 21, 12 / 21])


@pytest.mark.parametrize(("swapped", "home"), [(8, RIGHT), (14, LEFT)])
def test_a_hand_that_changes_its_slot_is_one_hand(swapped: int, home: int) -> None:
    made = performed(np.arange(0, 1.01, 0.05))
    marks = made.landmarks.copy()
    marks[:swapped, LEFT], marks[:swapped, RIGHT] = marks[:swapped, RIGHT], np.nan
    settled = np.full_like(marks, np.nan)
    settled[:, home] = made.landmarks[:, RIGHT]
    found = view_of(sequence(marks, made.timestamps), 0.0, 1.0)
    wanted = view_of(sequence(settled, made.timestamps), 0.0, 1.0)
    assert found and wanted
    np.testing.assert_array_equal(found.landmarks, wanted.landmarks)
    assert found.share[0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("left", "right", "acting"),
    [(1, 0, LEFT), (0, 1, RIGHT), (1, 1, RIGHT), (1.1, 1, RIGHT), (2, 1, LEFT), (0, 0, RIGHT)],
)
def test_the_hand_that_clearly_moves_more_comes_first(left: float, right: float, acting: int) -> None:
    times = np.arange(0, 1.01, 0.05)
    made = together(
        performed(times, lambda u: left * swipe(u), slot=LEFT, at=(100, 100)),
        performed(times, lambda u: right * swipe(u), slot=RIGHT, at=(400, 300)),
    )
    view = view_of(made, 0.0, 1.0)
    marks = landmarks_of(view)
    assert view is not None and view.acting[0] == acting
    begins = marks[0, :, PALM, 0].mean(axis=0)
    np.testing.assert_allclose(begins, [100, 400] if acting == LEFT else [400, 100], atol=0.01)
    assert view.share[0].tolist() == [1, 1]


def test_the_share_is_that_of_the_frames_in_which_a_hand_was_seen() -> None:
    made = performed(np.arange(20) / 20)
    view = view_of(without(made, np.arange(20) % 4 != 0), 0.0, 1.0)
    assert view is not None
    np.testing.assert_allclose(view.share[0], [0.25, 0])


def test_filled_frames_are_not_seen() -> None:
    made = performed(np.arange(0, 1.01, 0.05))
    gone = np.zeros(21, bool)
    gone[[0, 5, 6, 7, 20]] = True
    marks = made.landmarks.copy()
    marks[gone, RIGHT] += 500
    filled = replace(made, landmarks=marks, filled=np.stack([np.zeros(21, bool), gone], axis=1))
    found, wanted = view_of(filled, 0.0, 1.0), view_of(without(made, gone), 0.0, 1.0)
    assert found and wanted
    np.testing.assert_array_equal(found.landmarks, wanted.landmarks)
    np.testing.assert_array_equal(found.share, wanted.share)
    assert seen_span(filled) == pytest.approx((0.05, 0.95))


@pytest.mark.parametrize("slot", [LEFT, RIGHT])
@pytest.mark.parametrize("frames", [1, 2])
def test_a_clip_of_one_or_two_frames_is_enough(frames: int, slot: int) -> None:
    made = performed(2 + np.arange(frames) / 15, start=2.0, lasts=1 / 15, slot=slot)
    before = made.landmarks.copy()
    span = active_span(made)
    assert span == (2.0, made.timestamps[-1])
    marks = landmarks_of(view_of(made, *span))
    assert np.isfinite(marks).all()
    moved = marks[-1, 0, 0, 0] - marks[0, 0, 0, 0]
    assert moved == pytest.approx(0 if frames == 1 else 3 * SIZE, abs=0.01)
    np.testing.assert_array_equal(made.landmarks, before)


def a_point() -> HandSequence:
    return sequence(np.full((10, 2, 21, 3), 50.0), np.arange(10) / 10)


@pytest.mark.parametrize(
    ("made", "start", "end"),
    [
        (nothing(0), 0.0, 1.0),
        (nothing(30), 0.0, 1.0),
        (performed(np.arange(0, 1, 0.1)), 1.5, 2.5),
        (performed(np.arange(0, 1, 0.1)), -2.0, -1.0),
        (performed(np.arange(0, 1, 0.1)), 0.32, 0.38),
        (a_point(), 0.0, 1.0),
    ],
    ids=["no frames", "no hand", "after", "before", "between two frames", "a point is no hand"],
)
def test_where_no_hand_is_seen_there_is_no_view(made: HandSequence, start: float, end: float) -> None:
    assert view_of(made, start, end) is None
    assert view_of(made, start, end, hands_matter=True) is None


@pytest.mark.parametrize("made", [nothing(0), nothing(30), a_point()])
def test_where_no_hand_is_seen_nothing_is_active(made: HandSequence) -> None:
    assert seen_span(made) is None
    assert active_span(made) is None


def test_a_batch_is_its_views() -> None:
    times = np.arange(0, 1, 0.05)
    single = [view_of(performed(times, lasts=k), 0.0, 1.0) for k in (0.5, 1.0, 2.0)]
    batch = Views.stack(v for v in single if v is not None)
    assert len(batch) == 3
    for k, one in enumerate(single):
        assert one is not None
        for alike in (batch.part(k, k + 1), batch.take([k]), batch.take([2, k]).part(1, 2)):
            np.testing.assert_array_equal(alike.landmarks, one.landmarks)
            np.testing.assert_array_equal(alike.share, one.share)
            np.testing.assert_array_equal(alike.acting, one.acting)
    assert len(batch.part(3, 9)) == 0
    none = Views.stack([])
    assert (len(none), none.landmarks.shape[1:]) == (0, batch.landmarks.shape[1:])


@pytest.mark.parametrize("fps", [10, 15, 30])
@pytest.mark.parametrize(("unit", "slot"), [(1.0, RIGHT), (0.01, RIGHT), (1.0, LEFT)])
def test_waiting_is_cut_at_both_ends(fps: float, unit: float, slot: int) -> None:
    made = performed(10 + np.arange(0, 4, 1 / fps), start=11.5, lasts=0.8, slot=slot)
    span = active_span(sequence(made.landmarks * unit, made.timestamps))
    assert span is not None
    assert 10.9 < span[0] < 11.3
    assert 12.5 < span[1] < 12.9


def test_fingers_that_move_are_active_too() -> None:
    span = active_span(performed(np.arange(0, 4, 1 / 30), stay, start=2.0, lasts=0.5, curl=(0.0, 1.0)))
    assert span is not None
    assert 1.4 < span[0] < 2.0 and 2.5 < span[1] < 3.1


@pytest.mark.parametrize("jitter", [0.0, 0.001, 0.01, 0.03], ids=lambda j: f"jitter of {j} hand sizes")
def test_a_held_pose_is_taken_whole(jitter: float) -> None:
    made = performed(np.arange(0, 2, 1 / 30), stay)
    noise = np.random.default_rng(0).normal(0, jitter * SIZE, made.landmarks.shape)
    first, last = active_span(sequence(made.landmarks + noise, made.timestamps)) or (9, -9)
    assert first < 0.1 and last > made.timestamps[-1] - 0.1


def test_a_sway_does_not_cut_a_held_pose() -> None:
    made = performed(np.arange(0, 3, 1 / 30), lambda u: np.outer(u, [0.05 * SIZE, 0]), start=1.3, lasts=0.5)
    assert active_span(made) == seen_span(made)


@pytest.mark.parametrize("lasts", [0.02, 0.1, 0.28])
def test_a_short_take_is_whole(lasts: float) -> None:
    made = performed(np.linspace(0, lasts, 8), start=lasts / 2, lasts=lasts / 8)
    assert active_span(made) == seen_span(made) == (0.0, lasts)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(1, 40), share=st.floats(0.05, 1))
def test_what_is_active_was_seen(seed: int, frames: int, share: float) -> None:
    chance = np.random.default_rng(seed)
    times = np.cumsum(chance.uniform(0.01, 0.3, frames))
    marks = chance.normal(0, 30, (frames, 2, 21, 3)).cumsum(axis=0)
    marks[chance.random((frames, 2)) > share] = np.nan
    made = sequence(marks, times)
    seen, active = seen_span(made), active_span(made)
    if seen is None:
        assert active is None
        return
    assert active is not None
    assert seen[0] <= active[0] <= active[1] <= seen[1]
    assert np.isfinite(landmarks_of(view_of(made, *active))).all()


def test_a_live_view_does_not_look_at_later_frames() -> None:
    whole = performed(np.arange(0, 2, 1 / 30), lasts=2.0)
    for end in (0.5, 1.0):
        early, late = live_view(until(whole, end), end, 1.0), live_view(whole, end, 1.0)
        assert early and late
        np.testing.assert_array_equal(late.landmarks, early.landmarks)


@pytest.mark.parametrize("seconds", [0.4, 1.0, 4.0])
def test_a_live_view_is_of_the_last_moments_and_supposes_nothing(seconds: float) -> None:
    made = performed(np.arange(0, 5, 1 / 30), lasts=5.0)
    end = float(made.timestamps[-1])
    view, same = live_view(made, end, seconds), view_of(made, end - seconds, end)
    assert view is not None
    np.testing.assert_array_equal(view.landmarks, landmarks_of(same)[None])
    assert (np.abs(np.diff(view.landmarks[0, 1:-2, 0, 0, 0])) > 1e-3).all()


@pytest.mark.parametrize(("share", "seen"), [(LEAST_SEEN + 0.1, True), (LEAST_SEEN - 0.1, False)])
def test_a_live_view_needs_a_hand_for_a_part_of_its_time(share: float, seen: bool) -> None:
    made = performed(np.arange(100) / 50, lasts=2.0)
    gone = np.random.default_rng(0).permutation(100) >= share * 100
    view = live_view(without(made, gone), float(made.timestamps[-1]), 2.0)
    assert (view is not None) == seen
    assert live_view(nothing(30), 1.0, 1.0) is None
