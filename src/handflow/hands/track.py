"""A hand that is followed: where to look for it next, which side it is, and whether a sight can be of it."""

import math
from dataclasses import dataclass, replace

import numpy as np

from handflow.hands.landmark import LandmarkResult
from handflow.hands.steady import SteadyFilter
from handflow.types import Float32, Float64, Hand, HandLandmark, Region, Side

GLANCE = 0.12
"""A hand that moves by more than this share of its region in a frame is looked for at several places."""
GROWTH = 0.15
"""Share by which a region grows where the hand moves by its own side in a frame."""
SIZE_TOLERANCE = math.log(1.35)
"""How much a hand may grow or shrink before a sight of low presence is not believed to be of it."""
NEARBY = 1.4
"""How far from where it should be, in region sides, a doubtful sight or a faint palm may be a hand's."""
FAR_TOLERANCE = math.log(1.6)
"""How much a hand may have grown or shrunk that is found again farther away than that."""
MEMORY = 0.3
"""Seconds for which a lost hand is expected back."""
REACH, REACH_SPEED = 1.5, 10.0
"""How far from where it should be a lost hand may be found: region sides, and sides a second."""
CLEAR = 0.9
"""Presence of a clear sight: nearly all of real hands, few of elbows, ears and feet."""
PROOF = 2
"""Clear sights that prove a new track to be a hand: most often both of its first frame."""
PROBATION = 0.5
"""Seconds after which a track is taken for a hand that was never seen clearly, but never lost either."""
LONGEST_DOUBT = 0.3
"""Seconds for which a hand is followed by doubtful sights alone."""
LONGEST_VOTE = 3.0
"""Most that all sights together say for one side: as much as six sure ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What the landmark model says, where it looked, and where the hand lies."""

    result: LandmarkResult
    looked: Region
    place: Region  # around the landmarks


class Track:
    """One hand over time; times are seconds of the source, places pixels.

    Args:
        number: of the track.
        sight: its first.
        time: of its first sight.
    """

    def __init__(self, number: int, sight: Sight, time: float) -> None:
        self.number = number
        self.region = sight.place  # around its last sight
        self.time = time  # of its last sight
        self.side: Side = "right"
        self._born = self._sure = time
        self._clear_sights = 0
        self._palm = palm_length(sight.result.landmarks)
        self._velocity = np.zeros(2)  # pixels a second
        self._votes = 0.0
        self._steady = SteadyFilter()
        self.see(sight, time)

    def see(self, sight: Sight, time: float, *, sure: bool = True) -> None:
        """Takes the next sight of this hand; one that is not `sure` says nothing about its side."""
        result, region = sight.result, sight.place
        if time > self.time:
            moved = np.array([region.x - self.region.x, region.y - self.region.y])
            self._velocity = moved / (time - self.time)
        self.region, self.time = region, time
        self._palm = palm_length(result.landmarks)
        if sure:
            self._sure = time
            self._vote(result.handedness - 0.5)
            self._clear_sights += result.presence >= CLEAR
        self.hand = Hand(
            landmarks=result.landmarks,
            steady=self._steady.update(result.landmarks, time),
            world=result.world,
            presence=result.presence,
            handedness=result.handedness,
            side=self.side,
            track=self.number,
            region=sight.looked,
        )

    @property
    def proven(self) -> bool:
        """Whether this is a hand for all that is known; until then it is followed but not reported."""
        return self._clear_sights >= PROOF or self.time - self._born >= PROBATION

    def may_doubt(self, time: float) -> bool:
        """Whether a doubtful sight may be of this hand: it was seen without doubt a moment ago."""
        return self.proven and time - self._sure <= LONGEST_DOUBT

    def _vote(self, vote: float) -> None:
        self._votes = float(np.clip(self._votes + vote, -LONGEST_VOTE, LONGEST_VOTE))
        self.side = "right" if self._votes >= 0 else "left"

    def places(self, time: float) -> list[Region]:
        """Where to look for the hand, the likeliest first: further on, where it was, on its way back.

        Only places near enough to the first are looked at: what is seen elsewhere may be anything.
        """
        step = self._step(time)
        far = float(np.hypot(*step)) / self.region.size
        if far < GLANCE:
            return [self._place(step)]
        return [self._place(share * step) for share in (1.0, 0.0, -1.0) if (1 - share) * far < NEARBY]

    def expected(self, time: float) -> Region:
        """Where the hand should be if it moves on as it did."""
        return self._place(self._step(time))

    def resembles(self, sight: Sight, time: float) -> bool:
        """Whether a sight shows a hand of this size about where this one should be."""
        growth = abs(math.log(palm_length(sight.result.landmarks) / self._palm))
        return growth < SIZE_TOLERANCE and self.near(sight, time)

    def near(self, sight: Sight, time: float) -> bool:
        """Whether a sight lies about where this hand should be."""
        return self._distance(sight, time) < NEARBY

    def mismatch(self, sight: Sight, time: float) -> float:
        """How badly a sight fits this hand, in sides of its region; infinite: it is another hand."""
        distance = self._distance(sight, time)
        growth = abs(math.log(sight.place.size / self.region.size))
        # A settled side counts as much as a whole region of distance.
        side = abs(self._votes) / LONGEST_VOTE * abs((sight.result.handedness >= 0.5) - (self._votes >= 0))
        beyond = distance > REACH + REACH_SPEED * min(time - self.time, MEMORY)
        if beyond or (distance > NEARBY and (growth > FAR_TOLERANCE or side > 0.9)):
            return math.inf
        return distance + growth + side

    def _distance(self, sight: Sight, time: float) -> float:
        """From where the hand should be to where it is seen, in sides of its region."""
        place = self.expected(time)
        return math.hypot(sight.place.x - place.x, sight.place.y - place.y) / self.region.size

    def _step(self, time: float) -> Float64:
        step: Float64 = self._velocity * (time - self.time)
        return step

    def _place(self, step: Float64) -> Region:
        far = float(np.hypot(*step)) / self.region.size
        return replace(
            self.region,
            x=self.region.x + float(step[0]),
            y=self.region.y + float(step[1]),
            size=self.region.size * (1 + GROWTH * min(far, 1.0)),
        )


def palm_length(landmarks: Float32) -> float:
    """From the wrist to the base of the middle finger (21, 3), in space: pixels, above 0."""
    way = landmarks[HandLandmark.MIDDLE_MCP] - landmarks[HandLandmark.WRIST]
    return max(float(np.linalg.norm(way)), 1e-3)
