"""Hand landmarker: follows up to four hands from frame to frame."""

import math
from dataclasses import dataclass, field

import numpy as np

from handflow.hands.landmark import LandmarkModel, region_of
from handflow.hands.lookout import Lookout
from handflow.hands.models import HAND_MODELS, HandModel, HandModels, find_hand_models
from handflow.hands.network import Network
from handflow.hands.palm import Palm, PalmDetector
from handflow.hands.track import CLEAR, MEMORY, Sight, Track
from handflow.types import Float32, Frame, Hands, Image, Region

VERSION = 3
"""Of the landmarks that this code makes; raised when they change."""

LOST_PALM = 0.3
"""A palm of this score is looked at where a hand was lost: blurred palms score low."""
DOUBTFUL = 0.1
"""From this presence on a sight is believed where a hand of that size was lost and nothing better found."""
SECOND_LOOK = 0.12
"""Share of the region by which a hand may lie beside its middle before it is looked at once more."""
HIDDEN_MEMORY = 1.0
"""Seconds for which a lost hand is expected back that another hand may hide."""
SUSPECTS = 2
"""How many more things than hands are followed until they prove to be hands."""


@dataclass(frozen=True, slots=True)
class HandLandmarkerConfig:
    """How hands are looked for.

    Attributes:
        max_hands: hands followed at once, 1 to 4.
        min_palm_score: a palm counts from this score on.
        min_presence: a hand is there from this presence on.
        search_interval: seconds between looks for a further hand while one is followed.
        threads: CPU threads of each network.
        model: the landmark model, "full" or "lite": half the time, less exact.
    """

    max_hands: int = 2
    min_palm_score: float = 0.5
    min_presence: float = 0.5
    search_interval: float = 0.15
    threads: int = 1
    model: HandModel = "full"

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
        if self.model not in HAND_MODELS:
            raise ValueError(f"model is {self.model!r}, choose {' or '.join(HAND_MODELS)}")

    @property
    def version(self) -> str:
        """Names the landmarks that a landmarker of this config makes; stored beside them."""
        return f"mediapipe-{self.model}-{VERSION}"


@dataclass(slots=True)
class _Round:
    """What is known of the hands while one frame is looked at."""

    frame: Frame
    seen: list[Track] = field(default_factory=list)  # in this frame, also those not yet proven
    lost: list[Track] = field(default_factory=list)  # not in this frame, so far
    doubtful: dict[Track, Sight] = field(default_factory=dict)  # best sight of low presence of a lost hand

    @property
    def time(self) -> float:
        return self.frame.timestamp

    def found(self, track: Track, sight: Sight, *, sure: bool = True) -> None:
        """A lost hand is found again."""
        track.see(sight, self.time, sure=sure)
        self.lost.remove(track)
        self.seen.append(track)

    def shows_seen(self, sight: Sight) -> bool:
        """Whether a sight is of a hand that was seen already."""
        return any(_same_hand(t.hand.landmarks, sight.result.landmarks) for t in self.seen)


