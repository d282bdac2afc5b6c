"""Fits a network with Lightning: best weights, history, calibration; Ctrl-C keeps what is done."""

import csv
import logging
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Protocol

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from handflow.train.config import TrainConfig
from handflow.types import Float32

EpochReport = Callable[[int, int, Mapping[str, float]], None]
"""Called after every epoch with its number from 1, the most there can be, and its row of history.csv;
before the first, while pictures are decoded, with 0 and the share that is `decoded`."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A network with the best weights found, and how it got there."""

    network: nn.Module
    temperature: float  # the logits are divided by it
    history: tuple[dict[str, float], ...]  # one row an epoch; of several members those of the first
    epochs: int  # of all members
    best_epoch: int  # from 1: the epoch whose weights were kept
    best_loss: float  # on the validation windows
    interrupted: bool  # by Ctrl-C: the best weights so far
    seconds: float
    probabilities: Float32  # (n, labels) of the validation windows, calibrated
    targets: Float32  # (n, labels) what they should be


Vary = Callable[..., Tensor]
"""Changes the inputs of a training batch by chance; gets what a batch holds after inputs and targets, too."""
Revise = Callable[[nn.Module], None]
"""Changes what the batches draw from, given the network so far."""


class Batches(Protocol):
    """Batches `(inputs, targets, …)` of one epoch; targets `(n, labels)`, rows sum to 1."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Draws them."""


class _Module(pl.LightningModule):
    """What Lightning needs to know: loss, optimiser, what an epoch measured."""

    def __init__(self, network: nn.Module, config: TrainConfig, steps: int, vary: Vary | None) -> None:
        super().__init__()
        self.network = network
        self._config, self._steps, self._vary = config, steps, vary
        self._taken = 0  # steps that the running mean has taken in
        # What is measured and kept is a running mean of the weights over about two epochs: it generalises
        # better than the weights of any single step (Polyak and Juditsky, SIAM J. Control 30(4), 1992).
        self.mean = (
            AveragedModel(network, avg_fn=self._running, use_buffers=True) if config.averaging else None
        )

    @property
    def kept(self) -> nn.Module:
        """The network whose weights count."""
        network: nn.Module = self.network if self.mean is None else self.mean.module
        return network

    def _running(self, mean: Tensor, now: Tensor, count: Tensor | int) -> Tensor:
        """The first steps, whose weights are still raw, are soon forgotten."""
        return mean + (now - mean) * max(1 / max(2, 2 * self._steps), 3 / (float(count) + 3))

    def _measure(self, batch: tuple[Tensor, Tensor], part: str, smoothing: float) -> Tensor:
        inputs, targets = batch
        logits = (self.network if part == "train" else self.kept)(inputs)
        spread = targets * (1 - smoothing) + smoothing / targets.shape[1]
        loss = functional.cross_entropy(logits, spread)
        right = (logits.argmax(dim=1) == targets.argmax(dim=1)).float().mean()
        self.log(f"{part}_loss", loss, on_epoch=True, on_step=False, batch_size=len(inputs))
        self.log(f"{part}_accuracy", right, on_epoch=True, on_step=False, batch_size=len(inputs))
        return loss

    def training_step(self, batch: tuple[Tensor, ...], index: int) -> Tensor:
        inputs, targets, *varied = batch
        if self._vary is not None:
            inputs = self._vary(inputs, *varied)
        return self._measure((inputs, targets), "train", self._config.label_smoothing)

    def on_train_batch_end(self, outputs: object, batch: object, index: int) -> None:
        # Several batches may make one step, and the mean is one over steps.
        if self.mean is not None and self.trainer.global_step > self._taken:
            self._taken = self.trainer.global_step
            self.mean.update_parameters(self.network)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        self._measure(batch, "val", 0.0)

    def configure_optimizers(self) -> Any:
        rate = self._config.learning_rate
        if self._config.optimizer == "adam":  # as in Keras
            return torch.optim.Adam(self.network.parameters(), lr=rate, eps=1e-7, fused=True)
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=rate, weight_decay=self._config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=rate,
            total_steps=self._config.epochs * self._steps + 1,
            pct_start=0.15,
            div_factor=10,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _History(Callback):
    """Keeps one row an epoch and tells whoever wants to know."""

    def __init__(self, epochs: int, report: EpochReport | None) -> None:
        self.rows: list[dict[str, float]] = []
        self._epochs, self._report, self._start = epochs, report, time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
        measured = {n: float(trainer.callback_metrics[n]) for n in names if n in trainer.callback_metrics}
        row = {"epoch": float(len(self.rows) + 1), **measured}
        row["seconds"] = round(time.perf_counter() - self._start, 3)
        self.rows.append(row)
        if self._report:
            self._report(len(self.rows), self._epochs, row)


class _Revise(Callback):
    """Has the batches revised after some epochs; from the last of them on, losses can be compared.

    Early stopping and the best weights watch `settled_loss`: before, it only falls, epoch by epoch.
    """

    def __init__(self, revise: Revise | None, epochs: int) -> None:
        short = epochs // 6
        self._revise = revise
        self.after: tuple[int, ...] = (short, 2 * short, 3 * short) if revise and short else ()
        self.settled = not self.after

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loss = trainer.callback_metrics["val_loss"]
        pl_module.log("settled_loss", loss if self.settled else 1e6 - trainer.current_epoch + 0 * loss)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        done = trainer.current_epoch + 1
        if self._revise and done in self.after:
            assert isinstance(pl_module, _Module)
            self._revise(pl_module.kept)
            self.settled = done == self.after[-1]


