"""Draws many small triangles at once: which triangle each pixel shows, and where in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handflow.types import Float32

_STEPS = np.array([2, 3, 4, 6, 8, 12, 18, 27, 40, 60, 90, 135, 200, 300, 450, 700, 1100])
"""Triangles are drawn in groups whose boxes have like sizes, rounded up to these."""


@dataclass(frozen=True, slots=True, eq=False)
class Fragments:
    """The covered pixels of a picture, each with the foremost triangle there."""

    pixels: NDArray[np.int64]  # (n,) index into the flattened picture
    triangles: NDArray[np.int64]  # (n,) row of the triangle list
    shares: Float32  # (n, 3) how near the pixel's centre is to each corner, sum 1


def rasterize(
    points: Float32, depth: Float32, triangles: NDArray[np.int32], size: tuple[int, int]
) -> Fragments:
    """Draws triangles with a depth buffer.

    Args:
        points: (V, 2) pixels, x right and y down, the centre of the first pixel at (0.5, 0.5).
        depth: (V,) larger is farther away.
        triangles: (T, 3) those whose corners run clockwise in the picture are seen, others are skipped.
        size: (width, height).
    """
    width, height = size
    a, b, c = (points[triangles[:, i]] for i in range(3))  # (T, 2) each
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    low = np.clip(np.ceil(np.minimum(np.minimum(a, b), c) - 0.5), 0, None).astype(np.int32)
    high = np.minimum(np.floor(np.maximum(np.maximum(a, b), c) - 0.5), [width - 1, height - 1]).astype(
        np.int32
    )
    extent = high - low + 1
    kept = np.flatnonzero((area > 1e-6) & (extent[:, 0] > 0) & (extent[:, 1] > 0))
    columns = _STEPS[np.searchsorted(_STEPS, extent[kept].clip(1, _STEPS[-1]))]
    group = columns[:, 0].astype(np.int64) * 4096 + columns[:, 1]
    found = [
        _draw(
            kept[group == g], int(g // 4096), int(g % 4096), a, b, c, area, low, high, depth, triangles, width
        )
        for g in np.unique(group)
    ]
    if not sum(len(part[0]) for part in found):  # small triangles may lie between the pixels' centres
        return Fragments(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 3), np.float32))
    pixels, numbers, shares, far = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # The nearest fragment of each pixel: depth in the upper bits of a key, the fragment's number below.
    near, span = float(far.min()), float(np.ptp(far))
    key = ((far - near) * (2**20 / max(span, 1e-9))).astype(np.int64) << 32 | np.arange(len(far))
    buffer = np.full(width * height, np.iinfo(np.int64).max)
    np.minimum.at(buffer, pixels, key)
    covered = np.flatnonzero(buffer != np.iinfo(np.int64).max)
    winner = buffer[covered] & 0xFFFFFFFF
    return Fragments(covered, numbers[winner], shares[winner])


def _draw(
    rows: NDArray[np.int64],
    columns: int,
    lines: int,
    a: Float32,
    b: Float32,
    c: Float32,
    area: Float32,
    low: NDArray[np.int32],
    high: NDArray[np.int32],
    depth: Float32,
    triangles: NDArray[np.int32],
    width: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float32, Float32]:
    """Fragments (pixel, triangle, shares, depth) of triangles whose boxes fit `columns` x `lines`."""
    first = low[rows]
    x = (first[:, 0] + np.float32(0.5) - a[rows, 0]).astype(np.float32)
    y = (first[:, 1] + np.float32(0.5) - a[rows, 1]).astype(np.float32)
    ab, ac = b[rows] - a[rows], c[rows] - a[rows]
    inverse = 1 / area[rows]
    # Shares of corners b and c are linear in the picture.
    bx, by = ac[:, 1] * inverse, -ac[:, 0] * inverse
    cx, cy = -ab[:, 1] * inverse, ab[:, 0] * inverse
    ox, oy = np.arange(columns, dtype=np.float32), np.arange(lines, dtype=np.float32)
    share_b = (x * bx + y * by)[:, None, None] + oy[:, None] * by[:, None, None] + ox * bx[:, None, None]
    share_c = (x * cx + y * cy)[:, None, None] + oy[:, None] * cy[:, None, None] + ox * cx[:, None, None]
    # A hair wider than the triangle: no gaps along shared edges.
    hit = np.flatnonzero((share_b > -1e-4) & (share_c > -1e-4) & (share_b + share_c < 1 + 1e-4))
    which, rest = np.divmod(hit, columns * lines)
    dy, dx = np.divmod(rest, columns)
    px, py = first[which, 0] + dx, first[which, 1] + dy
    limit = high[rows[which]]
    good = (px <= limit[:, 0]) & (py <= limit[:, 1])
    hit, which, px, py = hit[good], which[good], px[good], py[good]
    sb, sc = share_b.ravel()[hit], share_c.ravel()[hit]
    numbers = rows[which]
    shares = np.stack([1 - sb - sc, sb, sc], axis=1)
    corners = triangles[numbers]
    far = depth[corners[:, 0]] * shares[:, 0] + depth[corners[:, 1]] * sb + depth[corners[:, 2]] * sc
    return (py.astype(np.int64) * width + px), numbers, shares.astype(np.float32), far.astype(np.float32)
