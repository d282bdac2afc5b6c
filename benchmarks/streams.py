"""How gestures are spotted in streams: made, trained, calibrated and scored by one command.

    python benchmarks/streams.py OUT [--data FOLDER] [--part gestures,idle,rate,unknown,pixels,real]

OUT keeps the model and what is scored so far, so that an interrupted run goes on. The landmark network learns
four directions from annotated streams of virtual persons; thresholds come from other persons, scores from yet
others, of two sources of motion of which the second (`handflow.synth.second_source`) had no part in training
or calibration. Landmarks carry the errors of a tracker (`handflow.synth.noise`), at 10 to 60 frames a second;
`pixels` are rendered and seen by the real hand models; `real` are recordings of people.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from handflow.data import read_archive
from handflow.data.cutting import clips_of
from handflow.evaluate.operating_points import choose_thresholds
from handflow.evaluate.streams import StreamEvents, StreamResult, recognize_stream, score_streams
from handflow.processes import cores, in_processes
from handflow.recognize import load_recognizer
from handflow.recognize.model_folder import replace_model_info
from handflow.recognize.spotting import Spotting
from handflow.synth.clips import MEANT, random_numbers
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import random_person, varied_person
from handflow.synth.second_source import second_stream
from handflow.synth.streams import make_stream
from handflow.types import GestureEvent, Segment, Stream

GESTURES = ("hand_up", "hand_down", "hand_left", "hand_right")
OPPOSITE = {"hand_up": "hand_down", "hand_left": "hand_right"}
OPPOSITE |= {b: a for a, b in OPPOSITE.items()}
UNTAUGHT = {
    "first": tuple(name for name in MEANT if name not in GESTURES),
    "second": ("circle", "wave", "zigzag", "pinch", "fist", "push", "turn"),
}
RATES = (10.0, 15.0, 20.0, 24.0, 30.0, 30.0, 60.0)
MEMBERS = 4  # networks that vote
RETURN_SECONDS = 2.0
"""An event of the opposite direction this soon after a stroke, before the next one, is a return stroke's."""


@dataclass(frozen=True, slots=True)
class Order:
    """One stream to be made and scored."""

    part: str  # "gestures", "idle", "rate", "unknown" or "pixels"
    source: str  # "first" or "second"
    seed: int
    fps: float
    gestures: int = 0
    seconds: float | None = None

    @property
    def key(self) -> str:
        """Names it among the results."""
        return f"{self.part}-{self.source}-{self.seed}-{self.fps:g}"


def orders() -> list[Order]:
    """Everything that is scored."""
    every = [Order("gestures", "first", 300_000 + k, RATES[k % 7], 30) for k in range(36)]
    every += [Order("gestures", "second", 300_000 + k, RATES[k % 7], 30) for k in range(34)]
    every += [Order("idle", "first", 310_000 + k, RATES[k % 7], 0, 1800.0) for k in range(26)]
    every += [Order("idle", "second", 310_000 + k, RATES[k % 7], 0, 1800.0) for k in range(26)]
    every += [
        Order("rate", source, 320_000 + k, fps, 20)
        for source in ("first", "second")
        for k in range(20)
        for fps in (10.0, 15.0, 30.0, 60.0)
    ]
    every += [
        Order("unknown", source, 330_000 + k, RATES[k % 7], 2 * len(UNTAUGHT[source]))
        for source in UNTAUGHT
        for k in range(30)
    ]
    every += [Order("pixels", "first", 340_000 + k, (15.0, 15.0, 24.0)[k % 3], 14) for k in range(14)]
    return every


def make(order: Order) -> Stream:
    """The stream as a tracker sees it."""
    names = {"idle": (), "unknown": UNTAUGHT[order.source]}.get(order.part, GESTURES)
    if order.source == "second":
        exact = second_stream(
            names, order.seed, gestures_count=order.gestures, seconds=order.seconds, fps=order.fps
        )
    else:
        exact = make_stream(
            names,
            random_person(order.seed),
            order.seed,
            gestures_count=order.gestures,
            seconds=order.seconds,
            fps=order.fps,
        ).stream
    return tracked(exact, order.seed)


def tracked(stream: Stream, seed: int) -> Stream:
    """The stream with a tracker's errors."""
    noise = random_numbers(seed, 31)
    return replace(stream, sequence=add_tracker_noise(stream.sequence, noise, frame_size=stream.frame_size))


def rendered(order: Order) -> Stream:
    """A stream drawn as pictures and seen by the real hand models."""
    from handflow.hands import HandLandmarker, track_hands
    from handflow.synth.render import render_frames

    made = make_stream(
        GESTURES, random_person(order.seed), order.seed, gestures_count=order.gestures, fps=order.fps,
        substeps=None,
    )  # fmt: skip
    sequence = track_hands(render_frames(made.scene), HandLandmarker())
    return replace(made.stream, sequence=sequence.measured())


