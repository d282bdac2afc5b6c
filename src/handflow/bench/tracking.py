"""How well hands are followed in rendered streams, whose truth is exact; mediapipe beside handflow.

Both programs see the same frames (`handflow.bench.tracking_scenes`), each in one process of its own, with
their defaults but for the number of hands. No times are measured here: `handflow bench hands` does that.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np

from handflow.bench.followers import followers
from handflow.bench.tracking_conditions import Condition, Setting, conditions
from handflow.bench.tracking_scenes import stage_streams
from handflow.bench.tracking_score import Measured, Score, score, summary
from handflow.synth.render import render_frames

PERSONS, SEED = 6, 9800  # persons that no other part of the project draws or was built on
PROGRAMS = ("handflow", "mediapipe")


def bench_tracking(
    *,
    persons: int = PERSONS,
    seed: int = SEED,
    rows: Sequence[Condition] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Measured]:
    """Measures every program that is here in every condition.

    Args:
        persons: in each condition, the same in all; where little moves, some times as many.
        seed: of the first person.
        rows: conditions; None: all.
        progress: told what runs.

    Raises:
        HandflowError: a program ended in an error.
    """
    results: list[Measured] = []
    known: dict[Setting, dict[str, list[Score]]] = {}  # some rows of different groups are the same scene
    with followers() as programs:
        for row in conditions() if rows is None else rows:
            progress(f"{row.group}: {row.name}")
            if row.setting not in known:
                scores: dict[str, list[Score]] = {name: [] for name in programs}
                for staged in stage_streams(row.setting, persons, seed):
                    frames = np.stack([frame.image for frame in render_frames(staged.scene)])
                    for name, follow in programs.items():
                        found = follow(frames, staged.scene.timestamps, row.setting.hands)
                        scores[name].append(score(staged, found, tracks=name == "handflow"))
                known[row.setting] = scores
            results += [summary(name, row, scores) for name, scores in known[row.setting].items()]
    return results


def document(results: Sequence[Measured], persons: int, seed: int) -> str:
    """All results as JSON."""
    rows = [asdict(result) for result in results]
    return json.dumps({"bench": "tracking", "persons": persons, "seed": seed, "rows": rows}, indent=1)
