"""What holds before a task's own examples say better, settled on drawn gestures that trained nothing.

How the parts count beside each other was chosen on recordings and on another source of motion, not here: on a
generator's own gestures its encoders look better than they are. Only how sure an answer is, and from where on
a gesture is unknown, are measured here.
"""

from collections.abc import Sequence

import numpy as np

from handflow.recognize.few_shot.classifier import FewShotClassifier, Usual
from handflow.recognize.few_shot.looks import Encoders, Looks, look_at
from handflow.recognize.few_shot.views import Views
from handflow.synth.gesture_tables import TableConfig, draw_gestures
from handflow.synth.performances import NumpyDraws, PerformanceConfig, perform
from handflow.types import Float64

SHARES = (2.0, 2.0, 4.0, 1.0)
"""How the distances (`few_shot.parts.PARTS`) count beside each other."""
LEARNED = 4.0
"""How much the regression counts where there are examples enough for it."""
_GESTURES, _TAUGHT, _TAKES = 16, 10, 8  # of a task: all, those that are taught, takes of each
_SCALES = np.geomspace(0.25, 4, 33)


def settle(encoders: Encoders, *, tasks: int = 40, seed: int = 1_000_003) -> Usual:
    """Scale of the weights at one example, levels and the border of the unknown at three.

    Args:
        encoders: what examples are compared with.
        tasks: how many are drawn, of ten gestures each, performed by one person.
        seed: of the gestures, which no training draws.
    """
    unlike = Usual((*SHARES, 0.0), (0.0,) * len(SHARES), 0.0, 1.0)
    levels: list[Float64] = []
    losses = np.zeros(len(_SCALES))
    known: list[Float64] = []
    unknown: list[Float64] = []
    for number in range(tasks):
        looks, gesture = _task(encoders, seed + number)
        taught = gesture < _TAUGHT
        take = np.tile(np.arange(_TAKES), _GESTURES)
        one = FewShotClassifier(
            looks.take(np.flatnonzero(taught & (take == 0))), _names(np.arange(_TAUGHT)), unlike,
            weights=unlike.weights, border=0.0,
        )  # fmt: skip
        asked = np.flatnonzero(taught & (take > 2))
        answer = one.answer(looks.take(asked))
        logits = np.log(np.maximum(answer.chance, 1e-30))
        for k, scale in enumerate(_SCALES):
            scaled = logits * scale
            scaled -= np.logaddexp.reduce(scaled, axis=1, keepdims=True)
            losses[k] -= scaled[np.arange(len(asked)), gesture[asked]].mean()
        three = FewShotClassifier(
            looks.take(np.flatnonzero(taught & (take < 3))), _names(np.repeat(np.arange(_TAUGHT), 3)), unlike,
            weights=unlike.weights, border=0.0,
        )  # fmt: skip
        levels.append(three.levels(looks.take(asked), gesture[asked]))
        known.append(three.nearness(looks.take(asked)))
        unknown.append(three.nearness(looks.take(np.flatnonzero(~taught))))
    scale = float(_SCALES[losses.argmin()])
    level = np.concatenate(levels).mean(axis=0)
    whole = float(np.dot(SHARES, level) / sum(SHARES))  # what unlikeness is measured from
    border, steepness = _border(np.concatenate(known) - whole, np.concatenate(unknown) - whole)
    return Usual(
        (*(round(share * scale, 3) for share in SHARES), LEARNED),
        tuple(round(float(value), 3) for value in level),
        round(border, 3),
        round(steepness, 3),
    )


def measure(
    encoders: Encoders,
    usual: Usual,
    *,
    shots: Sequence[int] = (1, 3, 5),
    tasks: int = 40,
    seed: int = 2_000_003,
) -> dict[str, float]:
    """Share of right answers for ten drawn gestures of one person, by number of examples."""
    right = dict.fromkeys(shots, 0)
    asked = 0
    for number in range(tasks):
        looks, gesture = _task(encoders, seed + number, alike=0.0)
        take = np.tile(np.arange(_TAKES), _GESTURES)
        queries = np.flatnonzero((gesture < _TAUGHT) & (take >= max(shots)))
        asked += len(queries)
        for k in shots:
            examples = np.flatnonzero((gesture < _TAUGHT) & (take < k))
            classifier = FewShotClassifier(looks.take(examples), _names(gesture[examples]), usual)
            answer = classifier.answer(looks.take(queries)).chance.argmax(axis=1)
            right[k] += int((answer == gesture[queries]).sum())
    return {str(k): right[k] / asked for k in shots}


def _names(numbers: np.ndarray) -> list[str]:
    return [f"{number:02d}" for number in numbers]


def _task(encoders: Encoders, seed: int, alike: float = 0.3) -> tuple[Looks, np.ndarray]:
    rng = np.random.default_rng(seed)
    gestures = draw_gestures(rng, _GESTURES, TableConfig(alike=alike, two_hands=0.2))
    draws = NumpyDraws(int(rng.integers(2**31)))
    made = perform([gestures], _TAKES, draws, PerformanceConfig(one_user=1.0), hands=2)
    seen = np.isfinite(made.landmarks).all(axis=(3, 4)).mean(axis=1, dtype=np.float32)
    views = Views(np.nan_to_num(made.landmarks), seen, np.ones(len(seen), np.intp))
    return look_at(views, encoders), made.gesture


def _border(known: Float64, unknown: Float64) -> tuple[float, float]:
    """Where a logistic curve between known and unknown lies, and how steep it is; both count alike."""
    values = np.concatenate([known, unknown])
    truth = np.concatenate([np.ones(len(known)), np.zeros(len(unknown))])
    weight = np.where(truth > 0, 0.5 / len(known), 0.5 / len(unknown))
    middle, spread = values.mean(), values.std()
    x = np.stack([np.ones(len(values)), (values - middle) / spread], axis=1)
    beta = np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-x @ beta))
        gradient = x.T @ (weight * (truth - chance))
        curvature = (x * (weight * chance * (1 - chance))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        beta += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    steepness = -beta[1] / spread
    return float(middle + beta[0] / (steepness * spread) * spread), float(steepness)
