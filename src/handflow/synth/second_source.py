"""A second, independent source of hand motion: streams to test spotting, never to train or calibrate.

It shares no code and no idea with the motion programs of this package: another skeleton, another camera and
another theory of movement (`second_strokes`), so that what a recognizer learned from those is tested on a
stranger. Gestures start from wherever the hand is, amid idle motion (`second_idle.IDLES`).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from handflow.synth.second_hand import FRAME_SIZE, Person, draw_person, hand_points, project
from handflow.synth.second_idle import IDLES, OPEN, POINTING, RELAXED, Scene
from handflow.synth.second_strokes import (
    CURLS,
    DEVIATION,
    FLEXION,
    INDEX,
    OPPOSITION,
    PRONATION,
    THUMB,
    Point,
    Track,
    Wander,
    X,
    Y,
    Z,
    span,
)
from handflow.types import LEFT, RIGHT, SIDES, Float32, Float64, HandSequence, Segment, Stream

_CHUNK = 8192  # frames computed at once
_JITTER = 0.1  # share of a frame's time by which timestamps waver
_SLOW = 0.55  # peak speed of preparations and returns over that of the person's strokes
_POSITION = (X, Y, Z)


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A part of a gesture."""

    wait: float  # seconds after the gesture's start
    seconds: float
    change: dict[int, float]  # of channels of the arm
    turn: float = 0.0  # radians of its arc


@dataclass(frozen=True, slots=True)
class _Gesture:
    """One performance of a gesture, before it has a place in time."""

    strokes: tuple[_Stroke, ...]
    carrier: tuple[int, ...] = (
        _POSITION  # channels that the gesture is made of: they say when it begins and ends
    )
    curls: tuple[float, ...] | None = None  # of the fingers at its start; None: the person's
    attitude: dict[int, float] = field(default_factory=dict)  # of the hand at its start, beside the person's

    @property
    def way(self) -> tuple[float, float]:
        """From start to end, metres in the picture's plane."""
        return (
            sum(s.change.get(X, 0.0) for s in self.strokes),
            sum(s.change.get(Y, 0.0) for s in self.strokes),
        )


def _hand_stroke(scene: Scene, dx: float, dy: float) -> _Gesture:
    """One stroke of the whole hand, now and then corrected; (dx, dy) as if the hand were a right one."""
    person, rng = scene.person, scene.rng
    room = 2 * scene.width - 0.16 if dx else 2 * scene.height - 0.2
    length = min(max(person.length * scene.draw(0.85, 1.2), 0.16), 0.4, max(room, 0.16))
    seconds = min(max(person.seconds * scene.draw(0.85, 1.25), 0.28), 0.7)
    slant = min(max(float(rng.normal(0, 0.12)), -0.3), 0.3)
    c, s = math.cos(slant), math.sin(slant)
    way = {
        X: length * (dx * c - dy * s),
        Y: length * (dy * c + dx * s),
        Z: length * float(rng.normal(0, 0.08)),
    }
    bend = FLEXION if dy or person.palm < 0.4 else DEVIATION
    sign = (dx if bend == DEVIATION else -1 if dy < 0 else 1) * scene.draw(0.0, 0.5)
    strokes = [_Stroke(0.0, seconds, way, float(rng.choice((-1, 1))) * person.bow * scene.draw(0.5, 1.2))]
    strokes.append(_Stroke(0.1 * seconds, 0.85 * seconds, {bend: sign}))
    if rng.random() < 0.35:  # the secondary stroke that corrects the first
        part = scene.draw(-0.06, 0.12)
        strokes.append(_Stroke(0.6 * seconds, 0.5 * seconds, {c: part * value for c, value in way.items()}))
    curl = min(max(person.curl + float(rng.normal(0, 0.04)), 0.0), 0.5)
    curls = tuple(curl * share for share in (0.6, 0.9, 1.0, 1.05, 1.1))
    return _Gesture(tuple(strokes), curls=curls, attitude={bend: -0.5 * sign})


def _toward(dx: float, dy: float) -> Callable[[Scene], _Gesture]:
    """A hand stroke in a direction of the picture."""
    return lambda scene: _hand_stroke(scene, dx if scene.person.side == RIGHT else -dx, dy)


