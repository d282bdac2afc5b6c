"""`handflow doctor`: what works on this machine, and the remedy for what does not."""

from contextlib import nullcontext
from typing import Annotated

import typer

from handflow.cli.common import AsJson, Verbose, command_app, console, print_json, progress_console

app = command_app()

_MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


@app.command(epilog="Example: handflow doctor --json")
def doctor(
    download: Annotated[
        bool,
        typer.Option(
            "--download", help="Fetch the hand models (36 MB), the lite one too, where they are missing."
        ),
    ] = False,
    cameras: Annotated[
        bool, typer.Option("--cameras/--no-cameras", help="Open each camera for a moment to measure it.")
    ] = True,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Say what works on this machine and what is missing. Exit 1: something necessary is broken."""
    from rich.markup import escape

    from handflow.doctor import Finding, examine

    if download:
        from handflow.hands.models import fetch_hand_models

        fetch_hand_models(quiet=as_json)
    findings: list[Finding] = []
    # While findings are printed as they come, a spinner on the same terminal would garble them.
    with progress_console.status("looking at this machine …") if as_json else nullcontext():
        for finding in examine(leave_out=() if cameras else ("cameras",)):
            findings.append(finding)
            if not as_json:
                console.print(
                    f"{_MARKS[finding.status]} [bold]{finding.area:<12}[/] {escape(finding.detail)}",
                    highlight=False,
                    soft_wrap=True,
                )
                if finding.remedy:
                    console.print(f"  {'':<12} → {escape(finding.remedy)}", highlight=False, soft_wrap=True)
    broken = sum(f.status == "fail" for f in findings)
    if as_json:
        print_json(
            {
                "ok": broken == 0,
                "findings": [
                    {"area": f.area, "status": f.status, "detail": f.detail, "remedy": f.remedy, **f.facts}
                    for f in findings
                ],
            }
        )
    elif broken:
        console.print(f"\n{broken} broken: handflow cannot do its work here yet")
    else:
        console.print("\nhandflow works here")
    if broken:
        raise typer.Exit(1)
