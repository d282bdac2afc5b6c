"""The clips that a few-shot model was taught, as it keeps them: views, not pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handflow.errors import ModelFileError
from handflow.npz import read_npz
from handflow.recognize.few_shot.looks import Encoders, Looks, look_at, looks_of
from handflow.recognize.few_shot.views import Views, active_span, view_of
from handflow.recognize.windows import STEPS
from handflow.types import LEFT, RIGHT, Clip, Float32, HandSequence

EXAMPLES_FILE, STROKES_FILE = "examples.npz", "strokes.npz"
"""Whole takes, by which clips are told; their strokes and idle views, by which live windows are."""
_MOST_BYTES = 1 << 30  # that the arrays of a file may take


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Taught clips in a fixed order."""

    views: Views
    looks: Looks
    labels: tuple[str, ...]
    clips: tuple[str, ...]  # ids
    seconds: Float32  # (n,) how long the active part of each lasts

    def __len__(self) -> int:
        return len(self.labels)

    def joined(self, other: "Examples") -> "Examples":
        """These examples, then the others."""
        return Examples(
            Views.stack([self.views, other.views]),
            Looks.stack([self.looks, other.looks]),
            self.labels + other.labels,
            self.clips + other.clips,
            np.concatenate([self.seconds, other.seconds]),
        )

    def take(self, which: Sequence[int]) -> "Examples":
        """The examples of these numbers."""
        return Examples(
            self.views.take(which),
            self.looks.take(which),
            tuple(self.labels[i] for i in which),
            tuple(self.clips[i] for i in which),
            self.seconds[np.asarray(which, np.intp)],
        )


def clip_view(sequence: HandSequence, *, hands_matter: bool = False) -> tuple[Views, float] | None:
    """The view of a whole take, and how many seconds its active part lasts; None where no hand is seen."""
    span = active_span(sequence)
    view = None if span is None else view_of(sequence, *span, hands_matter=hands_matter)
    if span is None or view is None:
        return None
    return view, span[1] - span[0]


def examples_of(clips: Sequence[Clip], encoders: Encoders, *, hands_matter: bool = False) -> Examples | None:
    """Looks at clips; those without a usable hand are left out. None where there is no other."""
    found = [
        (clip, made)
        for clip in clips
        if (made := clip_view(clip.sequence.measured(), hands_matter=hands_matter)) is not None
    ]
    if not found:
        return None
    views = Views.stack(view for _, (view, _) in found)
    return Examples(
        views,
        look_at(views, encoders),
        tuple(clip.label for clip, _ in found),
        tuple(clip.id for clip, _ in found),
        np.array([seconds for _, (_, seconds) in found], np.float32),
    )


def write_examples(folder: Path, examples: Examples, file: str = EXAMPLES_FILE) -> None:
    """Writes examples into a folder that nobody reads yet."""
    np.savez_compressed(
        folder / file,
        landmarks=examples.views.landmarks,
        share=examples.views.share,
        acting=examples.views.acting,
        side=examples.views.side,
        points=examples.looks.points,
        label=np.array(examples.labels, np.str_),
        clip=np.array(examples.clips, np.str_),
        seconds=examples.seconds,
    )


def read_examples(folder: Path, file: str = EXAMPLES_FILE) -> Examples:
    """Reads examples of a model's folder; nothing in them is unpickled.

    Raises:
        ModelFileError: it is missing, damaged, or unpacks to more than a gigabyte.
    """
    path = folder / file
    try:
        found = read_npz(path, limit=_MOST_BYTES, error=ModelFileError)
    except ModelFileError as error:
        raise ModelFileError(f"{error}: teach the model again") from None
    names = ("landmarks", "share", "acting", "side", "points", "label", "clip", "seconds")
    if missing := [name for name in names if name not in found]:
        raise ModelFileError(f"{path} is damaged (it lacks '{missing[0]}'): teach the model again")
    numbers = [found[name] for name in names if name not in ("label", "clip")]
    if not all(np.issubdtype(array.dtype, np.number) and array.ndim for array in numbers):
        raise ModelFileError(f"{path} is damaged (not all of it are numbers): teach the model again")
    if found["label"].ndim != 1 or found["clip"].ndim != 1:
        raise ModelFileError(f"{path} is damaged (its labels are no list): teach the model again")
    labels, clips = (tuple(str(name) for name in found[key]) for key in ("label", "clip"))
    points, seconds = found["points"], found["seconds"]
    if found["side"].shape != (len(labels),) or not set(np.unique(found["side"])) <= {-1, LEFT, RIGHT}:
        raise ModelFileError(f"{path} holds no sound examples: teach the model again")
    views = Views(found["landmarks"], found["share"], found["acting"], found["side"])
    n = len(labels)
    sound = (
        n > 0
        and views.landmarks.shape == (n, STEPS, 2, 21, 3)
        and views.share.shape == (n, 2)
        and views.acting.shape == views.side.shape == (n,)
        and set(np.unique(views.acting)) <= {LEFT, RIGHT}
        and points.ndim == 3
        and points.shape[:2] == (n, 2)
        and len(clips) == n
        and seconds.shape == (n,)
        and all(np.isfinite(a).all() for a in (views.landmarks, views.share, points, seconds))
    )
    if not sound:
        raise ModelFileError(f"{path} holds no sound examples: teach the model again")
    return Examples(views, looks_of(views, points), labels, clips, seconds)
