"""`handflow pretrain`: trains the few-shot encoders on gestures that nobody made."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import (
    AsJson,
    Seed,
    Verbose,
    command_app,
    console,
    print_json,
    progress,
    progress_console,
)
from handflow.extras import require_extra

app = command_app()


@app.command(epilog="Example: handflow pretrain --out pretrained")
def pretrain(
    out: Annotated[
        Path, typer.Option(help="Folder for encoders.onnx, encoders.json and the checkpoints.")
    ] = Path("pretrained"),
    steps: Annotated[
        int | None,
        typer.Option(help="Steps of each encoder; those of the recipe where not given.", min=1),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="Train this encoder alone, as when several processes share the work.", metavar="NAME"
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores where not given.", min=1)] = None,
    device: Annotated[str, typer.Option(help="What computes: cpu, cuda or mps.")] = "cpu",
    seed: Seed = 0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Train the encoders that few-shot models compare examples by. Nobody needs to: handflow brings them.

    The recipe is fixed and draws its gestures itself. Ctrl-C keeps what is done; the same command goes on.
    """
    require_extra("pretraining", "train")
    with progress() as bar:
        task = bar.add_task("loading torch", total=None)
        from handflow.processes import cores
        from handflow.train.package_encoders import write_encoders
        from handflow.train.pretrain import EXPERTS, PretrainConfig, Progress, check_device, pretrain_expert
        from handflow.train.pretrain import card as card_of
        from handflow.train.settle import measure, settle

        if only is not None and only not in EXPERTS:
            raise typer.BadParameter(f"there is no encoder '{only}': choose one of {', '.join(EXPERTS)}")
        config = PretrainConfig(
            steps=steps or PretrainConfig().steps,
            seed=seed,
            threads=threads or cores(),
            device=check_device(device),
        )

        def told(now: Progress) -> None:
            words = f"{now.expert}: loss {now.loss:.3f} · nearest right {now.nearest:.1%}"
            bar.update(task, description=words, completed=now.step, total=now.steps)

        checkpoints = out / "checkpoints"
        try:
            experts = [
                pretrain_expert(name, config, checkpoints, told)
                for name in EXPERTS
                if only is None or name == only
            ]
        except KeyboardInterrupt:
            progress_console.print(f"stopped; the same command goes on from {checkpoints}")
            raise
        if only is not None:
            console.print(str(checkpoints / f"{only}.pt"), markup=False, highlight=False, soft_wrap=True)
            return
        bar.update(task, description="settling what is usual", total=None)
        draft = write_encoders(experts, out, card_of(config))
        from handflow.recognize.few_shot.packaged import OnnxEncoders

        encoders = OnnxEncoders(draft)
        usual = settle(encoders)
        results = measure(encoders, usual)
        path = write_encoders(experts, out, card_of(config, usual, results))
    if as_json:
        print_json({"encoders": str(path), "results": results, "weights": list(usual.weights)})
        return
    shown = " · ".join(f"{shots} shot {share:.1%}" for shots, share in results.items())
    progress_console.print(f"drawn gestures never trained on, ten at a time: {shown}", highlight=False)
    console.print(str(path), markup=False, highlight=False, soft_wrap=True)
