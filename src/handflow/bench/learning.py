"""`handflow bench train` and `handflow bench stream`: learning and spotting, on landmarks of virtual persons.

No pictures are rendered: a model of the tracker's noise stands in for the hand models, so that these take
seconds. `handflow demo` goes the whole way from pixels.
"""

import dataclasses
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handflow.errors import MissingExtraError
from handflow.evaluate import evaluate_clips
from handflow.evaluate.streams import StreamEvents, StreamResult, score_streams, slotted_frames
from handflow.recognize import Recognizer, load_recognizer
from handflow.recognize.spotting import Spotting
from handflow.synth.clips import landmark_clips, random_numbers
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import VirtualPerson, random_person
from handflow.synth.streams import make_stream
from handflow.types import BACKGROUND, GestureEvent, HandSequence, StageTimes

GESTURES = ("hand_up", "hand_down", "hand_left", "hand_right")


@dataclass(frozen=True, slots=True)
class TrainMeasured:
    """One training, medians over the runs."""

    clips: int
    seconds: float  # from clips to the model folder, imports included in the first run only
    accuracy: float  # on persons never trained on
    test_clips: int
    model_mb: float


@dataclass(frozen=True, slots=True)
class StreamMeasured:
    """Spotting in streams of persons never trained on."""

    result: StreamResult
    times: StageTimes  # `recognition`: from a frame's landmarks to its events


def _persons(first: int, count: int, seed: int) -> list[VirtualPerson]:
    return [random_person(seed * 1000 + first + k) for k in range(count)]


def _train(folder: Path, seed: int) -> tuple[Path, int]:
    """Trains on 16 persons; returns the model folder and the number of clips."""
    try:
        from handflow.train import configured, train_model
    except ModuleNotFoundError as error:
        raise MissingExtraError("training", "train") from error
    labels = (*GESTURES, BACKGROUND, BACKGROUND)  # twice as much of it, as people should record
    clips = [
        dataclasses.replace(clip, id=f"{k}-{clip.id}")
        for k, clip in enumerate(landmark_clips(labels, _persons(0, 16, seed), 2, seed, seconds=1.5))
    ]
    return train_model(clips, configured("landmark", seed=seed), folder), len(clips)


def bench_train(
    *, runs: int = 3, seed: int = 0, progress: Callable[[str], None] = lambda _: None
) -> TrainMeasured:
    """Trains the landmark network `runs` times and evaluates the last model on 10 other persons.

    Raises:
        MissingExtraError: torch is not installed.
    """
    test = list(landmark_clips((*GESTURES, BACKGROUND), _persons(16, 10, seed), 3, seed + 1, seconds=1.5))
    seconds = []
    with tempfile.TemporaryDirectory(prefix="handflow-bench-") as scratch:
        for run in range(runs):
            progress(f"training, run {run + 1} of {runs}")
            start = time.perf_counter()
            model, clips = _train(Path(scratch) / str(run), seed)
            seconds.append(time.perf_counter() - start)
        accuracy = evaluate_clips(load_recognizer(model), test).accuracy
        size = (model / "model.onnx").stat().st_size / 1e6
    return TrainMeasured(clips, float(np.median(seconds)), accuracy, len(test), size)


def bench_stream(
    model: Path | None = None,
    *,
    persons: int = 10,
    gestures: int = 40,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> StreamMeasured:
    """Spots gestures in one stream of each of several persons never trained on.

    Args:
        model: folder of a model of the four directions; None: one is trained first.
        persons: streams to score.
        gestures: in each stream.
        seed: of persons, streams and training.
        progress: told what runs.

    Raises:
        MissingExtraError: no model is named and torch is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="handflow-bench-") as scratch:
        if model is None:
            progress("training")
            model, _ = _train(Path(scratch), seed)
        recognizer = load_recognizer(model)
    times = StageTimes()
    results = []
    for number, person in enumerate(_persons(26, persons, seed)):
        progress(f"stream {number + 1} of {persons}")
        made = make_stream(GESTURES, person, seed + number, gestures_count=gestures).stream
        noisy = add_tracker_noise(made.sequence, random_numbers(seed, number, 7), frame_size=made.frame_size)
        events = _spot(recognizer, noisy, times)
        results.append(StreamEvents(made.id, made.segments, tuple(events), noisy.duration))
    return StreamMeasured(score_streams(results), times)


def _spot(recognizer: Recognizer, sequence: HandSequence, times: StageTimes) -> list[GestureEvent]:
    recognizer.reset()
    spotting = Spotting(recognizer)
    events: list[GestureEvent] = []
    frames = zip(sequence.timestamps, slotted_frames(sequence), strict=True)
    for number, (timestamp, hands) in enumerate(frames):
        start = time.perf_counter()
        events += spotting.update(hands, float(timestamp), number).events
        times.add("recognition", time.perf_counter() - start)
    return [*events, *spotting.finish()]
