"""How well silhouettes drawn from landmarks cover rendered hands, and what colours would add to them.

Intersection over union with the renderer's truth, the forearm left out, on every other frame of clips of
eight virtual persons: silhouettes of exact landmarks, of tracked ones, and of these refined by `cv2.grabCut`.

    python benchmarks/silhouettes.py
"""

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from handflow.hands import HandLandmarker, HandLandmarkerConfig, HandSlots
from handflow.hands.silhouette import draw_silhouettes
from handflow.synth.clips import make_clip
from handflow.synth.paint import HandPainter
from handflow.synth.person import random_person
from handflow.synth.render import hand_layers, render_frames
from handflow.synth.scene import Scene
from handflow.types import Float32, Image

GESTURES = ("hand_left", "hand_up", "hold_open", "background", "hand_down", "circle_clockwise", "hand_right")
SIZE = (320, 240)
FOREARM = 0.1  # palm lengths behind the wrist, from where on the arm is no hand
FEWEST = 200  # pixels of a hand in sight
Mask = NDArray[np.bool_]


def main() -> None:
    overlaps: dict[str, list[float]] = {"exact landmarks": [], "tracked": [], "tracked, grabCut": []}
    spent: dict[str, list[float]] = {"tracked": [], "tracked, grabCut": []}
    for number in range(8):
        gesture = GESTURES[number % len(GESTURES)]
        made = make_clip(
            gesture,
            random_person(300 + number),
            number + 1,
            fps=15,
            seconds=1.6,
            substeps=None,
            second_hand=False,
        )
        scene, painter = (
            made.scene,
            HandPainter(made.scene.look, made.scene.camera, made.scene.background_seed),
        )
        landmarker, slots = HandLandmarker(HandLandmarkerConfig()), HandSlots()
        for k, frame in enumerate(render_frames(scene)):
            tracked = slots.update(landmarker.update(frame)).landmarks
            exact = made.clip.sequence.landmarks[k]
            if k % 2 or not np.isfinite(exact).all(axis=(1, 2)).any():
                continue
            arm = forearm(exact)
            truth = coverage(scene, k, painter) & ~arm
            if truth.sum() < FEWEST or not np.isfinite(tracked).all(axis=(1, 2)).any():
                continue
            overlaps["exact landmarks"].append(overlap(draw_silhouettes(exact, SIZE) >= 128, truth, arm))
            begun = time.perf_counter()
            mask = draw_silhouettes(tracked, SIZE) >= 128
            drawn = time.perf_counter()
            fine = refined(frame.image, mask)
            spent["tracked"].append(drawn - begun)
            spent["tracked, grabCut"].append(time.perf_counter() - drawn)
            overlaps["tracked"].append(overlap(mask, truth, arm))
            overlaps["tracked, grabCut"].append(overlap(fine, truth, arm))
    print(f"{len(overlaps['tracked'])} frames of {SIZE[0]}x{SIZE[1]}")
    print(f"{'':18}{'mean':>8}{'median':>8}{'worst':>8}{'ms':>8}")
    for name, values in overlaps.items():
        ms = f"{1000 * np.median(spent[name]):8.2f}" if name in spent else ""
        print(f"{name:18}{np.mean(values):8.3f}{np.median(values):8.3f}{np.min(values):8.3f}{ms}")


def coverage(scene: Scene, index: int, painter: HandPainter) -> Mask:
    """Where the hand and its arm cover half of a pixel or more."""
    alpha = np.zeros(SIZE[::-1], np.float32)
    for layer in hand_layers(painter, scene, index):
        x, y = max(layer.x, 0), max(layer.y, 0)
        right = min(layer.x + layer.rgba.shape[1], SIZE[0])
        below = min(layer.y + layer.rgba.shape[0], SIZE[1])
        if right > x and below > y:
            part = layer.rgba[y - layer.y : below - layer.y, x - layer.x : right - layer.x, 3]
            alpha[y:below, x:right] = np.maximum(alpha[y:below, x:right], part)
    covered: Mask = alpha >= 0.5
    return covered


def forearm(hands: Float32) -> Mask:
    """What lies behind the wrists."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    behind = np.zeros(SIZE[::-1], np.bool_)
    for marks in hands:
        if np.isfinite(marks).all():
            way = marks[0, :2] - marks[[9, 13], :2].mean(axis=0)
            length = np.hypot(*way)
            along = ((x - marks[0, 0]) * way[0] + (y - marks[0, 1]) * way[1]) / length
            behind |= along > FOREARM * length
    return behind


def refined(image: Image, mask: Mask) -> Mask:
    """grabCut around the hand: its inside is sure, so is what is far; colours decide between."""
    rows, columns = np.nonzero(mask)
    side = np.sqrt(mask.sum())
    inner, outer = max(1, round(0.07 * side)), max(2, round(0.12 * side))
    top, left = max(0, rows.min() - 3 * outer), max(0, columns.min() - 3 * outer)
    area = np.s_[top : rows.max() + 3 * outer + 1, left : columns.max() + 3 * outer + 1]
    drawn = mask[area].astype(np.uint8)
    sure, near = cv2.erode(drawn, disc(inner)) > 0, cv2.dilate(drawn, disc(outer)) > 0
    if not sure.any() or near.all():
        return mask
    marked = np.full(drawn.shape, cv2.GC_BGD, np.uint8)
    for where, what in ((near, cv2.GC_PR_BGD), (drawn > 0, cv2.GC_PR_FGD), (sure, cv2.GC_FGD)):
        marked[where] = what
    colours = np.zeros((1, 65)), np.zeros((1, 65))
    part = np.ascontiguousarray(image[area])
    cv2.grabCut(part, marked, None, *colours, 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    result = np.zeros_like(mask)
    result[area] = (marked == cv2.GC_FGD) | (marked == cv2.GC_PR_FGD)
    return result


def disc(radius: int) -> Image:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


def overlap(mask: Mask, truth: Mask, arm: Mask) -> float:
    mask = mask & ~arm
    return float((mask & truth).sum() / max(1, (mask | truth).sum()))


if __name__ == "__main__":
    main()
