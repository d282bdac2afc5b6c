"""A second hand enters: how soon is it found, while the first is followed?"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from handflow.bench.followers import Follow, Reported
from handflow.bench.hands import make_frames
from handflow.synth.clips import random_numbers
from handflow.synth.render import render_frames
from handflow.synth.scene import Scene
from handflow.types import LEFT, Float32

FRAMES = 30
WAY = 0.25  # seconds in which the hand comes in from the side
NEAR = 1 / 3
"""A hand is found where the mean error of its landmarks is below this share of its size."""


@dataclass(frozen=True, slots=True)
class EnteringRow:
    """One program: seconds from the first frame that shows the whole hand to the first that has it."""

    program: str
    trials: int
    found: float  # share of trials in which it was found before the end
    p50: float
    p95: float


def bench_entering(
    programs: Mapping[str, Follow], progress: Callable[[str], None], trials: int = 24, seed: int = 0
) -> list[EnteringRow]:
    """Lets a second hand come in at any moment, in `trials` streams of persons, two hands asked for."""
    delays: dict[str, list[float]] = {name: [] for name in programs}
    for trial in range(trials):
        progress(f"a second hand enters, {trial + 1} of {trials}")
        scene = entering_scene(seed + trial)
        frames = np.stack([frame.image for frame in render_frames(scene)])
        truth = scene.truth().landmarks[:, LEFT, :, :2]
        size = np.array([scene.camera.width, scene.camera.height])
        whole = ((truth >= 0) & (truth < size)).all(axis=(1, 2))
        assert whole.any(), "the hand comes in whole"
        first = int(np.argmax(whole))
        for name, follow in programs.items():
            results = follow(frames, scene.timestamps, 2)
            when = [
                k for k in range(len(results)) if np.isfinite(truth[k]).all() and _has(results[k], truth[k])
            ]
            delays[name].append(
                max(float(scene.timestamps[when[0]] - scene.timestamps[first]), 0.0) if when else np.inf
            )
    return [
        EnteringRow(
            name,
            trials,
            float(np.isfinite(d).mean()),
            *(float(v) for v in np.percentile(d, [50, 95], method="higher")),
        )
        for name, d in delays.items()
    ]


def entering_scene(seed: int) -> Scene:
    """The right hand is held up from the start; the left comes in from its side at some moment, and stays."""
    scene = make_frames(2, FRAMES, seed)
    rng = random_numbers(seed, 40)
    start = rng.uniform(0.15, 0.55)
    share = np.clip((scene.timestamps - start) / WAY, 0, 1)
    share = share**2 * (3 - 2 * share)
    depth = float(np.nanmean(scene.joints[:, :, LEFT, 0, 2]))
    away = scene.camera.width / scene.camera.focal * depth  # a whole picture's width at the hand's distance
    shift = ((1 - share) * away).astype(np.float32)
    joints, elbows = scene.joints.copy(), scene.elbows.copy()
    joints[:, :, LEFT, :, 0] += shift[:, None, None]
    elbows[:, :, LEFT, 0] += shift[:, None]
    return dataclasses.replace(scene, joints=joints, elbows=elbows)


def _has(hands: list[Reported], truth: Float32) -> bool:
    size = float(np.ptp(truth, axis=0).max())
    return any(float(np.linalg.norm(hand.points - truth, axis=1).mean()) < NEAR * size for hand in hands)
