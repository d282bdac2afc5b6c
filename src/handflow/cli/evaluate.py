"""`handflow evaluate`: measure a model, or a kind of model, on clips or streams."""

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

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
from handflow.errors import DatasetError, MissingExtraError, ModelFileError

if TYPE_CHECKING:
    from handflow.evaluate.protocols import FewShotResult, Run, SubjectResult
    from handflow.types import Clip, Stream

app = command_app()


class Protocol(StrEnum):
    """What is measured."""

    CLIPS = "clips"
    FEW_SHOT = "few-shot"
    SUBJECTS = "leave-one-subject-out"
    STREAM = "stream"


_WITH_MODEL = (Protocol.CLIPS, Protocol.STREAM)
_UNKNOWN_PAST = (
    "the model does not say whose clips it was trained on: if these were among them, expect less on new ones"
)


@app.command(
    epilog="Example: handflow evaluate models/2026-… their-gestures --json   ·   "
    "handflow evaluate my-gestures --protocol few-shot --shots 1,3,5"
)
def evaluate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] DATASET",
            help="Folder of a trained model (for clips and stream), then a dataset or landmark archive.",
        ),
    ],
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="clips: each clip once · stream: events in continuous recordings · few-shot: teach few "
            "clips, test on all others, repeat · leave-one-subject-out: teach all but one person, test "
            "on that one."
        ),
    ] = Protocol.CLIPS,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="Kind of model that a protocol teaches, as in `train`; few-shot where not given."
        ),
    ] = None,
    shots: Annotated[str, typer.Option(help="Numbers of clips to teach of each gesture.")] = "1,3,5",
    repeats: Annotated[int, typer.Option(help="How often few-shot draws.", min=1)] = 10,
    only: Annotated[
        str | None, typer.Option(help="Measure these gestures alone.", metavar="NAME,NAME…")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, its pictures and evaluation.json.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the confusion matrix, or the timeline of the stream with most errors (.png)."
        ),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Measure how well gestures are recognized, and say so where the model knows the clips already."""
    if protocol in _WITH_MODEL and len(paths) != 2:
        raise typer.BadParameter(
            f"the protocol '{protocol}' needs a MODEL and a DATASET; without a model name "
            "--protocol few-shot or leave-one-subject-out"
        )
    if protocol not in _WITH_MODEL and len(paths) != 1:
        raise typer.BadParameter(
            f"the protocol '{protocol}' teaches models itself: name a DATASET alone, and --model KIND"
        )
    wanted = [name.strip() for name in only.split(",") if name.strip()] if only else None
    report = _Report(out, plot, as_json)
    if protocol is Protocol.CLIPS:
        _clips(paths[0], paths[1], wanted, report)
    elif protocol is Protocol.STREAM:
        _streams(paths[0], paths[1], wanted, report)
    else:
        counts = _numbers(shots) if protocol is Protocol.FEW_SHOT else []
        _protocol(paths[0], protocol, model, counts, repeats, seed, wanted, report)


class _Report:
    """Where results go: the terminal, one JSON document, a folder, a picture."""

    def __init__(self, out: Path | None, plot: Path | None, as_json: bool) -> None:
        self.out, self.plot, self.as_json = out, plot, as_json

    def tell(self, document: dict[str, Any], tables: Iterable[Any], notes: Sequence[str]) -> None:
        for note in notes:
            progress_console.print(f"[yellow]Note:[/] {escape(note)}", highlight=False)
        if self.as_json:
            # The forms are fixed; a mark that belongs to the numbers goes with them all the same.
            print_json(document | ({"notes": list(notes)} if notes else {}))
        else:
            for table in filter(None, tables):
                console.print(escape(table) if isinstance(table, str) else table, highlight=False)

    def write(self, details: dict[str, Any], notes: Sequence[str], page: Callable[[Path], Path]) -> None:
        if self.out is None:
            return
        import json

        from handflow.atomic import write_bytes

        self.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(details | {"notes": list(notes)}, indent=2, allow_nan=False)
        write_bytes(self.out / "evaluation.json", text.encode() + b"\n")
        progress_console.print(f"report: {escape(str(page(self.out)))}")

    def draw(self, name: str, picture: Callable[[Path], Path]) -> None:
        """Draws into the folder and to `--plot`; a report without pictures is better than none."""
        if self.plot is not None:
            progress_console.print(f"picture: {escape(str(picture(self.plot)))}")
        if self.out is not None:
            try:
                picture(self.out / name)
            except MissingExtraError as error:
                progress_console.print(f"[yellow]Note:[/] no picture in the report: {escape(str(error))}")


def _clips(model: Path, dataset: Path, wanted: list[str] | None, report: _Report) -> None:
    from handflow.data import load_clips
    from handflow.evaluate import Provenance, evaluate_clips
    from handflow.evaluate.clips import check_labels
    from handflow.evaluate.plots import calibration_picture, confusion_picture
    from handflow.evaluate.provenance import overlap_notes, trained_provenance
    from handflow.evaluate.report import advice, verdict_in_words, write_report
    from handflow.evaluate.tables import clip_table
    from handflow.recognize import load_recognizer

    recognizer = load_recognizer(model)
    clips = _chosen(load_clips(dataset), wanted, dataset)
    check_labels(recognizer.labels, clips)
    with progress() as bar:
        task = bar.add_task("clips", total=len(clips))
        result = evaluate_clips(recognizer, clips, on_clip=lambda: bar.advance(task))
    trained, tested = trained_provenance(model), Provenance.of(clips)
    notes = list(overlap_notes(trained, tested)) if trained else [_UNKNOWN_PAST]
    report.tell(
        result.document(),
        (
            verdict_in_words(result, trained, tested),
            clip_table(result),
            result.calibration.in_words() if result.calibration else "",
            *advice(result),
        ),
        notes,
    )
    report.draw(
        "confusion.png",
        lambda path: confusion_picture(result.confusion, result.labels, path, unanswered=result.unanswered),
    )
    if report.out is not None and result.calibration is not None:
        calibration = result.calibration
        _Report(report.out, None, False).draw(
            "calibration.png", lambda path: calibration_picture(calibration, path)
        )
    report.write(
        result.details(),
        notes,
        lambda folder: write_report(
            folder,
            result,
            trained_on=trained,
            tested_on=tested,
            title=f"{model.name} on {dataset.name}",
            model=model,
            thresholds={g: t.enter for g, t in recognizer.info.thresholds.items()},
        ),
    )


def _streams(model: Path, archive: Path, wanted: list[str] | None, report: _Report) -> None:
    from handflow.data import read_archive
    from handflow.evaluate import StreamEvents, recognize_stream, score_streams
    from handflow.evaluate.provenance import count, listed, trained_provenance
    from handflow.evaluate.stream_report import streams_in_words, write_stream_report
    from handflow.evaluate.streams import check_streams, untaught_gestures
    from handflow.evaluate.tables import stream_table
    from handflow.evaluate.timeline import stream_timeline
    from handflow.recognize import load_recognizer
    from handflow.recognize.spotting import Spotting

    recognizer = load_recognizer(model)
    if recognizer.needs_pictures:
        raise ModelFileError(
            f"{model.name} looks at pictures (--input {recognizer.info.input_kind}) and an archive holds "
            "landmarks alone: measure a model with --input mask, or one of landmarks"
        )
    spotting = Spotting(recognizer)
    if archive.is_dir():
        raise DatasetError(f"{archive} is a folder: the protocol 'stream' needs a landmark archive (.npz)")
    streams = read_archive(archive).streams
    check_streams(streams, str(archive))
    known = [label for label in wanted or recognizer.labels if label in recognizer.labels]
    untaught = untaught_gestures(known, streams)
    notes = [
        f"'{label}' ({count(times, 'time')} in the streams) is not among the gestures measured: "
        "an event while it is made counts as a false activation"
        for label, times in untaught.items()
    ]

    trained = trained_provenance(model)
    if known_people := {s.subject for s in streams if s.subject} & (trained.subjects if trained else set()):
        notes.append(
            f"the model was also trained on {listed(sorted(known_people))}: expect less for someone new"
        )

    def one(stream: "Stream") -> StreamEvents:
        events = recognize_stream(spotting, stream)
        return StreamEvents(
            stream.id,
            tuple(s for s in stream.segments if s.label in known),
            tuple(event for event in events if event.gesture in known),
            stream.sequence.duration,
        )

    usable = [stream for stream in streams if len(stream.sequence) > 1]
    done: list[StreamEvents] = []
    stopped = False
    with progress() as bar:
        try:
            for stream in bar.track(usable, description="streams"):
                done.append(one(stream))  # noqa: PERF401 - what is done must survive Ctrl-C
        except KeyboardInterrupt:
            stopped = True
    if not done:
        raise KeyboardInterrupt
    if stopped:
        notes.append(f"interrupted after {len(done)} of {len(usable)} streams")
    result = score_streams(done)
    report.tell(result.document(), ("\n".join(streams_in_words(result)), stream_table(result)), notes)
    worst, (_, match) = max(
        zip(usable, result.matches, strict=False),  # fewer matches where it was interrupted
        key=lambda pair: len(pair[1][1].false) + len(pair[1][1].missed),
    )
    report.draw("timeline.png", lambda path: stream_timeline(match, spotting, worst, path))
    report.write(
        result.details(),
        notes,
        lambda folder: write_stream_report(
            folder, result, title=f"{model.name} on {archive.name}", notes=notes
        ),
    )
    if stopped:
        raise typer.Exit(130)


def _protocol(
    dataset: Path,
    protocol: Protocol,
    kind: str | None,
    shots: list[int],
    repeats: int,
    seed: int,
    wanted: list[str] | None,
    report: _Report,
) -> None:
    from handflow.cli.teaching import run_all, teacher
    from handflow.data import load_clips
    from handflow.evaluate.plots import confusion_picture
    from handflow.evaluate.protocol_report import write_protocol_report
    from handflow.evaluate.protocols import (
        few_shot_result,
        few_shot_runs,
        leave_one_subject_out_result,
        leave_one_subject_out_runs,
        single_maker,
    )
    from handflow.evaluate.tables import shot_table, subject_table

    clips = _chosen(load_clips(dataset), wanted, dataset)
    runs: Iterator[Run]
    result: FewShotResult | SubjectResult
    cancelled = threading.Event()
    with tempfile.TemporaryDirectory(prefix="handflow-") as folder, progress() as bar:
        task = bar.add_task(str(protocol), total=None)
        teach = teacher(
            kind, dataset, seed, Path(folder), cancelled, lambda done: bar.update(task, completed=done)
        )
        if protocol is Protocol.FEW_SHOT:
            runs = few_shot_runs(clips, teach, shots=shots, repeats=repeats, seed=seed)
            total = len(set(shots)) * repeats
        else:
            runs = leave_one_subject_out_runs(clips, teach)
            total = len({clip.subject for clip in clips})
        bar.update(task, total=total)
        done, stopped = run_all(runs, cancelled, lambda number: bar.update(task, completed=number))
    if not done:
        raise KeyboardInterrupt
    notes = [f"interrupted after {len(done)} of {total} trainings"] if stopped else []
    if protocol is Protocol.SUBJECTS:
        notes += [
            f"only '{subject}' made '{label}': nobody else could teach it, its clips count as errors"
            for label, subject in single_maker(clips).items()
        ]
    if protocol is Protocol.FEW_SHOT:
        few = result = few_shot_result(done)
        table, pooled = shot_table(few), few.pooled[max(few.pooled)]
    else:
        left_out = result = leave_one_subject_out_result(done)
        table, pooled = subject_table(left_out), left_out.pooled
    report.tell(result.document(), (table,), notes)
    report.draw(
        "confusion.png",
        lambda path: confusion_picture(pooled.confusion, pooled.labels, path, unanswered=pooled.unanswered),
    )
    report.write(
        result.document(),
        notes,
        lambda folder: write_protocol_report(
            folder, result, title=f"{protocol} on {dataset.name}", notes=notes
        ),
    )
    if stopped:
        raise typer.Exit(130)


def _chosen(clips: "list[Clip]", wanted: list[str] | None, dataset: Path) -> "list[Clip]":
    if wanted is None:
        return clips
    held = sorted({clip.label for clip in clips})
    if missing := [name for name in wanted if name not in held]:
        raise DatasetError(f"{dataset} holds no clips of '{missing[0]}', only of {', '.join(held)}")
    return [clip for clip in clips if clip.label in wanted]


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise typer.BadParameter(f"--shots '{text}': expected whole numbers from 1 on, such as 1,3,5")
    return numbers
