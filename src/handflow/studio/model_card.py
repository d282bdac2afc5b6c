"""What is said of a model: how good it is, what it confuses, and what to do about it."""

from collections.abc import Mapping
from typing import Any

from handflow.evaluate.stored import read_result
from handflow.recognize import ModelInfo, read_model_info
from handflow.recognize.model_folder import replace_model_info
from handflow.studio.errors import absent
from handflow.studio.notes import read_notes
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
    info, result, notes = read_model_info(folder), read_result(folder), read_notes(folder)
    accuracy, advice = info.evaluation.accuracy, notes.advice
    return {
        "name": folder.name,
        "labels": [label for label in info.labels if label != BACKGROUND],
        "accuracy": accuracy and round(accuracy.mean, 4),
        "interval": result and [round(end, 4) for end in result.accuracy_interval],
        "tested": info.evaluation.clips,
        "right": result and result.right,
        "confusion": result and {"labels": list(result.labels), "matrix": result.confusion.tolist()},
        "per_gesture": [] if result is None else _per_gesture(info, result.per_class),
        "confused": []
        if result is None
        else [{"truth": a, "answer": b, "takes": n} for a, b, n in result.confused_pairs()],
        "pairs": [pair.model_dump() for pair in advice.alike],
        "misfits": [misfit.model_dump() for misfit in advice.misfits],
        "needs_more": advice.needs_more,
        "sensitivity": {g: info.sensitivity.get(g, 0.0) for g in info.labels if g != BACKGROUND},
        "outdated": notes.takes not in (None, project.takes.fingerprint()),
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
