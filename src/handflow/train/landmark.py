"""Trains the landmark model: from clips to a network, its thresholds and what must be known to run it."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import lightning.pytorch as pl
import numpy as np
import torch
from torch import nn

from handflow.data.splits import split_by
from handflow.recognize.features import CHANNELS, LIMIT, encode
from handflow.recognize.strokes import Stroke, find_strokes
from handflow.recognize.windows import STEPS, Windows
from handflow.train.augment import flips
from handflow.train.config import TrainConfig
from handflow.train.fitting import EpochReport, Fitted, fit, voted
from handflow.train.idle_hands import idle_hands
from handflow.train.landmark_batches import HeldOut, TrainingBatches
from handflow.train.network import (
    CalibratedNetwork,
    LandmarkNetwork,
    NetworkConfig,
    VotingNetwork,
    count_parameters,
)
from handflow.train.sampling import (
    WINDOWS_PER_SCENE,
    Samples,
    WindowSampler,
    choose_window_seconds,
    gestures_held,
    usual_seconds,
)
from handflow.train.thresholds import tuned_thresholds
from handflow.train.trained import TrainedNetwork
from handflow.types import BACKGROUND, Clip, HandSequence

WINDOWS_DRAWN = 6000
"""About as many windows are drawn before training, from one scene of every clip at least; every epoch sees
some of them, varied anew."""
WINDOWS_PER_EPOCH = 1024
IDLE_SHARE = 0.5
"""Windows of idle hands that are drawn besides, share of those of the clips."""
HARD = 0.1
"""Probability of a gesture from which a window of idle hands counts as taken for one."""
MANY_PEOPLE = 0.6
"""How far the way and the tempo of clips are varied, of the usual, where many people made them."""
_MANY = 16
_VERY_MANY = 64
"""From so many people on, idle persons need not be as odd as any: gestures are known in all their variety,
and what is odd is more often one of them."""
_APART = 7919  # between the seeds of two members
_SEARCH_RATE, _SEARCHED = 10, 150_000  # windows of idle hands a second, and in all, searched at most
_AT_ONCE = 4000  # windows of them at a time

_log = logging.getLogger(__name__)


def train_landmark(
    clips: Sequence[Clip], config: TrainConfig, report: EpochReport | None = None
) -> TrainedNetwork:
    """Trains the landmark network on clips that all show a hand.

    Idle hands of virtual persons are added to the recorded ones, and three times on the way those idle
    moments that the network takes for gestures (hard negatives: Felzenszwalb et al., PAMI 32(9), 2010).
    Several members, where the configuration asks for them, learn one after the other, each from windows
    and idle persons of its own.

    Raises:
        DatasetError: the clips cannot be split as wished.
        TrainingError: the flip map names a gesture that the clips do not show.
        KeyboardInterrupt: Ctrl-C before the first epoch was done.
    """
    split = split_by(clips, config.validation_by, test=config.validation_share, seed=config.seed)
    training, validation = ([clips[i] for i in side] for side in (split.train, split.test))
    strokes = find_strokes(training)
    counts = Counter(clip.label for clip in clips)
    labels = tuple(sorted({*counts} | {BACKGROUND}, key=lambda g: (g == BACKGROUND, g)))
    lesson = _Lesson(
        config,
        labels,
        config.window_seconds or choose_window_seconds(strokes),
        training,
        strokes,
        validation,
        # The takes held out are found by themselves: nothing of them may help.
        find_strokes([*training, *validation])[len(training) :],
        derived=BACKGROUND not in counts,
        variety=_variety(training),
    )
    fitted = _learned(lesson, report)
    return TrainedNetwork(
        network=CalibratedNetwork(fitted.network, fitted.temperature).eval(),
        weights=fitted.network,
        parameters=count_parameters(fitted.network),
        examples=example_features(),
        labels=labels,
        window_seconds=lesson.seconds,
        thresholds=tuned_thresholds(labels, fitted.probabilities, fitted.targets),
        gesture_seconds=usual_seconds(training, strokes),
        held=gestures_held(training, strokes),
        background="derived" if lesson.derived else "learned",
        fitted=fitted,
        learned=split.train,
        tested=split.test,
        untouched=False,
        tested_by=split.by,
        note=split.note,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """What there is to learn."""

    config: TrainConfig
    labels: tuple[str, ...]
    seconds: float  # duration of a window
    training: Sequence[Clip]
    strokes: Sequence[Stroke | None]  # of the training clips
    validation: Sequence[Clip]
    strokes_held_out: Sequence[Stroke | None]  # of the validation clips
    derived: bool  # whether background must be made of the gestures
    variety: float


def _learned(lesson: _Lesson, report: EpochReport | None) -> Fitted:
    """The network, of one member or several, and how it got there; Ctrl-C keeps the members done so far."""
    config = lesson.config
    fits: list[Fitted] = []
    watched: HeldOut | None = None
    for number in range(config.members):

        def tell(epoch: int, epochs: int, row: Mapping[str, float], before: int = number) -> None:
            if report is not None:
                report(before * epochs + epoch, config.members * epochs, row)

        try:
            fitted, watched = _fit_member(lesson, config.seed + _APART * number, watched, tell)
        except KeyboardInterrupt:
            if not fits:
                raise
            fits[-1] = replace(fits[-1], interrupted=True)
            break
        fits.append(fitted)
        if fitted.interrupted:
            break
    if len(fits) == 1:
        return fits[0]
    assert watched is not None
    return voted(VotingNetwork([member.network for member in fits]), fits, watched)


def _fit_member(
    lesson: _Lesson, seed: int, watched: HeldOut | None, report: EpochReport
) -> tuple[Fitted, HeldOut]:
    """Fits one network; draws what it is watched on unless another was watched on it."""
    config, labels, seconds, training = lesson.config, lesson.labels, lesson.seconds, lesson.training
    pl.seed_everything(seed, verbose=False)
    rng = np.random.default_rng(seed)
    imagined = idle_hands(config.idle_minutes, seed, varied=_people(training) < _VERY_MANY)
    kept = len(imagined) // 5  # idle persons that are only watched
    idle = [*(c.sequence for c in training if c.label == BACKGROUND), *imagined[kept:]]
    sampler = WindowSampler(
        labels,
        seconds,
        hands_matter=config.hands_matter,
        derive_background=lesson.derived and not imagined,
        variety=lesson.variety,
    )
    scenes = max(1, round(WINDOWS_DRAWN / (len(training) * WINDOWS_PER_SCENE)))
    drawn = sampler.draw(training, lesson.strokes, scenes, rng, imagined[kept:])
    samples = Samples.stack([drawn, sampler.draw_idle(idle, round(IDLE_SHARE * len(drawn)), rng)])
    if watched is None:
        natural = replace(sampler, natural=True)
        shown = natural.draw(lesson.validation, lesson.strokes_held_out, 2, rng)
        held_out = Samples.stack([shown, natural.draw_idle(imagined[:kept], len(shown) // 2, rng)])
        features = features_of(held_out.windows, seconds, config)
        watched = HeldOut(features, torch.from_numpy(held_out.targets(len(labels))))
    _log.info(
        "window %.2f s, %d training and %d validation windows", seconds, len(samples), len(watched.features)
    )
    network = LandmarkNetwork(NetworkConfig(labels=len(labels)))
    batches = TrainingBatches(
        samples,
        config,
        seconds,
        flipped=flips(labels, config),
        labels=len(labels),
        rng=rng,
        most=max(WINDOWS_PER_EPOCH, 2 * len(training)),
        variety=lesson.variety,
    )
    searched = min(round(_SEARCH_RATE * sum(s.duration for s in idle)), _SEARCHED)

    def search(so_far: nn.Module) -> None:
        drawn = (sampler.draw_idle(*part, rng) for part in _portions(idle, searched))
        hard = Samples.stack([_hard(so_far, samples, seconds, config) for samples in drawn])
        _log.info("%d idle moments are taken for gestures and shown more often", len(hard))
        batches.add_hard(hard)

    fitted = fit(network, batches, watched, config, revise=search if idle else None, report=report)
    return fitted, watched


def _variety(clips: Sequence[Clip]) -> float:
    """How far clips are varied: the less, the more people made them."""
    people = _people(clips)
    return MANY_PEOPLE if people >= _MANY else 1.0 - (1.0 - MANY_PEOPLE) * (people - 1) / _MANY


def _people(clips: Sequence[Clip]) -> int:
    """How many people made the gestures."""
    return len({clip.subject for clip in clips if clip.label != BACKGROUND})


def example_features() -> torch.Tensor:
    """Windows by chance, one of them without a hand, to check an exported network on."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1.5, (17, CHANNELS, STEPS)).clip(-LIMIT, LIMIT).astype(np.float32)
    features[0] = 0
    return torch.from_numpy(features)


