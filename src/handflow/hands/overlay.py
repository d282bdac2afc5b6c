"""Drawing hands over a picture."""

from collections.abc import Sequence

import cv2
import numpy as np

from handflow.hands.landmarker import hand_size
from handflow.types import BONES, Float32, Hands, Image

_COLOURS = ((255, 170, 60), (70, 200, 255))  # left, right: told apart also by colour-blind people
_FILLED = (150, 150, 150)
_FRACTION_BITS = 3  # cv2 draws at 1/8 pixel


def draw_landmarks(image: Image, landmarks: Float32, filled: Sequence[bool] = (False, False)) -> Image:
    """Draws the hands of slots (2, 21, 3) onto a copy of `image`; NaN draws nothing, filled ones are grey."""
    canvas = image.copy()
    for points, colour, not_seen in zip(landmarks, _COLOURS, filled, strict=True):
        if np.isfinite(points).all():
            _draw_hand(canvas, points, _FILLED if not_seen else colour)
    return canvas


def draw_hands(image: Image, hands: Hands) -> Image:
    """Draws all hands, steadied, onto a copy of `image`."""
    canvas = image.copy()
    for hand in hands.hands:
        _draw_hand(canvas, hand.steady, _COLOURS[hand.side == "right"])
    return canvas


def _draw_hand(canvas: Image, landmarks: Float32, colour: tuple[int, int, int]) -> None:
    thickness = max(1, round(hand_size(landmarks) / 60))
    unit = 1 << _FRACTION_BITS
    points = np.clip(landmarks[:, :2] * unit, -(2**24), 2**24).astype(int)
    rim = [((20, 20, 20), 2)] if thickness > 1 else []  # keeps lines visible on any ground
    for outline, extra in (*rim, (colour, 0)):
        for a, b in BONES:
            cv2.line(
                canvas,
                points[a].tolist(),
                points[b].tolist(),
                outline,
                thickness + extra,
                cv2.LINE_AA,
                _FRACTION_BITS,
            )
    for point in points:
        cv2.circle(
            canvas,
            point.tolist(),
            round((0.5 + thickness * 0.8) * unit),
            (255, 255, 255),
            cv2.FILLED,
            cv2.LINE_AA,
            _FRACTION_BITS,
        )
