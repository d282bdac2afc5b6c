"""Crops: the upright square picture of a rotated region, and back."""

import math

import cv2
import numpy as np

from handflow.types import Float32, Image, Region


def crop_matrix(region: Region, side: int) -> Float32:
    """Affine matrix (2, 3) from crop pixels to image pixels."""
    scale = region.size / side
    c, s = math.cos(region.angle) * scale, math.sin(region.angle) * scale
    half = side / 2
    return np.array(
        [[c, -s, region.x - half * (c - s)], [s, c, region.y - half * (s + c)]],
        np.float32,
    )


def crop_hand(image: Image, region: Region, size: int = 224) -> Image:
    """The upright picture (size, size, 3) of a region; black outside of the image."""
    matrix = crop_matrix(region, size)
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)  # type: ignore[return-value]
