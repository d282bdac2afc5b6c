"""What stands behind the hand: blurred rooms, furniture, now and then a person."""

from functools import lru_cache

import cv2
import numpy as np

from handflow.types import Float32

_SKINS = ((236, 196, 172), (222, 178, 146), (198, 150, 116), (160, 112, 80), (112, 76, 54), (78, 54, 42))


def _random_colour(
    rng: np.random.Generator, low: float = 30, high: float = 225
) -> tuple[float, float, float]:
    """A colour of paint, wood or cloth: mostly greyish."""
    grey = rng.uniform(low, high)
    tint = rng.normal(0, 1, 3)
    tint -= tint.mean()
    colour = np.clip(grey + tint * rng.uniform(4, 34), 8, 247)
    return float(colour[0]), float(colour[1]), float(colour[2])


def _wall(rng: np.random.Generator, w: int, h: int) -> Float32:
    """A wall with light falling off across it."""
    a, b = np.array(_random_colour(rng, 70, 230)), rng.uniform(0.55, 1.0)
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    slope = ((x / w - 0.5) * np.cos(angle) + (y / h - 0.5) * np.sin(angle)) + 0.5
    return np.asarray(a * (b + (1 - b) * slope.clip(0, 1))[..., None], np.float32)


def _furniture(image: Float32, rng: np.random.Generator) -> None:
    """Shelves, frames, windows, lamps: boxes and lines of many colours."""
    h, w = image.shape[:2]
    for _ in range(int(rng.integers(2, 10))):
        x, y = int(rng.uniform(-0.1, 0.95) * w), int(rng.uniform(-0.1, 0.95) * h)
        bw, bh = int(rng.uniform(0.05, 0.5) * w), int(rng.uniform(0.05, 0.6) * h)
        cv2.rectangle(image, (x, y), (x + bw, y + bh), _random_colour(rng, 15, 245), -1)
        if rng.random() < 0.5:
            colour = _random_colour(rng, 15, 245)
            for k in range(1, int(rng.integers(2, 6))):
                if rng.random() < 0.5:
                    yy = y + bh * k // 6
                    cv2.line(image, (x, yy), (x + bw, yy), colour, max(h // 120, 1))
                else:
                    xx = x + bw * k // 6
                    cv2.line(image, (xx, y), (xx, y + bh), colour, max(h // 120, 1))
    if rng.random() < 0.3:
        centre = (int(rng.uniform(0, w)), int(rng.uniform(0, 0.5 * h)))
        glow = np.zeros((h, w), np.float32)
        cv2.circle(glow, centre, int(rng.uniform(0.03, 0.12) * h), 1.0, -1)
        image += cv2.GaussianBlur(glow, (0, 0), 0.06 * h)[..., None] * np.array([130, 120, 95], np.float32)


def _skin_things(image: Float32, rng: np.random.Generator) -> None:
    """Wood, cardboard and cushions in the colours of skin."""
    h, w = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        colour = tuple(
            float(v) for v in np.array(_SKINS[int(rng.integers(len(_SKINS)))]) * rng.uniform(0.7, 1.05)
        )
        centre = (int(rng.uniform(0, w)), int(rng.uniform(0, h)))
        if rng.random() < 0.5:
            axes = (int(rng.uniform(0.03, 0.16) * w), int(rng.uniform(0.03, 0.16) * w))
            cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            box = (
                centre,
                (rng.uniform(0.03, 0.3) * w, rng.uniform(0.03, 0.3) * h),
                float(rng.uniform(0, 180)),
            )
            cv2.fillPoly(image, [cv2.boxPoints(box).astype(np.int32)], colour, cv2.LINE_AA)


def _soft(image: Float32, mask: Float32, colour: Float32, strength: float = 1.0) -> None:
    alpha = (mask * strength)[..., None]
    image *= 1 - alpha
    image += alpha * colour


def _person(image: Float32, rng: np.random.Generator, skin: Float32) -> None:
    """Head and shoulders of somebody who faces the camera."""
    h, w = image.shape[:2]
    hair = np.array(
        [(30, 22, 18), (70, 46, 28), (140, 104, 60), (150, 150, 150)][int(rng.integers(4))], np.float32
    )
    shirt = np.array(_random_colour(rng, 20, 220), np.float32)
    size = rng.uniform(0.13, 0.24) * h  # half the head's height
    x, y = rng.uniform(0.25, 0.75) * w, rng.uniform(0.24, 0.42) * h
    tilt = float(rng.uniform(-8, 8))

    def blob(cx: float, cy: float, rx: float, ry: float, soft: float, angle: float = 0.0) -> Float32:
        mask = np.zeros((h, w), np.float32)
        centre = (int((x + cx * size) * 16), int((y + cy * size) * 16))
        axes = (max(int(rx * size * 16), 8), max(int(ry * size * 16), 8))
        cv2.ellipse(mask, centre, axes, tilt + angle, 0, 360, 1.0, -1, cv2.LINE_AA, 4)
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(soft * size, 0.4)), np.float32)

    long_hair = rng.random() < 0.4
    _soft(image, blob(0, -0.15 + 0.35 * long_hair, 0.92, 1.08 + 0.45 * long_hair, 0.04), hair)
    _soft(image, blob(0, 3.5, 2.3 * rng.uniform(0.85, 1.1), 2.15, 0.05), shirt)
    _soft(image, blob(-0.7, 4.2, 0.8, 2.4, 0.4, 12), shirt * 0.75, 0.5)
    _soft(image, blob(0, 1.05, 0.42, 0.55, 0.06), skin * 0.80)
    _soft(image, blob(0, 1.52, 0.50, 0.22, 0.05), skin * 0.86)
    _soft(image, blob(0, 0, 0.74, 1.0, 0.03), skin)
    for side in (-1, 1):
        _soft(image, blob(0.76 * side, 0.05, 0.10, 0.22, 0.02), skin * 0.88)
        _soft(
            image,
            blob(0.48 * side, 0.30, 0.22, 0.30, 0.14),
            skin * np.array([1.0, 0.86, 0.84], np.float32),
            0.5,
        )
        _soft(image, blob(0.31 * side, -0.10, 0.18, 0.10, 0.04), skin * 0.78, 0.8)
        _soft(image, blob(0.31 * side, -0.09, 0.12, 0.062, 0.015), np.array([232, 228, 224], np.float32))
        _soft(image, blob(0.31 * side, -0.09, 0.06, 0.062, 0.012), np.array([52, 38, 30], np.float32))
        _soft(image, blob(0.31 * side, -0.31, 0.19, 0.035, 0.02, -6.0 * side), hair, 0.85)
    _soft(image, blob(0.05, 0.22, 0.10, 0.16, 0.06), skin * 0.84, 0.6)
    _soft(image, blob(0, 0.34, 0.15, 0.05, 0.03), skin * 0.72, 0.7)
    _soft(
        image,
        blob(0, 0.60, 0.26, 0.065, 0.025),
        np.clip(skin * np.array([0.86, 0.6, 0.6], np.float32), 0, 255),
        0.9,
    )
    _soft(image, blob(0.45, 0.15, 0.40, 0.95, 0.25), skin * 0.66, 0.45)
    _soft(image, blob(0, -0.78, 0.70, 0.36, 0.05), hair)


@lru_cache(maxsize=4)  # a person's clips follow each other
def background(
    seed: int, width: int, height: int, skin: tuple[float, float, float] = (222.0, 178.0, 146.0)
) -> Float32:
    """A room as a webcam shows it behind a hand, (height, width, 3) RGB, 0 to 255.

    A wall always, furniture mostly, a person with this skin in about two of five, things in the colours of
    skin in one of three, all out of focus by a varying amount. The same seed gives the same picture.
    """
    rng = np.random.default_rng([seed, 911])
    image = np.ascontiguousarray(_wall(rng, width, height))
    if rng.random() < 0.85:
        _furniture(image, rng)
    if rng.random() < 0.35:
        _skin_things(image, rng)
    soft = rng.uniform(0.004, 0.03) * height
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), soft), np.float32)
    if rng.random() < 0.4:
        _person(image, rng, np.array(skin, np.float32) * np.float32(rng.uniform(0.9, 1.02)))
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.003, 0.010) * height), np.float32)
    grain = rng.normal(0, 1, (height // 4 + 1, width // 4 + 1, 1)).astype(np.float32)
    grain = np.asarray(cv2.resize(cv2.GaussianBlur(grain, (0, 0), 2.0), (width, height)), np.float32)
    image += 4.0 * (grain / grain.std())[..., None]
    picture = np.asarray(image.clip(0, 255), np.float32)
    picture.flags.writeable = False
    return picture
