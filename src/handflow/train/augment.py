"""Varies landmark windows as persons, cameras and trackers do. One draw holds for all steps of a window."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from handflow.errors import TrainingError
from handflow.recognize.features import CHANNELS_PER_HAND, SHAPE_CHANNELS
from handflow.recognize.windows import PALM, Windows
from handflow.train.config import TrainConfig
from handflow.types import Float32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How far landmarks are varied; 0 leaves a thing as it is."""

    rotation: float = 0.14  # radians, standard deviation: the camera or the arm leans
    stretch: float = 0.10  # log standard deviation of width against height: the camera looks from aside
    reach: tuple[float, float] = (0.7, 1.2)  # range of factors on the path's length in hand sizes
    depth: float = 0.3  # log standard deviation of the scale of z
    build: float = 0.08  # hand sizes: landmarks of another hand, the same for all steps
    jitter: float = 0.02  # hand sizes: the tracker's noise, fresh at every step
    sway: float = 0.05  # hand sizes: slow movement of the whole hand
    dropout: float = 0.25  # share of windows in which a hand is lost for a while
    longest_loss: float = 0.35  # of the window
    attitude: float = 0.4  # radians, standard deviation: the hand is tilted against the camera
    no_shape: float = 0.35  # share of windows whose hands' shape is hidden: the path must do
    wrong_hand: float = 0.05  # share of windows in which the tracker takes left for right

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if name != "reach" and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}, expected 0 to 1")
        if not 0 < self.reach[0] <= self.reach[1]:
            raise ValueError(f"reach is {self.reach}, expected a range of factors above 0")

    def scaled(self, level: float) -> "AugmentConfig":
        """Ways, tracker and camera varied by `level` times as much, 1: as it is; hands as they are."""
        varied = {name: level * getattr(self, name) for name in self.__slots__ if name not in _KEPT}
        low, high = (float(factor**level) for factor in self.reach)
        return replace(self, **varied, reach=(low, high))


_KEPT = ("reach", "longest_loss", "attitude", "no_shape", "build")


def augment(windows: Windows, config: AugmentConfig, rng: np.random.Generator) -> Windows:
    """Varies every window on its own. Unknown steps stay unknown."""
    n = len(windows)
    if n == 0:
        return windows
    marks = windows.landmarks.astype(np.float32, copy=True)
    known, seen = windows.known.copy(), windows.seen.copy()
    size = _sizes(marks, known)[:, None, None, None, None]  # (n, 1, 1, 1, 1)
    marks *= _draw_scale(rng, n, config.stretch, config.depth)
    marks = _tilted(marks, rng.normal(0, config.attitude, (2, n)).astype(np.float32))
    marks = _turned(marks, rng.normal(0, config.rotation, n).astype(np.float32))
    low, high = np.log(config.reach)
    marks = _reached(marks, known, np.exp(rng.uniform(float(low), float(high), n)).astype(np.float32))
    wobble = rng.normal(0, config.build, (n, 1, 2, 21, 3)).astype(np.float32)
    level = (config.jitter * np.exp(rng.normal(0, 0.7, (n, 1, 1, 1, 1)))).astype(np.float32)
    wobble = wobble + level * rng.standard_normal(marks.shape, np.float32)
    wobble[..., 2] *= 2
    wobble[..., :2] += _sway(rng, n, marks.shape[1], config.sway)
    marks += wobble * size
    wrong = rng.random(n) < config.wrong_hand
    for array in (marks, known, seen):
        array[wrong] = array[wrong][:, :, ::-1]
    _lose(marks, known, seen, rng, config)
    marks *= known[..., None, None]
    return Windows(marks, known, seen)


def flip(windows: Windows) -> Windows:
    """The windows as a mirror shows them: left is right, and the left hand is the right one."""
    marks = windows.landmarks[:, :, ::-1].copy()
    marks[..., 0] *= -1
    return Windows(marks, windows.known[:, :, ::-1].copy(), windows.seen[:, :, ::-1].copy())


def flipped_labels(labels: Sequence[str], flip_map: Mapping[str, str]) -> list[int]:
    """For each label the number of the label that its mirrored clips have.

    A label that the map does not name looks the same in a mirror. A pair is named once, in either direction.
    """
    both = {**{v: k for k, v in flip_map.items()}, **flip_map}
    return [labels.index(both.get(label, label)) for label in labels]


def flips(labels: tuple[str, ...], config: TrainConfig) -> list[int] | None:
    """For each label the number of its mirrored label; None where no flip is declared or one is of no use.

    Raises:
        TrainingError: the flip map names a gesture twice.
    """
    if not config.flip_map:
        return None
    named = {*config.flip_map, *config.flip_map.values()}
    if unknown := sorted(named - set(labels)):
        # A dataset may declare a pair of which it holds one side: then a mirrored clip has no label.
        _log.warning("the flip map names %s, which no clip shows: no flips", ", ".join(unknown))
        return None
    numbers = flipped_labels(labels, config.flip_map)
    if sorted(numbers) != list(range(len(labels))):
        raise TrainingError(f"the flip map {dict(config.flip_map)} names a gesture twice: mend dataset.json")
    return numbers


