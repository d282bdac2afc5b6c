"""Motion programs: what a hand does for each gesture, in a plain dict.

Directions are the person's own: `hand_left` goes towards their left, which is to the *right* (+x) of the
unmirrored camera image and to the left of a mirror. `circle_clockwise` turns clockwise as they see it
themselves or in a mirror, hence counter-clockwise in the unmirrored image. Either hand moves along the same
path; only the hand's shape and its side of the body are mirrored.
"""

from collections.abc import Callable

import numpy as np

from handflow.synth import idle
from handflow.synth.movement import ATTITUDE, PLACE, POSE, STATE, Loop, Move, Stroke, stroke
from handflow.synth.person import VirtualPerson
from handflow.types import BACKGROUND, Float64

Program = Callable[[VirtualPerson, np.random.Generator], Stroke]

_FIST = np.array([0.9, 0.97, 0.97, 0.97, 0.97, -0.6, 0.0])
_POINT = np.array([0.75, 0.03, 0.92, 0.95, 0.95, -0.3, 0.0])
_BEFORE_PINCH = np.array([0.1, 0.12, 0.2, 0.25, 0.3, 0.3, 0.0])


def _pose(person: VirtualPerson, rng: np.random.Generator, usual: Float64) -> Float64:
    """(7,) a pose as this person makes it this time."""
    pose = usual + person.variation * rng.normal(0, 1, 7) * np.array([0.04] * 5 + [0.1, 0.0])
    pose[:5] = pose[:5].clip(0, 1)
    return np.asarray(pose)


def _open(person: VirtualPerson, rng: np.random.Generator, curl: float = 0.0) -> Float64:
    pose = _pose(person, rng, person.open_pose)
    pose[1:5] += curl * rng.uniform(0.7, 1.2)
    return pose


