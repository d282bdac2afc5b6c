"""The evaluation of a model in its folder, for programs: `report.html` tells people the same."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from handflow.errors import ModelFileError
from handflow.evaluate.clips import ClipResult, metrics_of_counts

RESULT_FILE = "result.json"

_Count = Annotated[int, Field(ge=0, le=1_000_000)]


class _Stored(BaseModel):
    """`result.json`: clips by what they show (rows) and what was answered (columns)."""

    model_config = ConfigDict(frozen=True)

    labels: tuple[str, ...] = Field(min_length=1, max_length=1000)
    confusion: tuple[tuple[_Count, ...], ...]
    no_hand: tuple[_Count, ...]  # clips of each label in which no hand was seen: errors

    @model_validator(mode="after")
    def _square(self) -> "_Stored":
        n = len(self.labels)
        if len({*self.labels}) != n or len(self.no_hand) != n or [len(r) for r in self.confusion] != [n] * n:
            raise ValueError(f"expected {n} different labels, {n} numbers and {n} rows of {n} numbers")
        if not 0 < sum(map(sum, self.confusion)) + sum(self.no_hand) <= 1_000_000:
            raise ValueError("expected one to a million clips")
        return self


def write_result(folder: Path, result: ClipResult) -> None:
    """Writes `result.json` into a folder that nobody reads yet."""
    document = {
        "labels": list(result.labels),
        "confusion": result.confusion.tolist(),
        "no_hand": result.unanswered.tolist(),
    }
    (folder / RESULT_FILE).write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


def read_result(folder: Path) -> ClipResult | None:
    """The evaluation of a model, without its calibration; None where the folder holds none.

    Raises:
        ModelFileError: the file is damaged.
    """
    path = folder / RESULT_FILE
    try:
        stored = _Stored.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ModelFileError(f"{path} is damaged: train the model again") from error
    confusion, no_hand = np.array(stored.confusion, np.int64), np.array(stored.no_hand, np.int64)
    return metrics_of_counts(stored.labels, confusion, no_hand)