class HandLandmarker:
    """Finds hands and follows them: `update()` each frame of a source in order, `reset()` between sources.

    A followed hand is looked for where its motion takes it, and if it moves fast also where it was and on
    its way back. Where it is lost, palms are detected on the same frame, and it keeps its track if it comes
    back soon. For further hands palms are detected now and then (see `Lookout`). What is found anew is
    reported once it has proven to be a hand, most often on the same frame.

    Args:
        config: how hands are looked for.
        models: the two networks' contents; by default found (and fetched once) by `find_hand_models`.

    Attributes:
        version: names the landmarks that it makes; stored beside them.

    Raises:
        ModelFileError: the hand models are missing or damaged.
        ValueError: `models` are of another kind than `config` says.
    """

    def __init__(
        self, config: HandLandmarkerConfig = HandLandmarkerConfig(), models: HandModels | None = None
    ) -> None:
        models = models or find_hand_models(model=config.model)
        if models.model != config.model:
            raise ValueError(
                f"the models hold the {models.model} landmark model, config asks for {config.model}"
            )
        self.config = config
        self.version = config.version
        lowest = min(LOST_PALM, config.min_palm_score)
        self._palms = PalmDetector(Network(models.palm, config.threads), lowest)
        self._landmarks = LandmarkModel(Network(models.landmark, config.threads))
        self.reset()

    def reset(self) -> None:
        """Forgets all tracks, as before the first frame."""
        self._tracks: list[Track] = []
        self._next_number = 0
        self._lookout = Lookout(self.config.search_interval)

    def update(self, frame: Frame) -> Hands:
        """Finds the hands of the next frame."""
        now = _Round(frame)
        self._follow(now)
        if self._room(now):
            self._search(now)
        self._take_doubtful(now)
        hands = [t for t in now.seen if t.proven][: self.config.max_hands]
        room = self.config.max_hands - len(hands)
        suspects = [t for t in now.seen if not t.proven] if room else []
        lost = [t for t in now.lost if self._may_return(t, now)]
        lost = sorted(lost, key=lambda t: -t.time)[:room]
        self._tracks = sorted(hands + suspects + lost, key=lambda t: t.number)
        return Hands(
            tuple(t.hand for t in self._tracks if t in hands),
            now.time,
            frame.index,
            frame.size,
            tuple(t.number for t in lost),
        )

    def _room(self, now: _Round) -> int:
        """How many more hands may be taken; what has not proven to be one takes no room."""
        return max(self.config.max_hands - sum(t.proven for t in now.seen), 0)

    def _follow(self, now: _Round) -> None:
        """Looks for every hand where its track expects it."""
        sights: dict[Track, Sight] = {}
        for track in self._tracks:
            for place in track.places(now.time):
                sight = self._look(now.frame.image, place)
                if sight.result.presence >= self.config.min_presence:
                    sights[track] = self._centred(now.frame.image, sight)
                    break
                self._keep_doubtful(track, sight, now)
        # Of two tracks that see the same hand the one that it fits better keeps it.
        for track in sorted(sights, key=lambda t: t.mismatch(sights[t], now.time)):
            if not now.shows_seen(sights[track]):
                track.see(sights[track], now.time)
                now.seen.append(track)
        now.seen.sort(key=lambda t: t.number)
        now.lost = [t for t in self._tracks if t not in now.seen and t.proven]

    def _look(self, image: Image, region: Region) -> Sight:
        result = self._landmarks.locate(image, region)
        return Sight(result, region, region_of(result.landmarks))

    def _centred(self, image: Image, sight: Sight) -> Sight:
        """The sight itself, or a better one where the hand lies far from the middle of the region."""
        place, looked = sight.place, sight.looked
        if math.hypot(place.x - looked.x, place.y - looked.y) <= SECOND_LOOK * looked.size:
            return sight
        second = self._look(image, place)
        least = max(0.8 * sight.result.presence, self.config.min_presence)
        return second if second.result.presence >= least else sight

    def _keep_doubtful(self, track: Track, sight: Sight, now: _Round) -> None:
        """Keeps the best sight of low presence, for the case that the hand is not found elsewhere."""
        presence = sight.result.presence
        before = now.doubtful.get(track)
        if presence < DOUBTFUL or (before and before.result.presence >= presence):
            return
        if track.may_doubt(now.time) and track.resembles(sight, now.time):
            now.doubtful[track] = sight

    def _search(self, now: _Round) -> None:
        """Detects palms where that is due; each is a lost hand found again, or a new one."""
        views = self._lookout.views(
            now.time,
            now.frame.size,
            seen=[t.region for t in now.seen if t.proven],
            lost=[t.expected(now.time) for t in now.lost],
        )
        for palm in (p for view in views for p in self._palms.detect(now.frame.image, view)):
            if not self._room(now):
                return
            clear = palm.score >= self.config.min_palm_score
            if (clear or now.lost) and not any(_near(palm, t.region) for t in now.seen):
                self._look_at_palm(palm, clear, now)

    def _look_at_palm(self, palm: Palm, clear: bool, now: _Round) -> None:
        """Looks at the hand of a palm; one that is not `clear` can only be a lost hand's."""
        sight = self._look(now.frame.image, palm.region)
        if now.shows_seen(sight):
            return
        track = min(now.lost, key=lambda t: t.mismatch(sight, now.time), default=None)
        if track is not None and math.isinf(track.mismatch(sight, now.time)):
            track = None
        if sight.result.presence < self.config.min_presence:
            if track is not None:
                self._keep_doubtful(track, sight, now)
        elif track is not None and (track.near if clear else track.resembles)(sight, now.time):
            now.found(track, sight)
        elif clear:
            self._begin(sight, track, now)

    def _begin(self, sight: Sight, lost: Track | None, now: _Round) -> None:
        """Begins a track where a second look, from where the hand lies, still shows a hand.

        If both looks are clear, it is the `lost` hand, found again far from where it should be.
        """
        second = self._look(now.frame.image, sight.place)
        if second.result.presence < self.config.min_presence or now.shows_seen(second):
            return
        if lost is not None and min(sight.result.presence, second.result.presence) >= CLEAR:
            now.found(lost, second)
            return
        if len(now.seen) >= self.config.max_hands + SUSPECTS:
            return
        track = Track(self._next_number, sight, now.time)
        track.see(second, now.time)
        self._next_number += 1
        now.seen.append(track)

    def _take_doubtful(self, now: _Round) -> None:
        """Believes doubtful sights of hands that were not found elsewhere."""
        for track in [t for t in now.lost if t in now.doubtful]:
            if self._room(now) and not now.shows_seen(now.doubtful[track]):
                now.found(track, now.doubtful[track], sure=False)

    def _may_return(self, track: Track, now: _Round) -> bool:
        hidden = any(_overlap(track.region, t.region) for t in now.seen)
        return now.time - track.time < (HIDDEN_MEMORY if hidden else MEMORY)


def _near(palm: Palm, region: Region) -> bool:
    """Whether a palm lies within a region that is followed already."""
    distance = math.hypot(palm.region.x - region.x, palm.region.y - region.y)
    return distance < 0.35 * max(palm.region.size, region.size)


def _overlap(a: Region, b: Region) -> bool:
    """Whether two regions share a good part of their pictures."""
    return math.hypot(a.x - b.x, a.y - b.y) < 0.4 * (a.size + b.size) / 2


def _same_hand(a: Float32, b: Float32) -> bool:
    """Whether landmarks (21, 3) lie on one hand: closer than 0.15 of its size on average."""
    distance = float(np.abs(a[:, :2] - b[:, :2]).mean())
    return distance < 0.15 * max(hand_size(a), hand_size(b))


def hand_size(landmarks: Float32) -> float:
    """The longer side of the box around landmarks (21, 3), in pixels."""
    return float(np.ptp(landmarks[:, :2], axis=0).max())