def _circle(scene: Scene) -> _Gesture:
    """Quarter arcs that overlap, once or a little more around."""
    radius, seconds = scene.draw(0.05, 0.09), scene.draw(0.22, 0.36)
    sense, angle = float(scene.rng.choice((-1, 1))), scene.draw(0, 2 * math.pi)
    strokes = []
    for number in range(int(scene.rng.integers(4, 7))):
        heading = angle + sense * number * math.pi / 2
        change = {X: 1.4 * radius * math.cos(heading), Y: 1.4 * radius * math.sin(heading)}
        strokes.append(_Stroke(0.6 * number * seconds, seconds, change, sense * math.pi / 2))
    return _Gesture(tuple(strokes), curls=POINTING if scene.rng.random() < 0.5 else OPEN)


def _wave(scene: Scene) -> _Gesture:
    """To and fro from the wrist and the forearm."""
    size, seconds, sign = scene.draw(0.08, 0.15), scene.draw(0.22, 0.34), float(scene.rng.choice((-1, 1)))
    strokes = []
    for number in range(int(scene.rng.integers(3, 7))):
        wait = 0.75 * number * seconds
        strokes.append(
            _Stroke(wait, seconds, {X: sign * size, Y: 0.1 * size * scene.draw(-1, 1)}, 0.4 * sign)
        )
        strokes.append(_Stroke(wait, seconds, {DEVIATION: 0.3 * sign}))
        sign = -sign
    return _Gesture(tuple(strokes), curls=OPEN)


def _zigzag(scene: Scene) -> _Gesture:
    """Three or four strokes to the sides, each lower than the last."""
    size, seconds, sign = scene.draw(0.1, 0.2), scene.draw(0.26, 0.4), float(scene.rng.choice((-1, 1)))
    strokes = []
    for number in range(int(scene.rng.integers(3, 5))):
        strokes.append(_Stroke(0.85 * number * seconds, seconds, {X: sign * size, Y: 0.3 * size}))
        sign = -sign
    return _Gesture(tuple(strokes), curls=POINTING)


def _pinch(scene: Scene) -> _Gesture:
    """Thumb and index finger close to each other."""
    seconds = scene.draw(0.25, 0.5)
    closing = ({INDEX: 0.5}, {THUMB: 0.4}, {OPPOSITION: 0.3})
    strokes = tuple(_Stroke(scene.draw(0, 0.06), seconds, change) for change in closing)
    return _Gesture(strokes, (THUMB, INDEX), (0.05, 0.08, 0.2, 0.3, 0.35), {OPPOSITION: 0.4})


def _fist(scene: Scene) -> _Gesture:
    """All fingers close."""
    seconds = scene.draw(0.25, 0.55)
    strokes = [_Stroke(scene.draw(0, 0.08), seconds, {c: 0.92 if c != THUMB else 0.7}) for c in CURLS]
    return _Gesture((*strokes, _Stroke(0.05, seconds, {OPPOSITION: 0.4})), CURLS, OPEN)


def _push(scene: Scene) -> _Gesture:
    """The palm goes toward the camera."""
    length, seconds = min(scene.draw(0.12, 0.22), 0.45 * scene.person.distance), scene.draw(0.3, 0.55)
    strokes = (_Stroke(0.0, seconds, {Z: -length, Y: -0.03}), _Stroke(0.05, seconds, {FLEXION: -0.35}))
    return _Gesture(strokes, curls=OPEN, attitude={PRONATION: 0.0})


def _turn(scene: Scene) -> _Gesture:
    """The hand turns about the forearm."""
    sign = float(scene.rng.choice((-1, 1)))
    stroke = _Stroke(0.0, scene.draw(0.3, 0.6), {PRONATION: sign * scene.draw(1.3, 2.0)})
    return _Gesture((stroke,), (PRONATION,), attitude={PRONATION: 0.7 - 0.8 * sign})


GESTURES: dict[str, Callable[[Scene], _Gesture]] = {
    "hand_up": _toward(0, -1),
    "hand_down": _toward(0, 1),
    "hand_left": _toward(1, 0),
    "hand_right": _toward(-1, 0),
    "circle": _circle,
    "wave": _wave,
    "zigzag": _zigzag,
    "pinch": _pinch,
    "fist": _fist,
    "push": _push,
    "turn": _turn,
}
"""Gestures; left and right are the person's own, so hand_left goes to the right of the unmirrored picture."""


