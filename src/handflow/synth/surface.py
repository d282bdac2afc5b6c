"""The skin of the synthetic hand: a triangle mesh round the joints of a resting hand, made once.

About seventy round cones are blended into a signed distance field, whose surface is turned into triangles
(naive surface nets, Gibson 1998). Each vertex remembers how much it follows each bone.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from handflow.synth.skeleton import WRIST_SLIDE, HandShape, hand_joints
from handflow.types import Float32, Float64

Int32 = NDArray[np.int32]

REST = HandShape(length=0.180)
REST_POSE = (0.12, 0.14, 0.14, 0.14, 0.14, 0.75, 0.0)
"""Halfway between what fingers do, and spread: no two fingers may touch while the mesh is made."""
FINGER_RADII = (0.0094, 0.0098, 0.0093, 0.0082)
STUB = 0.080  # metres of forearm in the mesh; stretched to the elbow when it is posed
STUB_FREE = 0.030  # what next to the wrist is not stretched
CHAINS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
"""The joints of each finger. A chain of bones is the one from the wrist and the three between these."""
TRANSFORMS = 5 * 7 + 2
"""Per chain four bones and the three joints between them, then the bent wrist and the forearm."""

_CELL = 0.0032
_LOW = np.array([-0.080, -0.125, -0.050])
_HIGH = np.array([0.100, 0.205, 0.065])


@dataclass(frozen=True, slots=True, eq=False)
class HandMesh:
    """A right hand at rest, metres in the axes of `hand_joints`."""

    joints: Float32  # (21, 3)
    vertices: Float32  # (V, 3)
    normals: Float32  # (V, 3) unit, outwards
    triangles: Int32  # (T, 3) counter-clockwise as seen from outside
    weights: Float32  # (V, TRANSFORMS) how much each vertex follows each transform, rows sum to 1
    stretch: Float32  # (V,) 0 at the wrist to 1 at the elbow: how far along the forearm a vertex lies


def rest_joints() -> Float64:
    """The joints (21, 3) in metres that the mesh was made round."""
    return hand_joints(REST_POSE, REST).astype(np.float64)


def _cones(j: Float64) -> list[tuple[Float64, Float64, float, float, float]]:
    """Round cones (from, to, radius, radius, width of the blend) that together make a hand, metres."""
    out: list[tuple[Float64, Float64, float, float, float]] = []

    def cone(a: Float64, b: Float64, ra: float, rb: float, k: float) -> None:
        out.append((np.asarray(a, float), np.asarray(b, float), ra, rb, k))

    mm = 0.001
    heel = -WRIST_SLIDE * REST.length  # the middle of the wrist
    palmar = np.array([0.0, 0.0, 1.0])
    heads = (0.0112, 0.0116, 0.0110, 0.0100)
    for f, (x, r) in enumerate(zip((12.0, 4.0, -5.0, -13.0), heads, strict=True)):
        cone(heel + np.array([x, 6, 1]) * mm, j[5 + 4 * f] + 1.5 * mm * palmar, 14.0 * mm, r, 10 * mm)
    for f in range(3):  # fill the palm between the knuckles, and the webs between the fingers
        a, b = j[5 + 4 * f : 7 + 4 * f], j[9 + 4 * f : 11 + 4 * f]
        cone(a[0] + 1 * mm * palmar, b[0] + 1 * mm * palmar, 10.5 * mm, 10 * mm, 6 * mm)
        cone(a[0] * 0.66 + a[1] * 0.34, b[0] * 0.66 + b[1] * 0.34, 6.5 * mm, 6.5 * mm, 7 * mm)
    # Ball of the thumb, heel of the hand, and the fold of skin between thumb and index finger.
    cone(heel + np.array([17, 8, 8]) * mm, j[1] * 0.45 + j[2] * 0.55, 14.5 * mm, 13.5 * mm, 11 * mm)
    cone(
        heel + np.array([-17, 5, 5]) * mm,
        j[17] * 0.7 + np.array([-5, 5, 5]) * mm,
        13.5 * mm,
        11 * mm,
        12 * mm,
    )
    for k in (0.45, 0.8):
        cone(j[1] * (1 - k) + j[2] * k, j[5] * (0.35 + 0.3 * k), 8 * mm, 9 * mm, 13 * mm)
    # Wrist and forearm, broader than thick.
    for side in (-1.0, 1.0):
        wrist, narrow = np.array([11.5 * side, -4, 1]), np.array([10.0 * side, -36, -1])
        cone(heel + wrist * mm, heel + narrow * mm, 15.5 * mm, 16.5 * mm, 10 * mm)
        cone(heel + narrow * mm, heel + np.array([13 * side, -85, -2]) * mm, 16.5 * mm, 25 * mm, 8 * mm)
    for f, r in enumerate(FINGER_RADII):
        p = j[5 + 4 * f : 9 + 4 * f]
        radii = np.array([1.06, 0.96, 1.0, 0.88, 0.86, 0.83, 0.72]) * r
        points = [p[0], (p[0] + p[1]) / 2, p[1], (p[1] + p[2]) / 2, p[2], p[2] * 0.4 + p[3] * 0.6, p[3]]
        for i in range(6):
            cone(points[i], points[i + 1], radii[i], radii[i + 1], 2.5 * mm if i else 7 * mm)
        for i, size in ((1, 0.86), (3, 0.80), (5, 0.76)):  # soft pads
            cone(points[i] + 0.22 * r * palmar, points[i] + 0.22 * r * palmar, size * r, size * r, 3 * mm)
    t = j[1:5]
    points = [t[0], t[1], (t[1] + t[2]) / 2, t[2], t[2] * 0.45 + t[3] * 0.55, t[3]]
    radii = np.array([13.0, 11.6, 9.8, 10.2, 9.7, 7.4]) * mm
    for i in range(5):
        cone(points[i], points[i + 1], radii[i], radii[i + 1], 3 * mm if i > 1 else 10 * mm)
    return out


def _field(j: Float64) -> tuple[Float32, Float64]:
    """The signed distance (nx, ny, nz) on the grid and the position of its first corner, metres."""
    shape = np.ceil((_HIGH - _LOW) / _CELL).astype(int) + 1
    field = np.full(shape, 0.05, np.float32)
    axes = [(_LOW[i] + _CELL * np.arange(shape[i])).astype(np.float32) for i in range(3)]
    for a, b, ra, rb, k in _cones(j):
        reach = max(ra, rb) + k + 4 * _CELL
        box = []
        for i in range(3):
            first, last = min(a[i], b[i]) - reach, max(a[i], b[i]) + reach
            box.append(slice(*np.clip(np.searchsorted(axes[i], [first, last]), 0, shape[i])))
        x, y, z = (axes[i][box[i]] - np.float32(a[i]) for i in range(3))
        d = (b - a).astype(np.float32)
        length = float(d @ d)
        along = x[:, None, None] * d[0] + y[None, :, None] * d[1] + z[None, None, :] * d[2]
        h = np.clip(along / length, 0, 1) if length > 0 else np.zeros_like(along)
        square = (
            (x[:, None, None] - h * d[0]) ** 2
            + (y[None, :, None] - h * d[1]) ** 2
            + (z[None, None, :] - h * d[2]) ** 2
        )
        new = np.sqrt(square) - (ra + (rb - ra) * h)
        old = field[box[0], box[1], box[2]]
        mix = np.clip(0.5 + 0.5 * (old - new) / k, 0, 1)  # smooth minimum, Quilez
        field[box[0], box[1], box[2]] = old + (new - old) * mix - k * mix * (1 - mix)
    return field, _LOW


def _surface_nets(field: Float32) -> tuple[Float64, Int32]:
    """Vertices (V, 3) in grid units and triangles (T, 3) of the zero level of a field (nx, ny, nz)."""
    inside = field < 0
    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    n = np.array(field.shape) - 1

    def at(values: NDArray[np.generic], c: tuple[int, int, int]) -> NDArray[np.generic]:
        return values[c[0] : c[0] + n[0], c[1] : c[1] + n[1], c[2] : c[2] + n[2]]

    count = sum(at(inside, c).astype(np.int8) for c in corners)
    cells = np.argwhere((count > 0) & (count < 8))
    number = np.full(n, -1, np.int32)
    number[tuple(cells.T)] = np.arange(len(cells))
    total, crossings = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for a in corners:
        for axis in range(3):
            if a[axis]:
                continue
            b = tuple(v + (i == axis) for i, v in enumerate(a))
            va, vb = field[tuple((cells + a).T)], field[tuple((cells + b).T)]
            cut = (va < 0) != (vb < 0)
            share = np.where(cut, va / np.where(cut, va - vb, 1), 0)
            point = np.array(a, float) + share[:, None] * np.eye(3)[axis]
            total += np.where(cut[:, None], point, 0)
            crossings += cut
    vertices = cells + total / crossings[:, None]
    triangles = []
    for axis in range(3):
        u, v = np.eye(3, dtype=int)[[(axis + 1) % 3, (axis + 2) % 3]]
        low = [slice(1, -1)] * 3
        high = list(low)
        high[axis] = slice(2, None)
        first, second = inside[tuple(low)], inside[tuple(high)]
        for flip in (False, True):
            edges = np.argwhere((second & ~first) if flip else (first & ~second)) + 1
            quad = [number[tuple((edges - s).T)] for s in (0 * u, u, u + v, v)]
            quad = quad[::-1] if flip else quad
            triangles += [np.stack([quad[0], quad[1], quad[2]], 1), np.stack([quad[0], quad[2], quad[3]], 1)]
    return vertices, np.concatenate(triangles).astype(np.int32)


def _sample(field: Float32, points: Float64) -> Float64:
    """The field between grid points (trilinear) at points (n, 3) in grid units."""
    low = np.clip(points.astype(int), 0, np.array(field.shape) - 2)
    t = points - low
    out = np.zeros(len(points))
    for c in ((i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)):
        share = np.prod([t[:, a] if c[a] else 1 - t[:, a] for a in range(3)], axis=0)
        out += share * field[tuple((low + c).T)]
    return out


def _gradient(field: Float32, points: Float64) -> Float64:
    step = np.eye(3)
    return np.stack([(_sample(field, points + e) - _sample(field, points - e)) / 2 for e in step], axis=1)


def _distances(p: Float64, a: Float64, b: Float64) -> Float64:
    """Distance (V,) of points (V, 3) from the bone a-b."""
    d = b - a
    h = np.clip((p - a) @ d / (d @ d), 0, 1)
    return np.asarray(np.linalg.norm(p - a - h[:, None] * d, axis=1))


def _weights(p: Float64, j: Float64) -> Float64:
    """How much each vertex (V, 3) follows each transform (V, TRANSFORMS)."""
    place = np.zeros((len(p), 5))  # where along its chain of four bones, 0 to 3
    far = np.zeros((len(p), 5))
    for c, chain in enumerate(CHAINS):
        bones = [(0, chain[0]), *pairwise(chain)]
        radii = (
            (0.012, 0.0125, 0.0105, 0.009)
            if c == 0
            else (0.012, *(FINGER_RADII[c - 1] * np.array([1, 0.93, 0.8])))
        )
        d = np.stack([_distances(p, j[a], j[b]) - r for (a, b), r in zip(bones, radii, strict=True)], 1)
        share = np.exp(-(d - d.min(1, keepdims=True)) / 0.0022)
        place[:, c] = (share / share.sum(1, keepdims=True)) @ np.arange(4)
        far[:, c] = d.min(1)
    # Fingers part sharply, the thumb's ball passes softly into the palm.
    finger = np.exp(-(far[:, 1:] - far[:, 1:].min(1, keepdims=True)) / 0.0016)
    finger /= finger.sum(1, keepdims=True)
    thumb = 1 / (1 + np.exp(np.clip((far[:, 0] - far[:, 1:].min(1)) / 0.0045, -50, 50)))
    chains = np.concatenate([thumb[:, None], finger * (1 - thumb[:, None])], 1)
    forearm = np.clip((-0.001 - p[:, 1]) / 0.036, 0, 1)
    forearm = forearm * forearm * (3 - 2 * forearm)
    out = np.zeros((len(p), TRANSFORMS))
    rows = np.arange(len(p))
    for c in range(5):
        # Between two bones lies the joint's own transform, turned by half: flesh keeps its thickness there.
        step = np.clip(2 * place[:, c], 0, 6 - 1e-6)
        first = step.astype(int)
        rest = step - first
        out[rows, 7 * c + first] += chains[:, c] * (1 - rest)
        out[rows, 7 * c + first + 1] += chains[:, c] * rest
    twice = 2 * forearm
    out *= np.clip(1 - twice, 0, 1)[:, None]
    out[:, -2] = 1 - np.abs(1 - twice)
    out[:, -1] = np.clip(twice - 1, 0, 1)
    return out


@lru_cache(maxsize=1)
def hand_mesh() -> HandMesh:
    """The mesh of an average right hand at rest; made on first use, in well under a second."""
    j = rest_joints()
    field, low = _field(j)
    grid, triangles = _surface_nets(field)
    for _ in range(2):  # pull the vertices onto the surface
        g = _gradient(field, grid)
        grid = grid - g * (_sample(field, grid) / np.maximum((g * g).sum(1), 1e-12))[:, None]
    normals = _gradient(field, grid)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    vertices = grid * _CELL + low
    weights = _weights(vertices, j)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    degree = np.bincount(edges[:, 0], minlength=len(vertices))[:, None]
    for _ in range(2):  # even out the weights along the skin
        total = np.zeros_like(weights)
        np.add.at(total, edges[:, 0], weights[edges[:, 1]])
        weights = 0.5 * weights + 0.5 * total / np.maximum(degree, 1)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    outwards = (np.cross(b - a, c - a) * normals[triangles[:, 0]]).sum(1)
    triangles = np.where((outwards < 0)[:, None], triangles[:, ::-1], triangles)
    return HandMesh(
        joints=j.astype(np.float32),
        vertices=vertices.astype(np.float32),
        normals=normals.astype(np.float32),
        triangles=triangles.astype(np.int32),
        weights=(weights / weights.sum(1, keepdims=True)).astype(np.float32),
        stretch=np.clip((-vertices[:, 1] - STUB_FREE) / (STUB - STUB_FREE), 0, None).astype(np.float32),
    )
