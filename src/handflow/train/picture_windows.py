"""Draws training windows of pictures from clips, with what each window deserves to be called.

A clip says what gesture it shows, not when. A window that holds most of what happens in the clip (`content`)
carries its label, one that holds little of it is background, between them it is both in part. Where no
background was recorded, windows whose frames stand still or come in another order serve as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from handflow.hands.silhouette import draw_silhouettes
from handflow.recognize.pictures import (
    Box,
    PictureInput,
    box_around,
    draw_masks,
    landmarks_in_box,
    window_box,
    window_pictures,
)
from handflow.recognize.windows import Windows, cut_window, usable_hands
from handflow.train.augment import AugmentConfig, augment
from handflow.train.content import Content, content_of
from handflow.train.picture_store import PictureStore
from handflow.types import BACKGROUND, Clip, Float32, Float64, HandSequence, Image

LITTLE, MOST = 0.45, 0.85
"""Shares of a clip's fullest window: with less a window is called background, with more the gesture."""
_GRID = 0.05  # seconds between the ends that are tried
_ROOMS = 24  # pictures to put behind hands


@dataclass(frozen=True, slots=True)
class WindowVariety:
    """How far windows are varied before they are cut; 0 leaves a thing as it is."""

    tempo: float = 0.15  # log standard deviation of a window's duration
    shift: float = 0.1  # of the box's size, at most
    zoom: tuple[float, float] = (0.86, 1.28)  # range of factors on the box's size
    partial: float = 0.3  # share of windows that may show any part of their gesture
    disorder: float = 0.1  # share of windows in disorder, where no background was recorded
    other_room: float = 0.5  # share of windows whose background is replaced


@dataclass(frozen=True, slots=True, eq=False)
class PreparedClip:
    """A clip ready to be cut from."""

    clip: Clip
    sequence: HandSequence  # as the tracker saw it
    stored: Path | None  # its pictures in the store
    content: Content


def prepare_clips(clips: Sequence[Clip], stored: Sequence[Path] | None) -> list[PreparedClip]:
    """Prepares clips, whose pictures lie in the store or are not needed."""
    paths = stored if stored is not None else [None] * len(clips)
    result = []
    for clip, path in zip(clips, paths, strict=True):
        sequence = clip.sequence.measured()
        result.append(PreparedClip(clip, sequence, path, content_of(sequence)))
    return result