def score(order: Order, model: Path) -> dict[str, Any]:
    """Makes a stream and recognizes it; a row of the results."""
    recognizer = load_recognizer(model)
    stream = rendered(order) if order.part == "pixels" else make(order)
    start = time.process_time()
    events = recognize_stream(Spotting(recognizer), stream)
    return {
        "key": order.key,
        "order": asdict(order),
        "seconds": stream.sequence.duration,
        "frames": len(stream.sequence),
        "cpu": time.process_time() - start,
        "segments": [asdict(s) for s in stream.segments],
        "events": [asdict(e) for e in events],
    }


def train(out: Path, persons: int, seed: int) -> Path:
    """Trains the network on streams of virtual persons whose habits vary widely."""
    from handflow.train import configured, train_model

    clips = []
    for k in range(persons):
        person = varied_person(random_person(200_000 + k), 200_000 + k)
        stream = make_stream(GESTURES, person, k, gestures_count=12, fps=RATES[k % 7]).stream
        clips += clips_of(tracked(stream, 200_000 + k))
    return train_model(
        clips, configured("landmark", seed=seed, members=MEMBERS, idle_minutes=360.0, epochs=40), out
    )


def calibrate(model: Path, wanted: float) -> dict[str, Any]:
    """Sets the thresholds by streams of other persons, first source alone."""
    streams = []
    for k in range(30):
        person, seed = random_person(210_000 + k), 210_000 + k
        made = [
            make_stream(GESTURES, person, seed, gestures_count=15, fps=RATES[k % 7]),
            make_stream((), person, seed + 1000, seconds=900.0, fps=RATES[k % 7]),
        ]
        streams += [tracked(m.stream, seed) for m in made]
    recognizer = load_recognizer(model)
    point = choose_thresholds(recognizer, streams, wanted)
    info = recognizer.info.model_copy(update={"thresholds": dict(point.thresholds)})
    replace_model_info(model, info)
    return {
        "hours": point.hours,
        "false": point.after.all_false,
        "recall": sum(point.after.hits.values()) / sum(point.made.values()),
        "thresholds": {g: t.enter for g, t in point.thresholds.items()},
    }


def scored(out: Path, model: Path, parts: Sequence[str], jobs: int) -> list[dict[str, Any]]:
    """Rows of all streams of the parts; those scored before are read."""
    file = out / "scored.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {row["key"] for row in rows}
    missing = [o for o in orders() if o.part in parts and o.key not in known]
    missing.sort(key=lambda o: -(o.seconds or 60.0) * o.fps)
    with file.open("a") as log:
        for number, (_, row) in enumerate(in_processes(score, missing, model, processes=jobs), start=1):
            rows.append(row)
            log.write(json.dumps(row) + "\n")
            log.flush()
            print(f"\r{number} of {len(missing)} streams", end="", flush=True)
    return [row for row in rows if row["order"]["part"] in parts]


def result_of(rows: Sequence[dict[str, Any]]) -> StreamResult:
    """All streams of the rows, scored together."""
    return score_streams(
        StreamEvents(
            row["key"],
            tuple(Segment(**s) for s in row["segments"] if s["label"] in GESTURES),
            tuple(GestureEvent(**e) for e in row["events"]),
            row["seconds"],
        )
        for row in rows
    )


def return_errors(rows: Sequence[dict[str, Any]]) -> int:
    """Events of the opposite direction right after a stroke: the hand's way back taken for a gesture."""
    count = 0
    for row in rows:
        segments = sorted(row["segments"], key=lambda s: s["onset"])
        for segment, following in zip(segments, [*segments[1:], None], strict=True):
            end = min(segment["offset"] + RETURN_SECONDS, following["onset"] if following else np.inf)
            count += sum(
                segment["offset"] < e["time"] < end and e["gesture"] == OPPOSITE[segment["label"]]
                for e in row["events"]
            )
    return count


