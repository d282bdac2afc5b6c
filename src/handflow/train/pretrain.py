"""Trains the few-shot encoders on gestures that nobody made: a fixed recipe, resumable at any moment."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from handflow.atomic import write_bytes
from handflow.errors import TrainingError
from handflow.evaluate.facts import versions
from handflow.recognize.few_shot.classifier import Usual
from handflow.recognize.few_shot.hand_features import FEW_SHOT_VERSION, hand_features
from handflow.recognize.few_shot.parts import DISTANCES, PARTS
from handflow.synth.gesture_tables import TableConfig, draw_gestures
from handflow.synth.performances import PerformanceConfig, perform
from handflow.train.encoder import EncoderConfig, HandEncoder, contrastive_loss
from handflow.train.torch_draws import TorchDraws

_log = logging.getLogger(__name__)

EXPERTS: dict[str, TableConfig] = {
    # What each learns to tell apart: everything, or motions whatever the fingers do.
    "exact": TableConfig(),
    "motion": TableConfig(held=0.1, any_pose=0.6),
}


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """The recipe."""

    steps: int = 8000  # of each expert
    tasks: int = 4  # of a step
    gestures: int = 16  # of a task
    takes: int = 6  # of a gesture
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warm_up: int = 100  # steps
    temperature: float = 0.1
    averaging: float = 0.998  # of the weights that are kept, a step
    seed: int = 0
    threads: int = 2
    device: str = "cpu"
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    performances: PerformanceConfig = field(default_factory=PerformanceConfig)

    def __post_init__(self) -> None:
        for name in ("steps", "tasks", "warm_up", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 1 or more")
        for name in ("gestures", "takes"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 2 or more")
        for name in ("learning_rate", "temperature"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected above 0")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay is {self.weight_decay}")
        if not 0 <= self.averaging < 1:
            raise ValueError(f"averaging is {self.averaging}")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How a pretraining stands."""

    expert: str
    step: int
    steps: int
    loss: float  # running mean
    nearest: float  # running share of performances whose nearest neighbour is of the same gesture


Report = Callable[[Progress], None]

CHECKPOINT_EVERY = 200
"""Steps between two checkpoints."""


def pretrain_expert(
    name: str, config: PretrainConfig, folder: Path, report: Report | None = None
) -> HandEncoder:
    """Trains one expert, from its checkpoint in `folder` where there is one.

    Every step draws gestures of its own from its number, so an interrupted training goes on with the same
    batches.

    Raises:
        TrainingError: the checkpoint was made with another recipe.
        KeyboardInterrupt: Ctrl-C; the checkpoint holds all steps up to then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    number = list(EXPERTS).index(name)
    torch.manual_seed(config.seed * 100 + number)
    network = HandEncoder(config.encoder).to(config.device)
    average = {key: value.clone() for key, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(
        network.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    path, recipe = folder / f"{name}.pt", _recipe(config)
    step, loss_mean, nearest = 0, float("nan"), float("nan")
    if path.exists():
        saved = torch.load(path, weights_only=True, map_location=config.device)
        if saved["recipe"] != recipe:
            raise TrainingError(f"{path} was begun with another recipe: name another folder, or delete it")
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        average, step = saved["average"], saved["step"]
        loss_mean, nearest = saved["loss"], saved["nearest"]

    def save() -> None:
        import io

        content = io.BytesIO()
        state = {
            "recipe": recipe, "network": network.state_dict(), "optimizer": optimizer.state_dict(),
            "average": average, "step": step, "loss": loss_mean, "nearest": nearest,
        }  # fmt: skip
        torch.save(state, content)
        write_bytes(path, content.getvalue())

    try:
        while step < config.steps:
            rate = config.learning_rate * _share(step, config)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with _whole_step():
                loss, hit = _step(name, step, config, network, optimizer)
                step += 1
                loss_mean = loss if np.isnan(loss_mean) else 0.98 * loss_mean + 0.02 * loss
                nearest = hit if np.isnan(nearest) else 0.98 * nearest + 0.02 * hit
                keep = min(config.averaging, step / (step + 20))
                with torch.no_grad():
                    for key, value in network.state_dict().items():
                        average[key].mul_(keep).add_(value, alpha=1 - keep)
            if step % CHECKPOINT_EVERY == 0 or step == config.steps:
                save()
            if report is not None:
                report(Progress(name, step, config.steps, loss_mean, nearest))
    except KeyboardInterrupt:
        save()
        raise
    network.load_state_dict(average)
    return network.cpu().eval()


@contextmanager
def _whole_step() -> Iterator[None]:
    """Ctrl-C within a step waits for its end: half a step cannot be gone on from."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = False

    def wait(number: int, frame: object) -> None:
        nonlocal came
        came = True

    before = signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _share(step: int, config: PretrainConfig) -> float:
    """Of the learning rate: a warm-up, then half a cosine down to a fiftieth."""
    rising = min(1.0, (step + 1) / config.warm_up)
    return float(rising * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / config.steps))))


