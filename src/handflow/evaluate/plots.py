"""Pictures of training and evaluation. Drawn by matplotlib without a display or global state.

Colours are Okabe and Ito's, which people with any kind of colour blindness tell apart; nothing is said by
colour alone.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from handflow.atomic import write_bytes
from handflow.errors import MissingExtraError
from handflow.evaluate.calibration import Calibration

BLUE, ORANGE, GREEN, RED, SKY, PINK, YELLOW = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#c9b71e",
)  # fmt: skip
CYCLE = (BLUE, ORANGE, GREEN, PINK, SKY, YELLOW, RED)
INK, FAINT = "#222222", "#8a8a8a"


_CROWDED = 40  # labels from which on a confusion matrix shows mistakes alone as numbers


def loss_picture(
    history: Sequence[Mapping[str, float]], path: Path, *, best_epoch: float | None = None
) -> Path:
    """Draws loss and accuracy over the epochs, the kept epoch marked.

    Args:
        history: one row an epoch, as in history.csv: `train_loss`, `val_loss`, and where measured
            `train_accuracy`, `val_accuracy` (0 to 1) and `epoch` (else the row's number from 1).
        path: PNG to write.
        best_epoch: epoch whose weights were kept; by default that of the lowest `val_loss`.

    Raises:
        ValueError: the history is empty.
        MissingExtraError: matplotlib is not installed.
    """
    if not history:
        raise ValueError("the history is empty: there is no epoch to draw")
    epochs = np.array([float(row.get("epoch", i + 1)) for i, row in enumerate(history)])
    columns = {
        key: np.array([float(row.get(key, np.nan)) for row in history])
        for key in ("train_loss", "val_loss", "train_accuracy", "val_accuracy")
    }
    if best_epoch is None:
        measured = columns["val_loss"] if np.isfinite(columns["val_loss"]).any() else columns["train_loss"]
        best_epoch = float(epochs[int(np.nanargmin(measured))]) if np.isfinite(measured).any() else None

    figure = new_figure(9.0, 3.6)
    for place, (what, factor) in enumerate((("loss", 1.0), ("accuracy", 100.0)), start=1):
        axes = figure.add_subplot(1, 2, place)
        for part, name, colour, style in (("train", "training", BLUE, "-"), ("val", "validation", RED, "--")):
            values = columns[f"{part}_{what}"] * factor
            if np.isfinite(values).any():
                marker = "o" if len(epochs) < 3 else None
                axes.plot(epochs, values, style, color=colour, label=name, lw=1.8, marker=marker)
        if best_epoch is not None:
            axes.axvline(best_epoch, color=FAINT, lw=1.0, ls=":", label=f"kept: epoch {best_epoch:g}")
        axes.set_xlabel("epoch")
        axes.set_title("Loss (lower is better)" if what == "loss" else "Accuracy, % (higher is better)")
        shown = [columns[f"{part}_{what}"] for part in ("train", "val")]
        top = np.nanmax([0.0, *(v for values in shown for v in values if np.isfinite(v))])
        axes.set_ylim(0, 102 if what == "accuracy" else 1.08 * top or 1.0)
        axes.set_xlim(min(epochs[0], 1) - 0.5, max(epochs[-1], epochs[0] + 1) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False, loc="upper right" if what == "loss" else "lower right")
        strip(axes)
    return save(figure, path)


def confusion_picture(
    confusion: ArrayLike, labels: Sequence[str], path: Path, *, unanswered: ArrayLike | None = None
) -> Path:
    """Draws how often each gesture was taken for each: counts in the cells, shade by share of the row.

    Args:
        confusion: (labels, labels) clips; rows the truth, columns the answer.
        labels: names of rows and columns.
        path: PNG to write.
        unanswered: (labels,) clips without a usable hand, drawn as one more column where there are any.

    Raises:
        ValueError: the shapes do not fit.
        MissingExtraError: matplotlib is not installed.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    if counts.shape != (len(labels), len(labels)) or not len(labels):
        raise ValueError(f"confusion is {counts.shape}, expected {(len(labels), len(labels))}, not empty")
    names = list(labels)
    if unanswered is not None and np.any(np.asarray(unanswered) > 0):
        counts = np.column_stack([counts, np.asarray(unanswered, dtype=np.int64)])
        names.append("no hand seen")
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows, columns = counts.shape
    side = max(0.42, min(0.9, 6.0 / columns))
    crowded = columns > _CROWDED
    if crowded:
        side *= _CROWDED / columns
    figure = new_figure(2.6 + side * columns, 2.0 + side * rows)
    axes = figure.add_subplot(1, 1, 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    size = max(2.0 if crowded else 6.0, min(12.0, side * 14))
    for r in range(rows):
        for c in range(columns):
            wrong = c != r
            if not counts[r, c] or (crowded and not wrong):
                continue
            axes.text(
                c, r, str(counts[r, c]), ha="center", va="center", fontsize=size,
                color="white" if share[r, c] > 0.55 else INK, fontweight="bold" if wrong else "normal",
            )  # fmt: skip
            if wrong:  # an error is framed: it must be found at a glance, also where its shade is faint
                axes.add_patch(_rectangle((c - 0.46, r - 0.46), 0.92, 0.92, RED))
    axes.set_xticks(range(columns), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(rows), labels)
    if crowded:
        axes.tick_params(labelsize=side * 40)
    axes.set_xlabel("recognized as")
    axes.set_ylabel("truly made")
    right, total = int(np.trace(counts[:, :rows])), int(counts.sum())
    axes.set_title(f"{right} of {total} takes recognized", fontsize=11)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return save(figure, path)


def calibration_picture(calibration: Calibration, path: Path) -> Path:
    """Draws the share of right answers against the probability that the model gave them.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = new_figure(4.6, 4.0)
    axes = figure.add_subplot(1, 1, 1)
    used = [b for b in calibration.bins if b.clips]
    axes.plot([0, 100], [0, 100], color=FAINT, ls=":", lw=1.2, label="as promised")
    axes.bar(
        [50 * (b.low + b.high) for b in used],
        [100 * b.accuracy for b in used],
        width=[90 * (b.high - b.low) for b in used],
        color=SKY, edgecolor=BLUE, label="measured",
    )  # fmt: skip
    for b in used:
        axes.text(50 * (b.low + b.high), 100 * b.accuracy + 1, str(b.clips), ha="center", fontsize=8)
    axes.set(
        xlim=(0, 100),
        ylim=(0, 130),
        yticks=range(0, 101, 20),
        xlabel="probability given, %",
        ylabel="of them right, %",
    )
    axes.set_title(f"Calibration error {calibration.expected_error:.1%} (numbers: takes)", fontsize=10)
    axes.legend(frameon=False, loc="upper left")
    strip(axes)
    return save(figure, path)


def new_figure(width: float, height: float) -> Any:
    """An empty figure in inches, bound to no display."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("drawing pictures", "train") from None
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _rectangle(corner: tuple[float, float], width: float, height: float, edge: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, fill=False, edgecolor=edge, lw=1.5)


def strip(axes: Any) -> None:
    """Takes away the frame's upper and right line and lays a faint grid."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(True, color="#e6e6e6", lw=0.7)
    axes.set_axisbelow(True)


def save(figure: Any, path: Path) -> Path:
    """Writes a figure as PNG, whole or not at all."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, picture.getvalue())
    return path
