"""`handflow check`: names what is wrong with a dataset and mends what can be mended."""

from pathlib import Path
from typing import Annotated

import typer

from handflow.cli.common import AsJson, Verbose, command_app, console, print_json, progress

app = command_app()


@app.command(epilog="Example: handflow check my-gestures --fix")
def check(
    dataset: Annotated[Path, typer.Argument(help="The dataset.")],
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", help="Migrate, clean up, rebuild, and move damaged clips and copies to the trash."
        ),
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Name damaged, duplicate, too short, hand-less and mislabelled-looking clips; exit 1 while any stay."""
    from handflow.data.check import check_dataset

    with progress() as bar:
        task = bar.add_task("checking", total=None)
        report = check_dataset(
            dataset, fix=fix, progress=lambda done, total, _: bar.update(task, completed=done, total=total)
        )
    problems = sum(f.is_problem for f in report.findings)
    if as_json:
        print_json(
            {
                "dataset": str(dataset),
                "clips": report.clips,
                "fine": report.fine,
                "findings": [
                    {
                        "kind": f.kind,
                        "clip": f.clip,
                        "gesture": f.gesture,
                        "message": f.message,
                        "problem": f.is_problem,
                        "fixed": f.fixed,
                    }
                    for f in report.findings
                ],
            }
        )
    else:
        for finding in report.findings:
            style = "green" if finding.fixed else "yellow" if finding.is_problem else "dim"
            mark = "fixed" if finding.fixed else finding.kind
            name = f"{finding.gesture}/{finding.clip}: " if finding.clip else ""
            console.print(
                f"{mark}: {name}{finding.message}", style=style, markup=False, highlight=False, soft_wrap=True
            )
        verdict = f"{problems} problem{'s' * (problems != 1)}" if problems else "all fine"
        console.print(f"{report.clips} clips checked: {verdict}", highlight=False)
        if any(f.fixed and "trash" in f.message for f in report.findings):
            console.print(f"bring back from the trash: handflow review {dataset} --undo", highlight=False)
    if problems:
        raise typer.Exit(1)