def _step(
    name: str, step: int, config: PretrainConfig, network: HandEncoder, optimizer: torch.optim.Optimizer
) -> tuple[float, float]:
    """One step; returns its loss and the share of nearest neighbours of the same gesture."""
    seed = np.random.SeedSequence([config.seed, list(EXPERTS).index(name), step])
    rng = np.random.default_rng(seed)
    tasks = [draw_gestures(rng, config.gestures, EXPERTS[name]) for _ in range(config.tasks)]
    with torch.no_grad():
        draws = TorchDraws(int(rng.integers(2**31)), config.device)
        made = perform(tasks, config.takes, draws, config.performances)
        features = hand_features(made.landmarks[:, :, 0], draws.xp)
    points = network(features)
    loss = contrastive_loss(points, made.gesture, made.task, config.temperature)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach()), _nearest(points.detach(), made.gesture, made.task)


def _nearest(points: Tensor, gesture: Tensor, task: Tensor) -> float:
    similarity = points @ points.T
    similarity = similarity.masked_fill(task[:, None] != task[None], -2).fill_diagonal_(-2)
    return float((gesture[similarity.argmax(1)] == gesture).float().mean())


def check_device(name: str) -> str:
    """The device's name, if it is here.

    Raises:
        TrainingError: it is not.
    """
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"nothing can be computed on '{name}' here ({reason}): name cpu") from None
    return name


def card(
    config: PretrainConfig, usual: Usual | None = None, results: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """What encoders.json says: how the encoders were made, what is usual with them, how they did."""
    recipe = {key: value for key, value in asdict(config).items() if key not in ("threads", "device")}
    usual = usual or Usual((1.0,) * len(PARTS), (0.0,) * DISTANCES, 0.0, 1.0)
    return {
        "few_shot_version": FEW_SHOT_VERSION,
        "usual": asdict(usual),
        "command": f"handflow pretrain --seed {config.seed}"
        + ("" if config.steps == PretrainConfig().steps else f" --steps {config.steps}"),
        "data": "gestures drawn and performed by handflow.synth.gesture_tables and "
        "handflow.synth.performances; no recording of a person",
        "experts": {name: asdict(tables) for name, tables in EXPERTS.items()},
        "recipe": recipe,
        "results": {
            "what": "share of takes recognized, ten drawn gestures of one person that trained nothing, by "
            "number of examples",
            "shots": dict(results or {}),
        },
        "limits": "hands seen by MediaPipe's hand models or alike; two gestures that differ by less than the "
        "tracker's errors cannot be told apart; measured on people in docs/few-shot.md",
        "versions": versions("numpy", "torch", "onnx"),
    }


def _recipe(config: PretrainConfig) -> str:
    """All that decides about the weights, as text."""
    chosen = {key: value for key, value in asdict(config).items() if key not in ("threads", "device")}
    return repr(
        {"features": FEW_SHOT_VERSION, "experts": {k: asdict(v) for k, v in EXPERTS.items()}, **chosen}
    )
