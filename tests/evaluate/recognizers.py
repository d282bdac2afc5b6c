"""Stand-ins for trained models, and clips and streams whose truth is easy to see."""

from collections.abc import Sequence

import numpy as np

from handflow.evaluate.protocols import Classify
from handflow.recognize import Spotter, SpotterConfig
from handflow.types import Clip, Float32, GestureEvent, HandSequence, Scores, Segment, Stream

LABELS = ("background", "down", "left", "up")
FPS = 30.0


def hand(code: float) -> Float32:
    """(21, 3) a sound hand whose wrist stands at x = `code`."""
    points = np.random.default_rng(0).uniform(0, 80, (21, 3)).astype(np.float32)
    points[0] = (code, 0, 0)
    return points


def sequence(codes: Sequence[float | None], fps: float = FPS, start: float = 0.0) -> HandSequence:
    """A right hand frame by frame, at x = code; None where none is seen."""
    n = len(codes)
    landmarks = np.full((n, 2, 21, 3), np.nan, np.float32)
    for i, code in enumerate(codes):
        if code is not None:
            landmarks[i, 1] = hand(code)
    seen = np.isfinite(landmarks).all(axis=(2, 3))
    handedness = np.where(seen, 1.0, np.nan).astype(np.float32)
    return HandSequence(landmarks, start + np.arange(n) / fps, handedness, seen.astype(np.float32))


def clip(
    label: str, shown: str | None, number: int = 0, subject: str | None = None, session: str | None = None
) -> Clip:
    """A clip of `label` in which a fake recognizer sees the gesture `shown`; None: no hand is seen."""
    code = None if shown is None else 100.0 * LABELS.index(shown) + number / 100
    return Clip(f"{label}-{number:03d}", label, sequence([code] * 10), (640, 480), subject, session)


class FakeRecognizer:
    """Reads the gesture off the wrist's x: 0 background, 100 the next label and so on."""

    needs_pictures = False

    def __init__(self, labels: tuple[str, ...] = LABELS, sure: float = 0.9) -> None:
        self.labels = labels
        self.sure = sure
        self.resets = 0
        self.tracks: list[tuple[int, int]] = []

    def _probabilities(self, x: float) -> Float32:
        p = np.full(len(self.labels), (1 - self.sure) / (len(self.labels) - 1), np.float32)
        p[round(x / 100) if np.isfinite(x) else 0] = self.sure
        return p

    def classify(self, clip: Clip) -> Float32:
        return self._probabilities(float(np.nanmedian(clip.sequence.landmarks[:, 1, 0, 0])))

    def update_each(self, hands, timestamp: float, frame: int, image=None) -> tuple[Scores, ...]:
        self.tracks.append(hands.tracks)
        scores = Scores(
            self._probabilities(float(hands.landmarks[1, 0, 0])),
            self.labels,
            timestamp,
            frame,
            track=hands.tracks[1],
        )
        return (scores,)

    def reset(self) -> None:
        self.resets += 1

    def spotter(self) -> Spotter:
        return Spotter(SpotterConfig(smoothing=0.0, minimum=0.05, doubt=0.0))


def stream(
    gestures: Sequence[tuple[str, float, float]], seconds: float, id: str = "s", subject: str | None = None
) -> Stream:
    """A stream whose wrist shows each (label, onset, offset) to the fake recognizer."""
    times = np.arange(round(seconds * FPS)) / FPS
    codes = np.zeros(len(times))
    for label, onset, offset in gestures:
        codes[(times >= onset) & (times <= offset)] = 100.0 * LABELS.index(label)
    segments = tuple(Segment(label, onset, offset) for label, onset, offset in gestures)
    return Stream(id, sequence(list(codes)), segments, (640, 480), subject)


def event(gesture: str, time: float) -> GestureEvent:
    """An event decided at `time`."""
    return GestureEvent(gesture, 0.9, "right", 0, time - 0.5, None, time, round(time * FPS))


def teach_by_memory(clips: list[Clip]) -> Classify:
    """A classifier that answers with the gesture whose usual place is nearest."""

    def place(one: Clip) -> float:
        return float(np.nanmedian(one.sequence.landmarks[:, 1, 0, 0]))

    labels = sorted({c.label for c in clips})
    places = {label: np.median([place(c) for c in clips if c.label == label]) for label in labels}

    def classify(one: Clip) -> str:
        return min(places, key=lambda label: abs(places[label] - place(one)))

    return classify
