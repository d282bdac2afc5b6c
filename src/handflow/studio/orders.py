"""What a page may ask of the desk over its WebSocket."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from handflow.data.idle_recorder import LEAST
from handflow.studio.errors import StudioError


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Look(_Order):
    """Show the hands and nothing else."""

    type: Literal["look"]


class Record(_Order):
    """Record takes."""

    type: Literal["record"]
    gesture: str = ""  # of background recordings: left out
    how: Literal["key", "countdown", "hands-free", "background"] = "key"
    seconds: float | None = Field(None, ge=0.1, le=3600)  # None: 1.5; hands-free until rest; background 30
    takes: int | None = Field(None, ge=1, le=1000)  # None: no end
    countdown: float = Field(3.0, ge=0, le=60)  # seconds, of "countdown" and "background"
    keep_frames: bool = True

    @property
    def idle_seconds(self) -> float:
        """Seconds of a background recording."""
        return max(LEAST, 30.0 if self.seconds is None else self.seconds)


class Trigger(_Order):
    """Begin a take now."""

    type: Literal["trigger"]


class Stop(_Order):
    """Stop recording or trying; a take in progress is dropped, idle minutes are kept."""

    type: Literal["stop"]


class Undo(_Order):
    """Take back the last take of this recording."""

    type: Literal["undo"]


class Try(_Order):
    """Recognize gestures with the model in use."""

    type: Literal["try"]
    acting: Literal["off", "dry", "armed"] = "off"
    keep_frames: bool = True  # of takes made by `wrong` and `missed`


class Arm(_Order):
    """Perform actions from now on, or only say what would be done."""

    type: Literal["arm"]
    armed: bool


class Wrong(_Order):
    """That event was none: its moments become a take of background."""

    type: Literal["wrong"]
    event: int


class Missed(_Order):
    """A gesture was not recognized: the last seconds become a take of it."""

    type: Literal["missed"]
    gesture: str


class Choose(_Order):
    """Look through the browser's camera, or the server's own."""

    type: Literal["source"]
    camera: Literal["browser", "server"]


class Ping(_Order):
    """Say that you are there."""

    type: Literal["ping"]
    t: float = 0.0


class TakeOver(_Order):
    """Take the desk from the page that has it."""

    type: Literal["take-over"]


Order = Look | Record | Trigger | Stop | Undo | Try | Arm | Wrong | Missed | Choose | Ping | TakeOver

_ORDERS: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="type")])


def read_order(text: str) -> Order:
    """What a page asks.

    Raises:
        StudioError: nobody knows what it asks.
    """
    try:
        return _ORDERS.validate_python(strict_json(text))
    except ValueError as error:  # those of pydantic are such
        what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "no JSON"
        raise StudioError("bad-message", f"the page sent what nobody knows: {what}", 400) from error


def strict_json(text: str | bytes) -> Any:
    """The value of a JSON text that can be written down again: whole characters, finite numbers.

    Raises:
        ValueError: it is none.
    """
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value