def unknown_told(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """For each gesture that nobody taught: how often it was made, and how often an event came of it."""
    told: dict[str, list[int]] = {}
    for row in rows:
        for s in row["segments"]:
            hit = any(s["onset"] <= e["time"] <= s["offset"] + 0.5 for e in row["events"])
            pair = told.setdefault(s["label"], [0, 0])
            pair[0] += 1
            pair[1] += hit
    return {label: (made, hits) for label, (made, hits) in sorted(told.items())}


def report(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The results as lines of a table."""

    def some(part: str, source: str | None = None, fps: float | None = None) -> list[dict[str, Any]]:
        return [
            r
            for r in rows
            if r["order"]["part"] == part
            and source in (None, r["order"]["source"])
            and fps in (None, r["order"]["fps"])
        ]

    def interval(pair: tuple[float, float] | None, digits: int) -> str:
        return "" if pair is None else f" ({pair[0]:.{digits}f} to {pair[1]:.{digits}f})"

    for part, source in (
        ("gestures", None), ("gestures", "first"), ("gestures", "second"), ("pixels", "first"),
    ):  # fmt: skip
        found = some(part, source)
        if not found:
            continue
        r = result_of(found)
        end, begin = r.offset_event, r.onset_event
        back = return_errors(found)
        yield (
            f"{part}, {source or 'both sources'}: {r.gestures} gestures, {r.hours:.2f} h: "
            f"F1 {r.f1:.4f}{interval(r.f1_interval, 3)}, precision {r.precision:.3f}, recall {r.recall:.3f}, "
            f"Levenshtein {r.levenshtein_accuracy:.3f}, return strokes {back} ({back / r.gestures:.2%}), "
            f"offset→event p50/p95 {end.p50:.3f}/{end.p95:.3f} s, "  # type: ignore[union-attr]
            f"onset→event {begin.p50:.3f}/{begin.p95:.3f} s"  # type: ignore[union-attr]
        )
    for source in (None, "first", "second"):
        if found := some("idle", source):
            r = result_of(found)
            yield (
                f"idle, {source or 'both sources'}: {r.hours:.1f} h, {r.false_activations} false, "
                f"{r.false_activations_per_hour:.2f} an hour{interval(r.false_activations_interval, 2)}"
            )
    for source in ("first", "second"):
        rates = {fps: result_of(s).f1 for fps in (10.0, 15.0, 30.0, 60.0) if (s := some("rate", source, fps))}
        if rates:
            told = ", ".join(f"{fps:g}: {f1:.4f}" for fps, f1 in rates.items())
            yield f"F1 by frames a second, {source} source: {told}"
        if unknown := unknown_told(some("unknown", source)):
            made, hits = (sum(pair[k] for pair in unknown.values()) for k in (0, 1))
            told = ", ".join(f"{label} {1 - hit / n:.1%}" for label, (n, hit) in unknown.items())
            yield f"untaught gestures refused, {source} source: {1 - hits / made:.1%} of {made} ({told})"
    if not rows:
        return
    cpu, frames = sum(r["cpu"] for r in rows), sum(r["frames"] for r in rows)
    yield f"recognition: {1000 * cpu / frames:.2f} ms of processor time a frame, mean of {frames}"


def real(data: Path, model: Path) -> Iterator[str]:
    """Recordings of people: gestures repeated again and again, and videos of untaught ones."""
    from tempfile import TemporaryDirectory

    from handflow.capture import open_source
    from handflow.hands import HandLandmarker, track_hands
    from handflow.teach import teach_model

    archive = read_archive(data / "landmarks" / "repeated_gestures.npz")
    recordings = [(c.label, c) for c in archive.clips]
    with TemporaryDirectory() as scratch:
        takes = []
        for label, clip in recordings:
            start = float(clip.sequence.timestamps[0])
            takes += [
                replace(
                    clip, id=f"{label}-{k}", sequence=_part(clip.sequence, start + 2 * k, start + 2 * k + 2)
                )
                for k in range(5)
            ]
        taught = load_recognizer(teach_model(takes, Path(scratch)).folder)
        for label, clip in recordings:
            start, end = float(clip.sequence.timestamps[0]), float(clip.sequence.timestamps[-1])
            rest = _part(clip.sequence, start + 10, end)
            stream = Stream(label, rest, (), clip.frame_size)
            events = recognize_stream(Spotting(taught), stream)
            names = [e.gesture for e in events]
            told = ", ".join(f"{n} {names.count(n)}" for n in sorted(set(names)))
            yield f"“{label}” repeated for {rest.duration:.1f} s, taught by 10 s of it: {told or 'nothing'}"
    recognizer = load_recognizer(model)
    for video in sorted((data / "videos").glob("*.avi")):
        with open_source(video) as source:
            sequence = track_hands(source, HandLandmarker()).measured()
        stream = Stream(video.stem, sequence, (), (1920, 1080))
        events = recognize_stream(Spotting(recognizer), stream)
        yield f"video {video.stem}, {sequence.duration:.1f} s: {[e.gesture for e in events] or 'no event'}"


def _part(sequence: Any, start: float, end: float) -> Any:
    low, high = np.searchsorted(sequence.timestamps, [start - 1e-6, end + 1e-6])
    return replace(
        sequence,
        landmarks=sequence.landmarks[low:high],
        timestamps=sequence.timestamps[low:high],
        handedness=sequence.handedness[low:high],
        presence=sequence.presence[low:high],
        filled=sequence.filled[low:high],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, help="folder with landmarks/ and videos/ of real hands")
    parser.add_argument("--persons", type=int, default=200, help="to train on")
    parser.add_argument(
        "--wanted", type=float, default=0.4, help="false activations an hour to calibrate for"
    )
    parser.add_argument("--part", default="gestures,idle,rate,unknown,pixels,real")
    parser.add_argument("--jobs", type=int, default=cores())
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    models, settled = chosen.out / "models", chosen.out / "calibration.json"
    there = sorted(models.glob("*_landmark_*"))
    model = there[-1] if there else train(models, chosen.persons, chosen.seed)
    if not settled.exists():
        settled.write_text(json.dumps(calibrate(model, chosen.wanted), indent=1))
    print(f"calibration: {settled.read_text()}")
    parts = chosen.part.split(",")
    rows = scored(chosen.out, model, parts, chosen.jobs)
    print()
    for line in report(rows):
        print(line)
    if "real" in parts and chosen.data is not None:
        for line in real(chosen.data, model):
            print(line)


if __name__ == "__main__":
    main()
