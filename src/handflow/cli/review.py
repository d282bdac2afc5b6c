"""`handflow review`: one page with all clips; delete, relabel and undo by command."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import Verbose, command_app, console, progress

app = command_app()


@app.command(epilog="Example: handflow review my-gestures --relabel wave-0003=swipe_left")
def review(
    dataset: Annotated[Path, typer.Argument(help="The dataset.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; review.html in the dataset if left out.")
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
    verbose: Verbose = False,
) -> None:
    """Look at all clips on one page; delete or relabel them, and undo that."""
    from handflow.data.dataset import Dataset
    from handflow.data.review import apply_changes, write_review
    from handflow.errors import DatasetError

    opened = Dataset.open(dataset)
    if not (delete or relabel or undo):
        with progress() as bar:
            task = bar.add_task("drawing", total=None)
            page = write_review(
                dataset, out, progress=lambda done, total, _: bar.update(task, completed=done, total=total)
            )
        console.print(f"open in a browser: {page.resolve()}", markup=False, highlight=False, soft_wrap=True)
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
