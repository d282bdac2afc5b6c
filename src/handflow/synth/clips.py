"""Synthetic clips: one gesture, or nothing meant, with exact truth for every frame."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from handflow.synth import idle
from handflow.synth.motion import PROGRAMS, program
from handflow.synth.movement import Motion, Planner, Stroke, unrest
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import PICTURE, VirtualPerson
from handflow.synth.scene import Scene
from handflow.synth.staging import place_hand, stage
from handflow.types import BACKGROUND, Clip, Float64

MEANT = tuple(name for name in PROGRAMS if name != BACKGROUND)
"""All gestures that mean something."""
_TRIES = 8  # to find idle motion with the hand in sight


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticClip:
    """A clip and everything that is true about it."""

    clip: Clip  # exact landmarks
    onset: float | None  # seconds of the clip; None for background
    offset: float | None  # seconds of the clip; None for background
    scene: Scene  # for the renderer


def random_numbers(*seed: int) -> np.random.Generator:
    """A generator for one purpose: the same numbers on every system."""
    return np.random.default_rng(np.random.SeedSequence([s & 0xFFFFFFFF for s in seed]))


def frame_times(seconds: float, fps: float, rng: np.random.Generator, jitter: float = 0.06) -> Float64:
    """Timestamps (frames,) from 0 with a webcam's small jitter, a share of the interval."""
    if not (np.isfinite(fps) and 1 <= fps <= 240):
        raise ValueError(f"{fps} frames a second cannot be made, expected 1 to 240")
    if not (np.isfinite(seconds) and seconds > 0):
        raise ValueError(f"{seconds} seconds cannot be made, expected more than 0")
    count = max(2, round(seconds * fps))
    times = (np.arange(count) + jitter * rng.uniform(-1, 1, count)) / fps
    times[0] = 0.0
    return np.asarray(times)


def make_clip(
    gesture: str,
    person: VirtualPerson,
    seed: int,
    *,
    fps: float | None = None,
    seconds: float = 2.0,
    width: int = 320,
    height: int = 240,
    substeps: int | None = 1,
    second_hand: bool | None = None,
) -> SyntheticClip:
    """Makes one clip: the gesture somewhere inside it, or idle motion for `background`.

    Args:
        gesture: a name in `PROGRAMS`.
        person: who does it.
        seed: the same seed gives the same clip on every system; fps changes the moments, never the path.
        fps: frames a second; None: the person's camera.
        seconds: length of the clip; a gesture that would not fit is done faster.
        width: of the picture, pixels.
        height: of the picture, pixels.
        substeps: moments per exposure; None where the clip will be rendered (see `stage`).
        second_hand: whether the other hand is there too, doing nothing; None: rarely.

    Raises:
        ValueError: an unknown gesture, or a length or rate that cannot be made.
    """
    perform = program(gesture)
    rng = random_numbers(seed, 0, list(PROGRAMS).index(gesture))
    times = frame_times(seconds, fps or person.fps, random_numbers(seed, 1))
    if gesture == BACKGROUND:
        motion, start, onset, offset = _nothing_meant(person, rng, seconds)
    else:
        motion, onset, offset = _act(person, rng, _fitted(perform(person, rng), 0.8 * seconds))
        free = seconds - (offset - onset)
        start = onset - free * rng.uniform(0.12, 0.88)
    scene = stage(
        motion,
        person,
        times,
        start=start,
        width=width,
        height=height,
        substeps=substeps,
        other=resting_hand(person, seed, second_hand),
    )
    clip = Clip(
        id=f"{gesture}-{person.name}-{seed}",
        label=gesture,
        sequence=scene.truth(),
        frame_size=(width, height),
        subject=person.name,
        session=person.name,
        source="synthetic",
    )
    meant = gesture != BACKGROUND
    return SyntheticClip(clip, onset - start if meant else None, offset - start if meant else None, scene)


def _fitted(what: Stroke, seconds: float) -> Stroke:
    """The stroke, faster where it takes longer than that."""
    speed = max(1.0, (what.offset - what.onset) / seconds)
    return replace(
        what,
        moves=tuple(replace(m, start=m.start / speed, duration=m.duration / speed) for m in what.moves),
        duration=what.duration / speed,
        onset=what.onset / speed,
        offset=what.offset / speed,
    )


