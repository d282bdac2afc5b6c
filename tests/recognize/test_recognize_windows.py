"""Windows: what is interpolated, what stays unknown, when two slots are one hand."""

import numpy as np
import pytest

from handflow.recognize.windows import LONGEST_BRIDGE, STEPS, cut_window, merge_slots, usable_hands
from handflow.types import LEFT, RIGHT, HandSequence


def moving_hand(times: np.ndarray, slot: int = RIGHT) -> HandSequence:
    """A hand that moves 100 pixels a second to the right, seen at the given times."""
    shape = np.random.default_rng(0).normal(0, 20, (21, 3))
    marks = np.full((len(times), 2, 21, 3), np.nan, np.float32)
    marks[:, slot] = shape + np.array([100.0, 0, 0]) * np.asarray(times)[:, None, None]
    n = len(times)
    return HandSequence(
        marks, np.asarray(times, float), np.ones((n, 2), np.float32), np.ones((n, 2), np.float32)
    )


def test_values_lie_on_the_line_between_frames() -> None:
    window = cut_window(moving_hand(np.arange(0, 2, 0.1)), 1.9, 1.0)
    moved = window.landmarks[0, :, RIGHT, 0, 0]
    np.testing.assert_allclose(np.diff(moved), 100 / (STEPS - 1), rtol=1e-3)


@pytest.mark.parametrize(
    ("gap", "known", "seen"),
    [(0.1, True, True), (0.3, True, False), (LONGEST_BRIDGE + 0.1, False, False)],
)
def test_a_gap_is_bridged_if_it_is_short(gap: float, known: bool, seen: bool) -> None:
    times = np.concatenate([np.arange(0, 1.0, 0.03), 0.99 + gap + np.arange(0, 1.0, 0.03)])
    end = float(times[-1])
    window = cut_window(moving_hand(times), end, end)
    middle = round((0.99 + gap / 2) / end * (STEPS - 1))
    assert window.known[0, middle, RIGHT] == known
    assert window.seen[0, middle, RIGHT] == seen


def test_later_frames_are_not_looked_at() -> None:
    times = np.arange(0, 2, 1 / 30)
    whole = moving_hand(times)
    until = moving_hand(times[:31])
    a, b = cut_window(whole, times[30], 0.8), cut_window(until, times[30], 0.8)
    np.testing.assert_array_equal(a.landmarks, b.landmarks)


def test_a_hand_that_has_gone_is_unknown_at_the_end() -> None:
    window = cut_window(moving_hand(np.arange(0, 1, 0.03)), 1.2, 1.0)
    assert window.known[0, -1, RIGHT] == 0
    assert window.known[0, 0, RIGHT] == 1


def test_a_hand_that_changed_its_slot_is_one_hand() -> None:
    first, second = moving_hand(np.arange(0, 1, 0.1), LEFT), moving_hand(np.arange(1, 1.5, 0.1), RIGHT)
    marks = np.concatenate([first.landmarks, second.landmarks])
    joined, usable = merge_slots(marks, usable_hands(marks))
    assert usable[:, LEFT].all() and not usable[:, RIGHT].any()
    np.testing.assert_array_equal(joined[10:, LEFT], second.landmarks[:, RIGHT])


def test_two_hands_seen_together_stay_two() -> None:
    marks = np.concatenate([moving_hand(np.arange(3), LEFT).landmarks, moving_hand(np.arange(3)).landmarks])
    marks[2, RIGHT] = marks[5, RIGHT]
    joined, _ = merge_slots(marks, usable_hands(marks))
    assert joined is marks
