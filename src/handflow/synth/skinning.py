"""Bends the resting hand's mesh so that its bones lie on given joints."""

from dataclasses import dataclass

import numpy as np

from handflow.synth.skeleton import FOLD_SHORTENS, FOLD_TURNS
from handflow.synth.surface import CHAINS, STUB, HandMesh
from handflow.types import Float32, Float64

_PALM = [5, 9, 13, 17]
_HANGS = 0.6  # metres that the upper arm hangs down for each forearm length behind the elbow
_CHAIN_JOINTS = np.array([(0, *chain) for chain in CHAINS])  # (5 chains, 5 joints)


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Where the parts of one hand are, in camera axes (x right, y down, z away), metres.

    A left hand is posed as the right hand that a mirror would show (x negated); `flip` turns it back.
    """

    joints: Float64  # (21, 3)
    elbow: Float64  # (3,)
    turns: Float64  # (5 chains, 4 bones, 3, 3) from resting axes to camera axes
    transforms: Float64  # (TRANSFORMS, 3, 4) from resting positions to camera positions
    forearm: Float64  # (3,) unit vector from wrist to elbow
    forearm_turn: Float64  # (3, 3)
    stretch: float  # metres that the forearm is longer than the mesh's
    scale: float  # size of the hand relative to the mesh's
    flip: bool


def palm_axes(joints: Float64) -> Float64:
    """The columns of (3, 3): across the palm towards the thumb, along it, out of it, of a right hand."""
    along = joints[_PALM].mean(0) - joints[0]
    along /= np.linalg.norm(along)
    out = np.cross(joints[5] - joints[17], along)
    out /= max(float(np.linalg.norm(out)), 1e-9)
    return np.stack([np.cross(along, out), along, out], axis=1)


def _swing(a: Float64, b: Float64) -> Float64:
    """The least rotations (…, 3, 3) that turn unit vectors a (…, 3) into b (…, 3)."""
    v = np.cross(a, b)
    c = (a * b).sum(-1)
    k = np.zeros((*v.shape[:-1], 3, 3))
    k[..., 0, 1], k[..., 0, 2], k[..., 1, 2] = -v[..., 2], v[..., 1], -v[..., 0]
    k[..., 1, 0], k[..., 2, 0], k[..., 2, 1] = v[..., 2], -v[..., 1], v[..., 0]
    return np.asarray(np.eye(3) + k + k @ k / np.maximum(1 + c, 1e-3)[..., None, None])


def _unit(v: Float64) -> Float64:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def _unfold(now: Float64, rest: Float64) -> None:
    """Gives folded fingers their true last joints again, in place: inverts `skeleton.FOLD_SHORTENS` and
    `FOLD_TURNS`, which say where the hand models see them."""
    chains = np.array(CHAINS[1:])
    bones, rest_bones = np.diff(now[chains], axis=1), np.diff(rest[chains], axis=1)
    lengths = np.linalg.norm(rest_bones, axis=-1)
    lengths *= (np.linalg.norm(bones[:, 0], axis=-1) / lengths[:, 0])[:, None]
    fold = (1 - np.linalg.norm(bones[:, 1], axis=-1) / lengths[:, 1]) / FOLD_SHORTENS[1]
    ways = _unit(bones)
    axis = _unit(np.cross(ways[:, 0], ways[:, 1]))
    turn = (FOLD_TURNS * fold.clip(0, 1))[:, None]
    last = np.cos(turn) * ways[:, 2] + np.sin(turn) * np.cross(axis, ways[:, 2])
    now[chains[:, 2]] = now[chains[:, 1]] + ways[:, 1] * lengths[:, 1:2]
    now[chains[:, 3]] = now[chains[:, 2]] + last * lengths[:, 2:3]


def solve_pose(
    mesh: HandMesh, joints: Float64, elbow: Float64, *, left: bool, thickness: float = 1.0
) -> Pose:
    """Finds how every bone is turned and stretched.

    Args:
        mesh: the hand at rest.
        joints: (21, 3) camera coordinates, metres.
        elbow: (3,) camera coordinates, metres.
        left: whether this is a left hand.
        thickness: multiplier on the radii of fingers and palm.
    """
    mirror = np.array([-1.0 if left else 1.0, 1.0, 1.0])
    now, elbow = np.asarray(joints, np.float64) * mirror, np.asarray(elbow, np.float64) * mirror
    rest = mesh.joints.astype(np.float64)
    palm = palm_axes(now) @ palm_axes(rest).T
    size = (
        np.linalg.norm(now[_PALM] - now[0], axis=1).sum()
        / np.linalg.norm(rest[_PALM] - rest[0], axis=1).sum()
    )
    radial = float(size) * thickness
    _unfold(now, rest)

    starts, rest_starts = now[_CHAIN_JOINTS], rest[_CHAIN_JOINTS]  # (5, 5, 3)
    bones, rest_bones = np.diff(starts, axis=1), np.diff(rest_starts, axis=1)  # (5, 4, 3)
    ways, rest_ways = _unit(bones), _unit(rest_bones)
    along = np.linalg.norm(bones, axis=-1) / np.linalg.norm(rest_bones, axis=-1)

    turns = np.zeros((5, 4, 3, 3))
    matrices = np.zeros((5, 7, 3, 3))
    origins, rest_origins = np.zeros((5, 7, 3)), np.zeros((5, 7, 3))
    before = np.broadcast_to(palm, (5, 3, 3))
    for k in range(4):
        d0, d = rest_ways[:, k], ways[:, k]
        turned = (before @ d0[..., None])[..., 0]
        turns[:, k] = _swing(turned, d) @ before
        squeeze = radial * np.eye(3) + (along[:, k, None, None] - radial) * d0[:, :, None] * d0[:, None, :]
        matrices[:, 2 * k] = turns[:, k] @ squeeze
        origins[:, 2 * k], rest_origins[:, 2 * k] = starts[:, k], rest_starts[:, k]
        if k:
            half = _swing(turned, _unit(turned + d)) @ before
            matrices[:, 2 * k - 1] = half * radial
            origins[:, 2 * k - 1], rest_origins[:, 2 * k - 1] = starts[:, k], rest_starts[:, k]
        before = turns[:, k]

    down = palm @ np.array([0.0, -1.0, 0.0])
    reach = elbow - now[0]
    length = float(np.linalg.norm(reach))
    forearm = reach / length if length > 1e-6 else down
    forearm_turn = _swing(down, forearm) @ palm
    wrist = _swing(down, _unit(down + forearm)) @ palm
    matrices = np.concatenate([matrices.reshape(35, 3, 3), np.stack([wrist, forearm_turn]) * radial])
    origins = np.concatenate([origins.reshape(35, 3), now[[0, 0]]])
    rest_origins = np.concatenate([rest_origins.reshape(35, 3), rest[[0, 0]]])
    shift = origins - (matrices @ rest_origins[..., None])[..., 0]
    return Pose(
        joints=now,
        elbow=elbow,
        turns=turns,
        transforms=np.concatenate([matrices, shift[..., None]], axis=-1),
        forearm=forearm,
        forearm_turn=forearm_turn,
        stretch=max(length - STUB * radial, 0.0),
        scale=radial,
        flip=left,
    )


def posed_mesh(mesh: HandMesh, pose: Pose) -> tuple[Float32, Float32]:
    """Vertices (V, 3) in metres and unit normals (V, 3) of the mirrored-to-right hand, camera axes."""
    blend = mesh.weights @ pose.transforms.reshape(-1, 12).astype(np.float32)  # (V, 12)
    m = blend.reshape(-1, 3, 4)
    vertices = np.einsum("vij,vj->vi", m[:, :, :3], mesh.vertices) + m[:, :, 3]
    vertices += mesh.stretch[:, None] * (pose.stretch * pose.forearm).astype(np.float32)
    # Behind the elbow the arm hangs down and out of the picture: no stump is seen.
    vertices[:, 1] += np.float32(_HANGS) * np.clip(mesh.stretch - 1, 0, None)
    normals = np.einsum("vij,vj->vi", m[:, :, :3], mesh.normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return vertices.astype(np.float32), normals.astype(np.float32)
