"""PyAV's part of files and streams: opening with clear errors, pictures turned upright, square pixels."""

import logging
from collections.abc import Generator
from typing import Any

import av
import av.error
import numpy as np

from handflow.capture.source import fit_size
from handflow.errors import SourceError
from handflow.processes import on_one_core
from handflow.types import Image

# Formats that carry no times: FFmpeg invents them from a rate it guesses.
UNTIMED = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "image2pipe", "jpeg_pipe"})

log = logging.getLogger(__name__)

FFMPEG_ERRORS = (av.error.FFmpegError, OSError)  # PyAV's own EOFError is an FFmpegError


def plain(error: BaseException) -> str:
    """An error of FFmpeg in a few words."""
    text = str(getattr(error, "strerror", None) or error)
    return text[:1].lower() + text[1:]


def open_container(
    place: str,
    what: str,
    *,
    options: dict[str, str] | None = None,
    timeout: tuple[float, float] | None = None,
) -> tuple[Any, Any]:
    """Opens a file or URL and its video.

    Returns:
        The container and its first video stream (an album cover is none).

    Raises:
        SourceError: it cannot be opened or holds no video.
    """
    try:
        container = av.open(place, metadata_errors="replace", options=options or {}, timeout=timeout)
    except av.error.InvalidDataError as error:
        raise SourceError(f"{what} is no video, or is damaged or cut off: record or copy it again") from error
    except FFMPEG_ERRORS as error:
        raise SourceError(f"cannot open {what}: {plain(error)}") from error
    covers = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & covers:
            if stream.codec_context is None:
                break
            stream.thread_type = "AUTO"
            if on_one_core():
                stream.codec_context.thread_count = 1
            return container, stream
    holds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
    container.close()
    raise SourceError(f"{what} holds no video that can be decoded (it holds {holds}): name another file")


def stream_rate(stream: Any) -> float:
    """Frames a second that a stream states, 30 where it says nothing sensible."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate is not None and 0.1 <= float(rate) <= 1000:
            return float(rate)
    return 30.0


def upright(frame: Any, aspect: float = 1.0, limit: tuple[int, int] | None = None) -> Image:
    """A decoded picture as RGB uint8 (height, width, 3): pixels made square, turned as its mark says.

    Args:
        frame: PyAV's VideoFrame.
        aspect: width of a stored pixel divided by its height.
        limit: (width, height) to shrink it to, proportions kept.
    """
    width, height = frame.width, frame.height
    width = max(1, round(width * aspect)) if aspect > 1 else width
    height = max(1, round(height / aspect)) if aspect < 1 else height
    quarters = round(frame.rotation / 90) % 4  # counter-clockwise
    if limit is not None and quarters % 2:
        limit = (limit[1], limit[0])
    width, height = fit_size((width, height), limit)
    picture = frame.to_ndarray(format="rgb24", width=width, height=height)
    if quarters:
        picture = np.ascontiguousarray(np.rot90(picture, quarters))
    return np.asarray(picture, dtype=np.uint8)


class Decoder:
    """Decoded frames of a container; damaged packets are counted and skipped."""

    def __init__(self, container: Any, stream: Any) -> None:
        self.container = container
        self.stream = stream
        self.damaged = 0  # packets that could not be decoded
        self.cut: str = ""  # why reading ended early
        aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
        self.aspect = float(aspect) if aspect and 0.1 < aspect < 10 else 1.0

    def frames(self) -> Generator[Any]:
        """PyAV's frames in the order in which they are shown."""
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.EOFError):
                return
            except FFMPEG_ERRORS as error:
                self.cut = plain(error)
                return
            try:
                decoded = packet.decode()
            except av.error.EOFError:
                return
            except FFMPEG_ERRORS as error:
                self.damaged += 1
                log.debug("skipped a damaged packet: %s", error)
                continue
            yield from decoded
