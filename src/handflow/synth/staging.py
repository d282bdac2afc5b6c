"""Puts a motion before a camera: joints and elbows in camera coordinates, as a `Scene`."""

import numpy as np

from handflow.synth.movement import ATTITUDE, PLACE, POSE, Motion
from handflow.synth.person import VirtualPerson
from handflow.synth.scene import Scene
from handflow.synth.skeleton import hand_joints
from handflow.types import LEFT, Float32, Float64

_UPPER_ARM, _FOREARM = 1.6, 1.4  # hand lengths
_SHOULDER = np.array([0.19, 0.12, 0.36])  # metres from the gestures' centre: to the own side, down, behind
_ELBOW_HANGS = np.array([0.45, 1.0, 0.1])
_WRIST_BENDS = np.deg2rad(70)  # the most that hand and forearm make up
_MAX_LEAN = 0.6  # radians
_MAX_SUBSTEPS = 5
_BLUR = 5.0  # pixels of motion that one substep may stand for


def _turn(axis: int, angle: Float64) -> Float64:
    """(n, 3, 3) rotations about one axis."""
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    m = np.zeros((len(angle), 3, 3))
    m[:, axis, axis] = 1.0
    m[:, i, i] = m[:, j, j] = np.cos(angle)
    m[:, j, i], m[:, i, j] = np.sin(angle), -np.sin(angle)
    return m


def wrist_frames(motion: Motion, person: VirtualPerson, times: Float64) -> tuple[Float64, Float64, Float64]:
    """Pose (n, 7), orientation (n, 3, 3) and place (n, 3) metres of the *right-hand* wrist.

    The orientation takes a hand of `hand_joints` (fingers +y, palm +z) to the person's frame, whose axes are
    the camera's but for the camera's tilt.
    """
    states = motion.at(times)
    pitch, turn, lean = states[:, ATTITUDE].T
    place = states[:, PLACE]
    hangs = person.lean * (place[:, 0] - person.centre[0])
    lean = lean - person.side * np.clip(hangs, -_MAX_LEAN, _MAX_LEAN)
    upright = np.diag([1.0, -1.0, -1.0])  # the palm to the camera, fingers up
    rotation = _turn(2, lean) @ _turn(0, pitch) @ upright @ _turn(1, turn)
    return states[:, POSE], rotation, place


def _elbows(person: VirtualPerson, wrists: Float64, fingers: Float64) -> Float64:
    """(n, 3) elbows of an arm of two bones; wrists and fingers' directions are (n, 3), person's frame."""
    upper, fore = _UPPER_ARM * person.shape.length, _FOREARM * person.shape.length
    outward = np.array([person.side, 1.0, 1.0])
    shoulder = np.array([0.0, person.centre[1], 0.0]) + _SHOULDER * outward
    way = wrists - shoulder
    distance = np.linalg.norm(way, axis=1, keepdims=True)
    along = way / np.maximum(distance, 1e-6)
    reached = np.clip(distance, abs(upper - fore) + 0.01, upper + fore - 0.005)
    forward = (upper**2 - fore**2 + reached**2) / (2 * reached)
    height = np.sqrt(np.maximum(upper**2 - forward**2, 0.0))
    hang = _ELBOW_HANGS * outward
    hang = hang - (along * hang).sum(1, keepdims=True) * along
    hang /= np.maximum(np.linalg.norm(hang, axis=1, keepdims=True), 1e-6)
    # Out of reach the shoulder follows: the arm is built backwards from the wrist.
    forearm = (reached - forward) * along - height * hang
    forearm /= np.linalg.norm(forearm, axis=1, keepdims=True)
    cosine = (forearm * fingers).sum(1, keepdims=True)
    side = forearm - cosine * fingers
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-6)
    limit = np.cos(_WRIST_BENDS) * fingers + np.sin(_WRIST_BENDS) * side
    forearm = np.where(cosine < np.cos(_WRIST_BENDS), limit, forearm)
    return np.asarray(wrists - fore * forearm)


def place_hand(motion: Motion, person: VirtualPerson, times: Float64) -> tuple[Float32, Float32]:
    """Joints (n, 21, 3) and elbows (n, 3) of the person's gesturing hand, metres, camera coordinates."""
    pose, rotation, place = wrist_frames(motion, person, times)
    joints = hand_joints(pose, person.shape) @ np.swapaxes(rotation, 1, 2)
    fingers = rotation[:, :, 1].copy()
    if person.slot == LEFT:  # the mirror image of a right hand; the path is not mirrored
        joints[..., 0] *= -1
        fingers[:, 0] *= -1
    elbows = _elbows(person, place, fingers)
    every = np.concatenate([joints + place[:, None], elbows[:, None]], axis=1)
    pitch, yaw, roll = (np.array([a]) for a in person.view)
    view = (_turn(2, roll) @ _turn(0, pitch) @ _turn(1, yaw))[0]
    every = every @ view.T + np.array([0.0, 0.0, person.distance])
    every[..., 2] = np.maximum(every[..., 2], 0.05)
    out = every.astype(np.float32)
    return out[:, :21], out[:, 21]


def stage(
    motion: Motion,
    person: VirtualPerson,
    timestamps: Float64,
    *,
    start: float = 0.0,
    width: int = 320,
    height: int = 240,
    substeps: int | None = 1,
    other: tuple[VirtualPerson, Motion] | None = None,
) -> Scene:
    """The scene of a motion as a camera takes it.

    Args:
        motion: what the gesturing hand does.
        person: whose hand and camera it is.
        timestamps: (frames,) seconds of the clip, the middle of each exposure.
        start: the motion's time at timestamp 0.
        width: of the picture, pixels.
        height: of the picture, pixels.
        substeps: moments per exposure; 1 for landmarks alone, None: as many as the blur of the fastest frame
            asks for.
        other: the person with the other hand and what that hand does; None: one hand.
    """
    shortest = float(np.diff(timestamps).min()) if len(timestamps) > 1 else 1 / person.fps
    exposure = min(person.camera.exposure, 0.85 * shortest)
    camera = person.seen_by(width, height, exposure)
    if substeps is None:
        substeps = _blur_steps(motion, person, timestamps + start, exposure, camera.focal)
    inner = (np.arange(substeps) + 0.5) / substeps - 0.5
    times = (timestamps[:, None] + start + exposure * inner).ravel()
    joints = np.full((len(timestamps), substeps, 2, 21, 3), np.nan, np.float32)
    elbows = np.full((len(timestamps), substeps, 2, 3), np.nan, np.float32)
    for who, what in ((person, motion), *((other,) if other else ())):
        j, e = place_hand(what, who, times)
        joints[:, :, who.slot] = j.reshape(len(timestamps), substeps, 21, 3)
        elbows[:, :, who.slot] = e.reshape(len(timestamps), substeps, 3)
    return Scene(
        joints=joints,
        elbows=elbows,
        timestamps=timestamps,
        camera=camera,
        look=person.look,
        background_seed=person.background_seed,
    )


def _blur_steps(motion: Motion, person: VirtualPerson, times: Float64, exposure: float, focal: float) -> int:
    joints, _ = place_hand(motion, person, np.stack([times - exposure / 2, times + exposure / 2], 1).ravel())
    pixels = joints[..., :2] / joints[..., 2:] * focal
    blur = np.linalg.norm(pixels[1::2] - pixels[::2], axis=-1).max()
    return int(np.clip(np.ceil(blur / _BLUR), 1, _MAX_SUBSTEPS))
