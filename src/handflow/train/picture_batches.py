"""Batches of picture windows, drawn from the store while the network computes."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from handflow.train.ahead import one_ahead
from handflow.train.picture_windows import PreparedClip, WindowCutter
from handflow.types import Float32, Image

Drawn = tuple[Image, Float32, bool]
"""A window, its target, and whether it is to be varied."""


class PictureBatches:
    """Batches `(pictures, targets, varied)` of one epoch, each clip drawn several times.

    Args:
        clips: the training clips, and no others.
        plain: draws windows as they are; None: there are none of these.
        varied: draws windows that are varied.
        draws: varied windows of each clip in an epoch.
        batch: windows a batch.
        flipped: for each label the number of its mirrored label; None: no flips.
        rng: decides everything that chance decides.
    """

    def __init__(
        self,
        clips: Sequence[PreparedClip],
        varied: WindowCutter,
        *,
        plain: WindowCutter | None = None,
        draws: int = 1,
        batch: int = 4,
        flipped: list[int] | None = None,
        rng: np.random.Generator,
    ) -> None:
        self._clips, self._varied, self._plain = clips, varied, plain
        self._flipped, self._rng, self._batch = flipped, rng, batch
        self._work = [(k, True) for k in range(len(clips)) for _ in range(draws)]
        if plain is not None:
            self._work += [(k, False) for k in range(len(clips))]

    def __len__(self) -> int:
        return (len(self._work) + self._batch - 1) // self._batch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        order = self._rng.permutation(len(self._work))
        chosen = [order[k : k + self._batch] for k in range(0, len(order), self._batch)]
        yield from one_ahead(self._draw_all, chosen)

    def _draw_all(self, numbers: NDArray[np.intp]) -> tuple[Tensor, Tensor, Tensor]:
        pictures, targets, varied = zip(*(self._draw(*self._work[k]) for k in numbers), strict=True)
        return (
            torch.from_numpy(np.stack(pictures)),
            torch.from_numpy(np.stack(targets)),
            torch.tensor(varied),
        )

    def _draw(self, clip: int, varied: bool) -> Drawn:
        cutter = self._varied if varied or self._plain is None else self._plain
        pictures, target = cutter.draw(self._clips[clip], self._rng)
        if varied and self._flipped is not None and self._rng.random() < 0.5:
            pictures, target = pictures[:, :, ::-1], target[self._flipped]
        return pictures, target, varied


class FixedBatches:
    """The validation windows, cut anew each time: memory holds one batch.

    Args:
        clips: the validation clips.
        cutter: cuts the same windows each time.
        batch: clips a batch.
    """

    def __init__(self, clips: Sequence[PreparedClip], cutter: WindowCutter, batch: int) -> None:
        self._clips, self._cutter, self._batch = clips, cutter, batch

    def __len__(self) -> int:
        return (len(self._clips) + self._batch - 1) // self._batch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for k in range(0, len(self._clips), self._batch):
            windows = [w for clip in self._clips[k : k + self._batch] for w in self._cutter.fixed(clip)]
            pictures, targets = zip(*windows, strict=True)
            yield torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(targets))
