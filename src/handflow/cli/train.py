"""`handflow train`: from a dataset to the folder of a trained model."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

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
    require_training,
)

app = command_app()


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
            help="Kind of model: landmark · lrcn or convlstm, the article's networks on pictures.",
        ),
    ] = "landmark",
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
    batch: Annotated[int | None, typer.Option(help="Windows of a training step.", min=1)] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs at most; training ends early when it stops improving.", min=1)
    ] = None,
    val_by: Annotated[
        ValidationBy,
        typer.Option(help="Held out to decide when to stop: whole subjects, sessions, or single clips."),
    ] = ValidationBy.AUTO,
    window: Annotated[
        float | None,
        typer.Option(
            help="Seconds that the model looks back; chosen from the clips where not given.", min=0.3, max=5
        ),
    ] = None,
    device: Annotated[Device, typer.Option(help="What computes.")] = Device.AUTO,
    seed: Seed = 0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Train a model on a dataset. Ctrl-C ends early and keeps the best model so far."""
    require_training("training")
    from handflow.data import load_clips
    from handflow.recognize import read_model_info

    clips = load_clips(dataset)
    width, height = picture_size(size) if size else (None, None)
    with progress() as bar:
        task = bar.add_task("loading torch", total=epochs)
        from handflow.train import configured, train_model

        try:
            config = configured(
                model,
                preset,
                input=input and input.value,
                frames=frames,
                width=width,
                height=height,
                batch=batch,
                epochs=epochs,
                seed=seed,
                validation_by=val_by.value,
                window_seconds=window,
                device=device.value,
            )
        except ValueError as error:  # a size or number out of range
            raise typer.BadParameter(str(error)) from error
        bar.update(task, description="drawing windows", total=config.epochs)

        def told(epoch: int, most: int, row: Mapping[str, float]) -> None:
            if not epoch:
                bar.update(task, description=f"decoding pictures, {row['decoded']:.0%}")
                return
            words = f"loss {row['val_loss']:.3f} · windows right {row['val_accuracy']:.1%}"
            bar.update(task, description=words, completed=epoch, total=most)

        folder = train_model(clips, config, out, dataset=dataset, report=told)
        bar.update(task, description="done", completed=config.epochs)
    info = read_model_info(folder)
    for note in info.notes:
        progress_console.print(f"[yellow]Note:[/] {note}", highlight=False)
    accuracy = info.evaluation.accuracy
    if as_json:
        print_json(
            {
                "model": str(folder),
                "labels": list(info.labels),
                "accuracy": accuracy.mean,
                "std": accuracy.std,
                "held_out": info.evaluation.held_out,
                "clips": info.evaluation.clips,
                "window_seconds": info.window_seconds,
                "notes": list(info.notes),
            }
        )
        return
    progress_console.print(
        f"{accuracy.mean:.1%} of {info.evaluation.clips} held-out clips right "
        f"(by {info.evaluation.held_out}); report: {folder / 'report.html'}",
        markup=False,  # a folder's name may hold brackets
        highlight=False,
        soft_wrap=True,
    )
    console.print(str(folder), markup=False, highlight=False, soft_wrap=True)