def perform(scene: Scene, label: str, t: float) -> tuple[Segment, float]:
    """Plans preparation, gesture and return from a time on; returns the gesture's truth and when all is over.

    Preparations last 0.5 to 1.2 s, longer only from so far away that they would be as fast as a stroke.
    """
    arm, person, rng = scene.main, scene.person, scene.rng
    gesture = GESTURES[label](scene)
    slow = _SLOW * person.peak
    ready = arm.reach(t, _start(scene, gesture), slow * scene.draw(0.75, 1.0), scene.draw(0.5, 1.1))
    scene.fingers(arm, t, ready - t, gesture.curls or (person.curl,) * 5)
    attitude = {
        PRONATION: person.palm + scene.draw(-0.2, 0.2),
        FLEXION: scene.draw(-0.35, 0.0),
        DEVIATION: 0.0,
    }
    arm.shape(t, ready - t, attitude | gesture.attitude)
    begin = ready + (scene.draw(-0.06, 0.0) if rng.random() < 0.4 else scene.draw(0.0, 0.3))
    count = len(arm.moves)
    for part in gesture.strokes:
        arm.by(begin + part.wait, part.seconds, part.change, part.turn)
    onset, offset = span(arm.moves[count:], gesture.carrier)
    segment = Segment(label, onset, offset, SIDES[person.side])
    after = offset + scene.draw(0.0, 0.5)
    if rng.random() < 0.3:  # stays
        return segment, after
    x, y, z = arm.wrist
    near = scene.inside(
        0.6 * x + 0.4 * person.home[0], 0.6 * y + 0.4 * person.home[1], 0.5 * (z + person.distance)
    )
    end = arm.reach(after, near if rng.random() < 0.5 else scene.low(), slow * scene.draw(0.7, 1.0), 0.6)
    scene.fingers(arm, after, end - after, RELAXED)
    return segment, end


def _start(scene: Scene, gesture: _Gesture) -> Point:
    """Where the wrist starts: start and end lie in the picture, not farther than a preparation can reach."""
    dx, dy = gesture.way
    x, y, z = scene.home()
    middle = scene.inside(x, y, z)
    point = (middle[0] - dx / 2, middle[1] - dy / 2)
    wide, high = max(scene.width - 0.08, 0.02), scene.height - 0.05
    low = min(-scene.height + 0.15, high)
    start = (_between(point[0], -wide, wide, dx), _between(point[1], low, high, dy), z)
    way = scene.main.way(start)
    most = 1.1 * _SLOW * scene.person.peak / 2.0
    if way <= most:
        return start
    share = most / way
    now = scene.main.wrist
    nearer = [n + share * (s - n) for n, s in zip(now, start, strict=True)]
    return _between(nearer[0], -wide, wide, dx), _between(nearer[1], low, high, dy), nearer[2]


def _between(value: float, low: float, high: float, way: float) -> float:
    """The nearest value from which `way` stays within the bounds, or that lies evenly about them."""
    least, most = low - min(way, 0.0), high - max(way, 0.0)
    return min(max(value, least), most) if least <= most else (least + most) / 2


class Plan:
    """A planned stream: landmarks at any time, whatever the frame rate."""

    def __init__(self, person: Person, scene: Scene, segments: tuple[Segment, ...], seconds: float) -> None:
        self.person, self.segments, self.seconds = person, segments, seconds
        self.main, self.other, self.visitor = (
            Track(arm.start, arm.moves) for arm in (scene.main, scene.other, scene.visitor)
        )
        self._visitor_hand = scene.visitor_hand
        self._wander = [Wander(scene.rng, seconds) for _ in range(3)]

    def metres(self, times: Float64) -> Float64:
        """(times, 3, 21, 3) the gesturing, the other and the visitor's hand before the camera, metres."""
        person = self.person
        own, other = person.side, 1 - person.side
        hand = (person.knuckles, person.bones)
        hands = ((self.main, own, hand), (self.other, other, hand), (self.visitor, other, self._visitor_hand))
        points = [
            hand_points(track.at(times) + wander.at(times), person, side, bones)
            for (track, side, bones), wander in zip(hands, self._wander, strict=True)
        ]
        return np.stack(points, axis=1)

    def landmarks(self, times: Float64) -> Float32:
        """(times, 2, 21, 3) landmarks, pixels, at increasing times; a visitor shows in a free slot."""
        marks = np.empty((len(times), 2, 21, 3), np.float32)
        own = self.person.side
        for start in range(0, len(times), _CHUNK):
            part = slice(start, start + _CHUNK)
            points = self.metres(times[part])
            main, other, visitor = (project(points[:, hand], self.person) for hand in range(3))
            marks[part, own] = main
            marks[part, 1 - own] = np.where(np.isnan(other), visitor, other)
        return marks


