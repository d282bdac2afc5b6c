"""Writes synthetic clips, streams and videos, over several processes where pictures are rendered.

What is written to is handed in, so that this room needs no other: a dataset, a writer of videos, a writer of
landmark archives. Each process makes its own clips again from their seeds and writes them itself.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from handflow.atomic import write_bytes
from handflow.synth.clips import SyntheticClip, clip_seed, make_clip, random_numbers
from handflow.synth.motion import program
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import VirtualPerson, random_person
from handflow.synth.streams import SyntheticStream, make_stream
from handflow.types import BACKGROUND, Clip, Frame, HandSequence, Image, Stream

Landmarks = Literal["exact", "noisy", "none"]
LANDMARKS: tuple[Landmarks, ...] = ("exact", "noisy", "none")
FLIPS = {"hand_left": "hand_right", "circle_clockwise": "circle_counterclockwise"}
"""What gestures become in a mirror; the others stay what they are."""


class ClipSink(Protocol):
    """Where clips go: `handflow.data.Dataset`."""

    def add(self, clip: Clip, frames: Iterable[Frame] | None = None) -> Any:
        """Stores a clip, whole or not at all."""

    def add_frames(
        self,
        gesture: str,
        frames: Iterable[Frame],
        *,
        id: str = "",
        source: str = "",
        subject: str | None = None,
        session: str | None = None,
    ) -> Any:
        """Stores a clip's pictures alone, whole or not at all."""


class VideoSink(Protocol):
    """Where pictures of a video go: `handflow.capture.VideoWriter`."""

    def write(self, image: Image, timestamp: float) -> None:
        """Adds a picture."""


OpenVideo = Callable[[Path, tuple[int, int], float], AbstractContextManager[VideoSink]]
WriteArchive = Callable[[Path, Sequence[Stream]], None]


@dataclass(frozen=True, slots=True)
class Take:
    """One clip or stream to make: everything it depends on."""

    id: str
    gestures: tuple[str, ...]  # one of a clip, all of a stream
    person: int  # the person's seed
    subject: str
    seed: int
    seconds: float
    fps: float | None
    size: tuple[int, int]  # (width, height), pixels
    landmarks: Landmarks = "exact"

    def __post_init__(self) -> None:
        for gesture in self.gestures:
            program(gesture)
        if self.landmarks not in LANDMARKS:
            raise ValueError(f"landmarks '{self.landmarks}' are not known: choose {', '.join(LANDMARKS)}")
        if min(self.size) < 16 or max(self.size) > 4096:
            raise ValueError(
                f"a picture of {self.size[0]}x{self.size[1]} cannot be made, expected 16 to 4096"
            )

    def someone(self) -> VirtualPerson:
        """Who performs."""
        return random_person(self.person, name=self.subject)

    def clip(self, *, rendered: bool) -> SyntheticClip:
        """The clip of its one gesture."""
        made = make_clip(
            self.gestures[0],
            self.someone(),
            self.seed,
            fps=self.fps,
            seconds=self.seconds,
            width=self.size[0],
            height=self.size[1],
            substeps=None if rendered else 1,
        )
        clip = replace(made.clip, id=self.id, sequence=self._tracked(made.clip.sequence))
        return replace(made, clip=clip)

    def stream(self, *, rendered: bool) -> SyntheticStream:
        """The stream of its gestures."""
        made = make_stream(
            self.gestures,
            self.someone(),
            self.seed,
            seconds=self.seconds,
            fps=self.fps,
            width=self.size[0],
            height=self.size[1],
            substeps=None if rendered else 1,
        )
        stream = replace(made.stream, id=self.id, sequence=self._tracked(made.stream.sequence))
        return replace(made, stream=stream)

    def _tracked(self, sequence: HandSequence) -> HandSequence:
        if self.landmarks != "noisy":
            return sequence
        return add_tracker_noise(sequence, random_numbers(self.seed, 3), frame_size=self.size)


def takes(
    gestures: Sequence[str],
    persons: int,
    each: int,
    seed: int,
    *,
    seconds: float,
    fps: float | None = None,
    size: tuple[int, int] = (320, 240),
    landmarks: Landmarks = "exact",
    streams: bool = False,
) -> list[Take]:
    """All takes of a run.

    Args:
        gestures: names in `PROGRAMS`.
        persons: how many virtual persons.
        each: clips of each gesture by each person, or streams by each person.
        seed: of everything; other seeds give other persons.
        seconds: length of each.
        fps: frames a second; None: each person's camera.
        size: (width, height) of the pictures, pixels.
        landmarks: exact truth, truth with a tracker's errors, or none.
        streams: each take is a stream of all gestures.

    Raises:
        ValueError: an unknown gesture, or a size that cannot be made.
    """
    out = []
    for number in range(persons):
        subject = f"s{seed}-person{number:02d}"
        someone = int(random_numbers(seed, 20, number).integers(2**31))
        for label in ("stream",) if streams else gestures:
            for take in range(each):
                first = BACKGROUND if streams else label
                out.append(
                    Take(
                        id=f"{label}-{subject}-{take:02d}",
                        gestures=tuple(gestures) if streams else (label,),
                        person=someone,
                        subject=subject,
                        seed=clip_seed(seed, number, first, take),
                        seconds=seconds,
                        fps=fps,
                        size=size,
                        landmarks=landmarks,
                    )
                )
    return out


def write_clip(take: Take, sink: ClipSink, pixels: bool) -> None:
    """Stores one clip."""
    made = take.clip(rendered=pixels)
    clip = made.clip
    if not pixels:
        sink.add(clip)
        return
    from handflow.synth.render import render_frames

    frames = render_frames(made.scene)
    if take.landmarks == "none":
        sink.add_frames(
            clip.label,
            frames,
            id=clip.id,
            source=clip.source,
            subject=clip.subject,
            session=clip.session,
        )
    else:
        sink.add(clip, frames)


def clip_truth(take: Take) -> dict[str, Any]:
    """What is true about a clip beside its landmarks, as a JSON document."""
    made = take.clip(rendered=False)
    return {
        "id": take.id,
        "gesture": made.clip.label,
        "subject": take.subject,
        "hand": take.someone().hand,
        "onset": None if made.onset is None else round(made.onset, 4),
        "offset": None if made.offset is None else round(made.offset, 4),
    }


def write_video(take: Take, folder: Path, open_video: OpenVideo, write_archive: WriteArchive) -> Path:
    """Writes `ID.mp4`, its landmarks `ID.npz` and last, when all is there, the truth `ID.json`."""
    from handflow.synth.render import render_frames

    made = take.stream(rendered=True)
    path = folder / f"{take.id}.mp4"
    fps = take.fps or take.someone().fps
    with open_video(path, take.size, fps) as video:
        for frame in render_frames(made.scene):
            video.write(frame.image, frame.timestamp)
    write_archive(folder / f"{take.id}.npz", [made.stream])
    write_json(folder / f"{take.id}.json", stream_truth(take, made))
    return path


def stream_truth(take: Take, made: SyntheticStream) -> dict[str, Any]:
    """What is true about a stream, as a JSON document."""
    return {
        "id": take.id,
        "subject": take.subject,
        "gestures": list(take.gestures),
        "size": list(take.size),
        "fps": take.fps or take.someone().fps,
        "seconds": made.stream.sequence.duration,
        "timestamps": [round(t, 6) for t in made.stream.sequence.timestamps.tolist()],
        "segments": [
            {"gesture": s.label, "hand": s.hand, "onset": round(s.onset, 4), "offset": round(s.offset, 4)}
            for s in made.stream.segments
        ],
    }


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    write_bytes(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
