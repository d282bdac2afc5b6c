"""What the desk looks through: the browser's camera (`browser_source`), or the server's own."""

import time
from dataclasses import dataclass
from typing import Protocol

from handflow.capture import open_source
from handflow.data.pictures import PackedFrame
from handflow.errors import SourceError
from handflow.types import Frame

SIZE = (640, 480)
"""(width, height) in pixels that is asked of the server's camera."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A frame as it came."""

    frame: Frame
    received: float  # time.perf_counter()
    packed: PackedFrame | None = None  # None: it did not come packed


class DeskCamera(Protocol):
    """A live source as the desk needs it; timestamps of its frames are times of the page's clock."""

    kind: str  # "browser" or "server"
    shows_itself: bool  # whether the page gets its pictures from here

    @property
    def name(self) -> str:
        """What takes say of where they come from."""

    @property
    def dropped(self) -> int:
        """Frames that nobody took in time."""

    @property
    def fps(self) -> float:
        """Frames a second, measured."""

    def latest(self, timeout: float) -> Arrival | None:
        """The newest frame that was not taken yet; None where none came within `timeout` seconds.

        Raises:
            SourceError: no frame will come any more.
            StudioError: what came is no picture.
        """

    def close(self) -> None:
        """Lets go of it."""


class ServerCamera:
    """The camera, file or stream that the studio was started with; its clock is the page's.

    Raises:
        SourceError: it cannot be opened.
    """

    kind, shows_itself = "server", True

    def __init__(self, spec: str) -> None:
        self._source = open_source(spec, size=SIZE, realtime=True)
        self.name = self._source.name

    @property
    def dropped(self) -> int:
        """As its source counts."""
        return self._source.dropped

    @property
    def fps(self) -> float:
        """As its source measures."""
        return self._source.fps

    def latest(self, timeout: float) -> Arrival | None:
        """The newest frame."""
        frame: Frame | None = self._source.latest(timeout)  # type: ignore[attr-defined]
        if frame is not None:
            epoch = self._source.epoch
            return Arrival(frame, time.perf_counter() if epoch is None else epoch + frame.timestamp)
        if self._source.ended:  # type: ignore[attr-defined]
            raise SourceError(f"{self.name} has come to its end: choose it again, or another camera")
        return None

    def close(self) -> None:
        """Lets go of it."""
        self._source.close()
