"""What the desk looks through: the browser's camera, or the server's own."""

import time
from typing import Protocol

from handflow.capture import Source, open_source
from handflow.data.pictures import encode_jpeg
from handflow.errors import SourceError
from handflow.studio.browser_source import BrowserSource
from handflow.types import Frame

SIZE = (640, 480)
"""(width, height) in pixels that is asked of the server's camera."""
_SHOWN_QUALITY = 80  # of pictures that the page only shows


class DeskCamera(Protocol):
    """A live source, and what the page is told of its frames."""

    kind: str  # "browser" or "server"
    shows_itself: bool  # whether the page gets its pictures from here

    @property
    def source(self) -> Source:
        """Where its frames come from."""

    def latest(self, timeout: float) -> Frame | None:
        """The newest frame that was not taken yet; None where none came within `timeout` seconds.

        Raises:
            SourceError: no frame will come any more.
        """

    def arrival(self, frame: Frame) -> tuple[bytes, float, float]:
        """The frame as JPEG, when it was captured on the page's clock, `time.perf_counter()` when it came."""

    def packed(self, jpeg: bytes) -> bytes | None:
        """That JPEG where it is good enough to be stored."""

    def refused(self) -> bool:
        """Whether a picture was none since the last time it was asked."""

    def close(self) -> None:
        """Lets go of it."""


class BrowserCamera:
    """The camera of the page itself."""

    kind, shows_itself = "browser", False

    def __init__(self) -> None:
        self.source = BrowserSource()
        self._refused = 0

    def latest(self, timeout: float) -> Frame | None:
        """The newest frame."""
        return self.source.latest(timeout)

    def arrival(self, frame: Frame) -> tuple[bytes, float, float]:
        """As the page sent it."""
        came = self.source.arrival
        assert came is not None  # a frame was given
        return came.jpeg, came.captured, came.received

    def packed(self, jpeg: bytes) -> bytes | None:
        """As the page sent it."""
        return jpeg

    def refused(self) -> bool:
        """Whether a picture was none."""
        before, self._refused = self._refused, self.source.refused
        return self._refused != before

    def close(self) -> None:
        """Ends it."""
        self.source.close()


class ServerCamera:
    """The camera, file or stream that the studio was started with.

    Raises:
        SourceError: it cannot be opened.
    """

    kind, shows_itself = "server", True

    def __init__(self, spec: str) -> None:
        self.source: Source = open_source(spec, size=SIZE, realtime=True)

    def latest(self, timeout: float) -> Frame | None:
        """The newest frame."""
        frame: Frame | None = self.source.latest(timeout)  # type: ignore[attr-defined]
        if frame is None and self.source.ended:  # type: ignore[attr-defined]
            raise SourceError(f"{self.source.name} has come to its end: choose it again, or another camera")
        return frame

    def arrival(self, frame: Frame) -> tuple[bytes, float, float]:
        """Packed for the page; its own clock is the page's."""
        epoch = self.source.epoch
        came = time.perf_counter() if epoch is None else epoch + frame.timestamp
        return encode_jpeg(frame.image, _SHOWN_QUALITY), frame.timestamp, came

    def packed(self, jpeg: bytes) -> bytes | None:
        """None: pictures that are stored are packed better."""
        return None

    def refused(self) -> bool:
        """Never: sources see to it."""
        return False

    def close(self) -> None:
        """Lets go of it."""
        self.source.close()
