"""Writes video that plays in a browser: H.264 in MP4, each picture shown at its own time."""

import logging
import math
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import av.error
import cv2
import numpy as np

from handflow.errors import SourceError
from handflow.types import Image

log = logging.getLogger(__name__)

# The best first; the wheels of PyAV hold libx264 on all systems, distributions' own builds may not.
H264_ENCODERS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libopenh264": {},
    "h264_videotoolbox": {},
    "h264_mf": {},
}
FALLBACK = "mpeg4"  # in every build, but no browser plays it
SUFFIXES = (".mp4", ".m4v", ".mov")
_TICKS = 60_000  # a second: divides all usual rates and fits the 16 bits that the fallback has for it
_BT709 = 1  # AVColorSpace, AVColorPrimaries and AVColorTransferCharacteristic all number it 1
_LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG


def h264_encoder() -> str | None:
    """The best H.264 encoder that this machine's FFmpeg has; None: it has none."""
    for name in H264_ENCODERS:
        try:
            av.codec.Codec(name, "w")
        except (av.codec.codec.UnknownCodecError, ValueError):
            continue
        return name
    return None


class VideoWriter:
    """A video file under a temporary name, renamed when it is whole.

    Each picture is shown from its timestamp on, so a camera that slows down in the dark plays true. Where
    the block ends in an error the file is left out; Ctrl-C keeps what was written.
    """

    def __init__(
        self, path: Path | str, size: tuple[int, int], fps: float = 30.0, *, start: float | None = None
    ) -> None:
        """Begins a file.

        Args:
            path: ends in .mp4, .m4v or .mov; folders on the way are made.
            size: (width, height) in pixels; a side that is odd grows by one, as the format asks.
            fps: about how many pictures a second will come.
            start: the timestamp that becomes the file's time 0; that of the first picture where None.

        Raises:
            SourceError: the name's ending is another, or the file cannot be made there.
            ValueError: size or rate are not above 0.
        """
        self.path = Path(path)
        if self.path.suffix.lower() not in SUFFIXES:
            raise SourceError(f"cannot write {path}: name a file that ends in {', '.join(SUFFIXES)}")
        if min(size) < 1 or not 0 < fps <= 1000:
            raise ValueError(f"cannot write a video of {size[0]}x{size[1]} at {fps} frames a second")
        if self.path.is_dir():
            raise SourceError(f"cannot write {path}: it is a folder")
        self.size = size
        self.frames = 0
        self._even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        self._start = start
        self._last = -1  # tick of the newest picture
        self._last_time = -math.inf
        self._container: Any = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                dir=self.path.parent, prefix=f".{self.path.stem}.", suffix=self.path.suffix
            )
        except OSError as error:
            raise SourceError(f"cannot write {path}: {error.strerror}") from error
        os.close(handle)
        self._temporary = Path(name)
        encoder = h264_encoder()
        if encoder is None:
            log.warning(
                "no H.264 encoder here: %s may not play in a browser (pip install av brings one)", path
            )
        try:
            self._begin(encoder or FALLBACK, fps)
        except BaseException:
            self.discard()
            raise

    def _begin(self, encoder: str, fps: float) -> None:
        # Both clocks of the file: the movie's own, in milliseconds, would round the start.
        ticks = {"video_track_timescale": str(_TICKS), "movie_timescale": str(_TICKS)}
        self._container = av.open(
            f"file:{self._temporary}", "w", format="mp4", options={"movflags": "+faststart", **ticks}
        )
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream(encoder, rate=rate, options=H264_ENCODERS.get(encoder, {}))
        stream.width, stream.height = self._even
        stream.pix_fmt = "yuv420p"
        if encoder != "libx264":  # it alone aims at a quality; the others' own bit rates are low
            stream.bit_rate = int(self._even[0] * self._even[1] * fps * 0.15)
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
        # Untagged colours are guessed from the size, differently by each player.
        stream.codec_context.colorspace = stream.codec_context.color_primaries = _BT709
        stream.codec_context.color_trc = _BT709
        stream.codec_context.color_range = _LIMITED_RANGE
        self._stream = stream

    def write(self, image: Image, timestamp: float) -> None:
        """Adds a picture: RGB uint8 (height, width, 3), shown from `timestamp` (seconds) on.

        A picture of another size is fitted in with black borders.

        Raises:
            ValueError: the timestamp is not after the one before, or the writer is closed.
            OSError: the disk is full.
        """
        if self._container is None:
            raise ValueError(f"{self.path} is closed")
        if self._start is None:
            self._start = timestamp
        if timestamp <= self._last_time or timestamp < self._start:
            raise ValueError(f"timestamp {timestamp} is not after the one of the picture before")
        # Streams may state times closer than a tick: such a picture gets the next one.
        ticks = max(round((timestamp - self._start) * _TICKS), self._last + 1)
        self._last, self._last_time = ticks, timestamp
        frame = av.VideoFrame.from_ndarray(self._fitted(image), format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        frame.pts, frame.time_base = ticks, Fraction(1, _TICKS)
        self._mux(frame)
        self.frames += 1

    def _fitted(self, image: Image) -> Image:
        height, width = image.shape[:2]
        if (width, height) != self.size:
            scale = min(self.size[0] / width, self.size[1] / height)
            inner = (max(1, round(width * scale)), max(1, round(height * scale)))
            canvas = np.zeros((self.size[1], self.size[0], 3), np.uint8)
            x, y = (self.size[0] - inner[0]) // 2, (self.size[1] - inner[1]) // 2
            canvas[y : y + inner[1], x : x + inner[0]] = cv2.resize(
                image, inner, interpolation=cv2.INTER_AREA
            )
            image = canvas
        if self._even != self.size:
            right, below = self._even[0] - self.size[0], self._even[1] - self.size[1]
            image = np.pad(image, ((0, below), (0, right), (0, 0)), mode="edge")
        return np.ascontiguousarray(image)

    def _mux(self, frame: Any) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):
                raise OSError(error.errno, error.strerror, str(self.path)) from error
            raise

    def close(self) -> None:
        """Ends the file and gives it its name; without a single picture no file is left."""
        if self._container is None:
            return
        if not self.frames:
            self.discard()
            return
        try:
            self._mux(None)
            container, self._container = self._container, None
            container.close()
            self._temporary.chmod(0o666 & ~_umask())  # mkstemp makes private files
            self._temporary.replace(self.path)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Gives up the file: nothing half-written stays."""
        container, self._container = self._container, None
        try:
            if container is not None:
                container.close()
        except av.error.FFmpegError as error:
            log.debug("closing a file that is thrown away: %s", error)
        finally:
            self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.close()
        else:
            self.discard()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
