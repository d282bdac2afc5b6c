"""`handflow review`: one page with all clips, or with what training draws from them; changes by command."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import Verbose, command_app, console, progress
from handflow.cli.train import Input, Preset
from handflow.extras import require_extra

app = command_app()


@app.command(epilog="Example: handflow review my-gestures --relabel wave-0003=swipe_left")
def review(
    dataset: Annotated[Path, typer.Argument(help="The dataset.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The page; review.html, or review-augmented.html, in the dataset if left out."
        ),
    ] = None,
    delete: Annotated[
        list[str] | None, typer.Option("--delete", metavar="ID", help="Move a clip to the trash; repeatable.")
    ] = None,
    relabel: Annotated[
        list[str] | None,
        typer.Option("--relabel", metavar="ID=GESTURE", help="Give a clip another gesture; repeatable."),
    ] = None,
    new_gesture: Annotated[
        bool, typer.Option("--new-gesture", help="Let --relabel name a gesture that the dataset lacks.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last change back.")] = False,
    augmented: Annotated[
        bool,
        typer.Option("--augmented", help="Show windows as image networks get them in training, varied."),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(help="With --augmented: lrcn or convlstm.", show_default="lrcn"),
    ] = None,
    input: Annotated[
        Input | None,
        typer.Option(help="With --augmented: what the network sees.", show_default="as `handflow train`"),
    ] = None,
    preset: Annotated[
        Preset | None, typer.Option(help="With --augmented: whose values.", show_default="default")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="With --augmented: of all draws.", min=0, show_default="0")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Look at all clips on one page; delete or relabel them, and undo that.

    With --augmented the page shows what an image network gets in training:
    for some clips of each gesture a window as it is, and others drawn from it.
    """
    from handflow.data.dataset import Dataset
    from handflow.data.review import apply_changes, write_review
    from handflow.errors import DatasetError

    opened = Dataset.open(dataset)
    if augmented:
        if delete or relabel or undo:
            raise DatasetError("--augmented only shows: leave --delete, --relabel and --undo out")
        page = _draw_augmented(dataset, out, model or "lrcn", input, preset or Preset.DEFAULT, seed or 0)
        _say_page(page)
        return
    for name, value in (("model", model), ("input", input), ("preset", preset), ("seed", seed)):
        if value is not None:
            raise typer.BadParameter(f"--{name} is for --augmented")
    if not (delete or relabel or undo):
        with progress() as bar:
            task = bar.add_task("drawing", total=None)
            page = write_review(
                dataset, out, progress=lambda done, total, _: bar.update(task, completed=done, total=total)
            )
        _say_page(page)
        return
    if undo and (delete or relabel):
        raise DatasetError("--undo takes a change back and goes alone: leave --delete and --relabel out")
    if undo:
        console.print(opened.undo().describe_undo(), markup=False, highlight=False)
        return
    done = apply_changes(opened, delete=delete or (), relabel=relabel or (), new=new_gesture)
    for line in done:
        console.print(line, markup=False, highlight=False)
    console.print(f"take the last back: handflow review {dataset} --undo", markup=False, highlight=False)


def _draw_augmented(
    dataset: Path, out: Path | None, model: str, input: Input | None, preset: Preset, seed: int
) -> Path:
    require_extra("showing what training draws", "train")
    from handflow.data import load_clips
    from handflow.evaluate.augmented_page import PAGE, write_augmented_page

    clips = load_clips(dataset)
    with progress() as bar:
        task = bar.add_task("loading torch", total=None)
        from handflow.train import configured, usable_clips
        from handflow.train.models import with_dataset
        from handflow.train.shown import TrainingWindows

        config = with_dataset(configured(model, preset, input=input and input.value, seed=seed), dataset)
        windows = TrainingWindows(usable_clips(clips), config)
        bar.update(task, description="drawing", total=len(windows))
        return write_augmented_page(
            out or dataset / PAGE,
            dataset.resolve().name,
            bar.track(windows, task_id=task),
            windows.facts(),
            seconds=windows.seconds,
        )


def _say_page(page: Path) -> None:
    console.print(f"open in a browser: {page.resolve()}", markup=False, highlight=False, soft_wrap=True)
