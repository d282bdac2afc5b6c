"""A video file as a source: every picture, with the time at which a player shows it."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av

from handflow.capture.decode import UNTIMED, Decoder, open_container, stream_rate, upright
from handflow.capture.live import Feed, LiveConfig, LiveSource, Tell
from handflow.capture.source import OfflineSource, Source, Timeline
from handflow.errors import SourceError
from handflow.types import Frame, Image

log = logging.getLogger(__name__)


class VideoSource(OfflineSource):
    """The pictures of a video file, upright, with presentation times that increase strictly."""

    def __init__(
        self,
        place: Path | str,
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        opened: tuple[Any, Any] | None = None,
        tell: Tell = log.warning,
    ) -> None:
        """Opens the file and decodes its first picture.

        Args:
            place: a file, or a URL of a finished recording.
            size: (width, height) to shrink pictures to, proportions kept.
            fps: assumed where the file states no times.
            opened: PyAV's container and stream where they are open already.
            tell: takes the warning about a file that is damaged or cut off.

        Raises:
            SourceError: it is missing, no video, or nothing in it can be read.
        """
        self.name = str(place)
        if isinstance(place, Path) and not place.is_file():
            raise SourceError(f"no file {place}" if not place.exists() else f"{place} is not a file")
        if isinstance(place, Path) and place.stat().st_size == 0:
            raise SourceError(f"{place} is empty: record or copy it again")
        # A name such as `concat:x` or `http:x` must stay a file's name.
        where = f"file:{place}" if isinstance(place, Path) else place
        container, stream = opened or open_container(where, self.name)
        self.fps = stream_rate(stream)
        self.frame_count: int | None = stream.frames or None  # as the file states
        alone = len(container.streams) == 1  # else the container may last longer than its video
        self._stated_seconds = (
            float(stream.duration * stream.time_base)
            if stream.duration
            else container.duration / av.time_base
            if alone and container.duration
            else 0.0
        )
        self._decoder: Decoder | None = Decoder(container, stream)
        self._frames = self._decoder.frames()
        self._timed = container.format.name not in UNTIMED
        if not self._timed and fps is not None:
            self.fps = fps
        self._timeline = Timeline(1 / (fps or self.fps))
        self._limit = size
        self._tell = tell
        self._index = 0
        first = self._decode()
        if first is None:
            self.close()
            raise SourceError(f"{self.name} holds no picture that can be read: record or copy it again")
        self._first: Frame | None = first
        self.size = first.size

    def _decode(self) -> Frame | None:
        assert self._decoder is not None
        frame = next(self._frames, None)
        if frame is None:
            return None
        picture = upright(frame, self._decoder.aspect, self._limit)
        seconds = self._timeline.mend(frame.time if self._timed else None)
        self._index += 1
        return Frame(image=picture, timestamp=seconds, index=self._index - 1)

    def __next__(self) -> Frame:
        if self._decoder is None:
            raise StopIteration
        first, self._first = self._first, None
        frame = first or self._decode()
        if frame is None:
            self._warn()
            self.close()
            raise StopIteration
        return frame

    def _warn(self) -> None:
        decoder = self._decoder
        assert decoder is not None
        stated = self.frame_count or 0
        # The counts of some writers are one or two off; a file that was cut off lacks more.
        missing = stated - self._index if stated - self._index > max(2, stated // 50) else 0
        short = self._stated_seconds - self._timeline.length
        # Where no count is stated the duration must do; it also counts how long the last picture is shown.
        cut_short = not stated and short > max(1.0, 0.05 * self._stated_seconds)
        if decoder.damaged or decoder.cut or missing or cut_short:
            why = f" ({decoder.cut})" if decoder.cut else ""
            of = f" of {stated}" if missing else ""
            self._tell(
                f"{self.name} is damaged or cut off{why}: read {self._index}{of} pictures, "
                f"{self._timeline.length:.1f} s; skipped {decoder.damaged} damaged parts"
            )
        if self._timed and self._timeline.mended:
            log.info("%s: mended the times of %d pictures", self.name, self._timeline.mended)

    def close(self) -> None:
        """Closes the file."""
        if self._decoder is not None:
            self._frames.close()
            self._decoder.container.close()
            self._decoder = None


class PacedFeed:
    """Hands out the frames of a file when they are due."""

    def __init__(self, source: Source, wait: Callable[[float], object]) -> None:
        self._source = source
        self._wait = wait
        self.fps = source.fps
        self._first: Frame | None = None
        self.epoch: float | None = None

    def read(self) -> tuple[Image, float] | None:
        """The next picture, not before its time; the clock starts with the second."""
        frame = next(self._source, None)
        if frame is None:
            return None
        if self._first is None:
            self._first = frame
        else:
            if self.epoch is None:
                self.epoch = time.perf_counter() - self._first.timestamp
            self._wait(max(0.0, self.epoch + frame.timestamp - time.perf_counter()))
        return frame.image, frame.timestamp

    def close(self) -> None:
        """Closes the file."""
        self._source.close()


class PacedSource(LiveSource):
    """A file played at its own pace: like a camera, it drops the frames that nobody takes in time."""

    def __init__(self, source: Source, *, tell: Tell = log.warning) -> None:
        self._inner = source
        self._feed = PacedFeed(source, self._pause)
        config = LiveConfig(reconnect=False)
        super().__init__(source.name, self._give, config=config, tell=tell, hold_first=True)

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)  # so that close() need not wait for the next picture

    def _give(self) -> Feed:
        return self._feed

    @property
    def fps(self) -> float:
        """Frames a second that the file states."""
        return self._inner.fps

    @property
    def epoch(self) -> float | None:
        """`time.perf_counter()` at timestamp 0."""
        return self._feed.epoch
