"""Scenes of the tracking benchmark: a condition's hands before a camera.

Every condition is shown by the same persons with their own skin, sleeve, room and direction of light.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from handflow.bench.tracking_conditions import FPS, HEIGHT, POSES, WIDTH, Pair, Setting
from handflow.synth.background import background
from handflow.synth.person import VirtualPerson, random_person
from handflow.synth.scene import Camera, Scene
from handflow.synth.skeleton import hand_joints
from handflow.types import LEFT, RIGHT, Float64

_STILL, _START = 0.2, 0.15  # seconds a fast hand rests at first, and takes to reach its speed: not counted
_CORNER = 0.995  # how sharply a to-and-fro motion turns, 0 (a sinusoid) to 1 (at once)
_ACROSS, _DIAGONAL, _RADIUS = 1.6, (1.25, 0.85), 1.1  # hand sizes from the middle, all within the picture
_SLOW_RADIUS = 0.15  # hand sizes
_PAIR_SECONDS = {"cover fast": 1.0}  # for there and back; else:
_PAIR_USUAL = 2.0
_APART = 1.4  # hand sizes from the middle, where two hands are far from each other
_DEPTH = 1.12  # the farther of two hands' distance, times the nearer's
_BEYOND = 0.15  # hand sizes beyond its landmarks that a hand still shows: the palm's heel
_LEAVES, _LEFT_AT = 0.3, 0.6  # seconds: a hand that leaves goes, and is out of the picture for good
_ARM = 3.9  # hand sizes of arm that are drawn below the middle of the hand
_SPOT = 0.3  # share of the free space by which hands are beside the middle


@dataclass(frozen=True, slots=True, eq=False)
class Staged:
    """One stream: what the renderer is given, and which of its frames count."""

    scene: Scene
    counted: NDArray[np.bool_]  # (frames,)


def stage_streams(setting: Setting, persons: int, seed: int) -> Iterator[Staged]:
    """The streams of a setting, one a person: `persons` from `seed` on, or more where the setting says so."""
    for number in range(persons * setting.crowd):
        yield stage_stream(setting, number, seed)


def stage_stream(setting: Setting, number: int, seed: int) -> Staged:
    """The stream of one person.

    Args:
        setting: what is shown.
        number: of the person, from 0; it also chooses the path of fast hands.
        seed: of person 0.
    """
    person = random_person(seed + number)
    rng = np.random.default_rng(np.random.SeedSequence([seed + number, 0x54524143]))
    wobble, shift = rng.uniform(-10, 10, 3), rng.uniform(-_SPOT, _SPOT, 2)
    count = round(setting.seconds * FPS)
    timestamps = np.arange(count) / FPS
    steps = 1 if setting.exposure * setting.speed * setting.size < 1.5 else 5
    inner = ((np.arange(steps) + 0.5) / steps - 0.5) * setting.exposure
    times = (timestamps[:, None] + inner).ravel()
    camera = replace(
        person.seen_by(WIDTH, HEIGHT, setting.exposure),
        noise=setting.noise,
        brightness=setting.brightness,
        warmth=setting.warmth,
    )
    joints = np.full((count, steps, 2, 21, 3), np.nan, np.float32)
    elbows = np.full((count, steps, 2, 3), np.nan, np.float32)
    for slot, (path, depth) in _paths(setting, person, number, times, shift).items():
        hand = _place(setting, person, slot, camera, wobble, path, depth)
        joints[:, :, slot] = hand[:, :21].reshape(count, steps, 21, 3)
        elbows[:, :, slot] = hand[:, 21].reshape(count, steps, 3)
    scene = Scene(joints, elbows, timestamps, camera, person.look, _room(setting, person))
    return Staged(scene, _counted(setting, scene))


def _counted(setting: Setting, scene: Scene) -> NDArray[np.bool_]:
    if setting.fast:
        return np.asarray(scene.timestamps > _STILL + _START)
    if setting.absent == "left":
        return np.asarray(scene.timestamps >= _LEFT_AT)
    return np.ones(len(scene.timestamps), bool)


def _room(setting: Setting, person: VirtualPerson) -> int:
    """The seed of a background: the person's own, or the next with or without a person where that matters."""
    seed = person.background_seed
    if setting.absent not in {"room", "person"}:
        return seed
    while shows_person(seed) != (setting.absent == "person"):
        seed += 1
    return seed


def shows_person(background_seed: int) -> bool:
    """Whether somebody is in a background: only a person has the colour of skin that is asked for."""
    light, dark = (background(background_seed, 64, 48, (tone,) * 3) for tone in (220.0, 60.0))
    return not np.array_equal(light, dark)


