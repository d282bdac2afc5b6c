"""The camera of a browser as a source: pictures that come over a WebSocket, the newest first."""

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from handflow.types import Frame, Image

LARGEST = (1280, 960)
"""(width, height) in pixels of a picture, at most; one turned upright may be as tall."""
_BACK = 1.0  # seconds; a clock that runs back further began anew
_FINEST = 1e-4  # seconds; a picture that is not this much later shows the same moment
_RATE_WINDOW = 2.0  # seconds over which the rate is measured
_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of a JPEG after which its size follows
_MOST_SCANS = 100  # of a JPEG; a small file of very many takes half a minute to decode
_SCAN = b"\xff\xda"  # begins one; what is packed holds no such bytes
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers that stand alone


@dataclass(frozen=True, slots=True)
class Arrival:
    """A picture as it came."""

    jpeg: bytes
    captured: float  # seconds on the page's clock
    received: float  # time.perf_counter()


class BrowserSource:
    """A live source that `put` feeds, by any one thread, and another one reads: one picture waits at most.

    Attributes:
        dropped: pictures that were replaced by a newer one, or came too late, before anyone took them.
        refused: pictures that were none, or too large.
        arrival: of the frame that was given last.
    """

    name = "browser camera"
    live = True

    def __init__(self) -> None:
        self.dropped = 0
        self.refused = 0
        self.arrival: Arrival | None = None
        self.size = (0, 0)
        self._changed = threading.Condition()
        self._waiting: Arrival | None = None
        self._closed = False
        self._last = -math.inf  # seconds, when the last picture that was given was captured
        self._index = -1
        self._times: deque[float] = deque()
        self._epoch: float | None = None

    @property
    def fps(self) -> float:
        """Frames a second over the last seconds; 30 before there are five."""
        times = list(self._times)
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) >= 5 else 30.0

    @property
    def epoch(self) -> float | None:
        """`time.perf_counter()` at timestamp 0, as far as the fastest arrival tells."""
        return self._epoch

    def put(self, jpeg: bytes, captured: float, received: float | None = None) -> None:
        """Hands in a picture; returns at once.

        Args:
            jpeg: not yet looked at.
            captured: seconds on the page's clock.
            received: `time.perf_counter()`; None: now.
        """
        arrival = Arrival(jpeg, captured, time.perf_counter() if received is None else received)
        with self._changed:
            if not math.isfinite(captured):
                self.refused += 1
                return
            if self._waiting is not None:
                self.dropped += 1
                self._index += 1
            self._waiting = arrival
            self._changed.notify()

    def latest(self, timeout: float = 0.0) -> Frame | None:
        """The newest frame that was not taken yet; None where none came within `timeout` seconds.

        Its timestamp is later than the one before, unless the page's clock began anew.
        """
        with self._changed:
            if self._waiting is None and not self._closed:
                self._changed.wait(timeout)
            arrival, self._waiting = self._waiting, None
        if arrival is None:
            return None
        if -_BACK < arrival.captured - self._last < _FINEST:
            self.dropped += 1
            return None
        image = decoded(arrival.jpeg)
        if image is None:
            self.refused += 1
            return None
        if arrival.captured < self._last:
            self._times.clear()
            self._epoch = None
        self._last = arrival.captured
        self._index += 1
        self.arrival = arrival
        self.size = (image.shape[1], image.shape[0])
        self._note_time(arrival)
        return Frame(image, arrival.captured, self._index)

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        while not self._closed:
            frame = self.latest(timeout=0.1)
            if frame is not None:
                return frame
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the iteration."""
        with self._changed:
            self._closed = True
            self._waiting = None
            self._changed.notify_all()

    def _note_time(self, arrival: Arrival) -> None:
        began = arrival.received - arrival.captured
        self._epoch = began if self._epoch is None else min(began, self._epoch)
        self._times.append(arrival.captured)
        while arrival.captured - self._times[0] > _RATE_WINDOW and len(self._times) > 2:
            self._times.popleft()


def decoded(jpeg: bytes) -> Image | None:
    """The picture of a JPEG, RGB uint8 (height, width, 3); None where it is none, damaged or too large.

    Its size is looked at before it is decoded: a small file may claim to hold a gigapixel.
    """
    size = jpeg_size(jpeg)
    if size is None or min(size) < 16 or max(size) > max(LARGEST) or min(size) > min(LARGEST):
        return None
    if jpeg.count(_SCAN) > _MOST_SCANS:
        return None
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags)
    except cv2.error:
        return None
    return None if image is None or image.shape[1::-1] != size else np.asarray(image, np.uint8)


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """(width, height) that a JPEG states (ITU-T T.81, B.2.2); None where it is no JPEG."""
    if jpeg[:2] != b"\xff\xd8":
        return None
    place = 2
    while place + 9 <= len(jpeg) and jpeg[place] == 0xFF:
        marker = jpeg[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker in _ALONE:
            place += 2
        elif marker in _SIZES:
            height, width = (int.from_bytes(jpeg[at : at + 2], "big") for at in (place + 5, place + 7))
            return width, height
        else:
            place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return None
