"""Draws training windows from clips, with what each window should be called.

A clip says what gesture it shows; `find_strokes` says when. Live, a window slides over whatever the hand does
around it. So every clip is put into situations of live use (`compose`), and windows are cut from each such
scene. A window that ends as the stroke ends, or a moment later, is called the gesture; one that ends before
or well after is background, however much of the stroke it holds. Windows in between are not asked about.
Besides, idle hands: those recorded, and those of virtual persons.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.strokes import Stroke
from handflow.recognize.windows import Windows, cut_window, empty_windows, usable_hands
from handflow.train.compose import (
    at_tempo,
    between,
    held,
    is_stroke,
    joined,
    moved_to_end_of,
    moved_to_start_of,
    peak_speed,
    reversed_in_time,
    scrambled,
    still,
    thinned,
    with_travel,
)
from handflow.types import BACKGROUND, Clip, Float32, Float64, HandSequence

WINDOWS_PER_SCENE = 8
EARLY = 0.08
"""Seconds before its end from which a stroke is called by its name, of a short one at most a quarter."""
LATE = 0.3
"""Seconds after its end for which it still is."""
SETTLED = 0.4
"""Seconds after which a held pose is called by its name, of a short one at most half."""
_UNSURE_BEFORE, _UNSURE_AFTER = 0.35, 0.2  # share of a stroke before, seconds after: nothing is asked there
_NAMED = 3  # windows of a scene that may show its gesture


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Windows and what they should be called."""

    windows: Windows
    label: NDArray[np.intp]  # (windows,) number of a label

    def __len__(self) -> int:
        return len(self.windows)

    def take(self, indices: NDArray[np.intp]) -> "Samples":
        """The samples of these numbers."""
        return Samples(self.windows.take(indices), self.label[indices])

    def targets(self, labels: int) -> Float32:
        """(windows, labels) 1 for what a window should be called."""
        return np.eye(labels, dtype=np.float32)[self.label]

    @staticmethod
    def stack(parts: Sequence["Samples"]) -> "Samples":
        """All samples of several batches."""
        if not parts:
            return Samples(empty_windows(0), np.zeros(0, np.intp))
        return Samples(Windows.stack([p.windows for p in parts]), np.concatenate([p.label for p in parts]))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A clip in a situation."""

    sequence: HandSequence
    label: int
    stroke: Stroke | None  # on the clock of the sequence; None: no gesture is shown


def choose_window_seconds(strokes: Sequence[Stroke | None]) -> float:
    """Duration of a window that holds nearly all strokes and what comes before them, 0.7 to 3 s."""
    seconds = [s.seconds for s in strokes if s is not None and not s.held]
    seconds += [SETTLED for s in strokes if s is not None and s.held]
    if not seconds:
        return 1.0
    return round(float(np.clip(0.6 + np.quantile(seconds, 0.85), 0.7, 3.0)), 2)


def usual_seconds(clips: Sequence[Clip], strokes: Sequence[Stroke | None]) -> dict[str, float]:
    """Median duration (seconds) of the strokes of each gesture."""
    every: dict[str, list[float]] = {}
    for clip, stroke in zip(clips, strokes, strict=True):
        if clip.label != BACKGROUND:
            every.setdefault(clip.label, []).append(stroke.seconds if stroke else clip.sequence.duration)
    return {label: round(float(np.median(s)), 3) for label, s in sorted(every.items())}


def gestures_held(clips: Sequence[Clip], strokes: Sequence[Stroke | None]) -> tuple[str, ...]:
    """The gestures that are poses held still, in most of their takes."""
    every: dict[str, list[bool]] = {}
    for clip, stroke in zip(clips, strokes, strict=True):
        if stroke is not None:
            every.setdefault(clip.label, []).append(stroke.held)
    return tuple(sorted(label for label, kinds in every.items() if np.mean(kinds) > 0.5))


def named(stroke: Stroke) -> tuple[float, float, float, float]:
    """From when to when a window is unsure, then called by the stroke's name, then unsure again (seconds).

    All are ends of windows: unsure from the first to the second, named to the third, unsure to the last.
    """
    if stroke.held:
        settled = stroke.onset + min(SETTLED, 0.5 * stroke.seconds)
        return stroke.onset, settled, stroke.offset + 0.05, stroke.offset + _UNSURE_AFTER
    end = stroke.offset
    return (
        end - max(_UNSURE_BEFORE * stroke.seconds, EARLY),
        end - min(EARLY, 0.25 * stroke.seconds),
        end + LATE,
        end + LATE + _UNSURE_AFTER,
    )


@dataclass(slots=True)
class WindowSampler:
    """Draws scenes of windows from clips.

    Args:
        labels: in the order of the targets; `background` among them.
        seconds: duration of a window.
        hands_matter: see `windows.cut_window`.
        derive_background: whether to make clips of no gesture from the clips of gestures.
        natural: tempo, frame rate and surroundings stay those of the clips (validation).
        variety: how far the tempo varies, 1 as usual.
    """

    labels: Sequence[str]
    seconds: float
    hands_matter: bool = False
    derive_background: bool = False
    natural: bool = False
    variety: float = 1.0
    _none: int = field(init=False)

    def __post_init__(self) -> None:
        self._none = list(self.labels).index(BACKGROUND)

    def draw(
        self,
        clips: Sequence[Clip],
        strokes: Sequence[Stroke | None],
        scenes_per_clip: int,
        rng: np.random.Generator,
        idle: Sequence[HandSequence] = (),
    ) -> Samples:
        """Draws that many scenes from every clip; all clips show a hand.

        Args:
            clips: takes of gestures and of background.
            strokes: where the gesture of each lies.
            scenes_per_clip: how often each is shown.
            rng: decides.
            idle: further idle hands, minutes long if you like; windows of them are background.
        """
        resting = [*(c.sequence for c in clips if c.label == BACKGROUND), *idle]
        speeds = [peak_speed(c.sequence) for c in clips if c.label != BACKGROUND]
        speed = float(np.median(speeds)) if speeds else 0.0
        parts = []
        for clip, stroke in zip(clips, strokes, strict=True):
            for _ in range(scenes_per_clip):
                scene = self._scene(clip, stroke, clips, resting, speed, rng)
                parts.append(self.windows_of(scene, rng))
        return Samples.stack(parts)

    def draw_idle(self, idle: Sequence[HandSequence], count: int, rng: np.random.Generator) -> Samples:
        """About `count` windows of idle hands, evenly over all their time."""
        total = sum(s.duration for s in idle) or 1.0
        parts = []
        for sequence in idle:
            wanted = max(1, round(count * sequence.duration / total))
            ends = np.sort(rng.choice(sequence.timestamps, min(wanted, len(sequence)), replace=False))
            parts.append(self._cut(sequence, ends, np.full(len(ends), self._none)))
        return Samples.stack(parts)

    def windows_of(self, scene: Scene, rng: np.random.Generator) -> Samples:
        """Windows of a scene, spread evenly over the times at which it can be asked about."""
        times = scene.sequence.timestamps
        if scene.stroke is None:
            chosen = _spread(times[times > times[0] + 0.15 * self.seconds], WINDOWS_PER_SCENE, rng)
            return self._cut(scene.sequence, chosen, np.full(len(chosen), self._none))
        unsure, begin, end, sure = named(scene.stroke)
        shown = _spread(times[(times >= begin) & (times <= end)], _NAMED, rng)
        # What happens far from the stroke, idle hands show as well.
        near = (times > scene.stroke.onset - 0.5) & (times < sure + self.seconds)
        other = _spread(times[near & ((times < unsure) | (times > sure))], WINDOWS_PER_SCENE - _NAMED, rng)
        labels = np.repeat([scene.label, self._none], [len(shown), len(other)])
        return self._cut(scene.sequence, np.concatenate([shown, other]), labels)

    def _cut(self, sequence: HandSequence, ends: Float64, labels: NDArray[np.intp]) -> Samples:
        windows = [
            cut_window(sequence, float(end), self.seconds, hands_matter=self.hands_matter) for end in ends
        ]
        return Samples(Windows.stack(windows) if windows else empty_windows(0), labels)

    def _scene(
        self,
        clip: Clip,
        stroke: Stroke | None,
        clips: Sequence[Clip],
        idle: Sequence[HandSequence],
        speed: float,
        rng: np.random.Generator,
    ) -> Scene:
        sequence, label = clip.sequence, self.labels.index(clip.label)
        if self.natural:
            return Scene(sequence, label, stroke)
        if clip.stroke is not None and stroke is not None and rng.random() < 0.6:
            # Cut from a recording of real use: what is around the stroke is as it should be.
            return self._seen_by_another_camera(Scene(sequence, label, stroke), rng)
        nothing = clip.label == BACKGROUND or stroke is None
        if self.derive_background and rng.random() < 0.25:
            nothing = True
            sequence = (
                still(sequence, 2 * self.seconds, rng)
                if rng.random() < 0.3
                else scrambled(sequence, int(rng.integers(3, 6)), rng)
            )
        if nothing:
            stroke = None
        elif stroke is not None and rng.random() < 0.5:
            # Live, a hand may come straight from elsewhere and go back at once.
            early, late = rng.uniform(0.0, 0.4), rng.choice([rng.uniform(0.05, 0.2), rng.uniform(0.2, 0.5)])
            sequence = between(sequence, stroke.onset - early, stroke.offset + late)
        sequence = self._around(sequence, stroke, nothing, clips, idle, speed, rng)
        scene = Scene(sequence, self._none if stroke is None else label, stroke)
        return self._seen_by_another_camera(scene, rng)

    def _seen_by_another_camera(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """The scene at another tempo, and often at fewer frames a second."""
        factor = float(np.exp(rng.normal(0, 0.15 * self.variety)))
        sequence, stroke = scene.sequence, scene.stroke
        start = float(sequence.timestamps[0])
        sequence = at_tempo(sequence, factor)
        if stroke is not None:
            on, off = (start + (t - start) * factor for t in (stroke.onset, stroke.offset))
            stroke = Stroke(on, off, stroke.held)
        if rng.random() < 0.5:
            sequence = thinned(sequence, float(rng.uniform(9, 31)), rng)
        return replace(scene, sequence=sequence, stroke=stroke)

    def _around(
        self,
        sequence: HandSequence,
        stroke: Stroke | None,
        nothing: bool,
        clips: Sequence[Clip],
        idle: Sequence[HandSequence],
        speed: float,
        rng: np.random.Generator,
    ) -> HandSequence:
        """The sequence with something before it and after it; its clock stays."""
        draw = rng.random()
        before, after = rng.uniform(0, self.seconds, 2)
        if stroke is not None and not stroke.held and draw < 0.12 and is_stroke(sequence):
            # The way back is usually slower than the stroke, and begins after a moment.
            stroked = between(sequence, stroke.onset, stroke.offset)
            there = between(sequence, -np.inf, stroke.offset)
            rest = held(there, 0.0, float(rng.uniform(0, 0.3)), rng)
            return joined(rest, reversed_in_time(stroked, float(rng.uniform(0.9, 2.0))), 0.0)
        if draw < 0.45:
            return self._come_and_go(sequence, nothing, clips, speed, rng)
        if idle and draw < 0.75:
            return self._among(sequence, idle, rng)
        if draw < 0.88:
            return held(sequence, before, after, rng)
        return sequence

    def _come_and_go(
        self,
        sequence: HandSequence,
        nothing: bool,
        clips: Sequence[Clip],
        stroke_speed: float,
        rng: np.random.Generator,
    ) -> HandSequence:
        """The clip with the hand coming before and going after, slower than gestures move."""
        others = rng.choice(len(clips), 2)
        speed = stroke_speed if nothing else peak_speed(sequence)
        if rng.random() < 0.75:
            if rng.random() < 0.5:
                sequence = held(sequence, float(rng.uniform(0, 0.3)), 0.0, rng)
            way, seconds = self._way(speed, rng)
            sequence = with_travel(sequence, clips[others[0]].sequence, way, seconds, after=False, rng=rng)
        if rng.random() < 0.75:
            sequence = held(sequence, 0.0, float(rng.uniform(0, 0.4)), rng)
            way, seconds = self._way(speed, rng)
            sequence = with_travel(sequence, clips[others[1]].sequence, way, seconds, after=True, rng=rng)
            sequence = held(sequence, 0.0, float(rng.uniform(0, 0.4)), rng)
        return sequence

    @staticmethod
    def _way(speed: float, rng: np.random.Generator) -> tuple[float, float]:
        """Length (palm sizes) and duration (seconds) of a way whose peak is a share of `speed`."""
        length = float(rng.uniform(1.5, 12.0))
        peak = float(rng.uniform(0.25, 0.65)) * max(speed, 5.0)
        return length, float(np.clip(1.875 * length / peak, 0.3, 1.6))

    def _among(
        self, sequence: HandSequence, idle: Sequence[HandSequence], rng: np.random.Generator
    ) -> HandSequence:
        """The clip with idle motion before and after, the hand going on where it was."""
        if rng.random() < 0.75:
            start = sequence.timestamps[0]
            earlier = moved_to_start_of(self._some(idle, rng), sequence)
            whole = joined(earlier, sequence, float(rng.uniform(0, 0.25)))
            # The clock stays that of the clip.
            shift = float(whole.timestamps[len(earlier)] - start)
            sequence = HandSequence(
                whole.landmarks, whole.timestamps - shift, whole.handedness, whole.presence
            )
        if rng.random() < 0.75:
            later = moved_to_end_of(self._some(idle, rng), sequence)
            sequence = joined(sequence, later, float(rng.uniform(0, 0.25)))
        return sequence

    def _some(self, idle: Sequence[HandSequence], rng: np.random.Generator) -> HandSequence:
        """A stretch of idle hands, as long as a window may need."""
        for _ in range(8):
            one = idle[int(rng.integers(len(idle)))]
            start = one.timestamps[0] + rng.uniform(0, max(0.0, one.duration - 2 * self.seconds))
            part = between(one, start, start + 2 * self.seconds)
            if usable_hands(part.landmarks).any():
                return part
        return one


def _spread(times: Float64, count: int, rng: np.random.Generator) -> Float64:
    """At most `count` of the times, spread evenly, then moved by chance."""
    if len(times) <= count:
        return times
    edges = np.linspace(0, len(times), count + 1)
    places = edges[:-1] + rng.uniform(0, 1, count) * np.diff(edges)
    return times[np.minimum(places.astype(np.intp), len(times) - 1)]
