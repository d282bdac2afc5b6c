"""How fast a hand moves in a view: what tells a slow reach from a quick stroke, which views are made alike.

Views are resampled to as many steps whatever they last, so the encoders see the way and not the pace. A
gesture is therefore believed live only where the hand is about as fast as in its examples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.few_shot.views import Views
from handflow.types import BACKGROUND, Float32, Float64

_CENTRE = (0, 5, 9, 13, 17)
_TIPS = (4, 8, 12, 16, 20)
_MEAN_OVER = 0.1  # seconds: a tracker's jumps are shorter
_STILL = 0.05  # palm lengths a second, added: below it nothing moves
_SPREADS = 2.5  # below the examples' mean logarithm at which a gesture is as likely not meant
_LEAST_SPREAD, _UNSURE_SPREAD = 0.15, 0.25  # of the logarithm; where there are fewer than three takes
_FEW = 3
_SOFT = 0.08  # of the logarithm: how softly the border is drawn
_HOPELESS = 0.01
"""Share below which nothing that the examples say makes an event."""


def log_speed(views: Views, seconds: Float32 | float) -> Float64:
    """(views,) logarithm of the acting hand's greatest speed, palm lengths a second, fingers by half.

    Args:
        views: what was seen.
        seconds: (views,) how long each lasts, or all of them.
    """
    hand = views.landmarks[:, :, 0, :, :2]
    length = np.sqrt(((hand[:, :, 9] - hand[:, :, 0]) ** 2).sum(axis=-1))
    width = np.sqrt(((hand[:, :, 5] - hand[:, :, 17]) ** 2).sum(axis=-1))
    palm = np.maximum(np.median(length, axis=1), 1.3 * np.median(width, axis=1)) + 1e-6
    centre = hand[:, :, _CENTRE].mean(axis=2)
    tips = hand[:, :, _TIPS] - centre[:, :, None]
    moved = np.sqrt((np.diff(centre, axis=1) ** 2).sum(axis=-1))
    bent = np.sqrt((np.diff(tips, axis=1) ** 2).sum(axis=-1)).mean(axis=-1)
    way = np.zeros(hand.shape[:2])
    np.cumsum((moved + 0.5 * bent) / palm[:, None], axis=1, out=way[:, 1:])
    step = np.broadcast_to(np.asarray(seconds, np.float64), len(views)) / (hand.shape[1] - 1)
    result = np.empty(len(views))
    for number, (gone, each) in enumerate(zip(way, step, strict=True)):
        over = int(np.clip(round(_MEAN_OVER / max(each, 1e-9)), 1, len(gone) - 1))
        result[number] = (gone[over:] - gone[:-over]).max() / (over * max(each, 1e-9))
    return np.log(result + _STILL)


@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """How fast the hand is at least in each gesture."""

    least: Float64  # (gestures,) logarithm of palm lengths a second at which it is as likely not meant

    def share(self, speed: Float64) -> Float64:
        """(views, gestures) 0 to 1: whether views of these `log_speed` are fast enough for each gesture."""
        exponent = np.clip((speed[:, None] - self.least[None]) / _SOFT, -60, 60)
        return np.asarray(1 / (1 + np.exp(-exponent)))

    def hopeful(self, speed: Float64) -> NDArray[np.intp]:
        """Numbers of the views that are fast enough for any gesture."""
        meant = self.share(speed)[:, np.isfinite(self.least)]
        return np.flatnonzero((meant > _HOPELESS).any(axis=1))


def learn_pace(speed: Float64, label: NDArray[np.intp], gestures: tuple[str, ...]) -> Pace:
    """The pace of examples.

    Args:
        speed: (examples,) their `log_speed`.
        label: (examples,) number of each one's gesture.
        gestures: names; background may have any pace.
    """
    least = np.full(len(gestures), -np.inf)
    for number, gesture in enumerate(gestures):
        own = speed[label == number]
        if gesture != BACKGROUND and len(own):
            spread = _LEAST_SPREAD if len(own) >= _FEW else _UNSURE_SPREAD
            least[number] = own.mean() - _SPREADS * max(float(own.std()), spread)
    return Pace(least)
