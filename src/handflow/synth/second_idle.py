"""What hands of the second source do when they gesture nothing: reach, scratch, type, drink, talk, rest."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from handflow.synth.second_hand import Person, draw_hand
from handflow.synth.second_strokes import (
    CURLS,
    DEVIATION,
    FLEXION,
    INDEX,
    MIDDLE,
    OPPOSITION,
    PINKY,
    PRONATION,
    RING,
    SPREAD,
    THUMB,
    Arm,
    Point,
    X,
    Y,
    Z,
)

RELAXED = (0.2, 0.25, 0.32, 0.38, 0.42)
OPEN = (0.02, 0.02, 0.02, 0.03, 0.05)
POINTING = (0.55, 0.03, 0.8, 0.85, 0.85)
GRASP = (0.15, 0.38, 0.42, 0.45, 0.48)
_SMALL = 0.12  # metres above the lower edge of the picture at which hands rest in it


class Scene:
    """A person's two arms and a visitor's hand, as a stream of them is planned."""

    def __init__(self, rng: np.random.Generator, person: Person) -> None:
        self.rng = rng
        self.person = person
        self.width, self.height = person.half  # half of the picture, metres
        self.main = Arm(rng, self._resting(self.low()))
        self.other = Arm(rng, self._resting(self.hidden() if rng.random() < 0.6 else self.low()))
        self.visitor_hand = draw_hand(rng)
        depth = person.distance * float(rng.choice((0.75, 1.4, 1.7)))
        self.visitor = Arm(rng, self._resting((-self._outside(depth), 0.0, depth)))

    def _resting(self, point: Point) -> Sequence[float]:
        return (*point, self.draw(0.2, 1.2), -0.1, 0.0, *RELAXED, 0.4, 0.3)

    def _outside(self, depth: float) -> float:
        """How far from the middle a hand at a depth is out of the picture, metres."""
        return self.width * depth / self.person.distance + 0.3

    def draw(self, low: float, high: float) -> float:
        """A uniform number."""
        return float(self.rng.uniform(low, high))

    def inside(self, x: float, y: float, depth: float | None = None) -> Point:
        """A point whose hand is in the picture, near (x, y)."""
        wide, high = max(self.width - 0.08, 0.02), self.height - 0.04
        low = min(-self.height + 0.19, high)
        z = self.person.distance if depth is None else depth
        return min(max(x, -wide), wide), min(max(y, low), high), z

    def low(self) -> Point:
        """Where a hand rests low in the picture."""
        y = self.height - self.draw(-0.01, _SMALL)
        return -self.draw(0.03, 0.25), min(y, 0.42), self.person.distance + self.draw(-0.06, 0.06)

    def home(self) -> Point:
        """Where the hand is held up."""
        x, y, _ = self.person.home
        return self.inside(x + self.draw(-0.06, 0.06), y + self.draw(-0.05, 0.1), self.person.distance)

    def hidden(self) -> Point:
        """A point below the picture."""
        return -self.draw(0.05, 0.25), self.height * 1.15 + self.draw(0.2, 0.3), self.person.distance + 0.05

    def go(self, arm: Arm, onset: float, point: Point) -> float:
        """An unhurried reach: 0.3 to 0.9 m/s at its fastest for ways of 0.1 to 0.4 m."""
        way = arm.way(point)
        usual = 0.3 + 2.0 * (way - 0.1) if way > 0.1 else max(3.0 * way, 0.05)
        peak = usual * self.person.pace * self.draw(0.8, 1.15)
        return arm.reach(onset, point, min(max(peak, min(0.3, usual)), 0.9))

    def fingers(
        self,
        arm: Arm,
        onset: float,
        seconds: float,
        curls: Sequence[float],
        spread: float = 0.4,
        thumb: float = 0.3,
    ) -> None:
        """Brings fingers to a pose, each in its own time."""
        curl = {c: value + self.draw(-0.04, 0.04) for c, value in zip(CURLS, curls, strict=True)}
        arm.shape(onset, seconds, {**curl, SPREAD: spread + self.draw(-0.1, 0.1), OPPOSITION: thumb})

    def attitude(
        self, arm: Arm, onset: float, seconds: float, pronation: float, flexion: float = -0.1
    ) -> None:
        """Turns the hand, radians."""
        turned = {PRONATION: pronation + self.draw(-0.15, 0.15), FLEXION: flexion + self.draw(-0.1, 0.1)}
        arm.shape(onset, seconds, {**turned, DEVIATION: self.draw(-0.15, 0.15)})

    @property
    def other_hidden(self) -> bool:
        """Whether the other hand is out of the picture."""
        return self.other.wrist[1] > self.height + 0.15

    def both(self) -> tuple[Arm, ...]:
        """The arms that take part: the other one if it is in the picture, and sometimes else."""
        return (self.main,) if self.other_hidden and self.rng.random() < 0.6 else (self.main, self.other)


def _offset(point: Point, x: float, y: float, z: float = 0.0) -> Point:
    return point[0] + x, point[1] + y, point[2] + z


def rest(scene: Scene, t: float) -> float:
    """Lies still, mostly low in the picture."""
    arm = scene.main
    if scene.rng.random() < 0.6:
        end = scene.go(arm, t, scene.low())
        scene.fingers(arm, t, end - t + 0.2, RELAXED)
        scene.attitude(arm, t, end - t, scene.draw(0.0, 1.3))
        t = end
    return t + scene.draw(1.0, 5.0)


def shift(scene: Scene, t: float) -> float:
    """Changes posture: the hands settle some centimetres away, now and then one comes up or leaves."""
    end = t
    for arm in scene.both():
        x, y, z = arm.wrist
        point = scene.inside(
            x + scene.draw(-0.12, 0.12), y + scene.draw(-0.12, 0.08), z + scene.draw(-0.04, 0.04)
        )
        end = max(end, scene.go(arm, t + scene.draw(0, 0.2), point))
        scene.attitude(arm, t, 0.9, scene.draw(0.0, 1.4))
    if scene.rng.random() < 0.3:
        end = max(end, scene.go(scene.other, end, scene.low() if scene.other_hidden else scene.hidden()))
    return end + scene.draw(0.1, 1.5)


def reach(scene: Scene, t: float) -> float:
    """Takes a thing at the edge of the picture, and comes back."""
    arm, start = scene.main, scene.main.wrist
    x = scene.width * scene.draw(0.75, 1.05) * (-1 if scene.rng.random() < 0.75 else 0.9)
    thing = (
        min(max(x, -0.6), 0.4),
        scene.height * scene.draw(0.1, 0.95),
        scene.person.distance + scene.draw(-0.1, 0.05),
    )
    end = scene.go(arm, t, thing)
    scene.fingers(arm, t, 0.6 * (end - t), OPEN, 0.6)
    scene.attitude(arm, t, end - t, 0.8, -0.2)
    scene.fingers(arm, end - 0.1, 0.4, GRASP, 0.3, 0.7)
    end += scene.draw(0.2, 0.8)
    back = scene.go(arm, end, _offset(start, scene.draw(-0.05, 0.05), scene.draw(-0.05, 0.05)))
    scene.fingers(arm, back - 0.1, 0.5, RELAXED)
    return back + scene.draw(0.3, 0.8)


def face(scene: Scene, t: float) -> float:
    """Scratches nose or ear, rubs the eyes or pushes the glasses up."""
    arm, start = scene.main, scene.main.wrist
    spot = int(scene.rng.integers(4))  # nose, ear, eyes, glasses
    x, y = ((-0.03, 0.15), (-0.11, 0.13), (-0.05, 0.12), (-0.02, 0.13))[spot]
    point = _offset(scene.person.face, x, y + scene.draw(-0.02, 0.02), -0.04)
    end = scene.go(arm, t, point)
    scene.fingers(arm, t, end - t, (0.5, 0.2, 0.6, 0.75, 0.8) if spot in {0, 3} else RELAXED, 0.2, 0.5)
    scene.attitude(arm, t, end - t, scene.draw(1.6, 2.6), 0.3)
    times = int(scene.rng.integers(3, 9))
    end = arm.by(end, 0.3, {Y: -0.015}) if spot == 3 else _rub(scene, arm, end, times)
    back = scene.go(arm, end + scene.draw(0, 0.4), start if scene.rng.random() < 0.6 else scene.low())
    scene.fingers(arm, end, 0.8, RELAXED)
    scene.attitude(arm, end, back - end, scene.draw(0.2, 1.2))
    return back + scene.draw(0.1, 0.6)


def _rub(scene: Scene, arm: Arm, t: float, times: int) -> float:
    """Small strokes to and fro with bending fingers."""
    size, angle, sign = scene.draw(0.008, 0.03), scene.draw(0, math.pi), 1
    for _ in range(times):
        step = sign * size * scene.draw(0.7, 1.3)
        seconds = scene.draw(0.14, 0.25)
        arm.by(t, seconds, {X: step * math.cos(angle), Y: step * math.sin(angle), INDEX: sign * 0.08})
        t += 0.85 * seconds
        sign = -sign
    return t + 0.1


def type_(scene: Scene, t: float) -> float:
    """Fingers hammer low in the picture, palms down; the hands creep over the keys."""
    end = t
    arms = scene.both()
    for arm in arms:
        keys = (
            -scene.draw(0.06, 0.14),
            min(scene.height * scene.draw(0.35, 0.75), 0.4),
            scene.person.distance - 0.05,
        )
        there = scene.go(arm, t, keys)
        scene.fingers(arm, t, there - t, (0.2, 0.3, 0.3, 0.32, 0.34), 0.4)
        scene.attitude(arm, t, there - t, 0.0, 0.5)
        end = max(end, there)
    stop = end + scene.draw(2.0, 7.0)
    for arm in arms:
        _hammer(scene, arm, end + scene.draw(0, 0.3), stop)
    return stop + scene.draw(0.2, 0.6)


def _hammer(scene: Scene, arm: Arm, t: float, stop: float) -> None:
    """Key strokes of one hand until `stop`."""
    keys = arm.wrist
    while t < stop - 0.4:
        finger = int(scene.rng.choice((INDEX, INDEX, MIDDLE, MIDDLE, RING, PINKY, THUMB)))
        depth = scene.draw(0.08, 0.18)
        arm.by(t, 0.13, {finger: depth, Y: 0.003})
        arm.by(t + scene.draw(0.1, 0.14), 0.15, {finger: -depth, Y: -0.003})
        if scene.rng.random() < 0.2:
            arm.to(
                t + 0.05, 0.25, {X: keys[0] + scene.draw(-0.04, 0.04), Z: keys[2] + scene.draw(-0.02, 0.02)}
            )
        t += scene.draw(0.16, 0.4) if scene.rng.random() < 0.93 else scene.draw(0.5, 1.4)


def drink(scene: Scene, t: float) -> float:
    """Lifts a cup to the mouth, holds it there, puts it down and lets go."""
    arm = scene.main
    cup = (-scene.draw(0.1, 0.3), min(scene.height * scene.draw(0.65, 0.95), 0.4), scene.person.distance)
    there = scene.go(arm, t, cup)
    scene.fingers(arm, t, there - t, (0.05, 0.15, 0.15, 0.2, 0.2), 0.4, 0.5)
    scene.attitude(arm, t, there - t, 1.3, -0.1)
    scene.fingers(arm, there, 0.4, GRASP, 0.1, 0.7)
    t = there + scene.draw(0.35, 0.7)
    mouth = scene.go(arm, t, _offset(scene.person.face, -0.07, 0.14, -0.08))
    arm.shape(mouth - 0.2, 0.7, {DEVIATION: 0.45, PRONATION: 1.5})
    t = mouth + scene.draw(1.0, 3.0)
    arm.shape(t - 0.3, 0.7, {DEVIATION: 0.0, PRONATION: 1.3})
    down = scene.go(arm, t, cup)
    scene.fingers(arm, down, 0.5, RELAXED)
    return scene.go(arm, down + scene.draw(0.2, 0.5), scene.low()) + scene.draw(0.1, 0.5)


def talk(scene: Scene, t: float) -> float:
    """Beats in time with speech: small and large strokes of one or both hands, pauses between phrases."""
    arms = scene.both()
    begin = t
    for arm in arms:
        t = max(t, scene.go(arm, begin, scene.home()))
        scene.fingers(arm, begin, t - begin, RELAXED if scene.rng.random() < 0.6 else OPEN)
        scene.attitude(arm, begin, t - begin, scene.draw(0.4, 1.8))
    for _ in range(int(scene.rng.integers(1, 4))):
        t = _phrase(scene, arms, t) + scene.draw(0.2, 1.2)
    return t


def _phrase(scene: Scene, arms: tuple[Arm, ...], t: float) -> float:
    """Some beats about one place; the hands go apart and together as much as up and down."""
    middles = [arm.wrist for arm in arms]
    for _ in range(int(scene.rng.integers(2, 8))):
        size, angle, seconds = scene.draw(0.05, 0.15), scene.draw(0, 2 * math.pi), scene.draw(0.2, 0.5)
        seconds = max(seconds, size / 0.4)
        dx, dy = 0.5 * size * math.cos(angle), 0.5 * size * math.sin(angle)
        for arm, (x, y, z) in zip(arms, middles, strict=True):
            if arm is arms[0] or scene.rng.random() < 0.7:
                target = {X: x + dx, Y: y + dy, Z: z + scene.draw(-0.03, 0.03)}
                arm.to(t + scene.draw(0, 0.05), seconds, target, scene.draw(-0.5, 0.5))
                arm.to(t, seconds, {FLEXION: scene.draw(-0.35, 0.25), PRONATION: scene.draw(0.4, 1.8)})
        t += seconds * scene.draw(0.85, 1.1) + (scene.draw(0, 0.3) if scene.rng.random() < 0.4 else 0)
    return t + 0.1


def point_at_screen(scene: Scene, t: float) -> float:
    """Points at things on the screen beside the camera, one after the other."""
    arm, start = scene.main, scene.main.wrist
    begin = t
    for number in range(int(scene.rng.integers(1, 5))):
        x, y = scene.draw(-0.6, 0.3) * scene.width, scene.draw(-0.3, 0.5) * scene.height
        end = scene.go(arm, t, scene.inside(x, y, scene.person.distance - scene.draw(0.02, 0.1)))
        if number == 0:
            scene.fingers(arm, begin, end - begin, POINTING, 0.1, 0.6)
            scene.attitude(arm, begin, end - begin, 0.3, scene.draw(0.2, 0.6))
        t = end + scene.draw(0.3, 1.2)
    back = scene.go(arm, t, start)
    scene.fingers(arm, t, back - t, RELAXED)
    return back + scene.draw(0.1, 0.5)


def hair(scene: Scene, t: float) -> float:
    """Runs the fingers through the hair, and takes the hand down."""
    arm = scene.main
    top = _offset(scene.person.face, -0.1, -0.02, 0.0)
    end = scene.go(arm, t, top)
    scene.fingers(arm, t, end - t, (0.1, 0.25, 0.28, 0.3, 0.3), 0.5)
    scene.attitude(arm, t, end - t, 2.2, 0.4)
    for _ in range(int(scene.rng.integers(1, 4))):
        end = scene.go(
            arm, end, _offset(top, -scene.draw(0.0, 0.05), scene.draw(0.06, 0.13), scene.draw(0.0, 0.06))
        )
        end = scene.go(
            arm, end + scene.draw(0, 0.1), _offset(top, scene.draw(-0.02, 0.03), scene.draw(-0.03, 0.02))
        )
    back = scene.go(arm, end, scene.low())
    scene.fingers(arm, end, back - end, RELAXED)
    scene.attitude(arm, end, back - end, scene.draw(0.2, 1.2))
    return back + scene.draw(0.1, 0.6)


def pass_(scene: Scene, t: float) -> float:
    """Another hand crosses the picture: a visitor's where that slot is free, else the person's own."""
    if not scene.other_hidden:
        start = scene.other.wrist
        there = scene.go(scene.other, t, scene.inside(scene.draw(-0.3, 0.3), scene.draw(-0.1, 0.15)))
        return scene.go(scene.other, there + scene.draw(0, 0.5), start) + scene.draw(0.2, 0.8)
    guest = scene.visitor
    x, y, z = guest.wrist
    way = -2 * x
    middle = (x + scene.draw(0.4, 0.6) * way, y + scene.draw(-0.12, 0.12), z + scene.draw(-0.05, 0.05))
    scene.attitude(guest, t, 1.0, scene.draw(-0.2, 1.5))
    there = guest.reach(t, middle, scene.draw(0.5, 1.0))
    end = guest.reach(there - scene.draw(0, 0.3), (-x, scene.draw(-0.15, 0.15), z), scene.draw(0.5, 1.0))
    return end + scene.draw(0.3, 0.6)


def fidget(scene: Scene, t: float) -> float:
    """Restless fingers: taps, rubs and small turns of the hand where it is."""
    arm, start = scene.main, scene.main.wrist
    stop = t + scene.draw(1.5, 4.0)
    while t < stop:
        curls = [scene.draw(0.0, 0.6) for _ in CURLS]
        seconds = scene.draw(0.3, 0.8)
        scene.fingers(arm, t, seconds, curls, scene.draw(0, 0.8), scene.draw(0.2, 0.9))
        near = _offset(start, scene.draw(-0.02, 0.02), scene.draw(-0.02, 0.02), scene.draw(-0.02, 0.02))
        arm.to(t, seconds, {X: near[0], Y: near[1], Z: near[2]})
        arm.to(t, seconds, {PRONATION: scene.draw(0.1, 1.3), FLEXION: scene.draw(-0.3, 0.4)})
        t += seconds * scene.draw(0.8, 1.4)
    return t + 0.3


def away(scene: Scene, t: float) -> float:
    """Leaves the picture for a while, and mostly comes back."""
    end = scene.go(scene.main, t, scene.hidden()) + scene.draw(1.0, 4.0)
    if scene.rng.random() < 0.8:
        end = scene.go(scene.main, end, scene.low()) + scene.draw(0.1, 0.8)
    return end


Idle = Callable[[Scene, float], float]

IDLES: dict[str, Idle] = {
    "rest": rest,
    "shift": shift,
    "reach": reach,
    "face": face,
    "type": type_,
    "drink": drink,
    "talk": talk,
    "point_at_screen": point_at_screen,
    "hair": hair,
    "pass": pass_,
    "fidget": fidget,
    "away": away,
}
"""Idle motions: each plans itself from a time on and returns when it is over, seconds."""
