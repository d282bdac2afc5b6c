"""Trains the image networks: from clips to a network on pictures and what running it needs."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn

from handflow.data.splits import split_by
from handflow.processes import cores, keep_freed_memory
from handflow.recognize.model_folder import Pictures
from handflow.train.augment import flips
from handflow.train.config import ImageConfig, TrainConfig
from handflow.train.content import choose_window_seconds, usual_seconds
from handflow.train.fitting import EpochReport, fit
from handflow.train.image_networks import LRCN, ConvLSTM, ImageNetworkConfig
from handflow.train.keras_weights import keras_parameters
from handflow.train.memory import available_bytes, window_bytes, windows_at_once
from handflow.train.network import CalibratedNetwork, DoubtNetwork
from handflow.train.picture_batches import FixedBatches, PictureBatches
from handflow.train.picture_store import PictureStore
from handflow.train.picture_windows import PreparedClip, WindowCutter, WindowVariety, prepare_clips
from handflow.train.thresholds import tuned_thresholds
from handflow.train.trained import TrainedNetwork
from handflow.train.vary import VaryPictures
from handflow.types import BACKGROUND, Clip

_log = logging.getLogger(__name__)


def train_lrcn(
    clips: Sequence[Clip], config: TrainConfig, report: EpochReport | None = None
) -> TrainedNetwork:
    """Trains LRCN on the pictures of clips. Raises as `train_images`."""
    return train_images(clips, config, report, build=LRCN)


def train_convlstm(
    clips: Sequence[Clip], config: TrainConfig, report: EpochReport | None = None
) -> TrainedNetwork:
    """Trains ConvLSTM on the pictures of clips. Raises as `train_images`."""
    return train_images(clips, config, report, build=ConvLSTM)


def train_images(
    clips: Sequence[Clip],
    config: TrainConfig,
    report: EpochReport | None,
    *,
    build: Callable[[ImageNetworkConfig], LRCN | ConvLSTM],
) -> TrainedNetwork:
    """Trains an image network on clips that all show a hand.

    Raises:
        DatasetError: the clips cannot be split as wished, or a picture is damaged.
        TrainingError: a clip holds no pictures and the input needs them, or the flip map is contradictory.
        KeyboardInterrupt: Ctrl-C before the first epoch was done.
    """
    pl.seed_everything(config.seed, verbose=False)
    keep_freed_memory()
    rng = np.random.default_rng(config.seed)
    images = config.images
    sides = split_clips(clips, config)
    labels, background = labels_of(clips, images)
    store = PictureStore(images.given) if images.given.needs_frames else None
    used = sorted({*sides.learned, *sides.watched})
    paths = None
    if store is not None:

        def decoded(done: int, total: int) -> None:
            if report is not None:
                report(0, config.epochs, {"decoded": done / total})

        paths = store.prepare([clips[i] for i in used], decoded)
    prepared = dict(zip(used, prepare_clips([clips[i] for i in used], paths), strict=True))
    training = [clips[i] for i in sides.learned]
    seconds = config.window_seconds or window_seconds(training, images)
    # The network is not asked about what it was not taught.
    taught = labels[:-1] if background == "doubt" else labels
    cutters = make_cutters(taught, seconds, config, derive=background == "derived")
    shape = ImageNetworkConfig(
        labels=len(taught),
        frames=images.frames,
        height=images.height,
        width=images.width,
        norm_momentum=images.norm_momentum,
        gate_activation=images.gate_activation,
    )
    network = build(shape)
    part = _part(network, config)
    batches = PictureBatches(
        [prepared[i] for i in sides.learned],
        cutters.varied,
        plain=cutters.fixed if images.article_augmentation else None,
        draws=images.draws,
        batch=part,
        flipped=None if images.article_augmentation else flips(taught, config),
        rng=rng,
    )
    held_out = FixedBatches([prepared[i] for i in sides.watched], cutters.fixed, max(1, part // 2))
    _log.info(
        "window %.2f s, %d training and %d validation clips, split by %s",
        seconds, len(sides.learned), len(sides.watched), sides.by,
    )  # fmt: skip
    fitted = fit(
        network,
        batches,
        held_out,
        config,
        vary=VaryPictures(images.given, article=images.article_augmentation),
        report=report,
        threads=cores(),
        accumulate=config.batch // part,
    )
    calibrated: nn.Module = CalibratedNetwork(network, fitted.temperature)
    if background == "doubt":
        calibrated = DoubtNetwork(calibrated)
    return TrainedNetwork(
        network=calibrated.eval(),
        weights=network,
        parameters=keras_parameters(network),
        examples=_examples([prepared[i] for i in sides.watched], cutters.fixed),
        labels=labels,
        window_seconds=seconds,
        thresholds=tuned_thresholds(taught, fitted.probabilities, fitted.targets),
        gesture_seconds=usual_seconds(training),
        background=background,
        fitted=fitted,
        learned=sides.learned,
        tested=sides.tested,
        untouched=config.test_share > 0,
        tested_by=sides.by,
        note=sides.note,
        input_kind=images.input,
        pictures=Pictures(
            frames=images.frames, height=images.height, width=images.width, whole_clip=images.whole_clip
        ),
    )


@dataclass(frozen=True, slots=True)
class Cutters:
    """What draws varied windows for training, and what cuts those that stay as they are."""

    varied: WindowCutter
    fixed: WindowCutter


def make_cutters(labels: Sequence[str], seconds: float, config: TrainConfig, *, derive: bool) -> Cutters:
    """Cutters of windows that last `seconds`; `derive` as in `WindowCutter`."""
    images = config.images
    options: dict[str, Any] = {"whole": images.whole_clip, "hands_matter": config.hands_matter}
    fixed = WindowCutter(labels, images.given, seconds, **options)
    if images.article_augmentation:  # all variety is that of `VaryPictures`
        return Cutters(fixed, fixed)
    variety = WindowVariety()
    return Cutters(
        WindowCutter(labels, images.given, seconds, derive=derive, variety=variety, **options), fixed
    )


@dataclass(frozen=True, slots=True)
class Sides:
    """Which clips are learned, which decide when training ends, and which are reported on."""

    learned: tuple[int, ...]
    watched: tuple[int, ...]
    tested: tuple[int, ...]
    by: str
    note: str


def split_clips(clips: Sequence[Clip], config: TrainConfig) -> Sides:
    """Splits before anything is varied or drawn: no copy of a clip is ever on two sides."""
    if not config.test_share:
        split = split_by(clips, config.validation_by, test=config.validation_share, seed=config.seed)
        return Sides(split.train, split.test, split.test, split.by, split.note)
    outer = split_by(clips, config.validation_by, test=config.test_share, seed=config.seed)
    rest = [clips[i] for i in outer.train]
    inner = split_by(rest, config.validation_by, test=config.validation_share, seed=config.seed)
    learned, watched = (tuple(outer.train[i] for i in side) for side in (inner.train, inner.test))
    return Sides(learned, watched, outer.test, outer.by, outer.note)


def labels_of(
    clips: Sequence[Clip], images: ImageConfig
) -> tuple[tuple[str, ...], Literal["learned", "derived", "doubt"]]:
    """All labels, background last, and how the network comes to know background."""
    shown = {clip.label for clip in clips}
    labels = (*sorted(shown - {BACKGROUND}), BACKGROUND)
    if BACKGROUND in shown:
        return labels, "learned"
    return labels, "doubt" if images.whole_clip else "derived"


def window_seconds(clips: Sequence[Clip], images: ImageConfig) -> float:
    """How long a window lasts, by the clips that are learned from."""
    if not images.whole_clip:
        return choose_window_seconds(clips)
    usual = float(np.median([clip.sequence.duration for clip in clips]))
    return round(float(np.clip(usual, 0.3, 5.0)), 2)


def _part(network: nn.Module, config: TrainConfig) -> int:
    """Windows that are learned at once: the whole batch, or as large a part of it as memory holds."""
    cuda = torch.cuda.is_available() and config.device != "cpu"
    available = available_bytes(torch.device("cuda" if cuda else "cpu"))
    one = window_bytes(network, torch.zeros(1, *config.images.given.shape))
    part = windows_at_once(config.batch, one, available)
    if part < config.batch:
        _log.warning(
            "a batch of %d windows does not fit into the %.1f GB that are free: it is learned in %d parts of "
            "%d, whose gradients are added up (gradient accumulation)",
            config.batch, available / 1e9, config.batch // part, part,
        )  # fmt: skip
    return part


def _examples(clips: Sequence[PreparedClip], cutter: WindowCutter) -> Tensor:
    """Windows to check an exported network on: black ones, noise, and real ones."""
    windows = [pictures for clip in clips[:6] for pictures, _ in cutter.fixed(clip)]
    noise = np.random.default_rng(0).integers(0, 256, (2, *windows[0].shape), np.uint8)
    return torch.from_numpy(np.concatenate([np.zeros_like(windows[0])[None], noise, np.stack(windows)]))
