"""Batches of landmark windows, as features: what the landmark network is fitted to and watched on."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from handflow.recognize.features import encode
from handflow.train.ahead import one_ahead
from handflow.train.augment import AugmentConfig, augment, flip, hide_shape
from handflow.train.config import TrainConfig
from handflow.train.sampling import Samples

_BACKGROUND = 3.0
"""How much more often background is drawn than all gestures together."""
_HARD = 3.0
"""How much more often a window is drawn that was taken for something else."""


class HeldOut:
    """The validation windows: features `(windows, CHANNELS, STEPS)` and targets `(windows, labels)`."""

    def __init__(self, features: Tensor, targets: Tensor) -> None:
        self.features, self.targets = features, targets

    def __len__(self) -> int:
        return (len(self.features) + 511) // 512

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        yield from zip(torch.split(self.features, 512), torch.split(self.targets, 512), strict=True)


class TrainingBatches:
    """Batches of one epoch: windows drawn so that gestures weigh alike, varied, as features.

    Args:
        samples: all training windows.
        config: batch size, flips.
        seconds: duration of a window.
        flipped: for each label the number of its mirrored label; None: no flips.
        labels: how many there are, background the last.
        rng: decides everything that chance decides.
        most: windows an epoch at most.
        variety: how far windows are varied, 1 as usual.
    """

    def __init__(
        self,
        samples: Samples,
        config: TrainConfig,
        seconds: float,
        *,
        flipped: list[int] | None,
        labels: int,
        rng: np.random.Generator,
        most: int,
        variety: float = 1.0,
    ) -> None:
        self._samples, self._config, self._seconds = samples, config, seconds
        self._flipped, self._rng = flipped, rng
        self._augment = AugmentConfig().scaled(variety)
        self._steps = max(1, min(most, len(samples)) // config.batch)
        self._labels = labels
        self._hard = np.zeros(len(samples), np.bool_)
        self._weigh()

    def add_hard(self, samples: Samples) -> None:
        """Adds windows that the network took for something else: they are drawn more often."""
        self._samples = Samples.stack([self._samples, samples])
        self._hard = np.concatenate([self._hard, np.ones(len(samples), np.bool_)])
        self._weigh()

    def _weigh(self) -> None:
        label = self._samples.label
        share = np.ones(self._labels)
        # The last label is background. Live, it is what is seen nearly always, so it is seen in most draws:
        # were it as rare as one gesture, every doubtful movement would be called a gesture.
        share[-1] = _BACKGROUND * (self._labels - 1)
        share /= np.maximum(np.bincount(label, minlength=self._labels), 1)
        weight = share[label] * np.where(self._hard, _HARD, 1.0)
        self._chance = weight / weight.sum()

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        size = min(self._config.batch, len(self._samples))
        order = self._rng.choice(len(self._samples), (self._steps, size), p=self._chance)
        yield from one_ahead(self._batch, list(order))

    def _batch(self, chosen: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        windows = augment(self._samples.windows.take(chosen), self._augment, self._rng)
        targets = self._samples.take(chosen).targets(self._labels)
        if self._flipped is not None and self._rng.random() < 0.5:
            windows, targets = flip(windows), targets[:, self._flipped]
        features = encode(windows, self._seconds, hands_matter=self._config.hands_matter).features
        hide_shape(features, self._augment.no_shape, self._rng)
        return torch.from_numpy(features), torch.from_numpy(np.ascontiguousarray(targets))