class WindowCutter:
    """Draws windows.

    Args:
        labels: in the order of the targets.
        given: what is cut.
        seconds: duration of a window.
        whole: a window holds its whole clip instead.
        derive: whether to make background from the clips of gestures by disorder and standstill.
        hands_matter: see `windows.cut_window`.
        variety: how far windows vary; None: a clip's windows are always the same.
    """

    def __init__(
        self,
        labels: Sequence[str],
        given: PictureInput,
        seconds: float,
        *,
        whole: bool = False,
        derive: bool = False,
        hands_matter: bool = False,
        variety: WindowVariety | None = None,
    ) -> None:
        self._labels, self._given, self._seconds = tuple(labels), given, seconds
        self._whole, self._derive, self._hands_matter = whole, derive, hands_matter
        self._variety = variety
        self._rooms: list[Image] = []

    def draw(self, prepared: PreparedClip, rng: np.random.Generator) -> tuple[Image, Float32]:
        """One window `(frames, height, width, 3)` and its target `(labels,)`."""
        variety = self._variety
        seconds = self._seconds
        if variety is not None and not self._whole:
            seconds *= float(np.exp(rng.normal(0, variety.tempo)))
        gesture = prepared.clip.label
        if self._whole:
            times = prepared.sequence.timestamps
            end, seconds, amount = float(times[-1]), max(prepared.sequence.duration, 1e-3), 1.0
        else:
            ends, share = self._shares(prepared, seconds)
            full = np.flatnonzero(share >= MOST)
            if variety is None:
                chosen = full[len(full) // 2]
            elif gesture == BACKGROUND or rng.random() < variety.partial:
                chosen = rng.integers(len(ends))
            else:
                chosen = rng.choice(full)
            end, amount = float(ends[chosen]), float(_ramp(share[chosen], LITTLE, MOST))
        pictures = self._cut(prepared, end, seconds, rng)
        if self._derive and variety is not None and rng.random() < variety.disorder:
            amount, pictures = 0.0, disordered(pictures, rng)
        return pictures, self._target(gesture, amount)

    def fixed(self, prepared: PreparedClip) -> list[tuple[Image, Float32]]:
        """The windows of a validation clip: one of its gesture and, where there is one, one of nothing."""
        rng = np.random.default_rng(0)
        windows = [self.draw(prepared, rng)]
        if not self._whole and prepared.clip.label != BACKGROUND:
            ends, share = self._shares(prepared, self._seconds)
            empty = ends[share <= LITTLE]
            if len(empty):
                cut = self._cut(prepared, float(empty[len(empty) // 2]), self._seconds, rng)
                windows.append((cut, self._target(BACKGROUND, 0.0)))
        return windows

    def _shares(self, prepared: PreparedClip, seconds: float) -> tuple[Float64, Float64]:
        """Ends of windows over a clip, and how much of what happens each holds, against the fullest."""
        times = prepared.sequence.timestamps
        first, last = float(times[0]), float(times[-1])
        wished = np.append(np.arange(first + 0.3 * min(seconds, last - first), last, _GRID), last)
        # Live windows end with a frame; after the last one that is looked at no hand is known.
        ends = times[np.unique(np.searchsorted(times, wished + 1e-6, side="right") - 1)]
        # A window without hands is background live, and no network is asked.
        seen = np.append(0, np.cumsum(usable_hands(prepared.sequence.landmarks).any(axis=1)))
        start, stop = (np.searchsorted(times, ends + offset) for offset in (-seconds - 1e-6, 1e-6))
        ends = ends[seen[stop] > seen[start]]
        share = np.array([prepared.content.share(end - seconds, end) for end in ends])
        return ends, share / max(float(share.max()), 1e-9)

    def _cut(self, prepared: PreparedClip, end: float, seconds: float, rng: np.random.Generator) -> Image:
        given, variety, clip = self._given, self._variety, prepared.clip
        if given.kind == "mask" and variety is not None:
            return self._varied_masks(prepared, end, seconds, variety, rng)
        box: Box | None = None  # whole pictures are stored as the input shows them
        if given.kind != "full":
            box = window_box(prepared.sequence, end, seconds, given, hands_matter=self._hands_matter)
            if box is not None and variety is not None:
                box = _moved(box, variety, rng)
        stored = PictureStore.open(prepared.stored) if prepared.stored is not None else None
        pictures = window_pictures(
            prepared.sequence, stored, clip.frame_size, end, seconds, given,
            hands_matter=self._hands_matter, box=box,
        )  # fmt: skip
        if given.kind != "mask" and variety is not None and rng.random() < variety.other_room:
            shown = _whole_picture(clip.frame_size, given) if given.kind == "full" else box
            if shown is not None:
                marks = landmarks_in_box(self._window(prepared, end, seconds), given, shown)
                pictures = self._in_another_room(pictures, marks, rng)
        return pictures

    def _varied_masks(
        self,
        prepared: PreparedClip,
        end: float,
        seconds: float,
        variety: WindowVariety,
        rng: np.random.Generator,
    ) -> Image:
        """Silhouettes of landmarks that are varied as those of the landmark network are."""
        window = augment(self._window(prepared, end, seconds), AugmentConfig(), rng)
        box = box_around(window, self._given)
        if box is None:
            return np.zeros(self._given.shape, np.uint8)
        return draw_masks(window, self._given, _moved(box, variety, rng))

    def _window(self, prepared: PreparedClip, end: float, seconds: float) -> Windows:
        return cut_window(
            prepared.sequence, end, seconds, hands_matter=self._hands_matter, steps=self._given.frames
        )

    def _in_another_room(self, pictures: Image, marks: Float32, rng: np.random.Generator) -> Image:
        """The hands alone, before another background, the same for all frames."""
        if not usable_hands(marks).any(axis=1).all():
            return pictures  # where a hand is not found nothing would be left of it
        if not self._rooms:
            self._rooms = _rooms(self._given, int(rng.integers(2**31)))
        room = self._rooms[int(rng.integers(len(self._rooms)))]
        _, height, width, _ = pictures.shape
        y, x = (int(rng.integers(0, most + 1)) for most in np.subtract(room.shape[:2], (height, width)))
        behind = room[y : y + height, x : x + width].astype(np.float32)
        if rng.random() < 0.5:
            behind = behind[:, ::-1]
        result = np.empty_like(pictures)
        for picture, hands, out in zip(pictures, marks, result, strict=True):
            alpha = cv2.GaussianBlur(draw_silhouettes(hands, (width, height)), (3, 3), 0)
            share = np.minimum(alpha.astype(np.float32) * (1.3 / 255), 1)[..., None]
            out[:] = (behind + (picture - behind) * share + 0.5).astype(np.uint8)
        return result

    def _target(self, gesture: str, amount: float) -> Float32:
        """What a window is called that shows so much of a gesture; the rest is background."""
        target = np.zeros(len(self._labels), np.float32)
        target[self._labels.index(gesture)] = amount
        if amount < 1:
            target[self._labels.index(BACKGROUND)] += 1 - amount
        return target


def disordered(pictures: Image, rng: np.random.Generator) -> Image:
    """The frames of a window standing still, or in another order: hands that make no gesture."""
    count = len(pictures)
    if rng.random() < 0.4:
        return np.repeat(pictures[int(rng.integers(count))][None], count, axis=0)
    pieces = np.array_split(np.arange(count), int(rng.integers(3, 6)))
    order = rng.permutation(len(pieces))
    while (np.diff(order) > 0).all():
        order = rng.permutation(len(pieces))
    mixed: Image = pictures[np.concatenate([pieces[k][:: rng.choice([-1, 1])] for k in order])]
    return mixed


def _moved(box: Box, variety: WindowVariety, rng: np.random.Generator) -> Box:
    right, down = rng.uniform(-variety.shift, variety.shift, 2)
    low, high = np.log(variety.zoom)
    return box.moved(right, down, float(np.exp(rng.uniform(low, high))))


def _whole_picture(frame_size: tuple[int, int], given: PictureInput) -> Box:
    """What the letterboxed input shows, in pixels of the frame."""
    width, height = frame_size
    scale = min(given.width / width, given.height / height)
    wide, tall = given.width / scale, given.height / scale
    return Box((width - wide) / 2, (height - tall) / 2, wide, tall)


def _rooms(given: PictureInput, seed: int) -> list[Image]:
    """Rooms a little larger than the input."""
    from handflow.synth.background import background

    size = round(given.width * 1.3), round(given.height * 1.3)
    return [background(seed + k, *size).astype(np.uint8) for k in range(_ROOMS)]


def _ramp(value: Float64, low: float, high: float) -> Float64:
    """0 below `low`, 1 above `high`, smooth between."""
    x = np.clip((value - low) / (high - low), 0.0, 1.0)
    smooth: Float64 = x * x * (3 - 2 * x)
    return smooth
