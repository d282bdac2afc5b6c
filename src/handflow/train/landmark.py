"""Trains the landmark model: from clips to a network, its thresholds and what must be known to run it."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import lightning.pytorch as pl
import numpy as np
import torch
from torch import nn

from handflow.data.splits import split_by
from handflow.recognize.features import CHANNELS, LIMIT, encode
from handflow.recognize.windows import STEPS
from handflow.train.augment import flips
from handflow.train.config import TrainConfig
from handflow.train.fitting import EpochReport, fit
from handflow.train.landmark_batches import HeldOut, TrainingBatches
from handflow.train.network import (
    CalibratedNetwork,
    LandmarkNetwork,
    NetworkConfig,
    count_parameters,
)
from handflow.train.relabel import placed
from handflow.train.sampling import (
    WINDOWS_PER_SCENE,
    Samples,
    WindowSampler,
    as_targets,
    choose_window_seconds,
    usual_seconds,
)
from handflow.train.thresholds import tuned_thresholds
from handflow.train.trained import TrainedNetwork
from handflow.types import BACKGROUND, Clip, Float32

WINDOWS_DRAWN = 4000
"""About as many windows are drawn before training, from one scene of every clip at least; every epoch sees
some of them, varied anew."""
WINDOWS_PER_EPOCH = 768

_log = logging.getLogger(__name__)


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
    flipped = flips(labels, config)
    seconds = config.window_seconds or choose_window_seconds(training)
    common = {"hands_matter": config.hands_matter, "derive_background": derived}
    scenes = max(1, round(WINDOWS_DRAWN / (len(training) * WINDOWS_PER_SCENE)))
    samples = WindowSampler(labels, seconds, **common).draw(training, scenes, rng)
    held_out = WindowSampler(labels, seconds, natural=True, **common).draw(validation, 1, rng)
    _log.info(
        "window %.2f s, %d training and %d validation windows, split by %s",
        seconds, len(samples), len(held_out), split.by,
    )  # fmt: skip
    network = LandmarkNetwork(NetworkConfig(labels=len(labels)))
    most = max(WINDOWS_PER_EPOCH, 2 * len(training))
    batches = TrainingBatches(samples, config, seconds, flipped=flipped, rng=rng, most=most)
    watched = HeldOut(_features(held_out, seconds, config), torch.from_numpy(held_out.targets))

    def relabel(so_far: nn.Module, trust: float) -> None:
        features = _features(batches.samples, seconds, config)
        batches.call(_called_anew(so_far, batches.samples, features, trust))
        now = replace(held_out, targets=watched.targets.numpy())
        watched.targets = torch.from_numpy(_called_anew(so_far, now, watched.features, trust))

    fitted = fit(network, batches, watched, config, relabel=relabel, report=report)
    return TrainedNetwork(
        network=CalibratedNetwork(network, fitted.temperature).eval(),
        weights=network,
        parameters=count_parameters(network),
        examples=example_features(),
        labels=labels,
        window_seconds=seconds,
        thresholds=tuned_thresholds(labels, fitted.probabilities, fitted.targets),
        gesture_seconds=usual_seconds(training),
        background="derived" if derived else "learned",
        fitted=fitted,
        learned=split.train,
        tested=split.test,
        untouched=False,
        tested_by=split.by,
        note=split.note,
    )


def example_features() -> torch.Tensor:
    """Windows by chance, one of them without a hand, to check an exported network on."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1.5, (17, CHANNELS, STEPS)).clip(-LIMIT, LIMIT).astype(np.float32)
    features[0] = 0
    return torch.from_numpy(features)


def _features(samples: Samples, seconds: float, config: TrainConfig) -> torch.Tensor:
    parts = [
        encode(
            samples.windows.take(np.arange(i, min(i + 512, len(samples)))),
            seconds,
            hands_matter=config.hands_matter,
        ).features
        for i in range(0, len(samples), 512)
    ]
    return torch.from_numpy(np.concatenate(parts))


def _called_anew(network: nn.Module, samples: Samples, features: torch.Tensor, trust: float) -> Float32:
    """Targets `(windows, labels)` by what the network makes of the scenes."""
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        pieces = [
            torch.softmax(network(piece.to(device)), dim=1).cpu() for piece in torch.split(features, 512)
        ]
    scores = torch.cat(pieces).numpy()
    shape = (len(samples.gesture), WINDOWS_PER_SCENE)
    rows, gesture = np.arange(len(samples)), np.repeat(samples.gesture, WINDOWS_PER_SCENE)
    amount = placed(
        scores[rows, gesture].reshape(shape).astype(np.float64),
        samples.targets[rows, gesture].reshape(shape).astype(np.float64),
        samples.possible.reshape(shape),
        trust,
    )
    labels = samples.targets.shape[1]
    return as_targets(amount, samples.gesture, labels, labels - 1)
