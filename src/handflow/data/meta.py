"""What `dataset.json` and `clip.json` hold, validated on the way in."""

import itertools
import json
import math
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from handflow import __version__
from handflow.atomic import write_bytes
from handflow.data.naming import gesture_name
from handflow.errors import DatasetError

FORMAT_VERSION = 1
"""Version of the layout on disk that this program writes."""

M = TypeVar("M", bound=BaseModel)
MAX_JSON_BYTES = 64 << 20
SOFTWARE = f"handflow {__version__}"


class DatasetMeta(BaseModel):
    """`dataset.json`."""

    model_config = ConfigDict(frozen=True)

    format_version: int = FORMAT_VERSION
    gestures: tuple[str, ...] = ()
    flip_map: dict[str, str] = Field(default_factory=dict)  # gesture → gesture seen in a mirror
    hands_matter: bool = False  # True: the same motion of the other hand is another gesture
    software: str = SOFTWARE

    @field_validator("gestures")
    @classmethod
    def _names_are_safe(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_gesture_or_value_error(n) for n in names)

    @model_validator(mode="after")
    def _flip_map_goes_both_ways(self) -> "DatasetMeta":
        both: dict[str, str] = {}
        for a, b in self.flip_map.items():
            for one, other in ((a, b), (b, a)):
                if both.setdefault(one, other) != other:
                    raise ValueError(f"flip_map turns '{one}' into both '{both[one]}' and '{other}'")
        object.__setattr__(self, "flip_map", both)
        return self


class ClipMeta(BaseModel):
    """`clip.json`."""

    model_config = ConfigDict(frozen=True)

    timestamps: Annotated[tuple[float, ...], Field(min_length=1)]  # seconds on the source's clock
    frame_size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]  # (width, height), pixels
    source: str = ""
    subject: str | None = None
    session: str | None = None
    software: str = SOFTWARE
    assumed_fps: float | None = None  # set where the source told no times and this rate was assumed
    digest: str | None = None  # SHA-256 of what was imported, so that nothing is imported twice

    @field_validator("timestamps")
    @classmethod
    def _times_increase(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if not all(math.isfinite(t) for t in times):
            raise ValueError("timestamps hold NaN or infinity")
        if any(b <= a for a, b in itertools.pairwise(times)):
            raise ValueError("timestamps do not increase strictly")
        return times


def _gesture_or_value_error(name: str) -> str:
    try:
        return gesture_name(name)
    except DatasetError as error:
        raise ValueError(str(error)) from error


def read_json(path: Path) -> Any:
    """Reads a small JSON file.

    Raises:
        DatasetError: it is missing, absurdly large, or no JSON.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise DatasetError(f"{path}: larger than {MAX_JSON_BYTES >> 20} MB, which no such file is")
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: no such file") from error
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested without end
        raise DatasetError(f"{path}: damaged ({error})") from error


def new_clip_meta(clip: str, **fields: Any) -> ClipMeta:
    """Describes a clip that is about to be stored.

    Args:
        clip: its id or source, for the message.
        fields: those of `ClipMeta`.

    Raises:
        DatasetError: the clip has no frames, or its times or size are impossible.
    """
    if not fields["timestamps"]:
        raise DatasetError(f"clip '{clip}' has no frames")
    return _validated(ClipMeta, fields, f"clip '{clip}'")


def read_clip_meta(path: Path) -> ClipMeta:
    """Reads a `clip.json`.

    Raises:
        DatasetError: it is missing or damaged; names the field.
    """
    return _validated(ClipMeta, read_json(path), path)


def parse_dataset_meta(document: object, path: Path) -> DatasetMeta:
    """Checks what was read from a `dataset.json` of this format version.

    Raises:
        DatasetError: a field is wrong; names it.
    """
    return _validated(DatasetMeta, document, path)


def write_meta(path: Path, meta: BaseModel) -> None:
    """Writes a description as JSON that people can read, whole or not at all."""
    write_bytes(path, (meta.model_dump_json(indent=1, exclude_none=True) + "\n").encode())


def _validated(model: type[M], document: object, path: Path | str) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "content"
        raise DatasetError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from error
