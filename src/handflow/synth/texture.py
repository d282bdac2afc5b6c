"""The colours of a hand: one picture of its palm, one of its back, drawn for a person's skin.

Both lie flat under the resting hand; nails and sleeve have patches of their own at the right of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from handflow.synth.scene import PersonLook
from handflow.synth.surface import FINGER_RADII, rest_joints
from handflow.types import Float32, Float64

_CELL = 0.0005  # metres a texel
_LOW = np.array([-0.085, -0.125])
_SIZE = (540, 680)  # texels, width and height
_NAIL = (390, 20, 60, 90)  # x, y, width, height of the patch, texels
_CLOTH = (390, 140, 140, 520)


@dataclass(frozen=True, slots=True, eq=False)
class Sheets:
    """What a hand's skin, nails and sleeve look like in even light."""

    back: Float32  # (height, width, 3) RGB, 0 to 255
    palm: Float32  # (height, width, 3) RGB, 0 to 255


def skin_coordinates(vertices: Float32) -> Float32:
    """Texels (V, 2) under resting positions (V, 3)."""
    return np.asarray((vertices[:, :2] - _LOW) / _CELL, np.float32)


def nail_coordinates(across: Float64, along: Float64) -> Float32:
    """Texels (…, 2) of a nail from places across (-1 to 1) and along it (0 root to 1 free edge)."""
    x, y, w, h = _NAIL
    return np.stack([x + (across * 0.46 + 0.5) * w, y + (0.04 + along * 0.92) * h], -1).astype(np.float32)


def cloth_coordinates(around: Float64, along: Float64) -> Float32:
    """Texels (…, 2) of a sleeve from places around (0 to 1) and along it (0 cuff to 1 elbow)."""
    x, y, w, h = _CLOTH
    return np.stack([x + (0.03 + around * 0.94) * w, y + (0.02 + along * 0.96) * h], -1).astype(np.float32)


