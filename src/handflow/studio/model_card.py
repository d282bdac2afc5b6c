"""What is said of a model: how good it is, what it confuses, and what to do about it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handflow.errors import ModelFileError
from handflow.evaluate.intervals import wilson_interval
from handflow.evaluate.report import advice, verdict_in_words
from handflow.evaluate.stored import read_result
from handflow.recognize import ModelInfo, read_model_info
from handflow.recognize.model_folder import replace_model_info
from handflow.studio.errors import absent
from handflow.studio.train_job import NOTES
from handflow.studio.workspace import Project
from handflow.types import BACKGROUND


def card_of(project: Project) -> dict[str, Any] | None:
    """What the page shows of the model in use; None where there is none.

    Raises:
        ModelFileError: it is damaged, or of another version.
    """
    folder = project.model()
    if folder is None:
        return None
    info = read_model_info(folder)
    result = read_result(folder)
    noted = _noted(folder)
    said = noted.get("advice", {})
    accuracy = info.evaluation.accuracy
    interval = None if result is None else wilson_interval(result.right, result.clips)
    sentences = said.get("sentences")
    if sentences is None and result is not None:
        sentences = [verdict_in_words(result, None, None), *advice(result)]
    return {
        "name": folder.name,
        "kind": info.kind,
        "created": info.created,
        "labels": [label for label in info.labels if label != BACKGROUND],
        "background": info.background,
        "accuracy": accuracy and round(accuracy.mean, 4),
        "interval": interval and [round(end, 4) for end in interval],
        "tested": info.evaluation.clips,
        "right": None if result is None else result.right,
        "held_out": info.evaluation.held_out,
        "sentences": sentences or [],
        "notes": list(info.notes),
        "confusion": None
        if result is None
        else {
            "labels": list(result.labels),
            "matrix": result.confusion.tolist(),
            "no_hand": result.unanswered.tolist(),
        },
        "per_gesture": [] if result is None else _per_gesture(info, result.per_class),
        "confused": []
        if result is None
        else [{"truth": a, "answer": b, "takes": n} for a, b, n in result.confused_pairs()],
        "pairs": said.get("alike", []),
        "misfits": said.get("misfits", []),
        "needs_more": said.get("needs_more", {}),
        "thresholds": {gesture: round(t.enter, 3) for gesture, t in info.spotter.thresholds.items()},
        "sensitivity": {g: info.sensitivity.get(g, 0.0) for g in info.labels if g != BACKGROUND},
        "held": list(info.held),
        "outdated": "takes" in noted and noted["takes"] != project.takes.fingerprint(),
        "pictures": [name for name in ("confusion.png", "loss.png") if (folder / name).is_file()],
    }


def tune(project: Project, sensitivity: Mapping[str, float]) -> dict[str, float]:
    """Makes gestures of the model in use come more or less easily; gives what holds for all of them now.

    Raises:
        StudioError: there is no model, or no such gesture.
    """
    with project.lock:
        folder = project.needed_model()
        info = read_model_info(folder)
        for gesture in sensitivity:
            if gesture == BACKGROUND or gesture not in info.labels:
                raise absent("gesture", gesture)
        changed = {**info.sensitivity, **sensitivity}
        kept = {gesture: value for gesture, value in changed.items() if value}
        replace_model_info(folder, info.model_copy(update={"sensitivity": kept}))
        return {g: kept.get(g, 0.0) for g in info.labels if g != BACKGROUND}


def _per_gesture(info: ModelInfo, scores: Any) -> list[dict[str, Any]]:
    return [
        {
            "gesture": s.label,
            "takes": info.trained_clips.get(s.label, 0),
            "tested": s.support,
            "right": s.right,
        }
        for s in scores
    ]


def _noted(folder: Path) -> dict[str, Any]:
    """What the studio noted when the model was made; nothing where another program made it."""
    try:
        noted = json.loads((folder / NOTES).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ModelFileError(f"{folder / NOTES} is damaged: train the model again") from error
    return noted if isinstance(noted, dict) else {}