def _act(
    person: VirtualPerson, rng: np.random.Generator, what: Stroke, *, ready: bool | None = None
) -> tuple[Motion, float, float]:
    """A whole performance: waiting, preparation, stroke, retraction; with onset and offset.

    `ready`: the hand already waits where the gesture starts; None: mostly, since takes are recorded so, by
    key or countdown. Who waits in a held pose would already perform it.
    """
    drawn = rng.random() < 0.85
    ready = (drawn if ready is None else ready) and not what.held
    plan = Planner(what.first if ready else _somewhere(person, rng))
    plan.wait(3.0)
    if not ready:
        idle.prepare(plan, person, rng, what.first)
    onset, offset = plan.perform(what)
    if rng.random() < 0.35 and not what.held:  # waits for the end of the take
        plan.wait(rng.uniform(0.3, 2.0))
    idle.retract(plan, person, rng, _somewhere(person, rng))
    idle.pass_time(plan, person, rng, 3.0)
    return plan.motion(unrest(rng, person.drift, person.tremor)), onset, offset


def _somewhere(person: VirtualPerson, rng: np.random.Generator) -> Float64:
    kind = rng.random()
    if kind < 0.6:
        return idle.relaxed(person, rng)
    return idle.resting(person, rng) if kind < 0.85 else idle.away(person, rng)


def _nothing_meant(
    person: VirtualPerson, rng: np.random.Generator, seconds: float
) -> tuple[Motion, float, float, float]:
    """Idle motion, a preparation without its stroke, or a retraction; with the clip's start in its time.

    The hand is in sight for a third of the clip at least: without one there is nothing to record.
    """
    for _ in range(_TRIES):
        kind = rng.random()
        if kind < 0.7:  # in streams these come once a gesture: what recognizers stumble over most
            what = program(str(rng.choice(MEANT)))(person, rng)
            before = kind < 0.38
            motion, onset, offset = _act(person, rng, what, ready=False if before else None)
            late = rng.uniform(0.0, 0.3)
            start = onset - late - seconds if before else offset + late
        else:
            plan = Planner(_somewhere(person, rng))
            idle.pass_time(plan, person, rng, seconds + 1.0)
            start = rng.uniform(0.0, plan.time - seconds)
            motion = plan.motion(unrest(rng, person.drift, person.tremor))
        if _share_in_sight(motion, person, start, seconds) >= 1 / 3:
            break
    return motion, float(start), 0.0, 0.0


def _share_in_sight(motion: Motion, person: VirtualPerson, start: float, seconds: float) -> float:
    # Moments of its own, so that the frame rate decides nothing.
    palms = place_hand(motion, person, start + np.linspace(0.05, 0.95, 10) * seconds)[0][:, 9]
    limit = np.array(PICTURE) / 2 / person.camera.focal
    return float((np.abs(palms[:, :2] / palms[:, 2:]) < limit).all(axis=1).mean())


def resting_hand(
    person: VirtualPerson, seed: int, wanted: bool | None
) -> tuple[VirtualPerson, Motion] | None:
    """The other hand, resting low in the picture; None: it is not there."""
    rng = random_numbers(seed, 2)
    if not (rng.random() < 0.06 if wanted is None else wanted):
        return None
    width, height = person.field
    twin = replace(
        person,
        hand="left" if person.hand == "right" else "right",
        centre=(-person.centre[0], person.centre[1]),
        rest=(-person.side * rng.uniform(0.45, 0.75) * width, height * rng.uniform(0.75, 1.0)),
    )
    plan = Planner(idle.resting(twin, rng))
    plan.wait(rng.uniform(0.5, 3.0))
    idle.fidget(plan, twin, rng)
    return twin, plan.motion(unrest(rng, person.drift, person.tremor))


def landmark_clips(
    gestures: Sequence[str],
    persons: Iterable[VirtualPerson],
    clips: int,
    seed: int,
    *,
    fps: float | None = None,
    seconds: float = 2.0,
    noise: float = 1.0,
) -> Iterator[Clip]:
    """Makes many clips as landmarks, without pictures: some hundreds a second.

    Args:
        gestures: names in `PROGRAMS`.
        persons: who performs them.
        clips: of each gesture by each person.
        seed: of everything.
        fps: frames a second; None: each person's camera.
        seconds: length of a clip.
        noise: of the tracker that is imitated (see `add_tracker_noise`); 0: exact truth.
    """
    for number, person in enumerate(persons):
        for gesture in gestures:
            for take in range(clips):
                one = clip_seed(seed, number, gesture, take)
                clip = make_clip(gesture, person, one, fps=fps, seconds=seconds).clip
                if noise > 0:
                    noisy = add_tracker_noise(
                        clip.sequence, random_numbers(one, 3), level=noise, frame_size=clip.frame_size
                    )
                    clip = replace(clip, sequence=noisy)
                yield clip


def clip_seed(seed: int, person: int, gesture: str, take: int) -> int:
    """The seed of one clip, which other gestures and persons in the same run do not change."""
    words = [seed & 0xFFFFFFFF, person, list(PROGRAMS).index(gesture), take]
    return int(np.random.SeedSequence(words).generate_state(1)[0] >> 1)
