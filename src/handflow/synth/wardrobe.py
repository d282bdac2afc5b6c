"""Completes the bare hand's mesh for one person: nails, a sleeve, and where each vertex takes its colour."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handflow.synth.scene import PersonLook
from handflow.synth.skeleton import WRIST_SLIDE
from handflow.synth.surface import (
    CHAINS,
    FINGER_RADII,
    REST,
    STUB,
    STUB_FREE,
    TRANSFORMS,
    HandMesh,
    hand_mesh,
)
from handflow.synth.texture import (
    Sheets,
    cloth_coordinates,
    draw_sheets,
    nail_coordinates,
    skin_coordinates,
)
from handflow.types import Float32, Float64

THUMB_BACK = np.array([0.80, 0.0, -0.60])
"""Where the resting thumb's nail faces: to the side, not backwards as the fingers' do."""

_SLEEVE_END = 1.75  # forearm lengths from the wrist: out of most pictures


@dataclass(frozen=True, slots=True, eq=False)
class DressedHand:
    """A hand ready to be posed and painted."""

    mesh: HandMesh
    texels: Float32  # (V, 2) place on the sheets
    palmar: Float32  # (V,) 0 back to 1 palm
    gloss: Float32  # (V,) how much a vertex shines
    skin: Float32  # (V,) 1 where light seeps through, 0 for cloth
    sheets: Sheets


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    vertices: Float64
    normals: Float64
    triangles: NDArray[np.int64]
    weights: Float64
    stretch: Float64
    texels: Float32
    gloss: float
    skin: float


def _grid_triangles(rows: int, columns: int) -> NDArray[np.int64]:
    """Two triangles for each cell of a grid of vertices (rows, columns)."""
    n = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = n[:-1, :-1].ravel(), n[:-1, 1:].ravel(), n[1:, 1:].ravel(), n[1:, :-1].ravel()
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def _oriented(vertices: Float64, normals: Float64, triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    inwards = (np.cross(b - a, c - a) * normals[triangles].mean(1)).sum(1) < 0
    return np.where(inwards[:, None], triangles[:, ::-1], triangles)


def _nail(j: Float64, finger: int) -> _Part:
    """A curved plate on the back of the last bone; finger 0 is the thumb."""
    base, tip = j[CHAINS[finger][2]], j[CHAINS[finger][3]]
    way = (tip - base) / np.linalg.norm(tip - base)
    back = THUMB_BACK if finger == 0 else np.array([0.0, 0.0, -1.0])
    back = back - (back @ way) * way
    back /= np.linalg.norm(back)
    side = np.cross(way, back)
    radius = 0.0091 if finger == 0 else 0.80 * FINGER_RADII[finger - 1]
    length = float(np.linalg.norm(tip - base))
    along, across = np.meshgrid(np.linspace(0, 1, 6), np.linspace(-1, 1, 7), indexing="ij")
    start, end = 0.42 * length, length + 0.45 * radius
    place = start + (end - start) * along
    # Round at the root and at the free edge, bent across like the finger, and sloping down to the tip.
    across = across * (0.80 + 0.20 * np.sin(np.pi * np.clip(0.15 + 0.7 * along, 0, 1)))
    angle = np.deg2rad(58) * across
    lift = radius * (1.06 - 0.20 * along**2) * np.where(np.abs(across) > 0.85, 0.985, 1.0)
    lift = np.where(along == 0, lift * 0.96, lift)
    radial = np.cos(angle)[..., None] * back + np.sin(angle)[..., None] * side
    vertices = (base + place[..., None] * way + lift[..., None] * radial).reshape(-1, 3)
    normals = (0.7 * radial + 0.3 * back + 0.2 * along[..., None] * way).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    weights = np.zeros((len(vertices), TRANSFORMS))
    weights[:, 7 * finger + 6] = 1
    triangles = _oriented(vertices, normals, _grid_triangles(6, 7))
    texels = nail_coordinates(across.ravel() / 1.0, along.ravel())
    return _Part(vertices, normals, triangles, weights, np.zeros(len(vertices)), texels, 0.9, 0.8)


def _sleeve(start: float, rng: np.random.Generator) -> _Part:
    """A tube round the forearm from the share `start` to the elbow, with folds and a cuff."""
    rings, around = 26, 26
    first = float(np.clip((start - 0.05) / 0.95, -0.05, 0.95))
    t = np.concatenate([[first + 0.004, first], np.linspace(first + 0.012, _SLEEVE_END, rings - 2)])
    angle = np.linspace(0, 2 * np.pi, around)
    y = -STUB_FREE - t * (STUB - STUB_FREE)
    wide, thick = 0.0262 + 0.012 * np.clip(t, 0, 1.3), 0.0178 + 0.0085 * np.clip(t, 0, 1.3)
    size = 1.16 + 0.05 * np.exp(-(((t - first) / 0.05) ** 2))
    size[0] = 0.8
    phases, turns = rng.uniform(0, 2 * np.pi, 4), rng.uniform(14, 30, 4)
    lean = rng.integers(1, 4, 4)
    folds = sum(
        np.sin(turns[i] * t[:, None] + lean[i] * angle + phases[i]) * (0.024 if i < 2 else 0.014)
        for i in range(4)
    )
    quiet = np.clip((t - first) / 0.08, 0, 1)[:, None]
    r = size[:, None] * (1 + folds * quiet)
    vertices = np.stack(
        [
            r * wide[:, None] * np.cos(angle),
            np.broadcast_to(y[:, None], r.shape),
            r * thick[:, None] * np.sin(angle),
        ],
        -1,
    )
    vertices = vertices - WRIST_SLIDE * REST.length  # round the forearm's middle
    # Lengths along the arm are stretched when it is posed: take the slopes in stretched lengths.
    stretched = vertices.copy()
    stretched[..., 1] *= 3.2
    du = np.roll(stretched[:, :-1], -1, axis=1) - np.roll(stretched[:, :-1], 1, axis=1)
    dv = np.gradient(stretched[:, :-1], axis=0)
    normals = np.cross(dv, du)
    normals = np.concatenate([normals, normals[:, :1]], axis=1)
    outwards = np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], -1)
    normals *= np.sign((normals * outwards).sum(-1, keepdims=True) + 1e-12)
    normals[0] = np.array([0.0, 1.0, 0.0])
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    flat, flat_normals = vertices.reshape(-1, 3), normals.reshape(-1, 3)
    triangles = _grid_triangles(rings, around)
    facing = np.repeat(outwards[None], rings, 0).reshape(-1, 3).copy()
    facing[: 2 * around] = np.array([0.0, 1.0, 0.0])
    triangles = _oriented(flat, facing, triangles)
    weights = np.zeros((len(flat), TRANSFORMS))
    weights[:, -1] = 1
    along = np.clip((t - first) / (_SLEEVE_END - first), 0, 1)
    along[0] = 0.0
    texels = cloth_coordinates(np.tile(angle / (2 * np.pi), rings), np.repeat(along, around))
    return _Part(flat, flat_normals, triangles, weights, np.repeat(t, around), texels, 0.0, 0.0)


@lru_cache(maxsize=4)  # a person's clips follow each other
def dress(look: PersonLook, seed: int = 0) -> DressedHand:
    """The average hand with this person's skin, nails and sleeve."""
    bare = hand_mesh()
    j = bare.joints.astype(np.float64)
    parts = [_nail(j, f) for f in range(5)]
    triangles = bare.triangles
    if look.sleeve is not None:
        parts.append(_sleeve(look.sleeve_start, np.random.default_rng([seed, 5])))
        hidden = look.sleeve_start + 0.06  # within the cuff
        triangles = triangles[bare.stretch[triangles].min(1) < hidden]
    thumb = bare.weights[:, :7][:, 2:].sum(1)
    back = (1 - thumb)[:, None] * np.array([0.0, 0.0, -1.0]) + thumb[:, None] * THUMB_BACK
    palmar = np.clip(0.5 - 0.9 * (bare.normals * back).sum(1), 0, 1)
    offset, pieces = len(bare.vertices), [triangles]
    for part in parts:
        pieces.append((part.triangles + offset).astype(np.int32))
        offset += len(part.vertices)
    mesh = HandMesh(
        joints=bare.joints,
        vertices=np.concatenate([bare.vertices, *(p.vertices for p in parts)]).astype(np.float32),
        normals=np.concatenate([bare.normals, *(p.normals for p in parts)]).astype(np.float32),
        triangles=np.concatenate(pieces).astype(np.int32),
        weights=np.concatenate([bare.weights, *(p.weights for p in parts)]).astype(np.float32),
        stretch=np.concatenate([bare.stretch, *(p.stretch for p in parts)]).astype(np.float32),
    )

    # The same sheen stands out more on dark skin, and a camera's exposure brings it out.
    dark = float(np.clip((190 - np.mean(look.skin)) / 130, 0, 1))

    def spread(own: NDArray[np.floating] | float, values: list[float]) -> Float32:
        first = np.broadcast_to(np.asarray(own, np.float32), len(bare.vertices))
        rest = [np.full(len(p.vertices), v, np.float32) for p, v in zip(parts, values, strict=True)]
        return np.concatenate([first, *rest])

    return DressedHand(
        mesh=mesh,
        texels=np.concatenate([skin_coordinates(bare.vertices), *(p.texels for p in parts)]),
        palmar=spread(palmar * palmar * (3 - 2 * palmar), [0.0] * len(parts)),
        gloss=spread(0.35 + 0.5 * dark, [p.gloss for p in parts]),
        skin=spread(1.0, [p.skin for p in parts]),
        sheets=draw_sheets(look, seed),
    )
