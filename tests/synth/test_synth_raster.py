"""Triangles fill the pixels whose centres they cover, the nearest on top."""

import numpy as np
import pytest

from handflow.synth.raster import rasterize

SQUARE = np.array([[1, 1], [5, 1], [5, 5], [1, 5]], np.float32)
TWO = np.array([[0, 1, 2], [0, 2, 3]], np.int32)  # clockwise in the picture


def test_two_triangles_fill_their_square_without_a_seam() -> None:
    covered = rasterize(SQUARE, np.ones(4, np.float32), TWO, (8, 8)).pixels
    assert sorted(covered.tolist()) == [y * 8 + x for y in range(1, 5) for x in range(1, 5)]


def test_the_nearer_triangle_hides_the_farther() -> None:
    points = np.concatenate([SQUARE, SQUARE])
    depth = np.repeat(np.array([2.0, 1.0], np.float32), 4)
    fragments = rasterize(points, depth, np.concatenate([TWO, TWO + 4]), (8, 8))
    assert set(fragments.triangles.tolist()) == {2, 3}


def test_triangles_seen_from_behind_are_skipped() -> None:
    assert len(rasterize(SQUARE, np.ones(4, np.float32), TWO[:, ::-1].copy(), (8, 8)).pixels) == 0


@pytest.mark.parametrize(
    "points",
    [
        pytest.param([[0.6, 0.6], [1.4, 0.6], [1.0, 0.9]], id="between pixel centres"),
        pytest.param([[-9, -9], [-5, -9], [-5, -5]], id="outside"),
        pytest.param([[3.5, 0.4], [3.51, 8], [3.49, 8]], id="thinner than a pixel"),
    ],
)
def test_triangles_that_may_cover_no_pixel_draw_without_failing(points: list[list[float]]) -> None:
    fragments = rasterize(
        np.array(points, np.float32), np.ones(3, np.float32), np.array([[0, 1, 2]], np.int32), (8, 8)
    )
    assert len(fragments.pixels) == len(fragments.triangles) == len(fragments.shares)
