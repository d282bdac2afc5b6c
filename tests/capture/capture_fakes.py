"""A camera made of code, videos made on the fly, and what tests of capture wait with."""

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from handflow.capture import VideoWriter
from handflow.types import Image

PATIENCE = 20.0  # seconds; a guard against hanging, not a measure


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


class FakeCamera:
    """A webcam: gives a picture for each `give()`, can be unplugged, block and be slow to open.

    A running one gives pictures by itself; one that is not gives a first picture, so that it opens.
    """

    def __init__(self, *, plugged: bool = True, running: bool = False) -> None:
        self.plugged = plugged
        self.running = running
        self.opening = threading.Event()
        self.opening.set()  # cleared: opening hangs
        self.blocked = False  # reading hangs for ever
        self.misses = 0  # reads to fail before the next picture
        self.channels = 3
        self.lag = 0.0  # seconds between capture and delivery, as the driver states; 0: it does not
        self.opened: list[tuple[int, int]] = []
        self.released = 0
        self.settings: list[tuple[int, float]] = []
        self.given = 0
        self.stamps: list[float] = []
        self.asked = 0
        self.hangs = threading.Event()  # set while a read hangs
        self._tickets = threading.Semaphore(1)

    def give(self, count: int) -> None:
        """Gives `count` pictures and waits until the reader, done with them, asks for one more."""
        wait_until(lambda: self.asked == self.given + 1)
        target = self.given + count
        self._tickets.release(count)
        wait_until(lambda: self.asked == target + 1)

    def open(self, index: int, backend: int) -> "FakeCapture":
        self.opened.append((index, backend))
        self.opening.wait()
        return FakeCapture(self)

    def next_picture(self) -> bool:
        self.asked += 1
        while self.plugged:
            if self.blocked:
                self.hangs.set()
                threading.Event().wait()
            if self.running:
                time.sleep(0.003)
                break
            if self._tickets.acquire(timeout=0.02):
                break
        if not self.plugged:
            return False
        if self.misses:
            self.misses -= 1
            return False
        self.given += 1
        self.stamps.append(time.perf_counter() - self.lag)
        return True

    def picture(self) -> Any:
        """BGR: the left half blue, the right half red, green counts the pictures."""
        shape = (48, 64) if self.channels == 1 else (48, 64, self.channels)
        picture = np.zeros(shape, np.uint8)
        if self.channels == 1:
            picture[:] = self.given
            return picture
        if self.channels < 3:
            return picture
        picture[:, :32, 0] = 255
        picture[:, 32:, 2] = 255
        picture[..., 1] = self.given % 256
        return picture


class FakeCapture:
    """What `cv2.VideoCapture` offers, over a FakeCamera."""

    def __init__(self, camera: FakeCamera) -> None:
        self._camera = camera
        self._open = camera.plugged

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._open

    def grab(self) -> bool:
        return self._open and self._camera.next_picture()

    def retrieve(self) -> tuple[bool, Any]:
        return True, self._camera.picture()

    def get(self, what: int) -> float:
        if what == cv2.CAP_PROP_POS_MSEC and self._camera.lag:
            return self._camera.stamps[-1] * 1000
        return 25.0 if what == cv2.CAP_PROP_FPS else 0.0

    def set(self, what: int, value: float) -> bool:
        self._camera.settings.append((what, value))
        return True

    def release(self) -> None:
        self._open = False
        self._camera.released += 1


def numbered(number: int, size: tuple[int, int] = (64, 48)) -> Image:
    """A picture whose grey level tells its number, with a red corner at the top left."""
    image = np.full((size[1], size[0], 3), number % 25 * 10, np.uint8)
    image[: size[1] // 3, : size[0] // 3] = (255, 0, 0)
    return image


def write_video(
    path: Path, times: Iterable[float], size: tuple[int, int] = (64, 48), fps: float = 30.0
) -> Path:
    with VideoWriter(path, size, fps, start=0.0) as writer:
        for number, seconds in enumerate(times):
            writer.write(numbered(number, size), seconds)
    return path


def steady(count: int, fps: float = 30.0) -> list[float]:
    return [i / fps for i in range(count)]
