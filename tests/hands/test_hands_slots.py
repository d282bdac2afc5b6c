"""Tracks keep their slots; two that look alike share the pair."""

from collections.abc import Callable

import numpy as np
import pytest

from handflow.hands import HandSlots, sequence_of
from handflow.hands.slots import TAKEOVER_SECONDS, Follow
from handflow.types import Hand, Hands, Region


def hand(track: int, handedness: float, size: float = 50.0) -> Hand:
    points = np.zeros((21, 3), np.float32)
    points[:, 1] = np.linspace(0, size, 21)
    side = "right" if handedness >= 0.5 else "left"
    return Hand(points, points, points, 0.9, handedness, side, track, Region(0, 0, size, 0))  # type: ignore[arg-type]


def frame(*hands: Hand) -> Hands:
    return Hands(hands, 0.0, 0, (320, 240))


LEFT, RIGHT = 0.02, 0.98
SCENARIOS = [
    ("each hand goes to its slot", [[(0, LEFT), (1, RIGHT)]], [(0, 1)]),
    ("a track keeps its slot when handedness flickers", [[(0, RIGHT)], [(0, LEFT)]], [(-1, 0), (-1, 0)]),
    ("of two alike the less certain takes the free slot", [[(0, 0.7), (1, 0.95)]], [(0, 1)]),
    ("a second like hand takes the free slot", [[(0, RIGHT)], [(0, RIGHT), (1, RIGHT)]], [(-1, 0), (1, 0)]),
    ("a gone track frees its slot", [[(0, RIGHT)], [], [(1, RIGHT)]], [(-1, 0), (-1, -1), (-1, 1)]),
    ("nobody", [[]], [(-1, -1)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "frames", "tracks"), SCENARIOS, ids=[s[0] for s in SCENARIOS])
def test_slots(name: str, frames: list, tracks: list) -> None:  # type: ignore[type-arg]
    slots = HandSlots()
    assert [slots.update(frame(*(hand(*h) for h in hands))).tracks for hands in frames] == tracks


def test_a_track_that_is_lost_for_a_moment_keeps_its_slot() -> None:
    slots = HandSlots()
    slots.update(frame(hand(0, RIGHT)))
    away = slots.update(Hands((hand(1, RIGHT),), 0.0, 1, (320, 240), lost=(0,)))
    assert away.tracks == (1, 0)  # a new hand does not take its place
    assert np.isnan(away.landmarks[1]).all()
    assert away.presence[1] == 0
    back = slots.update(frame(hand(0, RIGHT), hand(1, RIGHT)))
    assert back.tracks == (1, 0)
    assert np.isfinite(back.landmarks).all()


def test_the_nearest_persons_two_hands_are_chosen() -> None:
    slotted = HandSlots().update(
        frame(hand(0, RIGHT, 30), hand(1, LEFT, 90), hand(2, RIGHT, 80), hand(3, LEFT, 20))
    )
    assert slotted.tracks == (1, 2)


def test_an_empty_slot_is_nan_and_a_filled_one_holds_the_landmarks() -> None:
    slotted = HandSlots().update(frame(hand(0, RIGHT)))
    assert np.isnan(slotted.landmarks[0]).all()
    assert slotted.landmarks[1, 20, 1] == 50
    assert slotted.presence.tolist() == [0, pytest.approx(0.9)]


def test_no_frames_make_an_empty_sequence() -> None:
    assert len(sequence_of([], [])) == 0


def palm_hand(track: int, palm: float, *, handedness: float = RIGHT, metres: float = 0.09) -> Hand:
    """A hand whose palm is `palm` pixels long in the picture, and `metres` in truth."""
    shape = np.zeros((21, 3), np.float32)
    shape[[5, 9, 13, 17], 1] = -1.0
    shape[[5, 17], 0] = 0.3, -0.3
    side = "right" if handedness >= 0.5 else "left"
    points = shape * palm + 100
    return Hand(points, points, shape * metres, 0.9, handedness, side, track, Region(0, 0, 99, 0))  # type: ignore[arg-type]


def followed(
    follow: Follow, at: Callable[[float], Hands], seconds: float = 3.0
) -> list[tuple[float, int, bool]]:
    """Time, track that is passed on and whether it took over, at 30 frames a second."""
    slots = HandSlots(follow)
    found = []
    for time in (np.arange(round(seconds * 30)) / 30).tolist():
        slotted = slots.update(at(time))
        tracks = [track for track in slotted.tracks if track >= 0]
        assert len(tracks) <= 1
        assert np.isfinite(slotted.landmarks).all(axis=(1, 2)).sum() <= 1
        found.append((time, tracks[0] if tracks else -1, slotted.taken_over))
    return found


def at_time(time: float, *hands: Hand, lost: tuple[int, ...] = ()) -> Hands:
    return Hands(hands, time, round(time * 30), (640, 480), lost)


def test_the_largest_hand_is_followed_alone() -> None:
    found = followed("largest", lambda t: at_time(t, palm_hand(0, 40), palm_hand(1, 60)))
    assert {track for _, track, _ in found} == {1}
    assert not any(taken for _, _, taken in found)


@pytest.mark.parametrize(("factor", "switches"), [(1.2, False), (1.4, True)])
def test_another_hand_takes_over_only_where_it_is_clearly_larger(factor: float, switches: bool) -> None:
    found = followed(
        "largest", lambda t: at_time(t, palm_hand(0, 50), palm_hand(1, 50 * factor if t >= 1 else 40))
    )
    changes = [time for time, _, taken in found if taken]
    assert len(changes) == switches
    assert found[-1][1] == int(switches)
    if switches:
        assert changes[0] == pytest.approx(1 + TAKEOVER_SECONDS, abs=0.05)


def test_a_hand_that_is_large_for_a_moment_does_not_take_over() -> None:
    found = followed(
        "largest", lambda t: at_time(t, palm_hand(0, 50), palm_hand(1, 90 if 0.1 < t % 0.5 < 0.4 else 50))
    )
    assert {track for _, track, _ in found} == {0}


def test_the_followed_hand_keeps_its_place_while_it_is_lost_for_a_moment() -> None:
    def at(time: float) -> Hands:
        other = palm_hand(1, 55)
        return at_time(time, other, lost=(0,)) if 1 <= time < 1.9 else at_time(time, palm_hand(0, 60), other)

    assert {track for _, track, _ in followed("largest", at)} == {0}


def test_where_the_followed_hand_is_gone_the_largest_other_is_followed_as_another() -> None:
    def at(time: float) -> Hands:
        others = palm_hand(1, 30), palm_hand(2, 40)
        return at_time(time, *others) if time >= 1 else at_time(time, palm_hand(0, 60), *others)

    found = followed("largest", at)
    assert [track for _, track, _ in found] == [0] * 30 + [2] * 60
    assert [time for time, _, taken in found if taken] == [1.0]


def test_a_hand_that_is_found_again_as_a_new_track_is_no_other() -> None:
    def at(time: float) -> Hands:
        if time < 1:
            return at_time(time, palm_hand(0, 60))
        return at_time(time, palm_hand(1, 60), lost=(0,) if time < 1.3 else ())

    found = followed("largest", at)
    assert found[-1][1] == 1
    assert not any(taken for _, _, taken in found)


def test_a_childs_near_hand_comes_before_a_larger_one_far_away() -> None:
    child, adult = palm_hand(0, 50, metres=0.055), palm_hand(1, 60, metres=0.09)
    assert {t for _, t, _ in followed("nearest", lambda time: at_time(time, child, adult))} == {0}
    assert {t for _, t, _ in followed("largest", lambda time: at_time(time, child, adult))} == {1}


def test_each_followed_hand_goes_to_its_own_slot() -> None:
    slots = HandSlots("largest")
    left = palm_hand(3, 60, handedness=LEFT)
    assert slots.update(at_time(0.0, left, palm_hand(4, 50))).tracks == (3, -1)


def test_an_unknown_choice_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="person, largest, nearest"):
        HandSlots("widest")  # type: ignore[arg-type]
