"""Palms are looked for when and where that can bring something."""

import numpy as np
import pytest

from handflow.hands.lookout import CLOSER_INTERVAL, IDLE_AFTER, Lookout
from handflow.hands.palm import View
from handflow.types import Region

SIZE = (640, 480)
WHOLE = View(0, 0, *SIZE)
NEAR, FAR = Region(320, 240, 250, 0), Region(320, 240, 60, 0)


def looks(lookout: Lookout, times: np.ndarray, **hands: list[Region]) -> list[tuple[float, View]]:
    found = {"seen": [], "lost": []} | hands
    return [(float(t), view) for t in times for view in lookout.views(float(t), SIZE, **found)]


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_a_further_hand_is_looked_for_every_interval_at_any_frame_rate(fps: int) -> None:
    made = looks(Lookout(0.15), np.arange(0, 6, 1 / fps), seen=[NEAR])
    assert {view for _, view in made} == {WHOLE}
    gaps = np.diff([t for t, _ in made])
    assert gaps.min() >= 0.15 - 1e-9
    assert gaps.max() <= 0.15 + 1 / fps + 1e-6


def test_a_lost_hand_is_looked_for_on_every_frame() -> None:
    times = np.arange(0, 0.3, 1 / 30)
    assert [t for t, _ in looks(Lookout(0.15), times, lost=[NEAR])] == pytest.approx(times.tolist())


def test_a_small_lost_hand_is_looked_for_around_where_it_was() -> None:
    ((_, view),) = looks(Lookout(0.15), np.array([0.0]), lost=[FAR])
    assert view.left < FAR.x < view.right
    assert view.top < FAR.y < view.bottom
    assert view.right - view.left < SIZE[0] / 2


@pytest.mark.parametrize("place", [(-50.0, 240.0), (700.0, 500.0), (5.0, 5.0)])
def test_the_view_around_a_lost_hand_stays_inside_the_picture(place: tuple[float, float]) -> None:
    ((_, view),) = looks(Lookout(0.15), np.array([0.0]), lost=[Region(*place, 60, 0)])
    assert 0 <= view.left < view.right <= SIZE[0]
    assert 0 <= view.top < view.bottom <= SIZE[1]


def test_with_nobody_in_sight_looks_become_rare_but_never_further_apart_than_a_fifth_of_a_second() -> None:
    lookout = Lookout(0.15)
    times = np.arange(0, IDLE_AFTER + 4, 1 / 30)
    made = looks(lookout, times)
    busy = {t for t, _ in made if t < IDLE_AFTER}
    assert len(busy) == sum(times < IDLE_AFTER)
    idle = [t for t, view in made if t >= IDLE_AFTER and view == WHOLE]
    assert np.diff(idle).max() <= 0.2
    assert len(idle) <= 4 * 7


def test_parts_of_the_picture_are_looked_at_in_turns_when_nobody_is_there() -> None:
    lookout = Lookout(0.15)
    made = looks(lookout, np.arange(0, IDLE_AFTER + 3, 1 / 30))
    for idle in (False, True):
        parts = {view for t, view in made if (t >= IDLE_AFTER) == idle and view != WHOLE}
        assert len(parts) == 2
        covered = np.zeros(SIZE[0], bool)
        for part in parts:
            covered[part.left : part.right] = True
        assert covered.all()
    closer = [t for t, view in made if t >= IDLE_AFTER and view != WHOLE]
    assert np.diff(closer).max() <= CLOSER_INTERVAL + 0.2


def test_a_hand_that_comes_back_ends_the_idle_time() -> None:
    lookout = Lookout(0.15)
    looks(lookout, np.arange(0, 5, 1 / 30))
    looks(lookout, np.array([5.0]), seen=[NEAR])
    after = looks(lookout, 5 + np.arange(1, 10) / 30)
    assert len(after) == 9


def test_where_a_far_hand_is_seen_its_partner_is_looked_for_closely_too() -> None:
    views = {view for _, view in looks(Lookout(0.15), np.arange(0, 2, 1 / 30), seen=[FAR])}
    assert len(views) == 3


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3), (480, 640), (500, 500)])
def test_pictures_of_any_shape_have_their_parts_inside(size: tuple[int, int]) -> None:
    lookout = Lookout(0.15)
    for k in range(8):
        for view in lookout.views(k / 30, size, [], []):
            assert 0 <= view.left < view.right <= size[0]
            assert 0 <= view.top < view.bottom <= size[1]