def features_of(windows: Windows, seconds: float, config: TrainConfig) -> torch.Tensor:
    """Features `(windows, CHANNELS, STEPS)` of many windows, made piece by piece."""
    parts = [
        encode(
            windows.take(np.arange(i, min(i + 512, len(windows)))), seconds, hands_matter=config.hands_matter
        ).features
        for i in range(0, len(windows), 512)
    ]
    return torch.from_numpy(np.concatenate(parts) if parts else np.zeros((0, CHANNELS, STEPS), np.float32))


def _portions(idle: Sequence[HandSequence], windows: int) -> Iterator[tuple[list[HandSequence], int]]:
    """Idle hands in portions of about `_AT_ONCE` windows, and how many windows each should give."""
    total = sum(s.duration for s in idle) or 1.0
    portion: list[HandSequence] = []
    for number, sequence in enumerate(idle):
        portion.append(sequence)
        count = round(windows * sum(s.duration for s in portion) / total)
        if count >= _AT_ONCE or number == len(idle) - 1:
            yield portion, count
            portion = []


def _hard(network: nn.Module, samples: Samples, seconds: float, config: TrainConfig) -> Samples:
    """Those idle moments that the network so far takes for gestures."""
    network.eval()
    device = next(network.parameters()).device
    features = features_of(samples.windows, seconds, config)
    with torch.no_grad():
        pieces = [
            torch.softmax(network(piece.to(device)), dim=1)[:, :-1].sum(dim=1).cpu()
            for piece in torch.split(features, 512)
        ]
    score = torch.cat(pieces).numpy()
    return samples.take(np.flatnonzero(score > HARD))
