"""What the studio notes in the folder of a model that it makes: its takes, and advice of a few-shot model."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handflow.atomic import write_bytes
from handflow.errors import ModelFileError

NOTES_FILE = "studio.json"

_MOST = 100_000  # entries of a list: more than a few-shot model can be taught
_Text = Annotated[str, Field(max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class NotedAlike(_Part):
    """Two gestures that look alike to the model."""

    gestures: tuple[_Text, _Text]
    chance: float = Field(ge=0, le=1)  # that one is taken for the other


class NotedMisfit(_Part):
    """A take that does not fit its gesture."""

    clip: _Text
    label: _Text
    looks_like: _Text
    same_as: _Text | None = None  # take of another gesture that is the same recording


class NotedAdvice(_Part):
    """What the page tells of `teach.advice.Advice.document()`."""

    alike: tuple[NotedAlike, ...] = Field(default=(), max_length=_MOST)
    misfits: tuple[NotedMisfit, ...] = Field(default=(), max_length=_MOST)
    needs_more: dict[_Text, _Text] = Field(default={}, max_length=_MOST)  # gesture: why


class Notes(_Part):
    """`studio.json`."""

    takes: _Text | None = None  # `Takes.fingerprint` of what it was made of; None: not known
    advice: NotedAdvice = NotedAdvice()


def write_notes(folder: Path, takes: str, advice: dict[str, Any]) -> None:
    """Writes `studio.json` of a new model.

    Args:
        folder: of the model.
        takes: `Takes.fingerprint` of what it was made of.
        advice: `Advice.document()` of a few-shot model; empty: none.
    """
    notes = Notes.model_validate({"takes": takes, "advice": advice})
    write_bytes(folder / NOTES_FILE, notes.model_dump_json().encode())


def read_notes(folder: Path) -> Notes:
    """What was noted; nothing where another program made the model.

    Raises:
        ModelFileError: the file is damaged.
    """
    path = folder / NOTES_FILE
    try:
        return Notes.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Notes()
    except ValidationError as error:
        raise ModelFileError(f"{path} is damaged: train the model again") from error
