"""Body and camera of the second source: a kinematic hand in metres, seen through a pinhole."""

import math
from dataclasses import dataclass

import numpy as np

from handflow.synth.second_strokes import CURLS, DEVIATION, FLEXION, OPPOSITION, PRONATION, SPREAD, Point
from handflow.types import LEFT, Float32, Float64

FRAME_SIZE = (640, 480)
_KNUCKLES = (  # metres: to the thumb's side, along the hand, out of the palm; the thumb's base first
    (0.024, 0.024, 0.010),
    (0.025, 0.089, 0.000),
    (0.003, 0.091, -0.003),
    (-0.017, 0.085, -0.001),
    (-0.035, 0.074, 0.005),
)
_BONES = (  # metres, from the base to the tip
    (0.043, 0.033, 0.027),
    (0.043, 0.026, 0.022),
    (0.047, 0.030, 0.023),
    (0.044, 0.028, 0.023),
    (0.035, 0.021, 0.020),
)
_FAN = np.array([0.17, 0.02, -0.13, -0.28])  # radians to the thumb's side when spread, index to pinky
_CLOSED_FAN = np.array([-0.02, 0.0, 0.04, 0.07])
_SEEN = 13  # landmarks inside the picture that a detector needs


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Who moves, and the camera that stands before them. Depths are metres from the camera."""

    knuckles: Float64  # (5, 3) metres, bases of the fingers
    bones: Float64  # (5, 3) metres
    focal: float  # pixels
    distance: float  # depth at which they gesture
    tilt: Float64  # (3, 3) rotation of the camera about the middle of the picture at `distance`
    elbow: Point  # of the right arm, metres, with the hand at home
    home: Point  # where the right wrist gestures, metres
    face: Point  # metres
    side: int  # slot of the hand they gesture with
    length: float  # usual length of a stroke, metres
    seconds: float  # usual duration of a stroke
    curl: float  # of the fingers in a stroke, 0 to 0.5
    palm: float  # usual pronation in a stroke, radians
    bow: float  # how much strokes bend, radians
    pace: float  # speed of unhurried movement, about 1

    @property
    def half(self) -> tuple[float, float]:
        """Half the width and height of what the camera sees at the distance of gestures, metres."""
        width, height = FRAME_SIZE
        return width / 2 / self.focal * self.distance, height / 2 / self.focal * self.distance

    @property
    def peak(self) -> float:
        """Usual peak speed of a stroke, m/s."""
        return 1.9 * self.length / self.seconds


def draw_person(rng: np.random.Generator) -> Person:
    """A person and their camera."""
    knuckles, bones = draw_hand(rng)
    focal = FRAME_SIZE[0] / 2 / math.tan(math.radians(rng.uniform(58, 80)) / 2)
    distance = rng.uniform(max(0.4, 0.21 * focal / 240), 1.1)
    half = FRAME_SIZE[1] / 2 / focal * distance
    home = (-rng.uniform(0.06, 0.16), min(rng.uniform(0.0, 0.12), 0.4 * half), distance)
    depth = distance + rng.uniform(0.2, 0.32)
    room = min(0.34, 2 * half - 0.2)  # tall strokes stay in the picture
    return Person(
        knuckles=knuckles,
        bones=bones,
        focal=focal,
        distance=distance,
        tilt=_rotation(*rng.normal(0, (0.06, 0.05, 0.035)).clip(-0.12, 0.12)),
        elbow=(
            home[0] - rng.uniform(0.04, 0.14),
            home[1] + rng.uniform(0.2, 0.26),
            distance + rng.uniform(0.08, 0.2),
        ),
        home=home,
        face=(rng.normal(0, 0.03), -rng.uniform(0.25, 0.6) * half, depth - 0.08),
        side=int(rng.random() < 0.75),
        length=rng.uniform(0.18, max(room, 0.21)),
        seconds=rng.uniform(0.32, 0.58),
        curl=rng.choice((0.04, 0.12, 0.3, 0.45)),
        palm=rng.uniform(-0.2, 0.8),
        bow=rng.uniform(0.1, 0.5),
        pace=rng.uniform(0.85, 1.15),
    )


def draw_hand(rng: np.random.Generator) -> tuple[Float64, Float64]:
    """(5, 3) bases of the fingers and (5, 3) bones of a hand, metres."""
    size = rng.uniform(0.88, 1.12)
    knuckles = np.array(_KNUCKLES) * size * rng.normal(1, 0.04, 3) * rng.normal(1, 0.02, (5, 3))
    bones = (
        np.array(_BONES)
        * size
        * rng.normal(1, 0.04)
        * rng.normal(1, 0.03, (5, 1))
        * rng.normal(1, 0.02, (5, 3))
    )
    return knuckles, bones


def _rotation(pitch: float, yaw: float, roll: float) -> Float64:
    """(3, 3) rotation about x, then y, then z."""
    (cp, sp), (cy, sy), (cr, sr) = ((math.cos(a), math.sin(a)) for a in (pitch, yaw, roll))
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def hand_points(state: Float64, person: Person, side: int, hand: tuple[Float64, Float64]) -> Float64:
    """(times, 21, 3) landmarks, metres before the camera (x right, y down, z away), of (times, 13) states."""
    wrist = state[:, :3]
    across, along, out = _hand_axes(state, person)
    local = _local(state, *hand)
    axes = np.stack([across, along, out], axis=1)
    points = wrist[:, None] + local @ axes
    if side == LEFT:
        points[..., 0] *= -1
    return np.asarray(points, np.float64)


def _hand_axes(state: Float64, person: Person) -> tuple[Float64, Float64, Float64]:
    """Unit vectors of a right hand: to the thumb's side, to the fingers, out of the palm; each (times, 3).

    The forearm comes from an elbow that follows the wrist half-way; wrist and pronation turn the hand on it.
    """
    wrist = state[:, :3]
    elbow = np.array(person.elbow) + (wrist - np.array(person.home)) * (0.5, 0.5, 0.35)
    forearm = wrist - elbow
    forearm /= np.linalg.norm(forearm, axis=1, keepdims=True)
    axis = np.cross((0.0, -1.0, 0.0), forearm)  # shortest turn from upright to the forearm
    cosine = -forearm[:, 1:2]

    def carried(vector: Point) -> Float64:
        inner = axis @ np.array(vector)
        return np.asarray(
            np.array(vector) * cosine + np.cross(axis, vector) + axis * (inner / (1 + cosine[:, 0]))[:, None]
        )

    across, out = _turned(carried((1.0, 0.0, 0.0)), carried((0.0, 0.0, -1.0)), -state[:, PRONATION])
    along, out = _turned(forearm, out, state[:, FLEXION])
    along, across = _turned(along, across, state[:, DEVIATION])
    return across, along, out


def _turned(a: Float64, b: Float64, angle: Float64) -> tuple[Float64, Float64]:
    """Two orthogonal vectors turned in their plane, a to b."""
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return a * c + b * s, b * c - a * s


def _local(state: Float64, knuckles: Float64, bones: Float64) -> Float64:
    """(times, 21, 3) landmarks along the axes of the hand, from the wrist, metres."""
    points = np.zeros((len(state), 21, 3))
    curl = np.clip(state[:, CURLS], -0.06, 1.04)
    spread = np.clip(state[:, SPREAD], -0.2, 1.2)[:, None] * (1 - 0.9 * np.clip(curl[:, 1:], 0, 1))
    fan = _CLOSED_FAN + spread * (_FAN - _CLOSED_FAN)
    ahead = np.stack([np.sin(fan), np.cos(fan), np.zeros_like(fan)], axis=-1)  # (times, 4, 3)
    bend = np.cumsum(np.array([0.04, 0.08, 0.05]) + curl[:, 1:, None] * (1.3, 1.7, 1.0), axis=-1)
    points[:, 5::4] = knuckles[1:]
    for joint in range(3):
        step = np.cos(bend[..., joint, None]) * ahead + np.sin(bend[..., joint, None]) * (0.0, 0.0, 1.0)
        points[:, 6 + joint :: 4] = points[:, 5 + joint :: 4] + bones[1:, joint, None] * step
    points[:, 1:5] = _thumb(np.clip(state[:, OPPOSITION], -0.1, 1.1), curl[:, 0], knuckles[0], bones[0])
    return points


def _thumb(opposition: Float64, curl: Float64, base: Float64, bones: Float64) -> Float64:
    """(times, 4, 3) landmarks of the thumb along the axes of the hand, metres."""
    aside, raised = 0.78 - 0.4 * opposition, 0.25 + 0.6 * opposition
    root = np.stack([np.sin(aside) * np.cos(raised), np.cos(aside) * np.cos(raised), np.sin(raised)], axis=-1)
    inward = np.stack([-1 + 0.2 * opposition, 0.45 - 0.2 * opposition, 0.1 + 0.5 * curl], axis=-1)
    inward -= np.sum(inward * root, axis=1, keepdims=True) * root
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    bend = np.stack([np.zeros_like(curl), 0.1 + 0.75 * curl, 0.2 + 1.6 * curl], axis=-1)
    steps = np.cos(bend)[..., None] * root[:, None] + np.sin(bend)[..., None] * inward[:, None]
    tips = base + np.cumsum(steps * bones[:, None], axis=1)
    return np.concatenate([np.broadcast_to(base, (len(curl), 1, 3)), tips], axis=1)


def project(points: Float64, person: Person) -> Float32:
    """(times, 21, 3) landmarks in pixels of the unmirrored picture, NaN where the hand is not in it.

    z is the depth behind the wrist in the scale of x. A hand is seen when 13 landmarks lie in the picture.
    """
    width, height = FRAME_SIZE
    centre = np.array((0.0, 0.0, person.distance))
    turned = (points - centre) @ person.tilt.T + centre
    depth = turned[..., 2:]
    near = np.maximum(depth, 0.05)
    wrist = depth[:, :1]
    flat = person.focal * turned[..., :2] / near + (width / 2, height / 2)
    marks = np.concatenate([flat, (depth - wrist) * person.focal / np.maximum(wrist, 0.05)], axis=-1)
    inside = np.all((flat >= 0) & (flat < (width, height)), axis=-1) & (depth[..., 0] > 0.1)
    return np.where((inside.sum(axis=1) >= _SEEN)[:, None, None], marks, np.nan).astype(np.float32)