def _state(
    person: VirtualPerson,
    rng: np.random.Generator,
    pose: Float64,
    place: tuple[float, float, float] = (0.0, 0.0, 0.0),
    attitude: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Float64:
    """(13,) a state near the centre of gestures; place and attitude are added to the usual ones."""
    v = person.variation
    state = np.zeros(STATE)
    state[POSE] = pose
    state[ATTITUDE] = np.array(person.attitude) + attitude + v * rng.normal(0, 0.07, 3)
    state[PLACE] = np.array([*person.centre, 0.0]) + place + v * rng.normal(0, [0.02, 0.016, 0.018])
    return state


def _delta(
    place: tuple[float, float, float] = (0.0, 0.0, 0.0),
    attitude: tuple[float, float, float] = (0.0, 0.0, 0.0),
    pose: Float64 | None = None,
) -> Float64:
    delta = np.zeros(STATE)
    delta[PLACE], delta[ATTITUDE] = place, attitude
    if pose is not None:
        delta[POSE] = pose
    return delta


def _seconds(person: VirtualPerson, rng: np.random.Generator, low: float, high: float) -> float:
    """A duration between low and high for a person of usual tempo, 0.3 to 1.5 s in all."""
    return float(np.clip(person.tempo * rng.uniform(low, high), 0.3, 1.5))


def _swipe(x: float, y: float) -> Program:
    """A stroke of the whole hand in a direction of the unmirrored image."""

    def program(person: VirtualPerson, rng: np.random.Generator) -> Stroke:
        across, along = person.reach()
        length = (across if x else along) * (1 - 0.22 * person.variation * rng.random())
        slant = person.variation * rng.normal(0, 0.07)
        way = length * np.array(
            [x * np.cos(slant) - y * np.sin(slant), x * np.sin(slant) + y * np.cos(slant)]
        )
        flick = person.flick * rng.uniform(0.5, 1.1)
        # The wrist bends the way the hand goes. Attitudes are of a right hand: lean's sign is the side's.
        bend = np.array([y * flick, 0.0, -person.side * x * flick])
        first = _state(
            person,
            rng,
            _open(person, rng, person.stroke_curl),
            (-way[0] / 2, -way[1] / 2, 0.0),
            (0.3 * abs(y) * flick - bend[0] / 2, 0.0, -bend[2] / 2),
        )
        arc = length * (person.curvature + person.variation * rng.normal(0, 0.03))
        bulge = _delta((-abs(y) * arc * person.side, -abs(x) * arc, -length * rng.uniform(0.0, 0.18)))
        delta = _delta((way[0], way[1], rng.normal(0, 0.012)), (bend[0], 0.0, bend[2]))
        duration = np.clip(_seconds(person, rng, 0.36, 0.56) * (length / 0.25) ** 0.4, 0.3, 1.2)
        return stroke(first, [Move(0.0, float(duration), delta, bulge, skew=float(rng.uniform(0.88, 1.08)))])

    return program


def _circle(image_direction: float) -> Program:
    """A circle; +1 clockwise in the unmirrored image, −1 counter-clockwise."""

    def program(person: VirtualPerson, rng: np.random.Generator) -> Stroke:
        across, along = person.reach()
        radius = float(np.clip(min(across, along) * rng.uniform(0.3, 0.44), 0.05, 0.13))
        squeeze = rng.uniform(0.72, 1.1)
        phase = rng.choice([-1, 1], p=[0.75, 0.25]) * np.pi / 2 + person.variation * rng.normal(0, 0.35)
        cycles = 1.0 + rng.uniform(0.0, 0.3) + (1.0 if rng.random() < 0.15 * person.variation else 0.0)
        pose = _pose(person, rng, _POINT) if person.points else _open(person, rng)
        start = (radius * squeeze * np.cos(phase), radius * np.sin(phase), 0.0)
        first = _state(person, rng, pose, start)
        loop = Loop(
            _delta((radius * squeeze, 0.0, radius * rng.normal(0, 0.15))),
            _delta((0.0, radius, radius * rng.normal(0, 0.2)), (-0.15, 0.0, 0.0)),
            cycles * image_direction,
            float(phase),
        )
        one = float(np.clip(person.tempo * rng.uniform(0.7, 1.05), 0.5, 1.25))
        duration = min(one * (0.35 + 0.65 * cycles), 1.5 if cycles < 1.5 else 2.2)
        return stroke(first, [Move(0.0, duration, np.zeros(STATE), loop=loop)])

    return program


def wave(person: VirtualPerson, rng: np.random.Generator) -> Stroke:
    """The open hand tilts to and fro on the forearm."""
    cycles = rng.choice([1.5, 2.0, 2.5, 3.0])
    tilt, width = rng.uniform(0.22, 0.5), rng.uniform(0.02, 0.07)
    first = _state(person, rng, _open(person, rng), (0.0, -0.02, 0.0))
    sign = rng.choice([-1.0, 1.0])
    loop = Loop(
        _delta((0.0, rng.normal(0, 0.006), rng.normal(0, 0.006)), (rng.normal(0, 0.08), 0.0, 0.0)),
        _delta((sign * width, 0.0, 0.0), (0.0, 0.0, -person.side * sign * tilt)),
        float(cycles),
    )
    duration = float(np.clip(person.tempo * cycles * rng.uniform(0.34, 0.52), 0.6, 1.6))
    return stroke(first, [Move(0.0, duration, np.zeros(STATE), loop=loop)])


def _depth(z: float) -> Program:
    """The hand goes towards the camera (−1) or away from it (+1)."""

    def program(person: VirtualPerson, rng: np.random.Generator) -> Stroke:
        length = min(person.amplitude * rng.uniform(0.55, 0.8), 0.36 * person.distance)
        near = z * -length / 2
        pose = _open(person, rng)
        closing = _delta(pose=np.array([0.2, *[0.45] * 4, -0.2, 0.0]) * rng.uniform(0, 1)) if z > 0 else 0.0
        # Near the camera a hand of the same height above the desk is seen higher: it comes a little down.
        first = _state(person, rng, pose, (0.0, 0.0, near), (-0.05 * z, 0.0, 0.0))
        delta = (
            _delta((rng.normal(0, 0.012), rng.normal(0, 0.012), z * length), (0.2 * z, 0.0, 0.0)) + closing
        )
        bulge = _delta((0.0, -length * person.curvature, 0.0))
        return stroke(first, [Move(0.0, _seconds(person, rng, 0.45, 0.75), delta, bulge, skew=0.95)])

    return program


def _fingers(begin: Float64, end: Float64, low: float, high: float) -> Program:
    """The fingers go from one pose to another while the hand stays. NaN: as the person's open hand."""

    def program(person: VirtualPerson, rng: np.random.Generator) -> Stroke:
        own = _open(person, rng)
        first, last = (np.where(np.isnan(p), own, _pose(person, rng, p)) for p in (begin, end))
        move = Move(
            0.0,
            _seconds(person, rng, low, high),
            _delta(tuple(rng.normal(0, 0.008, 3)), (rng.normal(0, 0.08), 0.0, 0.0), last - first),
        )
        return stroke(_state(person, rng, first, (0.0, 0.0, 0.0), (rng.uniform(0, 0.25), 0.0, 0.0)), [move])

    return program


def turn(person: VirtualPerson, rng: np.random.Generator) -> Stroke:
    """The forearm turns the palm from the camera to the person."""
    palm = person.open_pose if rng.random() < 0.8 else person.relaxed_pose
    first = _state(person, rng, _pose(person, rng, palm))
    first[ATTITUDE][1] = rng.uniform(-0.25, 0.3)
    by = rng.uniform(1.7, 2.5)
    delta = _delta(tuple(rng.normal(0, 0.012, 3)), (rng.normal(0, 0.1), by, rng.normal(0, 0.12)))
    return stroke(first, [Move(0.0, _seconds(person, rng, 0.45, 0.75), delta)])


def _hold(usual: Float64) -> Program:
    """A pose held before the camera; NaN: the person's open hand."""

    def program(person: VirtualPerson, rng: np.random.Generator) -> Stroke:
        stretched = _pose(person, rng, person.open_pose * 0.4 + np.array([0.0] * 5 + [0.35, 0.0]))
        pose = np.where(np.isnan(usual), stretched, _pose(person, rng, usual))
        # Who shows a pose turns it to the camera, more than a hand that is only up.
        shown = (-0.5 * person.attitude[0], -0.6 * person.attitude[1], 0.0)
        return stroke(
            _state(person, rng, pose, attitude=shown), [], held=(0.0, _seconds(person, rng, 0.7, 1.4))
        )

    return program


def background(person: VirtualPerson, rng: np.random.Generator) -> Stroke:
    """Hands that do nothing meant, a second or a few."""
    return idle.pastime(person, rng, float(rng.uniform(1.0, 3.0)))


_OWN = np.full(7, np.nan)
_PINCHED = np.array([*_BEFORE_PINCH[:6], 1.0])

PROGRAMS: dict[str, Program] = {
    "hand_up": _swipe(0.0, -1.0),
    "hand_down": _swipe(0.0, 1.0),
    "hand_left": _swipe(1.0, 0.0),
    "hand_right": _swipe(-1.0, 0.0),
    "circle_clockwise": _circle(-1.0),
    "circle_counterclockwise": _circle(1.0),
    "wave": wave,
    "push": _depth(-1.0),
    "pull": _depth(1.0),
    "pinch": _fingers(_BEFORE_PINCH, _PINCHED, 0.36, 0.6),
    "spread": _fingers(_PINCHED, _BEFORE_PINCH, 0.36, 0.6),
    "turn": turn,
    "grab": _fingers(_OWN, _FIST, 0.36, 0.6),
    "release": _fingers(_FIST, _OWN, 0.36, 0.6),
    "hold_open": _hold(_OWN),
    "hold_point": _hold(_POINT),
    "hold_fist": _hold(_FIST),
    BACKGROUND: background,
}
"""What each label does. A new gesture is one function and one entry."""


def program(gesture: str) -> Program:
    """The program of a gesture.

    Raises:
        ValueError: no such gesture; the message lists the known ones.
    """
    if gesture not in PROGRAMS:
        raise ValueError(f"no motion program '{gesture}'; known: {', '.join(PROGRAMS)}")
    return PROGRAMS[gesture]
