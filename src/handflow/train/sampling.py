"""Draws training windows from clips, with what each window deserves to be called.

A clip says what gesture it shows, not when, and may also show how the hand comes and goes. Live, a window
slides over all of that. So every clip is put into situations of live use (`compose`), and windows are cut
from each such scene, from early to late. At first, a window that holds most of what happens in the clip
(`content`) carries its label, one that holds little of it is background. Later the network itself
says which of a scene's windows show the gesture (`relabel`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.recognize.windows import Windows, cut_window
from handflow.train.compose import (
    at_tempo,
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
from handflow.train.content import content_of
from handflow.types import BACKGROUND, Clip, Float32, Float64, HandSequence

WINDOWS_PER_SCENE = 8
LEAST, LITTLE, MOST = 0.2, 0.45, 0.85
"""Shares of a clip's content: a window with less than the first cannot show the gesture; with less than the
second it is called background, with more than the third it is called the gesture, before `relabel`."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Windows in scenes of `WINDOWS_PER_SCENE`, early to late, and what they should be called."""

    windows: Windows  # (scenes · WINDOWS_PER_SCENE)
    targets: Float32  # (windows, labels), rows sum to 1
    gesture: NDArray[np.intp]  # (scenes,) label that some windows of the scene show; that of background: none
    possible: NDArray[np.bool_]  # (windows,) whether the window can show the gesture at all

    def __len__(self) -> int:
        return len(self.windows)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A clip in a situation."""

    sequence: HandSequence
    core: tuple[float, float] | None  # seconds from when to when it shows the clip; None: no gesture
    over: float = np.inf  # seconds from when on the gesture is past: the hand is well on its way back


def choose_window_seconds(clips: Sequence[Clip]) -> float:
    """Duration of a window that holds nearly all of what happens in most gesture clips, 0.5 to 3 s."""
    spans = _spans(clips)
    if not spans:
        return 1.0
    every = [s for of_label in spans.values() for s in of_label]
    return round(float(np.clip(1.6 * np.median(every), 0.5, 3.0)), 2)


def usual_seconds(clips: Sequence[Clip]) -> dict[str, float]:
    """Median duration (seconds) of what happens in the clips of each gesture."""
    return {label: round(float(np.median(s)), 3) for label, s in sorted(_spans(clips).items())}


def _spans(clips: Sequence[Clip]) -> dict[str, list[float]]:
    spans: dict[str, list[float]] = {}
    for clip in clips:
        if clip.label != BACKGROUND:
            start, end = content_of(clip.sequence).span(0.1, 0.9)
            spans.setdefault(clip.label, []).append(end - start)
    return spans


class WindowSampler:
    """Draws scenes of windows from clips.

    Args:
        labels: in the order of the targets; `background` among them.
        seconds: duration of a window.
        hands_matter: see `windows.cut_window`.
        derive_background: whether to make clips of no gesture from the clips of gestures.
        natural: tempo and frame rate stay those of the clips (validation).
    """

    def __init__(
        self,
        labels: Sequence[str],
        seconds: float,
        *,
        hands_matter: bool = False,
        derive_background: bool = False,
        natural: bool = False,
    ) -> None:
        self._labels = tuple(labels)
        self._seconds = seconds
        self._hands_matter = hands_matter
        self._derive = derive_background
        self._natural = natural
        self._none = self._labels.index(BACKGROUND)

    def draw(self, clips: Sequence[Clip], scenes_per_clip: int, rng: np.random.Generator) -> Samples:
        """Draws that many scenes from every clip; all clips show a hand."""
        idle = [c.sequence for c in clips if c.label == BACKGROUND]
        speeds = [peak_speed(c.sequence) for c in clips if c.label != BACKGROUND]
        speed = float(np.median(speeds)) if speeds else 0.0
        windows: list[Windows] = []
        targets: list[Float64] = []
        gestures: list[int] = []
        possible: list[NDArray[np.bool_]] = []
        for clip in clips:
            stroke = clip.label != BACKGROUND and is_stroke(clip.sequence)
            for _ in range(scenes_per_clip):
                scene = self._scene(clip, stroke, clips, idle, speed, rng)
                ends = self._ends(scene, rng)
                windows += [
                    cut_window(scene.sequence, end, self._seconds, hands_matter=self._hands_matter)
                    for end in ends
                ]
                amount, possibly = self._amounts(clip, scene, ends)
                targets.append(amount)
                possible.append(possibly)
                gestures.append(self._none if scene.core is None else self._labels.index(clip.label))
        gesture = np.array(gestures, np.intp)
        return Samples(
            Windows.stack(windows),
            as_targets(np.stack(targets), gesture, len(self._labels), self._none),
            gesture,
            np.concatenate(possible),
        )

    def _scene(
        self,
        clip: Clip,
        stroke: bool,
        clips: Sequence[Clip],
        idle: Sequence[HandSequence],
        speed: float,
        rng: np.random.Generator,
    ) -> _Scene:
        sequence = clip.sequence
        if not self._natural:
            sequence = at_tempo(sequence, float(np.exp(rng.normal(0, 0.18))))
        nothing = clip.label == BACKGROUND
        if self._derive and rng.random() < 0.25:
            nothing = True
            sequence = (
                still(sequence, 2 * self._seconds, rng)
                if rng.random() < 0.3
                else scrambled(sequence, int(rng.integers(3, 6)), rng)
            )
        core = (float(sequence.timestamps[0]), float(sequence.timestamps[-1]))
        over = np.inf
        before, after = rng.uniform(0, self._seconds, 2)
        draw = rng.random()
        if stroke and not nothing and draw < 0.1:
            # The way back is usually slower than the stroke, and begins after a moment.
            rest = held(sequence, before, float(rng.uniform(0, 0.3)), rng)
            sequence = joined(rest, reversed_in_time(sequence, float(rng.uniform(0.9, 2.0))), 0.0)
            back = float(sequence.timestamps[-1] - rest.timestamps[-1])
            over = float(rest.timestamps[-1]) + 0.6 * back
        elif draw < 0.5:
            sequence, over = self._come_and_go(sequence, nothing, clips, speed, rng)
        elif idle and draw < 0.75:
            sequence = self._among(sequence, idle, rng)
        elif draw < 0.9:
            sequence = held(sequence, before, after, rng)
        if not self._natural and rng.random() < 0.5:
            sequence = thinned(sequence, float(rng.uniform(9, 31)), rng)
        return _Scene(sequence, None if nothing else core, over)

    def _come_and_go(
        self,
        sequence: HandSequence,
        nothing: bool,
        clips: Sequence[Clip],
        stroke_speed: float,
        rng: np.random.Generator,
    ) -> tuple[HandSequence, float]:
        """The clip with the hand coming before and going after, slower than gestures move."""
        others = rng.choice(len(clips), 2)
        speed = stroke_speed if nothing else peak_speed(sequence)
        over = np.inf
        if rng.random() < 0.75:
            if rng.random() < 0.5:
                sequence = held(sequence, float(rng.uniform(0, 0.3)), 0.0, rng)
            way, seconds = self._way(speed, rng)
            sequence = with_travel(sequence, clips[others[0]].sequence, way, seconds, after=False, rng=rng)
        if rng.random() < 0.75:
            sequence = held(sequence, 0.0, float(rng.uniform(0, 0.4)), rng)
            end = float(sequence.timestamps[-1])
            way, seconds = self._way(speed, rng)
            sequence = with_travel(sequence, clips[others[1]].sequence, way, seconds, after=True, rng=rng)
            over = end + 0.65 * seconds
            sequence = held(sequence, 0.0, float(rng.uniform(0, 0.4)), rng)
        return sequence, over

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
            earlier = idle[int(rng.integers(len(idle)))]
            start = sequence.timestamps[0]
            earlier = moved_to_start_of(earlier, sequence)
            whole = joined(earlier, sequence, float(rng.uniform(0, 0.25)))
            # The clock stays that of the clip.
            shift = float(whole.timestamps[len(earlier)] - start)
            sequence = HandSequence(
                whole.landmarks, whole.timestamps - shift, whole.handedness, whole.presence
            )
        if rng.random() < 0.75:
            later = idle[int(rng.integers(len(idle)))]
            sequence = joined(sequence, moved_to_end_of(later, sequence), float(rng.uniform(0, 0.25)))
        return sequence

    def _ends(self, scene: _Scene, rng: np.random.Generator) -> Float64:
        """Ends of the windows (seconds), rising, on frames: spread evenly, then moved by chance."""
        times = scene.sequence.timestamps
        low, high = float(times[0]) + 0.15 * self._seconds, float(times[-1])
        if scene.core is not None:
            low = max(low, scene.core[0] - 0.2)
            high = min(high, scene.core[1] + self._seconds)
        low = min(low, high)
        edges = np.linspace(low, high, WINDOWS_PER_SCENE + 1)
        wished = edges[:-1] + rng.uniform(0, 1, WINDOWS_PER_SCENE) * np.diff(edges)
        wished[-1] = high if rng.random() < 0.5 else wished[-1]
        frames = np.clip(np.searchsorted(times, wished + 1e-6, side="right") - 1, 0, None)
        ends: Float64 = times[frames]
        return ends

    def _amounts(self, clip: Clip, scene: _Scene, ends: Float64) -> tuple[Float64, NDArray[np.bool_]]:
        """How much of the gesture each window shows, 0 to 1, and whether it can show it at all.

        Both `(WINDOWS_PER_SCENE,)`.
        """
        if scene.core is None:
            return np.zeros(len(ends)), np.zeros(len(ends), bool)
        content = content_of(clip.sequence)
        start, length = float(content.times[0]), max(clip.sequence.duration, 1e-9)
        # The scene may show the clip faster or slower.
        tempo = (scene.core[1] - scene.core[0]) / length if length > 1e-6 else 1.0
        tempo = max(tempo, 1e-6)
        in_clip = (ends - scene.core[0]) / tempo + start
        window = self._seconds / tempo
        grid = np.arange(start + 0.3 * window, start + length, 0.05)
        fullest = max(content.share(e - window, float(e)) for e in [*grid, start + length])
        shares = [content.share(float(e) - window, float(e)) / max(fullest, 1e-6) for e in in_clip]
        amounts = ramp(np.array(shares), LITTLE, MOST)
        amounts[ends > scene.over] = 0
        return amounts, (np.array(shares) > LEAST) & (ends <= scene.over)


def as_targets(amount: Float64, gesture: NDArray[np.intp], labels: int, none: int) -> Float32:
    """Targets `(scenes · windows, labels)`: each window is shared between its scene's gesture and none.

    Args:
        amount: (scenes, windows) 0 to 1, how much of the gesture each window shows.
        gesture: (scenes,) numbers of labels.
        labels: how many labels there are.
        none: the number of background.
    """
    scenes, windows = amount.shape
    targets = np.zeros((scenes * windows, labels), np.float32)
    flat = amount.ravel()
    targets[np.arange(len(flat)), np.repeat(gesture, windows)] = flat
    targets[:, none] += 1 - flat
    targets[np.repeat(gesture == none, windows)] = np.eye(labels, dtype=np.float32)[none]
    return targets


def ramp(value: Float64, low: float, high: float) -> Float64:
    """0 below `low`, 1 above `high`, smooth between."""
    x = np.clip((value - low) / (high - low), 0.0, 1.0)
    smooth: Float64 = x * x * (3 - 2 * x)
    return smooth