def _sizes(marks: Float32, known: Float32) -> Float32:
    """Hand size of each window (n,): the mean over the known steps of both hands; 1 where none is known."""
    palm = marks[..., PALM, :2]
    spread = np.sqrt(
        ((palm - palm.mean(axis=-2, keepdims=True)) ** 2).sum(axis=-1).mean(axis=-1)
    )  # (n, S, 2)
    total = known.sum(axis=(1, 2))
    size = (spread * known).sum(axis=(1, 2)) / np.maximum(total, 1) * 1.7
    return np.where(size > 0, size, 1.0).astype(np.float32)


def _draw_scale(rng: np.random.Generator, n: int, stretch: float, depth: float) -> Float32:
    wide = np.exp(rng.normal(0, stretch, n))
    deep = np.exp(rng.normal(0, depth, n))
    return np.stack([wide, 1 / wide, deep], axis=1).astype(np.float32)[:, None, None, None, :]


def _turned(marks: Float32, angle: Float32) -> Float32:
    cos, sin = (f(angle)[:, None, None, None] for f in (np.cos, np.sin))
    x, y = marks[..., 0], marks[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y, marks[..., 2]], axis=-1)


def _tilted(marks: Float32, angles: Float32) -> Float32:
    """Turns the shape of the hands out of the picture: about the upright, then about the level axis."""
    centre = marks[..., PALM, :].mean(axis=-2, keepdims=True)
    x, y, z = np.moveaxis(marks - centre, -1, 0)
    (cos_a, cos_b), (sin_a, sin_b) = (f(angles)[:, :, None, None, None] for f in (np.cos, np.sin))
    x, z = cos_a * x + sin_a * z, cos_a * z - sin_a * x
    y, z = cos_b * y - sin_b * z, cos_b * z + sin_b * y
    tilted: Float32 = np.stack([x, y, z], axis=-1) + centre
    return tilted


def hide_shape(features: Float32, share: float, rng: np.random.Generator) -> None:
    """Blanks the shape of both hands in some windows of features `(n, CHANNELS, STEPS)`, in place."""
    hidden = rng.random(len(features)) < share
    for start in (0, CHANNELS_PER_HAND):
        features[hidden, start : start + SHAPE_CHANNELS] = 0


def _reached(marks: Float32, known: Float32, factor: Float32) -> Float32:
    """Lengthens the path of each hand and keeps its shape."""
    centre = marks[..., PALM, :2].mean(axis=-2)  # (n, S, 2, 2)
    weight = known[..., None]
    count = np.maximum(weight.sum(axis=(1, 2), keepdims=True), 1)
    middle = (centre * weight).sum(axis=(1, 2), keepdims=True) / count
    marks = marks.copy()
    marks[..., :2] += ((factor[:, None, None, None] - 1) * (centre - middle))[..., None, :]
    return marks


def _sway(rng: np.random.Generator, n: int, steps: int, amount: float) -> Float32:
    """Slow movement `(n, S, 2, 1, 2)`: two waves of random phase."""
    time = np.linspace(0, np.pi, steps, dtype=np.float32)[None, :, None, None]
    total = np.zeros((n, steps, 2, 2), np.float32)
    for waves in (1, 2):
        phase = rng.uniform(0, 2 * np.pi, (n, 1, 2, 2)).astype(np.float32)
        size = (amount / waves * rng.standard_normal((n, 1, 2, 2))).astype(np.float32)
        total += size * np.sin(waves * time + phase)
    return total[:, :, :, None, :]


def _lose(
    marks: Float32, known: Float32, seen: Float32, rng: np.random.Generator, config: AugmentConfig
) -> None:
    """Loses both hands of some windows for a while, in place: bridged where seen again, else unknown."""
    steps = marks.shape[1]
    for k in np.flatnonzero(rng.random(len(marks)) < config.dropout):
        length = int(rng.integers(2, max(3, int(config.longest_loss * steps))))
        start = int(rng.integers(0, steps))
        end = min(start + length, steps)
        seen[k, start:end] = 0
        if start == 0 or end == steps:
            known[k, start:end] = 0
            continue
        share = (np.arange(1, end - start + 1, dtype=np.float32) / (end - start + 1))[:, None, None, None]
        ends = known[k, start - 1] * known[k, end]  # (2,)
        marks[k, start:end] = marks[k, start - 1] * (1 - share) + marks[k, end] * share
        known[k, start:end] = ends