def _clouds(rng: np.random.Generator, sigma: float) -> Float32:
    """Smooth noise (height, width), standard deviation 1."""
    small = max(int(sigma / 4), 1)
    noise = rng.standard_normal((_SIZE[1] // small + 2, _SIZE[0] // small + 2)).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma / small))
    return np.asarray(cv2.resize(soft / soft.std(), _SIZE, interpolation=cv2.INTER_LINEAR), np.float32)


class _Pen:
    """Draws soft lines and spots given in metres of the resting hand onto a mask."""

    def __init__(self) -> None:
        self.mask = np.zeros((_SIZE[1], _SIZE[0]), np.float32)

    def line(self, points: Float64, width: float, strength: float, soft: float = 1.0) -> None:
        layer = np.zeros_like(self.mask)
        texels = np.round((np.asarray(points)[:, :2] - _LOW) / _CELL * 16).astype(np.int32)
        thick = max(round(width / _CELL), 1)
        cv2.polylines(layer, [texels], False, strength, thick, cv2.LINE_AA, shift=4)
        self.mask = np.maximum(self.mask, cv2.GaussianBlur(layer, (0, 0), soft))

    def spot(self, centre: Float64, radius: float, strength: float) -> None:
        layer = np.zeros_like(self.mask)
        texel = np.round((np.asarray(centre)[:2] - _LOW) / _CELL).astype(int)
        cv2.circle(layer, (int(texel[0]), int(texel[1])), max(int(radius / _CELL), 1), strength, -1)
        self.mask += cv2.GaussianBlur(layer, (0, 0), radius / _CELL * 0.6)


def _curve(points: Sequence[tuple[float, float]]) -> Float64:
    """A smooth line (n, 2) in metres through points in millimetres."""
    p = np.array(points) * 0.001
    t = np.linspace(0, 1, len(p))
    fine = np.linspace(0, 1, 24)
    return np.stack([np.polyval(np.polyfit(t, p[:, k], min(len(p) - 1, 3)), fine) for k in (0, 1)], 1)


@lru_cache(maxsize=1)
def _palm_marks() -> tuple[Float32, Float32]:
    """Lines of the palm and fingers, and where more blood shows through, each (height, width)."""
    j, pen = rest_joints(), _Pen()
    for line in (
        [(-40, 55), (-18, 56), (6, 65), (17, 78)],  # heart
        [(34, 61), (14, 52), (-8, 43), (-27, 31)],  # head
        [(34, 62), (19, 52), (9, 35), (5, 17), (8, 1)],  # life
    ):
        pen.line(_curve(line), 0.0011, 0.8, 1.0)
    for line in ([(-26, -15), (0, -18), (26, -13)], [(-25, -21), (0, -24), (25, -20)]):
        pen.line(_curve(line), 0.0009, 0.45, 1.0)
    for f in range(4):
        p, r = j[5 + 4 * f : 9 + 4 * f, :2], FINGER_RADII[f]
        for place, along, strength in ((0, 0.50, 0.8), (1, 0.0, 0.75), (1, 0.07, 0.45), (2, 0.0, 0.65)):
            way = p[place + 1] - p[place]
            centre = p[place] + along * way
            across = np.array([-way[1], way[0]]) / np.linalg.norm(way) * r * 1.15
            pen.line(np.stack([centre - across, centre + across]), 0.0009, strength, 1.1)
    way = j[4, :2] - j[3, :2]
    across = np.array([-way[1], way[0]]) / np.linalg.norm(way) * 0.010
    pen.line(np.stack([j[3, :2] - across, j[3, :2] + across]), 0.0009, 0.6, 1.2)
    flush = _Pen()
    for f in range(4):  # finger tips and the balls of the palm hold more blood
        flush.spot(j[8 + 4 * f], 0.007, 0.8)
        flush.spot(j[5 + 4 * f] * 0.93, 0.011, 0.5)
    flush.spot(np.array([0.030, 0.030]), 0.017, 0.7)
    flush.spot(np.array([-0.024, 0.030]), 0.016, 0.6)
    return pen.mask.clip(0, 1), flush.mask.clip(0, 1)


@lru_cache(maxsize=1)
def _back_marks() -> tuple[Float32, Float32, Float32]:
    """Wrinkles, reddish knuckles, and tendons with veins, each (height, width)."""
    j = rest_joints()
    wrinkles, red, cords = _Pen(), _Pen(), _Pen()
    for f in range(4):
        p, r = j[5 + 4 * f : 9 + 4 * f, :2], FINGER_RADII[f]
        red.spot(p[0], 0.009, 0.9)
        cords.line(np.stack([np.array([0.010 - 0.007 * f, 0.012]), p[0] * 0.97]), 0.0028, 0.6, 3.0)
        for place, size, strength in ((1, 1.0, 1.0), (2, 0.85, 0.6)):
            way = (p[place] - p[place - 1]) / np.linalg.norm(p[place] - p[place - 1])
            red.spot(p[place], 0.006 * size, 0.8 * strength)
            for shift in (-0.0035, 0.0, 0.0032):
                across = np.array([-way[1], way[0]]) * r * (0.75 if shift else 0.95) * size
                bow = np.stack(
                    [
                        p[place] + shift * way * size + a * across + way * 0.0012 * a * a
                        for a in (-1.0, 0.0, 1.0)
                    ]
                )
                wrinkles.line(bow, 0.0008, 0.6 * strength, 1.2)
    for line in ([(24, 62), (15, 40), (12, 12), (10, -40)], [(-22, 60), (-14, 42), (2, 30), (10, 14)]):
        cords.line(_curve(line), 0.0018, 0.35, 2.2)
    return wrinkles.mask.clip(0, 1), red.mask.clip(0, 1), cords.mask.clip(0, 1)


def draw_sheets(look: PersonLook, seed: int = 0) -> Sheets:
    """Draws palm and back of a hand with this skin; the same seed draws the same."""
    rng = np.random.default_rng([seed, 77])
    skin = np.array(look.skin, np.float32)
    dark = float(np.clip((190 - skin.mean()) / 130, 0, 1))
    # Palms hold little melanin: much lighter than the back on dark skin, pinker on light skin.
    palm_tone = skin + (np.array([222, 168, 140], np.float32) - skin) * (0.16 + 0.34 * dark)
    patchy, fine = _clouds(rng, 24), _clouds(rng, 2.0)
    lines, flush = _palm_marks()
    red = np.array([0.02, -0.07, -0.055], np.float32)

    def paint(tone: Float32, shade: Float32, blush: Float32) -> Float32:
        mottled = 1 + 0.022 * patchy + 0.012 * fine
        return np.asarray(tone * (mottled * shade)[..., None] * (1 + blush[..., None] * red), np.float32)

    palm = paint(palm_tone, 1 - (0.26 + 0.10 * dark) * lines, flush + 0.25 * lines)
    wrinkles, knuckles, cords = _back_marks()
    back = paint(
        skin,
        (1 - 0.22 * wrinkles - 0.06 * dark * knuckles) * (1 + 0.03 * cords),
        0.7 * knuckles - 0.25 * cords,
    )
    for sheet in (palm, back):
        _paint_nail(sheet, skin, dark)
        _paint_cloth(sheet, look, fine)
    return Sheets(back=back.clip(0, 255), palm=palm.clip(0, 255))


def _paint_nail(sheet: Float32, skin: Float32, dark: float) -> None:
    x, y, w, h = _NAIL
    along = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    across = np.linspace(-1, 1, w, dtype=np.float32)[None, :, None]
    pink = skin + (np.array([228, 172, 160], np.float32) - skin) * (0.45 + 0.2 * dark)
    white = skin + (np.array([240, 224, 210], np.float32) - skin) * 0.5
    edge = np.clip((along - 0.88 - 0.05 * (1 - across**2)) / 0.05, 0, 1)
    moon = np.clip(1 - np.hypot(across / 0.7, (along - 0.02) / 0.22), 0, 1) ** 0.5 * 0.5
    nail = pink + (white - pink) * np.maximum(edge, moon)
    rim = np.clip((np.abs(across) - 0.82) / 0.18, 0, 1) + np.clip((0.06 - along) / 0.06, 0, 1)
    sheet[y : y + h, x : x + w] = nail * (1 - 0.16 * np.minimum(rim, 1))


def _paint_cloth(sheet: Float32, look: PersonLook, fine: Float32) -> None:
    x, y, w, h = _CLOTH
    colour = np.array(look.sleeve if look.sleeve is not None else look.skin, np.float32)
    weave = 1 + 0.05 * fine[y : y + h, x : x + w]
    cloth = np.broadcast_to(colour, (h, w, 3)) * weave[..., None]
    cloth[: int(0.02 * h) + 1] *= 0.35  # the shadow inside the cuff
    cloth[int(0.10 * h) : int(0.112 * h)] *= 0.8  # its seam
    sheet[y : y + h, x : x + w] = cloth
