"""Videos of a virtual person for Chromium's fake camera.

Chromium plays a file of raw pictures (YUV4MPEG2) at the rate that it states, and begins anew at its end. It
opens the file whenever a page starts the camera, so that another video can be put in its place meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from handflow.synth import idle
from handflow.synth.clips import frame_times, random_numbers
from handflow.synth.motion import program
from handflow.synth.movement import Planner, unrest
from handflow.synth.person import VirtualPerson, random_person
from handflow.synth.render import render_frames
from handflow.synth.scene import Scene
from handflow.synth.staging import stage
from handflow.synth.streams import make_stream
from handflow.types import Segment

READY, AFTER, AWAY = 1.6, 0.7, 1.2
"""Seconds that the hand rests before a gesture and after it, and is out of sight before the next one."""
_BLUR = 2  # moments per exposure: enough for the tracker, and quick to render


@dataclass(frozen=True, slots=True)
class Filming:
    """Who is filmed, and how."""

    person: VirtualPerson
    size: tuple[int, int] = (320, 240)  # pixels
    fps: int = 20

    @staticmethod
    def of(number: int, size: tuple[int, int] = (320, 240), fps: int = 20) -> "Filming":
        """A virtual person with a camera of that rate."""
        return Filming(replace(random_person(number), fps=fps), size, fps)


class FakeCamera:
    """The file that Chromium's camera plays."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "webcam.y4m"

    def show(self, video: Path) -> None:
        """Has the camera play this video from its next start on."""
        waiting = self.file.with_suffix(".next")
        waiting.symlink_to(video)
        waiting.replace(self.file)


def film_lesson(path: Path, filming: Filming, gesture: str, takes: int, seed: int) -> Path:
    """The person shows a gesture over and over: raises the hand, rests, makes it, rests, lowers the hand."""
    person, rng = filming.person, random_numbers(seed, 20)
    perform = program(gesture)
    strokes = [perform(person, rng) for _ in range(takes)]
    plan = Planner(idle.away(person, rng))
    for stroke in strokes:
        idle.prepare(plan, person, rng, stroke.first)
        plan.wait(READY)
        plan.perform(stroke)
        plan.wait(AFTER)
        idle.retract(plan, person, rng, idle.away(person, rng))
        plan.wait(AWAY)
    return _film(path, filming, plan, seed)


def film_idling(path: Path, filming: Filming, seconds: float, seed: int) -> Path:
    """The person does this and that and means nothing by it."""
    rng = random_numbers(seed, 21)
    plan = Planner(idle.relaxed(filming.person, rng))
    idle.pass_time(plan, filming.person, rng, seconds)
    return _film(path, filming, plan, seed)


def film_performance(
    path: Path, filming: Filming, gestures: Sequence[str], seconds: float, seed: int
) -> tuple[Segment, ...]:
    """The person makes gestures among idle motion; which, and when."""
    width, height = filming.size
    made = make_stream(
        gestures,
        filming.person,
        seed,
        seconds=seconds,
        fps=filming.fps,
        width=width,
        height=height,
        substeps=_BLUR,
    )
    _write(path, filming, made.scene)
    return made.stream.segments


def _film(path: Path, filming: Filming, plan: Planner, seed: int) -> Path:
    rng = random_numbers(seed, 22)
    motion = plan.motion(unrest(rng, filming.person.drift, filming.person.tremor))
    times = frame_times(plan.time, filming.fps, rng, 0.0)
    width, height = filming.size
    scene = stage(motion, filming.person, times, width=width, height=height, substeps=_BLUR)
    return _write(path, filming, scene)


def _write(path: Path, filming: Filming, scene: Scene) -> Path:
    width, height = filming.size
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{width} H{height} F{filming.fps}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in render_frames(scene):
            out.write(b"FRAME\n" + cv2.cvtColor(frame.image, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path
