"""What the few-shot encoders see of a hand: shape in palm sizes, directions of bones, path, speed, growth.

The functions take arrays of NumPy or of torch alike (`xp` is their namespace of the array API), so that
pretraining, on a GPU too, and live recognition compute the same.
"""

from typing import Any

FEW_SHOT_VERSION = 2
"""Raised whenever the numbers change: encoders and taught models of another version are refused."""
CHANNELS = 143
"""Rows of a hand's features."""
FRAME_CHANNELS = 122
"""Of these the first ones describe a single moment: shape and path."""

_KNUCKLES = (5, 9, 13, 17)
_PALM = (0, 5, 9, 13, 17)
_CENTRE = (0, 5, 17)
_TIPS = (3, 7, 11, 15, 19)  # of the landmarks but the wrist
_PARENTS = (0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19)
_DEPTH = 0.6  # the z of hand models is several times noisier than x and y


def palm_scale(marks: Any, xp: Any) -> Any:
    """Size of the hand in each view `(n,)`: median over time of wrist to knuckles."""
    palm = _length(marks[:, :, list(_KNUCKLES)] - marks[:, :, :1], xp)
    ordered = xp.sort(xp.mean(palm, axis=-1), axis=1)
    middle = (ordered.shape[1] - 1) // 2
    return xp.clip(ordered[:, middle], 1e-4, None)


def hand_features(marks: Any, xp: Any) -> Any:
    """Features `(n, CHANNELS, steps)` of one hand's landmarks `(n, steps, 21, 3)`, in any unit."""
    n, steps = marks.shape[:2]
    own = marks / palm_scale(marks, xp)[:, None, None, None]
    shape = (own - own[:, :, :1])[:, :, 1:]
    bones = own[:, :, 1:] - own[:, :, list(_PARENTS)]
    bones = bones / xp.clip(_length(bones, xp), 1e-4, None)[..., None]
    centre = xp.mean(own[:, :, list(_CENTRE), :2], axis=2)
    path = centre - xp.mean(centre, axis=1, keepdims=True)
    span = xp.clip(xp.max(_length(path, xp), axis=1), 0.05, None)[:, None, None]
    palm = own[:, :, list(_PALM)]
    size = xp.mean(_length(palm - xp.mean(palm, axis=2, keepdims=True), xp), axis=-1)
    growth = xp.log(xp.clip(size, 1e-3, None))
    growth = (growth - xp.mean(growth, axis=1, keepdims=True))[..., None]
    weighted = xp.concat([shape[..., :2], shape[..., 2:] * _DEPTH], axis=-1)
    parts = [
        xp.reshape(weighted, (n, steps, 60)),
        xp.reshape(bones, (n, steps, 60)) * 0.7,
        xp.clip(path, -6.0, 6.0) * 0.7,
        path / span,
        xp.clip(_steps(path, xp), -2.0, 2.0) * 3.0,
        growth * 2.0,
        xp.log(span) + growth * 0.0,
        xp.reshape(_steps(shape, xp)[:, :, list(_TIPS)], (n, steps, 15)) * 3.0,
    ]
    return xp.permute_dims(xp.concat(parts, axis=-1), (0, 2, 1))


def _length(vectors: Any, xp: Any) -> Any:
    return xp.sqrt(xp.sum(vectors**2, axis=-1) + 1e-12)


def _steps(values: Any, xp: Any) -> Any:
    """Change since the step before; 0 at the first."""
    return xp.concat([values[:, :1] * 0.0, values[:, 1:] - values[:, :-1]], axis=1)
