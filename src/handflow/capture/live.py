"""The thread behind cameras and streams: it always holds only the newest frame, and reconnects."""

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from handflow.errors import SourceError
from handflow.types import Frame, Image

log = logging.getLogger(__name__)

Tell = Callable[[str], None]


class Feed(Protocol):
    """One connection to a device or stream. All its methods are called by one thread."""

    @property
    def fps(self) -> float:
        """Frames a second that the device or stream claims to give."""

    def read(self) -> tuple[Image, float] | None:
        """Waits for the next picture: RGB uint8 (height, width, 3) and seconds on the source's clock.

        None where the feed has come to its end.

        Raises:
            SourceError: the connection is lost.
        """

    def close(self) -> None:
        """Lets go of the device."""


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """How patient a live source is; all in seconds."""

    open_timeout: float = 30.0  # until the first picture; Windows' slow drivers take up to 20
    first_wait: float = 0.5  # before the first try to reconnect; doubles with each
    longest_wait: float = 8.0  # between two tries
    reconnect: bool = True
    stall: float = 5.0  # without a picture before the user is told
    close_wait: float = 1.0  # that close() waits for the thread at most
    rate_window: float = 2.0  # over which the true rate is measured

    def __post_init__(self) -> None:
        for name in ("open_timeout", "first_wait", "longest_wait", "stall", "close_wait", "rate_window"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected seconds above 0")


class LiveSource:
    """Frames of a feed as they come: who is slow gets the newest and misses the ones between.

    Frames that come before the first is taken are replaced without being counted: nobody missed them.
    """

    live = True

    def __init__(
        self,
        name: str,
        open_feed: Callable[[], Feed],
        *,
        config: LiveConfig | None = None,
        tell: Tell = log.warning,
        epoch: float | None = None,
        hold_first: bool = False,
    ) -> None:
        """Opens the feed in a thread of its own and waits for its first picture.

        Args:
            name: what messages call it.
            open_feed: connects; called in the thread, again after each loss.
            tell: takes messages for the user about losses and stalls.
            epoch: `time.perf_counter()` at timestamp 0 of the feed.
            hold_first: stop after the first picture until someone takes it, so that a paced file does not
                run away while models are being loaded.

        Raises:
            SourceError: it cannot be opened or gives no picture in time.
        """
        self.name = name
        self.config = config or LiveConfig()
        self._open_feed = open_feed
        self._tell = tell
        self._hold_first = hold_first
        self._epoch = epoch
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._taken = threading.Event()
        self._slot: Frame | None = None
        self._size: tuple[int, int] | None = None
        self._index = 0
        self._dropped = 0
        self._last_time = -float("inf")
        self._times: deque[float] = deque()
        self._claimed_fps = 30.0
        self._connected = False
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"handflow {name}", daemon=True)
        _open_sources.add(self)
        self._thread.start()
        self._await_first()

    @property
    def dropped(self) -> int:
        """Frames that were replaced by a newer one before anyone took them."""
        return self._dropped

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the newest picture."""
        return self._size or (0, 0)

    @property
    def epoch(self) -> float | None:
        """`time.perf_counter()` at timestamp 0."""
        return self._epoch

    @property
    def fps(self) -> float:
        """Frames a second, measured over the last seconds; what the feed claims before there are five."""
        with self._changed:
            times = list(self._times)
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) >= 5 else self._claimed_fps

    @property
    def connected(self) -> bool:
        """Whether pictures come; False while it tries to reconnect."""
        return self._connected

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more."""
        with self._changed:
            return self._slot is None and (self._ended or self._stop.is_set())

    def latest(self, timeout: float = 0.0) -> Frame | None:
        """The newest frame that was not taken yet; None where none came within `timeout` seconds.

        Raises:
            SourceError: the source is lost for good.
        """
        self._taken.set()
        with self._changed:
            if self._slot is None and not self._over():
                self._changed.wait(timeout)
            frame, self._slot = self._slot, None
            if frame is None:
                self._raise_error()
        return frame

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        waited_from, told = time.monotonic(), False
        while True:
            # A wait without end could not be interrupted by Ctrl-C on Windows.
            frame = self.latest(timeout=0.1)
            if frame is not None:
                return frame
            if self.ended:
                self._raise_error()  # it may have come since
                raise StopIteration
            if not told and self._connected and time.monotonic() - waited_from > self.config.stall:
                told = True
                self._tell(f"{self.name}: no picture for {self.config.stall:g} s, still waiting")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the thread; one that hangs in a driver is left behind after a second."""
        self._stop.set()
        self._taken.set()
        with self._changed:
            self._slot = None
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(self.config.close_wait)
            if self._thread.is_alive():
                log.info("%s hangs in its driver; leaving it behind", self.name)
        _open_sources.discard(self)

    def _raise_error(self) -> None:
        if self._error is not None and not self._stop.is_set():
            raise self._error

    def _over(self) -> bool:
        return self._ended or self._error is not None or self._stop.is_set()

    def _await_first(self) -> None:
        deadline = time.monotonic() + self.config.open_timeout
        with self._changed:
            while self._slot is None and not self._over() and time.monotonic() < deadline:
                self._changed.wait(0.1)
            ready, error = self._slot is not None, self._error
        if ready:
            return
        self.close()
        if error is not None:
            raise error
        if self._ended:
            raise SourceError(f"{self.name} holds no picture")
        raise SourceError(
            f"{self.name} gave no picture within {self.config.open_timeout:g} s: "
            f"close other programs that use it, plug it in again, or name another source"
        )

    def _run(self) -> None:
        try:
            self._connect_and_pump()
        except BaseException as error:  # noqa: BLE001 - a thread has nobody above it: the reader raises it
            with self._changed:
                self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._connected = False
                self._changed.notify_all()

    def _connect_and_pump(self) -> None:
        wait = self.config.first_wait
        lost_at: float | None = None
        while not self._stop.is_set():
            try:
                feed = self._open_feed()
                self._claimed_fps = feed.fps
                try:
                    if self._pump(feed, lost_at):
                        return
                finally:
                    feed.close()
            except SourceError as error:
                if not self.config.reconnect or self._size is None:
                    raise
                if self._connected:  # it had worked until now
                    lost_at, wait = time.monotonic(), self.config.first_wait
                    self._connected = False
                    self._tell(f"{error}; trying to reconnect")
                else:
                    log.info("%s: %s", self.name, error)
            self._stop.wait(wait)
            wait = min(2 * wait, self.config.longest_wait)

    def _pump(self, feed: Feed, lost_at: float | None) -> bool:
        """Moves pictures into the slot; True at the end of the feed, SourceError where it is lost."""
        while not self._stop.is_set():
            picture = feed.read()
            if picture is None:
                return True
            if not self._connected:
                self._connected = True
                with self._changed:
                    self._times.clear()
                if lost_at is not None:
                    self._tell(f"{self.name} is back after {time.monotonic() - lost_at:.1f} s")
            self._put(*picture)
            while self._hold_first and not self._taken.wait(0.1) and not self._stop.is_set():
                pass
        return True

    def _put(self, image: Image, seconds: float) -> None:
        seconds = max(seconds, self._last_time + 1e-6)
        self._last_time = seconds
        with self._changed:
            if self._stop.is_set():
                return
            if self._slot is not None and self._taken.is_set():
                self._dropped += 1
                self._index += 1
            elif self._slot is None and self._size is not None:
                self._index += 1
            self._slot = Frame(image=image, timestamp=seconds, index=self._index)
            self._size = (image.shape[1], image.shape[0])
            self._times.append(seconds)
            while seconds - self._times[0] > self.config.rate_window and len(self._times) > 2:
                self._times.popleft()
            self._changed.notify_all()


_open_sources: set[LiveSource] = set()


@atexit.register
def _close_all() -> None:
    # A thread that returns from a driver while Python is being taken down would abort the program.
    for source in list(_open_sources):
        source.close()