def plan_stream(
    gestures: Sequence[str],
    seed: int,
    *,
    gestures_count: int = 0,
    seconds: float | None = None,
    idle: Sequence[str] | None = None,
) -> Plan:
    """The plan of `second_stream`."""
    _check(gestures, gestures_count, seconds, idle)
    who, what = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    person = draw_person(who)
    scene = Scene(what, person)
    names = tuple(IDLES) if idle is None else tuple(idle)
    labels: list[str] = []
    while len(labels) < gestures_count:  # as often as each other, in an order of their own
        labels += [gestures[i] for i in what.permutation(len(gestures))]
    t, segments = 0.4, []
    for number, label in enumerate(labels[:gestures_count]):
        slot = (seconds - 3) / gestures_count if seconds is not None else 0.0
        until = (number + 0.3 * scene.draw(0, 1)) * slot if slot > 0 else t + scene.draw(-1.0, 3.0)
        segment, t = perform(scene, label, _idle(scene, names, t, until))
        segments.append(segment)
    t = _idle(scene, names, t, t + 1.5 if seconds is None else seconds)
    if seconds is not None and segments and segments[-1].offset > seconds:
        raise ValueError(
            f"{gestures_count} gestures take {segments[-1].offset:.0f} s here: give more than {seconds} s"
        )
    return Plan(person, scene, tuple(segments), t if seconds is None else seconds)


def _idle(scene: Scene, names: Sequence[str], t: float, until: float) -> float:
    """Idle motions one after the other, no two alike in a row; returns when the last is over."""
    if not names:
        return max(t, until)
    last = ""
    while t < until:
        choice = [name for name in names if name != last] or list(names)
        last = choice[int(scene.rng.integers(len(choice)))]
        t = IDLES[last](scene, t) + scene.draw(0.0, 0.3)
    return t


def _check(gestures: Sequence[str], count: int, seconds: float | None, idle: Sequence[str] | None) -> None:
    for kind, asked, known in (
        ("gesture", gestures, list(GESTURES)),
        ("idle motion", idle or (), list(IDLES)),
    ):
        if unknown := [name for name in asked if name not in known]:
            raise ValueError(f"unknown {kind} {unknown[0]!r}: choose from {', '.join(known)}")
    if count < 0 or (count and not gestures):
        raise ValueError(f"gestures_count is {count} with {len(gestures)} gestures to choose from: name some")
    if seconds is None and not count:
        raise ValueError("neither gestures_count nor seconds is given: say how long the stream is")
    if seconds is not None and seconds <= 0:
        raise ValueError(f"seconds is {seconds}: give more than 0")


def second_stream(
    gestures: Sequence[str],
    seed: int,
    *,
    gestures_count: int = 0,
    seconds: float | None = None,
    fps: float = 30.0,
    idle: Sequence[str] | None = None,
) -> Stream:
    """A stream of one person, drawn from the seed, with exact landmarks and truth.

    Args:
        gestures: names in GESTURES that are drawn from, each as often as the others.
        seed: decides person, camera and all motion; the frame rate changes the sampled moments alone.
        gestures_count: how many gestures; 0 for a stream of idle motion.
        seconds: length; gestures are spread over it. None: as long as the gestures take.
        fps: frames a second; timestamps waver by up to a tenth of a frame.
        idle: names in IDLES between gestures; None for all, empty for a hand that waits.

    Raises:
        ValueError: unknown names, no length, or more gestures than fit into `seconds`.
    """
    if fps <= 0:
        raise ValueError(f"fps is {fps}: give more than 0")
    plan = plan_stream(gestures, seed, gestures_count=gestures_count, seconds=seconds, idle=idle)
    count = max(int(plan.seconds * fps), 1)
    clock = np.random.default_rng(np.random.SeedSequence((seed, 1)))
    times = (np.arange(count) + _JITTER * (1 + clock.uniform(-1, 1, count))) / fps
    marks = plan.landmarks(times)
    seen = ~np.isnan(marks[:, :, 0, 0])
    handedness = np.where(seen, np.array([float(side != LEFT) for side in (LEFT, RIGHT)]), np.nan)
    sequence = HandSequence(marks, times, handedness.astype(np.float32), seen.astype(np.float32))
    name = f"second-{seed}"
    return Stream(name, sequence, plan.segments, FRAME_SIZE, subject=name)
