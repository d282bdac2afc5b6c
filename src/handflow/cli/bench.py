"""`handflow bench`: measure speed and accuracy on this machine."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from handflow.cli.common import AsJson, Seed, Verbose, command_app, console, print_json, progress_console

app = command_app()
BENCHES = ("hands", "train", "teach", "stream")


@app.command(epilog="Example: handflow bench hands")
def bench(
    what: Annotated[str, typer.Argument(help=f"What to measure: {', '.join(BENCHES)}.", metavar="WHAT")],
    frames: Annotated[int, typer.Option(help="hands: frames of each case.", min=10)] = 120,
    runs: Annotated[int, typer.Option(help="Runs of each program, in turns.", min=1)] = 5,
    model: Annotated[
        Path | None, typer.Option(help="stream: a model of the four directions; else one is trained.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="hands: a folder with photos/ and videos/ of real hands, looked at too."),
    ] = None,
    parts: Annotated[
        bool,
        typer.Option("--parts", help="train: what the parts of training on pictures bring; takes longer."),
    ] = False,
    seed: Seed = 0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Measure handflow on this machine, beside its peers where `.venv-peers` is there (`make peers`)."""
    if what not in BENCHES:
        raise typer.BadParameter(f"'{what}' is not known: choose {', '.join(BENCHES)}")
    if what == "hands":
        _hands(frames, runs, seed, data, as_json)
    elif what == "teach":
        _teach(runs, seed, as_json)
    elif what == "train":
        _train(runs, seed, parts, as_json)
    else:
        _stream(model, seed, as_json)


def _hands(frames: int, runs: int, seed: int, data: Path | None, as_json: bool) -> None:
    from handflow.bench.all_hands import bench_all_hands
    from handflow.cli.bench_tables import print_hands

    with progress_console.status("…") as status:
        report = bench_all_hands(frames=frames, runs=runs, seed=seed, data=data, progress=status.update)
    if as_json:
        print_json({"bench": "hands", "frames": frames, "runs": runs, **asdict(report)})
    else:
        print_hands(report)


def _train(runs: int, seed: int, parts: bool, as_json: bool) -> None:
    from handflow.bench.learning import bench_train
    from handflow.bench.training import bench_steps
    from handflow.cli.bench_tables import print_steps

    with progress_console.status("…") as status:
        measured = bench_train(runs=runs, seed=seed, progress=status.update)
        report = bench_steps(runs=runs, seed=seed, parts=parts, progress=status.update)
    if as_json:
        document = asdict(report)
        shown = {key: document[key] for key in ("threads", "steps", *(["parts"] if parts else []))}
        print_json({"bench": "train", "runs": runs, **asdict(measured), **shown})
        return
    console.print(
        f"{measured.clips} clips trained on in {measured.seconds:.1f} s (median of {runs}); "
        f"{measured.accuracy:.1%} of {measured.test_clips} clips of unseen persons right; "
        f"model of {measured.model_mb:.2f} MB"
    )
    print_steps(report)


def _teach(runs: int, seed: int, as_json: bool) -> None:
    from handflow.bench.teaching import bench_teach

    with progress_console.status("…") as status:
        measured = bench_teach(runs=runs, seed=seed, progress=status.update)
    if as_json:
        print_json({"bench": "teach", "runs": runs, **asdict(measured)})
        return
    table = Table("what", "time")
    for what, seconds in (
        ("teaching 10 gestures of 5 clips, from landmarks to the model folder", measured.teach_seconds),
        ("opening that model", measured.load_seconds),
        ("20 gestures of 10 clips: one clip more", measured.add_seconds),
        ("… a gesture of 10 clips more", measured.add_gesture_seconds),
        ("… one clip less", measured.remove_seconds),
    ):
        table.add_row(what, f"{seconds:.2f} s")
    for what, milliseconds in (
        (
            "telling a window, 20 gestures of 5 clips (p50 / p95)",
            f"{measured.window_p50:.2f} / {measured.window_p95:.2f} ms",
        ),
        ("… of two hands (p50)", f"{measured.window_two_hands_p50:.2f} ms"),
        ("a live frame, all windows (p50 / p95)", f"{measured.frame_p50:.2f} / {measured.frame_p95:.2f} ms"),
    ):
        table.add_row(what, milliseconds)
    console.print(table)


def _stream(model: Path | None, seed: int, as_json: bool) -> None:
    from handflow.bench.learning import bench_stream

    with progress_console.status("…") as status:
        measured = bench_stream(model, seed=seed, progress=status.update)
    p50, p95 = measured.times.percentiles(50, 95)["recognition"]
    if as_json:
        cost = {"p50": p50, "p95": p95}
        print_json({"bench": "stream", "recognition_ms": cost, **measured.result.details()})
        return
    result = measured.result
    table = Table("measure", "value")
    table.add_row("gestures, hours", f"{result.gestures}, {result.hours:.2f}")
    for name, value in (
        ("precision", result.precision),
        ("recall", result.recall),
        ("F1", result.f1),
        ("Levenshtein accuracy", result.levenshtein_accuracy),
        ("false activations an hour", result.false_activations_per_hour),
    ):
        table.add_row(name, "–" if value is None else f"{value:.3f}")
    if result.offset_event is not None:
        table.add_row(
            "offset → event, p50 / p95", f"{result.offset_event.p50:.2f} / {result.offset_event.p95:.2f} s"
        )
    table.add_row("recognition a frame, p50 / p95", f"{p50:.2f} / {p95:.2f} ms")
    console.print(table)
