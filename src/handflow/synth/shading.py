"""The light that falls on each vertex of a posed hand: key light with soft shadows, sky, glow of the skin."""

import numpy as np

from handflow.synth.skinning import Pose
from handflow.synth.surface import CHAINS, FINGER_RADII
from handflow.types import Float32, Float64

_WRAP = np.array([0.50, 0.34, 0.28], np.float32)  # light creeps round skin, red light farthest
_BOUNCE = np.array([0.45, 0.92, 1.0], np.float32)  # in hollows light comes from skin: shadows stay red


def _capsules(pose: Pose) -> tuple[Float64, Float64, Float64]:
    """Starts (20, 3), directions (20, 3) and radii (20,) of the bones that cast shadows, metres."""
    starts, ends, radii = [], [], []
    for c, chain in enumerate(CHAINS):
        joints = (0, *chain)
        thick = (
            (0.012, 0.011, 0.0095, 0.0085)
            if c == 0
            else (0.0115, *(FINGER_RADII[c - 1] * np.array([0.95, 0.9, 0.8])))
        )
        for k in range(4):
            starts.append(pose.joints[joints[k]])
            ends.append(pose.joints[joints[k + 1]])
            radii.append(thick[k])
    a = np.array(starts)
    return a, np.array(ends) - a, np.array(radii) * pose.scale


def _clearance(points: Float32, capsules: tuple[Float64, Float64, Float64]) -> Float32:
    """Distance (n,) of points (n, 3) from the nearest bone's surface, metres."""
    a, d, r = (v.astype(np.float32) for v in capsules)
    centre = a.mean(0)  # near the origin float32 keeps tenths of millimetres
    p, a = points - centre, a - centre
    along = d @ p.T - (a * d).sum(1)[:, None]  # (20, n)
    length = np.maximum((d * d).sum(1), 1e-9)[:, None]
    h = np.clip(along / length, 0, 1)
    x, y, z = p.T
    square = (x * x + y * y + z * z) - 2 * (a @ p.T) + (a * a).sum(1)[:, None] - h * (2 * along - h * length)
    return np.asarray((np.sqrt(np.maximum(square, 0)) - r[:, None]).min(0), np.float32)


def light_vertices(
    vertices: Float32,
    normals: Float32,
    pose: Pose,
    light: tuple[float, float, float],
    skin: Float32,
    gloss: Float32,
) -> Float32:
    """Light (n, 4) on vertices: RGB factors for the surface's colour, and the shine added to it (0 to 1).

    Args:
        vertices: (n, 3) metres, as posed (a left hand mirrored to a right one).
        normals: (n, 3) unit.
        pose: whose bones cast the shadows.
        light: towards the light, in the same axes.
        skin: (n,) 1 for skin, 0 for cloth.
        gloss: (n,) how much the surface shines.
    """
    to_light = np.array(light, np.float32)
    to_light /= max(float(np.linalg.norm(to_light)), 1e-9)
    facing = normals @ to_light
    size = np.float32(pose.scale)
    capsules = _capsules(pose)
    # Hollows: how much room there is above the surface, near and farther away.
    near = np.clip(_clearance(vertices + normals * (0.008 * size), capsules) / (0.008 * size), 0, 1)
    far = np.clip(_clearance(vertices + normals * (0.022 * size), capsules) / (0.022 * size), 0, 1)
    open_sky = (0.42 + 0.58 * near) * (0.55 + 0.45 * far)
    shadow = np.ones(len(vertices), np.float32)
    for reach in (0.018, 0.036, 0.060):
        start = vertices + normals * (0.006 * size) + to_light * (reach * size)
        shadow = np.minimum(shadow, np.clip(0.15 + _clearance(start, capsules) / (0.22 * reach * size), 0, 1))
    wrap = _WRAP * skin[:, None] + 0.25 * (1 - skin[:, None])
    key = np.clip((facing[:, None] + wrap) / (1 + wrap), 0, 1)
    key *= 1 - (1 - shadow[:, None]) * (0.80 - 0.12 * skin[:, None] * (1 - _BOUNCE))
    sky = (0.86 - 0.14 * normals[:, 1])[:, None] * (
        open_sky[:, None] ** (skin[:, None] * _BOUNCE + 1 - skin[:, None])
    )
    view = vertices / np.maximum(np.linalg.norm(vertices, axis=1, keepdims=True), 1e-9)
    half = to_light - view
    half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
    glint = np.clip((normals * half).sum(1), 0, 1)
    shine = gloss * shadow * (0.20 * glint**9 + 0.24 * glint**60)
    edge = np.clip(1 + (normals * view).sum(1), 0, 1) ** 3  # surfaces seen along themselves are darker
    out = np.empty((len(vertices), 4), np.float32)
    out[:, :3] = (0.46 * sky + 0.60 * key) * (1 - 0.22 * edge[:, None])
    out[:, 3] = shine
    return out
