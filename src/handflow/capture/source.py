"""What every source of frames offers, and the shape pictures take on their way in."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol, Self, runtime_checkable

import numpy as np

from handflow.types import Frame, Image


@runtime_checkable
class Source(Protocol):
    """An iterator of frames and a context manager: `with open_source(0) as source: for frame in source`.

    Attributes:
        name: what messages call it, such as `camera 0` or a file's path.
        live: frames come at their own pace, and those that nobody took in time are dropped.
        dropped: frames lost so far because a newer one came before they were taken.
        fps: frames a second; measured where the source is live, else what the file says.
        size: (width, height) of the pictures, pixels.
        epoch: `time.perf_counter()` at timestamp 0 of a live source, for latencies; else None.
    """

    name: str
    live: bool

    @property
    def dropped(self) -> int: ...
    @property
    def fps(self) -> float: ...
    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def epoch(self) -> float | None: ...

    def __iter__(self) -> Iterator[Frame]: ...
    def __next__(self) -> Frame: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

    def close(self) -> None:
        """Lets go of the device or file; may be called twice and never blocks for long."""


class OfflineSource(ABC):
    """What sources share that yield every picture, as fast as it is asked for."""

    name: str
    live = False
    dropped = 0
    epoch: float | None = None

    def __iter__(self) -> Iterator[Frame]:
        return self

    @abstractmethod
    def __next__(self) -> Frame:
        """The next picture."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - most have nothing open
        """Lets go of what is open."""


def fit_size(size: tuple[int, int], limit: tuple[int, int] | None) -> tuple[int, int]:
    """The largest (width, height) of the same proportions within `limit`; never larger than `size`.

    >>> fit_size((1920, 1080), (640, 480))
    (640, 360)
    >>> fit_size((320, 240), (640, 480))
    (320, 240)
    """
    if limit is None:
        return size
    scale = min(1.0, limit[0] / size[0], limit[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def fit_image(image: Image, limit: tuple[int, int] | None) -> Image:
    """Shrinks an RGB picture (height, width, 3) so that it fits within `limit` (width, height)."""
    import cv2

    height, width = image.shape[:2]
    size = fit_size((width, height), limit)
    if size == (width, height):
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


class Timeline:
    """Mends the times a file states, so that they increase strictly.

    Good times pass unchanged. A missing one follows the one before by a frame's duration. One that steps
    back a little (frames out of order) is put just after the one before; a clock that jumps back far or
    absurdly forward (files joined end to end, damaged counters) is shifted for all that follow.
    """

    STEP_BACK = 0.5  # seconds; a larger step is a clock that started again
    LEAP = 3600.0  # seconds without a picture that no recording has
    LEAST = 1e-4  # seconds between two frames at least

    def __init__(self, period: float) -> None:
        """`period`: seconds a frame lasts where the file does not say."""
        self.period = period
        self.mended = 0
        self._first = 0.0
        self._last: float | None = None
        self._shift = 0.0

    @property
    def length(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return 0.0 if self._last is None else self._last - self._first + self.period

    def mend(self, stated: float | None) -> float:
        """The time of the next frame in seconds, given what the file states."""
        last = self._last
        if stated is None or not np.isfinite(stated):
            self.mended += 1
            time = 0.0 if last is None else last + self.period
        elif last is None:
            time = stated
        else:
            time = stated + self._shift
            if time < last - self.STEP_BACK or time > last + self.LEAP:
                self._shift += last + self.period - time
                time = last + self.period
                self.mended += 1
            elif time <= last:
                time = last + min(self.LEAST, self.period / 10)
                self.mended += 1
        if last is not None and time <= last:  # only where floats are too coarse for the step
            time = float(np.nextafter(last, np.inf))
        if last is None:
            self._first = time
        self._last = float(time)
        return self._last
