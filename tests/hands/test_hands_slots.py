"""Tracks keep their slots; two that look alike share the pair."""

import numpy as np
import pytest

from handflow.hands import HandSlots, sequence_of
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
