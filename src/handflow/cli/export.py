"""`handflow export`: pack a trained model for use without handflow."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import Verbose, command_app, console, progress_console

app = command_app()


@app.command(epilog="Example: handflow export models/2026-… --out gestures.zip")
def export(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model.")],
    out: Annotated[
        Path | None, typer.Option(help="Zip file to write; the model's name in this folder where not given.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Pack a trained model: ONNX, JSON and a loader that needs only numpy and onnxruntime."""
    from handflow.recognize.package import pack_model

    written = pack_model(model, out or Path(f"{model.resolve().name}.zip"))
    progress_console.print("unpack it and see load.py: it needs only numpy and onnxruntime", highlight=False)
    console.print(str(written), markup=False, highlight=False, soft_wrap=True)
