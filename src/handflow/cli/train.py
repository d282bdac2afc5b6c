"""`handflow train`: from a dataset to the folder of a model."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handflow.cli.common import (
    AsJson,
    Seed,
    Verbose,
    command_app,
    console,
    picture_size,
    print_json,
    progress,
    progress_console,
)
from handflow.extras import require_extra

if TYPE_CHECKING:
    from handflow.teach import Advice
    from handflow.types import Clip

app = command_app()

FEW_SHOT, AUTO = "few-shot", "auto"


class ValidationBy(StrEnum):
    """What is held out to decide when training ends."""

    AUTO = "auto"
    SUBJECT = "subject"
    SESSION = "session"
    CLIP = "clip"


class Input(StrEnum):
    """What an image network sees."""

    FULL = "full"
    CROP = "crop"
    MASK = "mask"


class Preset(StrEnum):
    """Where the values of a training start from."""

    DEFAULT = "default"
    ARTICLE = "article"


class Device(StrEnum):
    """What computes."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


@app.command(epilog="Example: handflow train my-gestures --out models")
def train(
    dataset: Annotated[Path, typer.Argument(help="Folder of a dataset, or a landmark archive (.npz).")],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="Kind of model: few-shot learns from one to five takes in a second · landmark trains a "
            "network on many · auto takes the better of these two · lrcn or convlstm, the article's networks "
            "on pictures.",
        ),
    ] = FEW_SHOT,
    out: Annotated[
        Path, typer.Option(help="Folder of models; the new one gets its own folder in it.")
    ] = Path("models"),
    input: Annotated[
        Input | None,
        typer.Option(
            help="lrcn, convlstm: the full picture · a crop around the way of the hands · the hands' masks. "
            "mask where not given, full with --preset article.",
        ),
    ] = None,
    preset: Annotated[
        Preset, typer.Option(help="lrcn, convlstm: values of the article, or those found to be better.")
    ] = Preset.DEFAULT,
    frames: Annotated[
        int | None, typer.Option(help="lrcn, convlstm: frames of a window.", min=2, max=64)
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="lrcn, convlstm: of their pictures, in pixels.", metavar="WxH")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Windows of a training step; not of few-shot.", min=1)
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Epochs at most; training ends early when it stops improving. Not of few-shot.", min=1
        ),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(
            help="landmark: networks that vote. More of them fire less on what they were not taught, and "
            "take so many times as long to train.",
            min=1,
            max=16,
            show_default="1",
        ),
    ] = None,
    val_by: Annotated[
        ValidationBy | None,
        typer.Option(
            help="Held out to decide when to stop: whole subjects, sessions, or single clips; as hard as the "
            "data allows where not given. Not of few-shot.",
        ),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(
            help="Seconds that the model looks back; chosen from the clips where not given.", min=0.3, max=5
        ),
    ] = None,
    device: Annotated[Device, typer.Option(help="What computes; few-shot needs no GPU.")] = Device.AUTO,
    seed: Seed = 0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Make a model of a dataset. Ctrl-C ends a training early and keeps the best model so far."""
    from handflow.data import load_takes

    values = {
        "--input": input, "--frames": frames, "--size": size, "--batch": batch, "--epochs": epochs,
        "--members": members, "--val-by": val_by,
    }  # fmt: skip
    folder: Path
    advice: Advice | None = None
    if model == FEW_SHOT:
        _no_values(values, preset)
        clips = load_takes(dataset)
        folder, advice = _teach(clips, dataset, out, window)
        _tell(folder, as_json, advice)
        return
    require_extra("training", "train")
    if model != AUTO:
        _known_kind(model)
    clips = load_takes(dataset)
    width, height = picture_size(size) if size else (None, None)
    changes = {
        "input": input and input.value, "frames": frames, "width": width, "height": height, "batch": batch,
        "epochs": epochs, "members": members, "seed": seed, "validation_by": val_by and val_by.value,
        "window_seconds": window, "device": device.value,
    }  # fmt: skip
    if model == AUTO:
        folder, advice = _best(clips, dataset, out, window, preset, changes)
    else:
        folder = _train(model, clips, dataset, out, preset, changes)
    _tell(folder, as_json, advice)


def _known_kind(model: str) -> None:
    from handflow.errors import TrainingError
    from handflow.train import MODELS

    if model not in MODELS:
        known = ", ".join((FEW_SHOT, AUTO, *MODELS))
        raise TrainingError(f"no kind of model '{model}': choose one of {known}")


def _no_values(values: Mapping[str, object], preset: Preset) -> None:
    """Refuses what would have no effect."""
    given = [name for name, value in values.items() if value is not None]
    if preset is not Preset.DEFAULT:
        given.append("--preset")
    if given:
        raise typer.BadParameter(
            f"{given[0]} says how a network is trained and few-shot trains none: leave it out, or name "
            "--model landmark, lrcn or convlstm"
        )


def _teach(
    clips: "list[Clip]", dataset: Path, out: Path, window: float | None, notes: tuple[str, ...] = ()
) -> "tuple[Path, Advice]":
    from handflow.teach import TeachConfig, teach_model

    try:
        config = TeachConfig(window_seconds=window)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with progress_console.status("looking at the clips"):
        taught = teach_model(clips, out, config, dataset=dataset, notes=notes)
    return taught.folder, taught.advice


def _train(
    model: str,
    clips: "list[Clip]",
    dataset: Path,
    out: Path,
    preset: Preset,
    changes: Mapping[str, Any],
    notes: tuple[str, ...] = (),
) -> Path:
    with progress() as bar:
        task = bar.add_task("loading torch", total=changes["epochs"])
        from handflow.train import configured, train_model

        try:
            config = configured(model, preset, **changes)
        except ValueError as error:  # a size or number out of range
            raise typer.BadParameter(str(error)) from error
        bar.update(task, description="drawing windows", total=config.epochs)

        def told(epoch: int, most: int, row: Mapping[str, float]) -> None:
            if not epoch:
                bar.update(task, description=f"decoding pictures, {row['decoded']:.0%}")
                return
            words = f"loss {row['val_loss']:.3f} · windows right {row['val_accuracy']:.1%}"
            bar.update(task, description=words, completed=epoch, total=most)

        folder = train_model(clips, config, out, dataset=dataset, report=told, notes=notes)
        bar.update(task, description="done", completed=config.members * config.epochs)
    return folder


def _best(
    clips: "list[Clip]",
    dataset: Path,
    out: Path,
    window: float | None,
    preset: Preset,
    changes: Mapping[str, Any],
) -> "tuple[Path, Advice | None]":
    """The better of a few-shot model and the landmark network, by cross-validation."""
    with progress() as bar:
        task = bar.add_task("comparing few-shot and landmark", total=None)
        from handflow.train import configured
        from handflow.train.auto import choose
        from handflow.train.models import with_dataset

        try:
            config = with_dataset(configured("landmark", preset, **changes), dataset)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        choice = choose(
            clips, config, lambda fold, folds, done: bar.update(task, completed=fold + done, total=folds)
        )
    notes = (f"Chosen by --model auto: {choice.why}.",)
    if choice.kind == FEW_SHOT:
        return _teach(clips, dataset, out, window, notes)
    return _train("landmark", clips, dataset, out, preset, changes, notes), None


def _tell(folder: Path, as_json: bool, advice: "Advice | None") -> None:
    from handflow.recognize import read_model_info

    info = read_model_info(folder)
    for note in info.notes:
        progress_console.print(f"[yellow]Note:[/] {note}", highlight=False)
    accuracy = info.evaluation.accuracy
    if as_json:
        document = {
            "model": str(folder),
            "kind": info.kind,
            "labels": list(info.labels),
            "accuracy": accuracy and accuracy.mean,
            "std": accuracy and accuracy.std,
            "held_out": info.evaluation.held_out,
            "clips": info.evaluation.clips,
            "window_seconds": info.window_seconds,
            "notes": list(info.notes),
        }
        print_json(document | ({} if advice is None else {"advice": advice.document()}))
        return
    lines = [f"report: {folder / 'report.html'}"]
    if advice is not None:
        lines = [*advice.sentences(), *lines]
    elif accuracy is not None:
        lines.insert(
            0,
            f"{accuracy.mean:.1%} of {info.evaluation.clips} held-out clips right "
            f"(by {info.evaluation.held_out})",
        )
    for line in lines:
        # a folder's name may hold brackets
        progress_console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(str(folder), markup=False, highlight=False, soft_wrap=True)
