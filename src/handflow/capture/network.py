"""RTSP and HTTP cameras as sources: newest frame, time-outs, reconnecting; finished recordings as files."""

import logging
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from handflow.capture.decode import UNTIMED, Decoder, open_container, stream_rate, upright
from handflow.capture.live import LiveConfig, LiveSource, Tell
from handflow.capture.source import Source
from handflow.capture.video import VideoSource
from handflow.errors import SourceError
from handflow.types import Image

log = logging.getLogger(__name__)

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "srt", "udp", "tcp")
OPEN_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 5.0  # seconds without data before a connection counts as lost

_WAIT = {"analyzeduration": "1000000"}  # microseconds; FFmpeg's own 5 s would delay the first picture
_RTSP = {
    "rtsp_transport": "tcp",  # FFmpeg's first choice, UDP, loses packets on wireless networks
    "fflags": "nobuffer",  # for live streams alone: it throws away what was read to find out the format
    "flags": "low_delay",
}


def is_url(spec: str) -> bool:
    """Whether a source's name is a URL that this module opens."""
    return spec.partition("://")[0].lower() in SCHEMES and "://" in spec


def without_secrets(url: str) -> str:
    """The URL as it may appear in a log: user name and password left out.

    >>> without_secrets("rtsp://me:secret@10.0.0.2:554/live?x=1")
    'rtsp://10.0.0.2:554/live?x=1'
    """
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _open(url: str) -> tuple[Any, Any]:
    name = without_secrets(url)
    options = _WAIT | (_RTSP if urlsplit(url).scheme.lower().startswith("rtsp") else {})
    try:
        return open_container(url, name, options=options, timeout=(OPEN_TIMEOUT, READ_TIMEOUT))
    except SourceError as error:
        raise SourceError(f"{error}; is the address right and the camera on?") from error


class NetworkFeed:
    """One connection to a stream."""

    JUMP = 1.0  # seconds by which the stream's clock may lag behind ours before it is set anew

    def __init__(
        self, opened: tuple[Any, Any], name: str, epoch: float, size: tuple[int, int] | None
    ) -> None:
        container, stream = opened
        stream.thread_type = "SLICE"  # threads over frames would hold several pictures back
        self.fps = stream_rate(stream)
        self._decoder = Decoder(container, stream)
        self._frames = self._decoder.frames()
        self._timed = container.format.name not in UNTIMED
        self._name = name
        self._epoch = epoch
        self._limit = size
        self._offset: float | None = None

    def read(self) -> tuple[Image, float]:
        """The next picture; its time is the stream's own, moved to our clock by its quickest arrival."""
        frame = next(self._frames, None)
        if frame is None:
            why = self._decoder.cut or "the stream ended"
            raise SourceError(f"lost {self._name}: {why}")
        now = time.perf_counter() - self._epoch
        stated = frame.time if self._timed else None
        return upright(frame, self._decoder.aspect, self._limit), self._on_our_clock(stated, now)

    def _on_our_clock(self, stated: float | None, now: float) -> float:
        if stated is None:
            return now
        delay = now - stated
        if self._offset is None or delay < self._offset or delay > self._offset + self.JUMP:
            self._offset = delay
        return stated + self._offset

    def close(self) -> None:
        """Ends the connection."""
        self._frames.close()
        self._decoder.container.close()


class NetworkSource(LiveSource):
    """The newest frame of a stream; times count from its opening."""

    def __init__(
        self,
        url: str,
        *,
        size: tuple[int, int] | None = None,
        opened: tuple[Any, Any] | None = None,
        config: LiveConfig | None = None,
        tell: Tell = log.warning,
    ) -> None:
        """Connects to `url`; `size` (width, height) shrinks its pictures to fit.

        Raises:
            SourceError: it cannot be reached or sends no video.
        """
        self._opened_at = time.perf_counter()
        self._url = url
        self._limit = size
        self._opened = opened
        super().__init__(without_secrets(url), self._connect, config=config, tell=tell, epoch=self._opened_at)

    def _connect(self) -> NetworkFeed:
        opened, self._opened = self._opened or _open(self._url), None
        return NetworkFeed(opened, without_secrets(self._url), self._opened_at, self._limit)


def open_url(
    url: str, *, size: tuple[int, int] | None = None, fps: float | None = None, tell: Tell = log.warning
) -> Source:
    """Opens a URL: one that leads to a finished recording is read like a file, all else is live.

    Raises:
        SourceError: it cannot be reached or holds no video.
    """
    container, stream = _open(url)
    recording = bool(container.duration) or container.size > 0
    if recording and urlsplit(url).scheme.lower() in ("http", "https"):
        return VideoSource(without_secrets(url), size=size, fps=fps, opened=(container, stream), tell=tell)
    return NetworkSource(url, size=size, opened=(container, stream), tell=tell)