def _paths(
    setting: Setting, person: VirtualPerson, number: int, times: Float64, shift: Float64
) -> dict[int, tuple[Float64, float]]:
    """For each hand in the scene its middle (n, 2), hand sizes from mid-picture, and its relative depth."""
    if setting.pair is not None:
        # Seen by the camera, the left hand belongs to the right half of the picture.
        right = _pair_path(setting.pair, times)
        return {RIGHT: (right, 1.0), LEFT: (right * np.array([-1.0, -1.0]), _DEPTH)}
    if setting.absent in {"room", "person"}:
        return {}
    if setting.absent == "forearm":
        # Raised beyond the upper edge, it moves to and fro.
        high = (HEIGHT / 2) / setting.size + _BEYOND + 0.55
        across = person.side * 0.6 + 0.4 * np.sin(2 * np.pi * times + number)
        return {person.slot: (np.stack([across, np.full_like(times, -high)], 1), 1.0)}
    if setting.absent == "left":
        gone = np.clip((times - _LEAVES) / (_LEFT_AT - _LEAVES), 0, 1)
        way = gone**2 * (3 - 2 * gone)
        # Out to the side or down, turn by turn.
        to = (
            np.array([person.side * (WIDTH / 2 / setting.size + 1.0), 0.0])
            if number % 2
            else np.array([0.0, HEIGHT / 2 / setting.size + 1.0])
        )
        return {person.slot: (way[:, None] * to, 1.0)}
    if setting.fast:
        return {person.slot: (_fast_path(number, setting.speed, times), 1.0)}
    spare = np.array([WIDTH, HEIGHT]) / 2 / setting.size - 0.75
    spot = shift * spare.clip(0) + [setting.beside * person.side, 0.0]
    # The arm of a far hand would end in the air, were the hand not low in the picture.
    spot[1] = max(spot[1], HEIGHT / 2 / setting.size - _ARM)
    angle = setting.speed / _SLOW_RADIUS * times[:, None] + np.array([number, number - np.pi / 2])
    return {person.slot: (spot + _SLOW_RADIUS * np.cos(angle), 1.0)}


def _fast_path(number: int, speed: float, times: Float64) -> Float64:
    """(n, 2) sideways, diagonally or round, at one speed but for the turns; rests at first."""
    moving = np.clip(times - _STILL, 0, None)
    way = speed * np.where(moving < _START, moving**2 / (2 * _START), moving - _START / 2)
    kind = number % 3
    if kind == 2:
        angle = way / _RADIUS
        return np.asarray(_RADIUS * np.stack([np.cos(angle), np.sin(angle)], 1))
    to = np.array([_ACROSS, 0.0]) if kind == 0 else np.array(_DIAGONAL)
    # A rounded triangle wave: as a sinusoid's, its way over a whole turn is four times its height.
    phase = np.pi / 2 * way / np.linalg.norm(to)
    wave = np.arcsin(_CORNER * np.sin(phase)) / np.arcsin(_CORNER)
    return np.asarray(wave[:, None] * to)


def _pair_path(pair: Pair, times: Float64) -> Float64:
    """(n, 2) the right hand's way from the picture's left; the other hand mirrors it at the middle."""
    turn = 2 * np.pi * times / _PAIR_SECONDS.get(pair, _PAIR_USUAL)
    still = np.zeros_like(times)
    if pair == "apart":
        return np.stack([-_APART + 0.1 * np.cos(turn), 0.1 * np.sin(turn)], 1)
    if pair in {"near", "meet"}:
        least = 0.45 if pair == "near" else 0.0
        near = np.clip(0.7 * (1 - np.cos(turn)), 0, 1)  # stays there for a third of the time
        return np.stack([-_APART + (_APART - least) * near, still], 1)
    beside = -0.3 if pair == "cross" else 0.0
    return np.stack([-_APART * np.cos(turn), still + beside], 1)


def _turned(axis: int, degrees: float) -> Float64:
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    m, angle = np.eye(3), np.deg2rad(degrees)
    m[i, i] = m[j, j] = np.cos(angle)
    m[j, i], m[i, j] = np.sin(angle), -np.sin(angle)
    return m


def _posed(setting: Setting, person: VirtualPerson, slot: int, wobble: Float64) -> Float64:
    """(22, 3) joints and elbow, metres about the middle of the hand's box, in the camera's axes."""
    pose = np.array(POSES[setting.pose])
    reach = person.shape.length
    elbow = np.array([0.25 * reach, -1.45 * reach, -0.15 * reach])
    points = np.concatenate([hand_joints(pose, person.shape).astype(float), elbow[None]])
    lean, pitch, turn = wobble
    upright = np.diag([1.0, -1.0, -1.0])
    # A right hand's own side is the picture's left.
    rotation = _turned(2, lean + setting.lean) @ _turned(0, pitch + setting.pitch) @ upright
    points = points @ (rotation @ _turned(1, turn + setting.turn)).T
    if slot == LEFT:
        points[:, 0] *= -1
    low, high = points[:21].min(0), points[:21].max(0)
    return np.asarray(points - (low + high) / 2)


def _place(
    setting: Setting,
    person: VirtualPerson,
    slot: int,
    camera: Camera,
    wobble: Float64,
    path: Float64,
    depth: float,
) -> Float64:
    """(n, 22, 3) joints and elbow along a path (n, 2) in hand sizes, metres, camera coordinates."""
    base = _posed(Setting(), person, slot, wobble)[:21]
    distance = 0.5
    for _ in range(6):  # perspective makes near parts larger: a few steps settle it
        seen = camera.focal * base[:, :2] / (base[:, 2:] + distance)
        distance *= float(np.ptp(seen, axis=0).max()) / setting.size
    hand = _posed(setting, person, slot, wobble)
    scale = setting.size * distance / camera.focal  # metres for one hand size
    middle = np.concatenate([path * scale, np.full((len(path), 1), distance)], 1)
    return np.asarray(hand + middle[:, None] * depth)
