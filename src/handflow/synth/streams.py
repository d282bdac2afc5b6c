"""Synthetic streams: gestures among idle motion, as a webcam sees somebody over minutes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handflow.synth import idle
from handflow.synth.clips import frame_times, random_numbers, resting_hand
from handflow.synth.motion import program
from handflow.synth.movement import Planner, unrest
from handflow.synth.person import VirtualPerson
from handflow.synth.scene import Scene
from handflow.synth.staging import stage
from handflow.types import BACKGROUND, Segment, Stream

_LEAD, _TAIL = 1.2, 1.2  # seconds without a gesture at both ends, at least
_USUAL_GESTURE = 4.0  # seconds from one gesture to the next, about


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticStream:
    """A stream and everything that is true about it."""

    stream: Stream  # exact landmarks and segments
    scene: Scene  # for the renderer
    idles: tuple[str, ...]  # what the hand did in between, in order


def make_stream(
    gestures: Sequence[str],
    person: VirtualPerson,
    seed: int,
    *,
    gestures_count: int | None = None,
    seconds: float | None = None,
    fps: float | None = None,
    width: int = 320,
    height: int = 240,
    substeps: int | None = 1,
    second_hand: bool | None = None,
) -> SyntheticStream:
    """Makes a stream in which a person performs gestures among idle motion.

    Each gesture is prepared and the hand comes back from it, slower than any stroke; in between it waits,
    drifts, reaches, fidgets, talks, rests or leaves the picture. Gestures occur about equally often.

    Args:
        gestures: names in `PROGRAMS`; `background` may be among them and adds nothing.
        person: who performs them.
        seed: the same seed gives the same stream on every system; fps changes the moments, never the path.
        gestures_count: how many gestures; None: as many as fit, or one of each where `seconds` is None too.
        seconds: length of the stream; None: as long as the gestures take.
        fps: frames a second; None: the person's camera.
        width: of the picture, pixels.
        height: of the picture, pixels.
        substeps: moments per exposure; None where the stream will be rendered (see `stage`).
        second_hand: whether the other hand is there too, doing nothing; None: rarely.

    Raises:
        ValueError: unknown gestures, or a length, count or rate that cannot be made.
    """
    meant = [g for g in gestures if g != BACKGROUND]
    performs = {g: program(g) for g in meant}
    if gestures_count is not None and gestures_count < 0:
        raise ValueError(f"{gestures_count} gestures cannot be made, expected 0 or more")
    if seconds is not None and not seconds > 0:
        raise ValueError(f"a stream of {seconds} seconds cannot be made, expected more than 0")
    if gestures_count is None:
        gestures_count = len(meant) if seconds is None else int(seconds / _USUAL_GESTURE) + 1
    rng = random_numbers(seed, 10)
    plan = Planner(idle.relaxed(person, rng) if rng.random() < 0.6 else idle.resting(person, rng))
    plan.wait(_LEAD * rng.uniform(1.0, 1.6))
    segments: list[Segment] = []
    idles: list[str] = []
    for gesture in _order(meant, gestures_count, rng):
        idles += _interlude(plan, person, rng, first=not segments)
        what = performs[gesture](person, rng)
        trial = plan.copy()
        idle.prepare(trial, person, rng, what.first)
        if seconds is not None and trial.time + what.duration + _TAIL > seconds:
            break  # it would not be whole
        plan = trial
        segments.append(Segment(gesture, *plan.perform(what), person.hand))
        _come_back(plan, person, rng, held=what.held)
    plan.wait(_TAIL)
    length = plan.time
    if seconds is not None:
        length = seconds
        idles += idle.pass_time(plan, person, rng, seconds - plan.time)
    motion = plan.motion(unrest(rng, person.drift, person.tremor))
    scene = stage(
        motion,
        person,
        frame_times(length, fps or person.fps, random_numbers(seed, 11)),
        width=width,
        height=height,
        substeps=substeps,
        other=resting_hand(person, seed, second_hand),
    )
    stream = Stream(
        id=f"stream-{person.name}-{seed}",
        sequence=scene.truth(),
        segments=tuple(segments),
        frame_size=(width, height),
        subject=person.name,
    )
    return SyntheticStream(stream, scene, tuple(idles))


def _order(gestures: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    """That many gestures, each about equally often, in any order."""
    order: list[str] = []
    while gestures and len(order) < count:
        order += [gestures[i] for i in rng.permutation(len(gestures))]
    return order[:count]


def _interlude(plan: Planner, person: VirtualPerson, rng: np.random.Generator, *, first: bool) -> list[str]:
    """What the hand does before the next gesture: nothing, a pause, or idle motion of some seconds."""
    kind = rng.random()
    if kind < 0.15 and not first:
        return []
    if kind < 0.4:
        plan.wait(rng.uniform(0.3, 1.5))
        return []
    return idle.pass_time(plan, person, rng, float(rng.uniform(0.5, 3.5)))


def _come_back(plan: Planner, person: VirtualPerson, rng: np.random.Generator, *, held: bool) -> None:
    """Where the hand goes after a gesture: most often back to ease, sometimes down or straight on."""
    kind = rng.random() * (0.85 if held else 1.0)  # who stays in a held pose has not ended it
    if kind < 0.6:
        idle.retract(plan, person, rng, idle.relaxed(person, rng))
    elif kind < 0.78:
        idle.retract(plan, person, rng, idle.resting(person, rng))
    elif kind < 0.85:
        idle.retract(plan, person, rng, idle.away(person, rng))
    else:  # stays where it is, until the next preparation
        plan.wait(rng.uniform(0.25, 0.8))
