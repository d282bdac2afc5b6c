"""Hand landmarker: follows up to four hands from frame to frame."""

import math
from dataclasses import dataclass, field

import numpy as np

from handflow.hands.landmark import LandmarkModel, LandmarkResult, region_of
from handflow.hands.models import HandModels, find_hand_models
from handflow.hands.network import Network
from handflow.hands.palm import Palm, PalmDetector
from handflow.types import Float32, Frame, Hand, Hands, Image, Region, Side

VERSION = "mediapipe-full-1"
"""Names the landmarks that this code makes; stored beside them, raised when they change."""


@dataclass(frozen=True, slots=True)
class HandLandmarkerConfig:
    """How hands are looked for.

    Attributes:
        max_hands: hands followed at once, 1 to 4.
        min_palm_score: a palm counts from this score on.
        min_presence: a hand is there from this presence on.
        search_interval: seconds between looks for a further hand while one is followed.
        threads: CPU threads of each network.
    """

    max_hands: int = 2
    min_palm_score: float = 0.5
    min_presence: float = 0.5
    search_interval: float = 0.15
    threads: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.max_hands <= 4:
            raise ValueError(f"max_hands is {self.max_hands}, choose 1 to 4")
        for name in ("min_palm_score", "min_presence"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, choose between 0 and 1")
        if self.search_interval < 0:
            raise ValueError(f"search_interval is {self.search_interval}, choose 0 s or more")
        if self.threads < 1:
            raise ValueError(f"threads is {self.threads}, choose 1 or more")


@dataclass(slots=True)
class _Track:
    """A hand that is followed."""

    number: int
    region: Region  # where to look next
    right_votes: float = 0.0  # sum of (handedness - 0.5): settles the side
    side: Side = "right"
    born: float = 0.0
    hand: Hand | None = field(default=None)


class HandLandmarker:
    """Finds hands and follows them: `update()` each frame of a source in order, `reset()` between sources.

    A hand that was followed is looked for where it was; where it is lost, palms are detected on the same
    frame. While a slot is free, palms are also looked for at `search_interval`, and on every frame while no
    hand is in sight.

    Args:
        config: how hands are looked for.
        models: the two networks' contents; by default found (and fetched once) by `find_hand_models`.

    Raises:
        ModelFileError: the hand models are missing or damaged.
    """

    version = VERSION

    def __init__(
        self, config: HandLandmarkerConfig = HandLandmarkerConfig(), models: HandModels | None = None
    ) -> None:
        models = models or find_hand_models()
        self.config = config
        self._palms = PalmDetector(Network(models.palm, config.threads), config.min_palm_score)
        self._landmarks = LandmarkModel(Network(models.landmark, config.threads))
        self.reset()

    def reset(self) -> None:
        """Forgets all tracks, as before the first frame."""
        self._tracks: list[_Track] = []
        self._next_number = 0
        self._next_search = -math.inf

    def update(self, frame: Frame) -> Hands:
        """Finds the hands of the next frame."""
        before = len(self._tracks)
        self._tracks = [t for t in self._tracks if self._follow(t, frame)]
        self._drop_doubles()
        lost = len(self._tracks) < before
        free = self.config.max_hands - len(self._tracks)
        if free > 0 and (lost or not self._tracks or frame.timestamp >= self._next_search):
            self._search(frame, free)
            self._next_search = frame.timestamp + self.config.search_interval
        hands = [t.hand for t in self._tracks if t.hand is not None]
        return Hands(tuple(hands), frame.timestamp, frame.index, frame.size)

    def _follow(self, track: _Track, frame: Frame) -> bool:
        """Looks for a hand where its track expects it; False when it is not there."""
        result = self._look(frame.image, track.region)
        if result is None:
            return False
        self._accept(track, result)
        return True

    def _look(self, image: Image, region: Region) -> LandmarkResult | None:
        result = self._landmarks.locate(image, region)
        return result if result.presence >= self.config.min_presence else None

    def _accept(self, track: _Track, result: LandmarkResult) -> None:
        track.right_votes += result.handedness - 0.5
        track.side = "right" if track.right_votes >= 0 else "left"
        track.hand = Hand(
            landmarks=result.landmarks,
            world=result.world,
            presence=result.presence,
            handedness=result.handedness,
            side=track.side,
            track=track.number,
            region=track.region,
        )
        track.region = region_of(result.landmarks)

    def _drop_doubles(self) -> None:
        """Of two tracks on one hand the older stays."""
        kept: list[_Track] = []
        for track in sorted(self._tracks, key=lambda t: t.number):
            if track.hand and not any(_same_hand(track.hand, k.hand) for k in kept):
                kept.append(track)
        self._tracks = kept

    def _search(self, frame: Frame, free: int) -> None:
        """Detects palms and begins tracks for those that are not followed yet."""
        for palm in self._palms.detect(frame.image):
            if free == 0:
                return
            if any(_near(palm, t.region) for t in self._tracks):
                continue
            result = self._look(frame.image, palm.region)
            if result is None:
                continue
            track = _Track(self._next_number, palm.region)
            self._accept(track, result)
            if any(_same_hand(track.hand, t.hand) for t in self._tracks):
                continue
            self._next_number += 1
            self._tracks.append(track)
            free -= 1


def _near(palm: Palm, region: Region) -> bool:
    """Whether a palm lies within a region that is followed already."""
    distance = math.hypot(palm.region.x - region.x, palm.region.y - region.y)
    return distance < 0.35 * max(palm.region.size, region.size)


def _same_hand(a: Hand | None, b: Hand | None) -> bool:
    """Whether two results lie on one hand: landmarks closer than 0.15 of the region on average."""
    if a is None or b is None:
        return False
    distance = float(np.abs(a.landmarks[:, :2] - b.landmarks[:, :2]).mean())
    return distance < 0.15 * max(hand_size(a.landmarks), hand_size(b.landmarks))


def hand_size(landmarks: Float32) -> float:
    """The longer side of the box around landmarks (21, 3), in pixels."""
    return float(np.ptp(landmarks[:, :2], axis=0).max())
