"""Trains the landmark model: from clips to a network, its thresholds and what must be known to run it."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import lightning.pytorch as pl
import numpy as np
import torch
from torch import nn

from handflow.data.splits import Split, split_by
from handflow.errors import TrainingError
from handflow.recognize.features import encode
from handflow.recognize.spotter import Threshold
from handflow.train.augment import flipped_labels
from handflow.train.config import TrainConfig
from handflow.train.fitting import EpochReport, Fitted, TrainingBatches, fit
from handflow.train.network import CalibratedNetwork, LandmarkNetwork, NetworkConfig
from handflow.train.sampling import WindowSampler, choose_window_seconds, usual_seconds
from handflow.train.thresholds import tuned_thresholds
from handflow.types import BACKGROUND, Clip

WINDOWS_PER_CLIP = 16
"""Windows drawn from each clip before training; every epoch sees some of them, varied anew."""
MOST_WINDOWS = 16_000
"""Windows held in memory: 16 000 are 170 MB. Of very many clips fewer windows each are drawn."""
WINDOWS_PER_EPOCH = 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork:
    """A fitted network with all that running it needs."""

    network: nn.Module  # features to probabilities, on the CPU
    weights: nn.Module  # the part that was fitted: features to logits
    labels: tuple[str, ...]
    window_seconds: float
    thresholds: dict[str, Threshold]
    gesture_seconds: dict[str, float]
    derived_background: bool
    split: Split
    fitted: Fitted


def train_landmark(
    clips: Sequence[Clip], config: TrainConfig, report: EpochReport | None = None
) -> TrainedNetwork:
    """Trains the landmark network on clips that all show a hand.

    Raises:
        DatasetError: the clips cannot be split as wished.
        TrainingError: the flip map names a gesture that the clips do not show.
        KeyboardInterrupt: Ctrl-C before the first epoch was done.
    """
    pl.seed_everything(config.seed, verbose=False)
    rng = np.random.default_rng(config.seed)
    split = split_by(clips, config.validation_by, test=config.validation_share, seed=config.seed)
    training, validation = ([clips[i] for i in side] for side in (split.train, split.test))
    counts = Counter(clip.label for clip in clips)
    labels = tuple(sorted({*counts} | {BACKGROUND}, key=lambda g: (g == BACKGROUND, g)))
    derived = BACKGROUND not in counts
    flipped = _flipped(labels, config)
    seconds = config.window_seconds or choose_window_seconds(training)
    common = {"hands_matter": config.hands_matter, "derive_background": derived}
    per_clip = max(2, min(WINDOWS_PER_CLIP, MOST_WINDOWS // len(training)))
    samples = WindowSampler(labels, seconds, **common).draw(training, per_clip, rng)
    held_out = WindowSampler(labels, seconds, natural=True, **common).draw(validation, 8, rng)
    _log.info(
        "window %.2f s, %d training and %d validation windows, split by %s",
        seconds, len(samples), len(held_out), split.by,
    )  # fmt: skip
    features = torch.from_numpy(encode(held_out.windows, seconds, hands_matter=config.hands_matter).features)
    network = LandmarkNetwork(NetworkConfig(labels=len(labels)))
    batches = TrainingBatches(
        samples, config, seconds, flipped=flipped, rng=rng, most=max(WINDOWS_PER_EPOCH, 2 * len(training))
    )
    fitted = fit(network, batches, (features, torch.from_numpy(held_out.targets)), config, report)
    calibrated = CalibratedNetwork(network, fitted.temperature).eval()
    with torch.no_grad():
        probabilities = torch.cat([calibrated(part) for part in torch.split(features, 512)]).numpy()
    return TrainedNetwork(
        network=calibrated,
        weights=network,
        labels=labels,
        window_seconds=seconds,
        thresholds=tuned_thresholds(labels, probabilities, held_out.targets),
        gesture_seconds=usual_seconds(training),
        derived_background=derived,
        split=split,
        fitted=fitted,
    )


def _flipped(labels: tuple[str, ...], config: TrainConfig) -> list[int] | None:
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
