"""Lookout: when to look for palms, and in which part of the picture.

Detecting palms costs as much as following a hand, so it is done where it can bring something: at once where a
hand was lost, on every frame for a while after the last hand has gone, at intervals while a further hand may
come, a few times a second while nobody is there.
"""

import math
from dataclasses import dataclass

from handflow.hands.palm import View
from handflow.types import Region

IDLE_AFTER, IDLE_INTERVAL = 2.0, 0.15
"""Seconds without a hand until looks become rare, and between two of them then."""
CLOSER_INTERVAL = 0.5
"""Seconds between closer looks at parts of the picture while idle: far hands may take as long to be found."""
FAR = 0.1
"""A hand smaller than this share of the picture's longer side is far: a second one of that person is too."""
REACH = 4.0
"""Side of the view around a lost hand, in sides of its region: smaller ones miss hands that turned back."""

_SAME_TIME = 1e-6


@dataclass(slots=True)
class Lookout:
    """Decides for each frame in order; times are seconds of the source.

    Args:
        interval: seconds between looks for a further hand.
    """

    interval: float
    _next: float = -math.inf
    _next_closer: float = -math.inf
    _empty_since: float | None = None
    _turn: int = 0

    def views(self, time: float, size: tuple[int, int], seen: list[Region], lost: list[Region]) -> list[View]:
        """Where to detect palms now, in a picture of `size` (width, height).

        Args:
            time: of the frame.
            size: of the picture, pixels.
            seen: regions of the hands that are in sight.
            lost: where hands should be that were lost a moment ago.
        """
        whole = View(0, 0, *size)
        if seen or lost:
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = time
        if lost:
            self._next = time + self.interval
            return [_around(lost[0], size) if len(lost) == 1 else whole]
        if seen:
            if time < self._next - _SAME_TIME:
                return []
            self._next = time + self.interval
            far = min(r.size for r in seen) / 2 < FAR * max(size)  # a region is about two hands wide
            return [self._alternate(whole) if far else whole]
        if self._empty_since is not None and time - self._empty_since >= IDLE_AFTER:
            return self._rarely(time, whole)
        return [self._alternate(whole)]

    def _rarely(self, time: float, whole: View) -> list[View]:
        if time < self._next - _SAME_TIME:
            return []
        self._next = time + IDLE_INTERVAL
        if time < self._next_closer:
            return [whole]
        self._next_closer = time + CLOSER_INTERVAL
        self._turn += 1
        return [whole, _halves(whole)[self._turn % 2]]

    def _alternate(self, whole: View) -> View:
        """The whole picture and its halves in turns."""
        self._turn += 1
        return whole if self._turn % 2 else _halves(whole)[self._turn // 2 % 2]


def _halves(whole: View) -> tuple[View, View]:
    """Two squares, or nearly so, that share a little: left and right, or top and bottom."""
    width, height = whole.right, whole.bottom
    side = min(max(min(width, height), round(0.6 * max(width, height))), round(0.75 * max(width, height)))
    if width >= height:
        return View(0, 0, side, height), View(width - side, 0, width, height)
    return View(0, 0, width, side), View(0, height - side, width, height)


def _around(region: Region, size: tuple[int, int]) -> View:
    """The part of the picture around a lost hand, or the whole where that is hardly more."""
    width, height = size
    side = REACH * region.size
    if side >= 0.8 * max(size):
        return View(0, 0, width, height)
    left = min(max(region.x - side / 2, 0.0), max(width - side, 0.0))
    top = min(max(region.y - side / 2, 0.0), max(height - side, 0.0))
    return View(int(left), int(top), min(math.ceil(left + side), width), min(math.ceil(top + side), height))
