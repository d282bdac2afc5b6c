"""How few-shot models spot gestures live: each person teaches five takes, then plays a stream.

    python benchmarks/few_shot_streams.py [--persons 10] [--gestures 20] [--idle 10]

Four directions, landmarks of virtual persons on whom nothing was settled, imitated tracker noise;
`--idle` takes of hands that do nothing meant are taught as `background` (0: none). Events are scored
as `handflow evaluate --protocol stream` does.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from handflow.bench.learning import GESTURES
from handflow.evaluate.streams import StreamEvents, recognize_stream, score_streams
from handflow.recognize import load_recognizer
from handflow.recognize.spotting import Spotting
from handflow.synth.clips import landmark_clips, random_numbers
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import random_person
from handflow.synth.streams import make_stream
from handflow.teach import teach_model
from handflow.types import BACKGROUND


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--persons", type=int, default=10)
    parser.add_argument("--gestures", type=int, default=20, help="in each stream")
    parser.add_argument("--takes", type=int, default=5, help="of each gesture that are taught")
    parser.add_argument("--idle", type=int, default=10, help="takes of idle hands that are taught")
    chosen = parser.parse_args()
    results = []
    with TemporaryDirectory(prefix="handflow-bench-") as scratch:
        for number in range(chosen.persons):
            person = random_person(96_000 + number)
            clips = list(landmark_clips(GESTURES, [person], chosen.takes, number, seconds=1.5))
            clips += landmark_clips((BACKGROUND,), [person], chosen.idle, number, seconds=2.0)
            model = load_recognizer(teach_model(clips, Path(scratch)).folder)
            made = make_stream(GESTURES, person, 500 + number, gestures_count=chosen.gestures).stream
            noise = random_numbers(number, 9)
            noisy = add_tracker_noise(made.sequence, noise, frame_size=made.frame_size)
            events = recognize_stream(Spotting(model), replace(made, sequence=noisy))
            results.append(StreamEvents(made.id, made.segments, tuple(events), noisy.duration))
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
