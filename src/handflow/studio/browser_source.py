"""The camera of a browser: pictures that come over a WebSocket, the newest first."""

import math
import threading
import time
from collections import deque

import cv2
import numpy as np

from handflow.data.pictures import PackedFrame
from handflow.studio.cameras import Arrival
from handflow.studio.errors import StudioError
from handflow.studio.jpeg import bare, safe_size
from handflow.types import Frame, Image

LARGEST = (1280, 960)
"""(width, height) in pixels of a picture, at most; one turned upright may be as tall."""
_SMALLEST = 16  # pixels of a side
_BACK = 1.0  # seconds; a clock that runs back further began anew
_FINEST = 1e-4  # seconds; a picture that is not this much later shows the same moment
_RATE_WINDOW = 2.0  # seconds over which the rate is measured


class BrowserSource:
    """The `DeskCamera` of the page: any one thread `put`s, another one reads; one picture waits at most.

    Attributes:
        dropped: pictures that were replaced by a newer one, or came too late, before anyone took them.
    """

    kind, shows_itself = "browser", False
    name = "browser camera"

    def __init__(self) -> None:
        self.dropped = 0
        self._changed = threading.Condition()
        self._waiting: tuple[bytes, float, float] | None = None  # as `put` takes it
        self._last = -math.inf  # seconds, when the last picture that was given was captured
        self._index = -1
        self._times: deque[float] = deque()

    @property
    def fps(self) -> float:
        """Frames a second over the last seconds; 30 before there are five."""
        times = list(self._times)
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) >= 5 else 30.0

    def put(self, jpeg: bytes, captured: float) -> None:
        """Hands in a picture; returns at once.

        Args:
            jpeg: not yet looked at.
            captured: seconds on the page's clock.
        """
        received = time.perf_counter()
        with self._changed:
            if self._waiting is not None:
                self.dropped += 1
                self._index += 1
            self._waiting = jpeg, captured, received
            self._changed.notify()

    def latest(self, timeout: float = 0.0) -> Arrival | None:
        """The newest frame that was not taken yet; None where none came within `timeout` seconds.

        Its timestamp is when it was captured: later than the one before, unless the page's clock began anew.

        Raises:
            StudioError: what came is no picture, or too large a one.
        """
        with self._changed:
            if self._waiting is None:
                self._changed.wait(timeout)
            waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        jpeg, captured, received = waiting
        if -_BACK < captured - self._last < _FINEST:
            self.dropped += 1
            return None
        jpeg = bare(jpeg)  # what is stored is what was looked at
        image = decoded(jpeg) if math.isfinite(captured) else None
        if image is None:
            width, height = LARGEST
            message = f"a picture was none, or larger than {width}x{height}: it was left out"
            raise StudioError("bad-picture", message, 422)
        self._note_time(captured)
        self._index += 1
        frame = Frame(image, captured, self._index)
        return Arrival(frame, received, PackedFrame(jpeg, frame.size, captured))

    def close(self) -> None:
        """Nothing to let go of: the page has the camera."""

    def _note_time(self, captured: float) -> None:
        if captured < self._last:
            self._times.clear()
        self._last = captured
        self._times.append(captured)
        while captured - self._times[0] > _RATE_WINDOW and len(self._times) > 2:
            self._times.popleft()


def decoded(jpeg: bytes) -> Image | None:
    """The picture of a JPEG, RGB uint8 (height, width, 3); None where it is none, damaged or too large."""
    size = safe_size(jpeg, LARGEST)
    if size is None or min(size) < _SMALLEST:
        return None
    try:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        return None
    return None if image is None or image.shape[1::-1] != size else np.asarray(image, np.uint8)
