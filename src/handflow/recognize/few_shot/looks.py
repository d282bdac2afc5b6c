"""What examples and windows are compared by: where the encoders put each hand, and its way step by step."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.few_shot.hand_features import FRAME_CHANNELS, hand_features
from handflow.recognize.few_shot.views import Views
from handflow.types import Float32

PACE = 2
"""Every which step of a view time warping looks at."""
_PATH = slice(FRAME_CHANNELS - 2, FRAME_CHANNELS)
_CHUNK = 512  # views encoded at once: bounds the memory
_PATH_WEIGHT = 4.0  # in time warping, of the path beside the shape


class Encoders(Protocol):
    """Features of hands to points: all experts side by side."""

    def __call__(self, features: Float32, /) -> Float32:
        """(n, CHANNELS, STEPS) to (n, experts · embedding), unit vectors of each expert."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """A batch of views as they are compared: the acting hand, then the other. What is not there is zero."""

    points: Float32  # (n, 2, experts · embedding)
    frames: Float32  # (n, 2, STEPS / PACE, FRAME_CHANNELS)
    share: Float32  # (n, 2) share of the view in which each hand was seen
    side: NDArray[np.intp] = field(  # (n,) slot of the acting hand where it matters, else -1
        default_factory=lambda: np.zeros(0, np.intp)
    )

    def __post_init__(self) -> None:
        if not len(self.side):  # not given: either hand will do
            object.__setattr__(self, "side", np.full(len(self.points), -1))

    def __len__(self) -> int:
        return len(self.points)

    def take(self, which: NDArray[np.intp] | Sequence[int]) -> "Looks":
        """The looks of these numbers."""
        return Looks(*(getattr(self, part.name)[np.asarray(which, np.intp)] for part in fields(self)))

    @staticmethod
    def stack(looks: Iterable["Looks"]) -> "Looks":
        """All looks of several batches in one batch."""
        parts = list(looks)
        return Looks(*(np.concatenate([getattr(p, part.name) for p in parts]) for part in fields(Looks)))


def look_at(views: Views, encoders: Encoders) -> Looks:
    """Encodes every hand that is there."""
    return Looks.stack(_look_at(views.part(i, i + _CHUNK), encoders) for i in range(0, len(views), _CHUNK))


def looks_of(views: Views, points: Float32) -> Looks:
    """Looks whose points are known already; see `look_at`."""
    parts = [_ways(views.part(i, i + _CHUNK))[0] for i in range(0, len(views), _CHUNK)]
    return Looks(points, np.concatenate(parts), views.share, views.side)


def _look_at(views: Views, encoders: Encoders) -> Looks:
    frames, features, there = _ways(views)
    given = encoders(features)
    points = np.zeros((*there.shape, given.shape[1]), np.float32)
    points[there] = given
    return Looks(points, frames, views.share, views.side)


def _ways(views: Views) -> tuple[Float32, Float32, NDArray[np.bool_]]:
    """What time warping compares, the features of the hands that are there, and which are."""
    there = views.share > 0
    hands = views.landmarks.transpose(0, 2, 1, 3, 4)[there]  # (hands, steps, 21, 3)
    features = np.asarray(hand_features(hands, np), np.float32)
    frames = np.zeros((*there.shape, views.landmarks.shape[1] // PACE, FRAME_CHANNELS), np.float32)
    frames[there] = features[:, :FRAME_CHANNELS, ::PACE].transpose(0, 2, 1)
    frames[..., _PATH] *= _PATH_WEIGHT
    return frames, features, there
