"""Writes the hand that moves on the studio's first page: `python tools/draw_hand.py`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import handflow.studio
from handflow.synth import idle
from handflow.synth.clips import random_numbers
from handflow.synth.motion import program
from handflow.synth.movement import Planner
from handflow.synth.person import random_person
from handflow.synth.staging import stage

TARGET = Path(handflow.studio.__file__).parent / "static" / "hand.json"
PERSON, SEED = 3, 4
SHOWN = {"wave": "wave", "hand_left": "swipe-left"}
"""What is performed, and what the page calls it."""
FPS = 15
WIDE = 1000  # of the field that the hand moves in


def performed() -> dict[str, Any]:
    """The gestures in a loop, mirrored as a camera shows oneself.

    Each frame is x and y of 21 points, one after the other; `done` says when a gesture is over, s.
    """
    person, rng = replace(random_person(PERSON), tremor=0.0), random_numbers(SEED)
    strokes = [program(name)(person, rng) for name in SHOWN]
    plan = Planner(strokes[0].first)
    done = []
    for stroke, after in zip(strokes, strokes[1:] + strokes[:1], strict=True):
        plan.wait(0.3)
        done.append(round(plan.perform(stroke)[1], 2))
        plan.wait(0.5)
        idle.prepare(plan, person, rng, after.first)
    times = np.arange(round(plan.time * FPS)) / FPS
    truth = stage(plan.motion(), person, times, width=640, height=480, substeps=1).truth()
    slot = int(np.isfinite(truth.landmarks).all(axis=(0, 2, 3)).argmax())
    points = truth.landmarks[:, slot, :, :2] * (-1, 1)
    points -= points.min(axis=(0, 1))
    points *= WIDE / points[..., 0].max()
    return {
        "fps": FPS,
        "high": round(float(points[..., 1].max())),
        "done": dict(zip(SHOWN.values(), done, strict=True)),
        "frames": [np.round(frame).astype(int).ravel().tolist() for frame in points],
    }


if __name__ == "__main__":
    document = json.dumps(performed(), separators=(",", ":"))
    TARGET.write_text(document.replace("],[", "],\n[") + "\n", encoding="utf-8")
