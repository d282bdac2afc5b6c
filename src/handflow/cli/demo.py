"""`handflow demo`: the whole way on synthetic hands, no camera needed."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from handflow.cli.common import (
    AsJson,
    Seed,
    Verbose,
    command_app,
    print_json,
    progress,
    progress_console,
)
from handflow.extras import require_extra

if TYPE_CHECKING:
    from handflow.evaluate.streams import StreamResult

app = command_app()


@app.command(epilog="Example: handflow demo --out demo-output")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the model, the report and the video.")] = Path(
        "demo-output"
    ),
    jobs: Annotated[int, typer.Option(help="Processes that render and track; 0: one a core.", min=0)] = 0,
    seed: Seed = 0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Render hands, track them, train, evaluate on persons never trained on, run on an unseen video."""
    require_extra("the demo", "train")
    from handflow.data import load_clips
    from handflow.demo import DemoConfig, play, prepare
    from handflow.evaluate import evaluate_clips
    from handflow.evaluate.plots import confusion_picture
    from handflow.evaluate.provenance import Provenance
    from handflow.evaluate.report import write_report
    from handflow.evaluate.stream_report import write_stream_report
    from handflow.evaluate.streams import StreamEvents, score_streams
    from handflow.evaluate.timeline import timeline_picture
    from handflow.places import cache_dir
    from handflow.recognize import load_recognizer

    say = progress_console.print
    begun = time.perf_counter()
    config = DemoConfig(seed=seed)
    folder = cache_dir() / "demo" / config.fingerprint
    say("[bold]1  Clips[/] of virtual persons, rendered as pixels, tracked by the real hand models")
    with progress() as bar:
        task = bar.add_task("", total=None)

        def told(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        material = prepare(config, folder, jobs=jobs, progress=told)
    made = time.perf_counter()
    train, test = load_clips(material.train), load_clips(material.test)
    say(f"   {len(train)} clips of {config.train_persons} persons to learn from, {len(test)} of others")

    say("[bold]2  Training[/] the landmark network")
    from handflow.train import configured, train_model

    model = train_model(train, configured("landmark", seed=seed), out / "models", dataset=material.train)
    trained = time.perf_counter()

    say("[bold]3  Evaluation[/] on persons never trained on")
    recognizer = load_recognizer(model)
    result = evaluate_clips(recognizer, test)
    say(f"   {result.right} of {result.clips} clips right: {result.accuracy:.1%}")

    say("[bold]4  A continuous video[/] of a person never trained on, streamed as from a camera")
    annotated = out / "demo.mp4"
    with progress() as bar:
        task = bar.add_task("seconds of video", total=None)
        played = play(
            material,
            recognizer,
            annotated,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    streams = score_streams([StreamEvents("demo", material.segments, played.events, played.seconds)])
    (out / "clips").mkdir(parents=True, exist_ok=True)
    confusion_picture(result.confusion, result.labels, out / "clips" / "confusion.png")
    report = write_report(
        out / "clips",
        result,
        trained_on=Provenance.of(train),
        tested_on=Provenance.of(test),
        title="Demo: persons never trained on",
        model=model,
    )
    ((_, match),) = streams.matches
    timeline_picture(
        match, (0.0, played.seconds), out / "stream" / "timeline.png", scores=played.scores, title="Demo"
    )
    stream_report = write_stream_report(out / "stream", streams, title="Demo: a video of an unseen person")
    done = time.perf_counter()
    say(_events_beside_truth(streams))
    say(
        f"   clips of unseen persons {result.accuracy:.1%} right, "
        f"events F1 {_share(streams.f1)}, {streams.false_activations} false"
    )
    for what, path in (
        ("clips", report),
        ("stream", stream_report),
        ("training", model / "report.html"),
        ("video", annotated),
        ("model", model),
    ):
        say(f"   {what:9} {path}", markup=False, highlight=False, soft_wrap=True)
    say(
        f"[dim]clips {made - begun:.0f} s (kept in {escape(str(folder))}), "
        f"training {trained - made:.0f} s, the rest {done - trained:.0f} s[/]"
    )
    if as_json:
        print_json(
            {
                "clips": {"train": len(train), "test": result.clips},
                "accuracy": result.accuracy,
                "stream": streams.document(),
                "seconds": {"clips": made - begun, "training": trained - made, "rest": done - trained},
                "stages_ms": {
                    s: {"p50": p[0], "p95": p[1]} for s, p in played.times.percentiles(50, 95).items()
                },
                "model": str(model),
                "video": str(annotated),
            }
        )


def _events_beside_truth(streams: "StreamResult") -> Table:
    """The truth, and beside it what was recognized, in the order of time."""
    rows = []
    for _, match in streams.matches:
        for segment, event in match.hits:
            rows.append((segment.onset, segment.label, f"{event.gesture} at {event.time:.2f} s", "✓"))
        rows += [(s.onset, s.label, "–", "missed") for s in match.missed]
        rows += [
            (f.event.time, "–", f"{f.event.gesture} at {f.event.time:.2f} s", f"false ({f.kind})")
            for f in match.false
        ]
    table = Table("from", "truth", "event", "")
    for onset, truth, told, verdict in sorted(rows):
        table.add_row(f"{onset:.2f} s", truth, told, verdict)
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