class _StopOnInterrupt(Callback):
    """Ctrl-C ends the training after the step it is in; a second Ctrl-C ends the program.

    Lightning itself would end the program at the first.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._before: Any = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # signals reach the main thread alone; whoever started this thread decides

        def stop(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            trainer.should_stop = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        self._before = signal.signal(signal.SIGINT, stop)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None


def fit(
    network: nn.Module,
    batches: Batches,
    held_out: Batches,
    config: TrainConfig,
    *,
    vary: Vary | None = None,
    revise: Revise | None = None,
    report: EpochReport | None = None,
    threads: int = 1,
    accumulate: int = 1,
) -> Fitted:
    """Fits the network and restores the weights with the lowest validation loss.

    Args:
        network: inputs to logits; changed in place.
        batches: the training windows, drawn anew every epoch.
        held_out: the validation windows, always the same.
        config: epochs, patience, learning rate, device.
        vary: changes the inputs of a training batch, where the network computes.
        revise: called after a sixth, a third and a half of the epochs; the best weights are of a later epoch.
        report: called after every epoch.
        threads: of torch; a step of a small network is too short to share out.
        accumulate: batches whose gradients make one step.

    Raises:
        KeyboardInterrupt: Ctrl-C before the first epoch was done: there is nothing to keep.
    """
    start = time.perf_counter()
    module = _Module(network, config, -(-len(batches) // accumulate), vary)
    history, interrupt = _History(config.epochs, report), _StopOnInterrupt()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with TemporaryDirectory() as folder, _quiet_lightning():
            best = ModelCheckpoint(folder, monitor="settled_loss", save_weights_only=True, filename="best")
            anew = _Revise(revise, config.epochs)
            stop = EarlyStopping("settled_loss", patience=config.patience)
            trainer = pl.Trainer(
                max_epochs=config.epochs,
                accelerator=config.device,
                devices=1,
                callbacks=[anew, stop, best, history, interrupt],
                accumulate_grad_batches=accumulate,
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
                default_root_dir=folder,
            )
            trainer.fit(module, batches, held_out)
            if not best.best_model_path:
                raise KeyboardInterrupt
            kept = torch.load(best.best_model_path, weights_only=True, map_location="cpu")
            module.cpu().load_state_dict(kept["state_dict"])
            network.load_state_dict(module.kept.state_dict())
        network.eval()
        logits, targets = _answers(network, held_out)
    finally:
        torch.set_num_threads(before)
    temperature = fitted_temperature(logits, targets)
    settled = anew.after[-1] if anew.after and len(history.rows) > anew.after[-1] else 0
    best_row = min(history.rows[settled:], key=lambda row: row["val_loss"])
    _log.info("%d epochs, best validation loss %.4f", len(history.rows), best_row["val_loss"])
    return Fitted(
        network=network,
        temperature=temperature,
        history=tuple(history.rows),
        epochs=len(history.rows),
        best_epoch=int(best_row["epoch"]),
        best_loss=best_row["val_loss"],
        interrupted=interrupt.interrupted,
        seconds=time.perf_counter() - start,
        probabilities=torch.softmax(logits / temperature, dim=1).numpy(),
        targets=targets.numpy(),
    )


def voted(network: nn.Module, members: Sequence[Fitted], held_out: Batches) -> Fitted:
    """How a network of members that were fitted one by one got there; the history is that of the first."""
    logits, targets = _answers(network.eval(), held_out)
    temperature = fitted_temperature(logits, targets)
    return replace(
        members[0],
        network=network,
        temperature=temperature,
        epochs=sum(member.epochs for member in members),
        best_loss=float(functional.cross_entropy(logits, targets)),
        interrupted=any(member.interrupted for member in members),
        seconds=sum(member.seconds for member in members),
        probabilities=torch.softmax(logits / temperature, dim=1).numpy(),
        targets=targets.numpy(),
    )


def _answers(network: nn.Module, held_out: Batches) -> tuple[Tensor, Tensor]:
    """Logits and targets `(n, labels)` of all validation windows."""
    with torch.no_grad():
        pairs = [(network(inputs), targets) for inputs, targets in held_out]
    logits, targets = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    return logits, targets


def fitted_temperature(logits: Tensor, targets: Tensor) -> float:
    """The temperature that makes probabilities mean most on validation data, both `(n, labels)`.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; searched on a grid from 0.5 to 3.
    """
    grid = torch.logspace(np.log10(0.5), np.log10(3.0), 41)
    losses = [float(functional.cross_entropy(logits / t, targets)) for t in grid]
    return float(grid[int(np.argmin(losses))])


def write_history(path: Path, history: tuple[dict[str, float], ...]) -> None:
    """Writes one row an epoch as CSV."""
    names = list(history[0])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in history)


class _quiet_lightning(warnings.catch_warnings):  # noqa: N801 - reads as a statement
    """Keeps Lightning's tips about loaders, loggers and devices off the screen."""

    def __enter__(self) -> Any:
        result = super().__enter__()
        warnings.simplefilter("ignore")
        self._levels = {}
        for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
            logger = logging.getLogger(name)
            self._levels[name] = logger.level
            logger.setLevel(logging.ERROR)
        return result

    def __exit__(self, *exc: Any) -> None:
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        super().__exit__(*exc)
