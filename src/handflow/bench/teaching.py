"""`handflow bench teach`: how long teaching takes, how fast a window is told, how well few examples do.

On landmarks of virtual persons with imitated tracker noise; no pictures, no torch.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from handflow.evaluate.streams import slotted_frames
from handflow.recognize import load_recognizer
from handflow.recognize.few_shot.recognizer import FewShotRecognizer
from handflow.recognize.few_shot.teacher import Teacher
from handflow.recognize.few_shot.views import live_view
from handflow.synth.clips import MEANT, landmark_clips
from handflow.synth.person import random_person
from handflow.teach import teach_model
from handflow.types import Clip


@dataclass(frozen=True, slots=True)
class TeachMeasured:
    """Times of one machine, medians over the runs."""

    teach_seconds: float  # 10 gestures of 5 clips, from landmarks to the model folder
    load_seconds: float  # opening that folder
    add_seconds: float  # one clip more to 20 gestures of 10 clips, until it answers
    add_gesture_seconds: float  # a gesture of 10 clips more
    remove_seconds: float  # one clip less
    window_p50: float  # milliseconds for one window, 20 gestures of 5 clips, one hand
    window_p95: float
    window_two_hands_p50: float  # the same where examples and window hold two hands
    frame_p50: float  # milliseconds a frame of a live recognizer, its windows of all durations
    frame_p95: float


def bench_teach(
    *, runs: int = 5, seed: int = 0, progress: Callable[[str], None] = lambda _: None
) -> TeachMeasured:
    """Times teaching and telling.

    Args:
        runs: of everything; windows are told 200 times each.
        seed: of persons and clips.
        progress: told what runs.
    """
    progress("drawing clips")
    many = _clips(20, 11, seed)
    small = [clip for clip in many if int(clip.label[1:]) < 10 and int(clip.id.split("-")[1]) < 5]
    large = [clip for clip in many if int(clip.id.split("-")[1]) < 10]
    more = next(clip for clip in many if clip.id not in {c.id for c in large})
    teach, load, add, gesture, remove = [], [], [], [], []
    with TemporaryDirectory(prefix="handflow-bench-") as scratch:
        for run in range(runs):
            progress(f"teaching, run {run + 1} of {runs}")
            start = time.perf_counter()
            folder = teach_model(small, Path(scratch)).folder
            teach.append(time.perf_counter() - start)
            start = time.perf_counter()
            load_recognizer(folder)
            load.append(time.perf_counter() - start)
            teacher = Teacher()
            teacher.add(large)
            teacher.classifier()
            add.append(_time(lambda t=teacher: t.add([more])) + _time(teacher.classifier))  # type: ignore[misc]
            remove.append(_time(lambda t=teacher: t.remove([more.id])) + _time(teacher.classifier))  # type: ignore[misc]
            fresh = [replace(c, label="new", id=f"new-{c.id}") for c in large[:10]]
            gesture.append(_time(lambda t=teacher, c=fresh: t.add(c)) + _time(teacher.classifier))  # type: ignore[misc]
        progress("telling windows")
        five = [clip for clip in many if int(clip.id.split("-")[1]) < 5]
        folder = teach_model(five, Path(scratch)).folder
        one = _recognizer(folder)
        windows, frames = _windows(one, [c for c in many if c not in five][:40])
        both = _recognizer(teach_model([_with_both(c) for c in five], Path(scratch)).folder)
        pairs, _ = _windows(both, [_with_both(c) for c in many if c not in five][:40])
    return TeachMeasured(
        teach_seconds=statistics.median(teach),
        load_seconds=statistics.median(load),
        add_seconds=statistics.median(add),
        add_gesture_seconds=statistics.median(gesture),
        remove_seconds=statistics.median(remove),
        window_p50=float(np.percentile(windows, 50)),
        window_p95=float(np.percentile(windows, 95)),
        window_two_hands_p50=float(np.percentile(pairs, 50)),
        frame_p50=float(np.percentile(frames, 50)),
        frame_p95=float(np.percentile(frames, 95)),
    )


def _clips(gestures: int, takes: int, seed: int) -> list[Clip]:
    """Takes of `gestures` gestures; beyond those there are, a second person's count as further ones."""
    clips = []
    for number in range(gestures):
        person = random_person(seed * 1000 + 700 + number // len(MEANT))
        name = MEANT[number % len(MEANT)]
        made = landmark_clips([name], [person], takes, seed + number, seconds=1.5)
        clips += [replace(c, label=f"g{number}", id=f"{number}-{k}") for k, c in enumerate(made)]
    return clips


def _with_both(clip: Clip) -> Clip:
    """The clip with its hand in both slots, the second one beside."""
    marks = clip.sequence.landmarks.copy()
    there = int(np.isfinite(marks[:, 1]).any())
    marks[:, 1 - there] = marks[:, there] + np.array([150, 20, 0], np.float32)
    seen = np.repeat(clip.sequence.presence[:, there : there + 1], 2, axis=1)
    return replace(clip, sequence=replace(clip.sequence, landmarks=marks, presence=seen))


def _recognizer(folder: Path) -> FewShotRecognizer:
    model = load_recognizer(folder)
    assert isinstance(model, FewShotRecognizer)
    return model


def _windows(model: FewShotRecognizer, clips: list[Clip]) -> tuple[list[float], list[float]]:
    """Milliseconds for single windows, and for frames of a stream."""
    windows, frames = [], []
    for clip in clips:
        sequence = clip.sequence
        end = float(sequence.timestamps[-1])
        for _ in range(5):
            start = time.perf_counter()
            view = live_view(sequence, end, model.window_seconds)
            model.score_views([] if view is None else [view])
            windows.append((time.perf_counter() - start) * 1000)
        model.reset()
        for number, hands in enumerate(slotted_frames(sequence)):
            start = time.perf_counter()
            model.update(hands, float(sequence.timestamps[number]), number)
            frames.append((time.perf_counter() - start) * 1000)
    return windows[5:], frames[5:]


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
