"""How few-shot models spot gestures live: each person teaches five takes, then plays a stream.

    python benchmarks/few_shot_streams.py [--persons 10] [--gestures 20] [--idle 10] [--second]

Four directions, landmarks of virtual persons on whom nothing was settled, imitated tracker noise;
`--idle` takes of hands that do nothing meant are taught as `background` (0: none). `--second` takes the
second, independent source of motion: one stream of a person, of which the first part is cut into takes
and background (`handflow.data.cutting`) and the rest is played. Events are scored as
`handflow evaluate --protocol stream` does.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from handflow.bench.learning import GESTURES
from handflow.data.cutting import clips_of
from handflow.evaluate.streams import StreamEvents, recognize_stream, score_streams
from handflow.recognize import load_recognizer
from handflow.recognize.spotting import Spotting
from handflow.synth.clips import landmark_clips, random_numbers
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import random_person
from handflow.synth.second_source import second_stream
from handflow.synth.streams import make_stream
from handflow.teach import teach_model
from handflow.types import BACKGROUND, Clip, HandSequence, Segment, Stream


def first(number: int, takes: int, idle: int, gestures: int) -> tuple[list[Clip], Stream]:
    """What a person teaches and plays, of the motions that other models are trained on."""
    person = random_person(96_000 + number)
    clips = list(landmark_clips(GESTURES, [person], takes, number, seconds=1.5))
    clips += landmark_clips((BACKGROUND,), [person], idle, number, seconds=2.0)
    return clips, noisy(make_stream(GESTURES, person, 500 + number, gestures_count=gestures).stream, number)


def second(number: int, takes: int, idle: int, gestures: int) -> tuple[list[Clip], Stream]:
    """The same of the second source, which no model is trained on."""
    taught = takes * len(GESTURES)
    whole = noisy(second_stream(GESTURES, 96_000 + number, gestures_count=taught + gestures), number)
    segments = sorted(whole.segments, key=lambda segment: segment.onset)
    middle = (segments[taught - 1].offset + segments[taught].onset) / 2
    clips = clips_of(part(whole, -np.inf, middle, segments[:taught]))
    meant = [clip for clip in clips if clip.label != BACKGROUND]
    return meant + [c for c in clips if c.label == BACKGROUND][:idle], part(
        whole, middle, np.inf, segments[taught:]
    )


def noisy(stream: Stream, number: int) -> Stream:
    """A stream as a tracker sees it."""
    noise = random_numbers(number, 9)
    return replace(stream, sequence=add_tracker_noise(stream.sequence, noise, frame_size=stream.frame_size))


def part(stream: Stream, start: float, end: float, segments: Sequence[Segment]) -> Stream:
    """What a stream shows from `start` to before `end`."""
    s = stream.sequence
    some = slice(*np.searchsorted(s.timestamps, [start, end]))
    cut = HandSequence(
        s.landmarks[some], s.timestamps[some], s.handedness[some], s.presence[some], s.filled[some]
    )
    return replace(stream, sequence=cut, segments=tuple(segments))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--persons", type=int, default=10)
    parser.add_argument("--gestures", type=int, default=20, help="in each stream")
    parser.add_argument("--takes", type=int, default=5, help="of each gesture that are taught")
    parser.add_argument("--idle", type=int, default=10, help="takes of idle hands that are taught")
    parser.add_argument("--second", action="store_true", help="the second source of motion")
    chosen = parser.parse_args()
    results = []
    with TemporaryDirectory(prefix="handflow-bench-") as scratch:
        for number in range(chosen.persons):
            source = second if chosen.second else first
            clips, stream = source(number, chosen.takes, chosen.idle, chosen.gestures)
            model = load_recognizer(teach_model(clips, Path(scratch)).folder)
            events = recognize_stream(Spotting(model), stream)
            results.append(StreamEvents(stream.id, stream.segments, tuple(events), stream.sequence.duration))
    result = score_streams(results)
    latency = result.offset_event
    print(
        f"{result.gestures} gestures in {result.hours:.2f} h: F1 {result.f1:.3f}, "
        f"precision {result.precision:.3f}, recall {result.recall:.3f}, "
        f"{result.false_activations_per_hour:.0f} false an hour"
    )
    if latency is not None:
        print(f"offset to event: {latency.p50:.2f} s (p50), {latency.p95:.2f} s (p95)")


if __name__ == "__main__":
    main()
