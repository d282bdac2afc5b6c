"""A camera as a source: OpenCV's capture behind the thread that holds the newest frame."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from handflow.capture.cameras import (
    CameraInfo,
    Opener,
    backend,
    list_cameras,
    open_capture,
    why_not_opened,
)
from handflow.capture.live import LiveConfig, LiveSource, Tell
from handflow.errors import SourceError
from handflow.types import Image

log = logging.getLogger(__name__)

_PLAIN_SIZE = (640, 480)  # pixels; above it USB 2 is too slow for raw pictures at 30 a second
_TO_RGB = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}


class CameraFeed:
    """One opened camera."""

    PATIENCE = 0.3  # seconds of reads without a picture before the camera counts as lost
    PATIENCE_AT_START = 3.0  # the same before the first picture: some wake up slowly
    PAUSE = 0.02  # seconds between two reads

    def __init__(self, capture: Any, name: str, epoch: float) -> None:
        """`epoch`: `time.perf_counter()` at timestamp 0."""
        self._capture = capture
        self._name = name
        claimed = float(capture.get(cv2.CAP_PROP_FPS))
        self.fps = claimed if 1 <= claimed <= 240 else 30.0  # drivers also say 0 or millions
        self._epoch = epoch
        self._awake = False

    def read(self) -> tuple[Image, float]:
        """The next picture with the time at which it was captured."""
        until = time.monotonic() + (self.PATIENCE if self._awake else self.PATIENCE_AT_START)
        while True:
            if self._capture.grab():  # returns as the picture arrives; decoding comes after the clock
                seconds = self._captured_at(time.perf_counter())
                good, picture = self._capture.retrieve()
                if good and picture is not None and picture.size:
                    self._awake = True
                    channels = 1 if picture.ndim == 2 else picture.shape[2]
                    return np.asarray(cv2.cvtColor(picture, _TO_RGB[channels]), np.uint8), seconds
            if time.monotonic() > until:
                raise SourceError(f"{self._name} gives no more pictures (unplugged?)")
            time.sleep(self.PAUSE)

    def _captured_at(self, now: float) -> float:
        """The driver's own time of the picture where it has one on our clock (V4L2 on Linux)."""
        if sys.platform == "linux":
            stamp = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            if 0 <= now - stamp < 0.5:
                return stamp - self._epoch
        return now - self._epoch

    def close(self) -> None:
        """Gives the camera back."""
        self._capture.release()


class CameraSource(LiveSource):
    """The newest frame of a camera, with the time at which it was captured (0: when it was opened)."""

    def __init__(
        self,
        index: int,
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        opener: Opener = open_capture,
        cameras: Callable[[], list[CameraInfo]] = list_cameras,
        system: str = sys.platform,
        config: LiveConfig | None = None,
        tell: Tell = log.warning,
    ) -> None:
        """Opens camera `index`.

        Args:
            size: (width, height) and
            fps: asked of the driver, which may give others: read them from the source.
            opener: opens the device; a test gives its own.
            cameras: lists what is plugged in, to find a camera again that came back under another number.
            system: as `sys.platform`.

        Raises:
            SourceError: it cannot be opened; the message says why and what to do.
        """
        self._opened_at = time.perf_counter()
        self._camera = index
        self._asked = (size, fps)
        self._opener = opener
        self._cameras = cameras
        self._system = system
        self._device_name = self._name_of(index) if system == "linux" else ""
        super().__init__(f"camera {index}", self._connect, config=config, tell=tell, epoch=self._opened_at)

    def _name_of(self, index: int) -> str:
        return next((c.name for c in self._cameras() if c.index == index), "")

    def _find_again(self) -> int:
        """A camera plugged in again while its node was still held comes back with another number."""
        if not self._device_name or self._name_of(self._camera) == self._device_name:
            return self._camera
        same = [c.index for c in self._cameras() if c.name == self._device_name and not c.problem]
        return same[0] if same else self._camera

    def _connect(self) -> CameraFeed:
        index = self._find_again()
        capture = self._opener(index, backend(self._system)[1])
        if not capture.isOpened():
            capture.release()
            raise SourceError(why_not_opened(index, self._system, self._cameras()))
        size, fps = self._asked
        compressed = (size is not None and size[0] * size[1] > _PLAIN_SIZE[0] * _PLAIN_SIZE[1]) or (
            fps or 0
        ) > 30
        if compressed and self._system in ("linux", "win32"):
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        if size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if fps is not None:
            capture.set(cv2.CAP_PROP_FPS, fps)
        if index != self._camera:
            log.info("%s is now at index %d", self.name, index)
        return CameraFeed(capture, self.name, self._opened_at)
