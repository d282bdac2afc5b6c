"""Work spread over processes, one a core, that goes down in good order at Ctrl-C."""

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context
from pathlib import Path
from typing import Any, TypeVar

from handflow.errors import HandflowError

log = logging.getLogger(__name__)

Item = TypeVar("Item")

MOST_PROCESSES = 61
"""That Windows lets one process wait for."""
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
_share: dict[str, int] = {}  # cores of this process, where it was given a share


def cores() -> int:
    """Processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def live_threads() -> int:
    """Threads of a network that follows a live source: two take a little over half of the time of one."""
    return min(2, cores())


def on_one_core() -> bool:
    """Whether this process is one of several that share the machine: decoders start no threads in it."""
    return _share.get("cores") == 1


def in_processes(
    work: Callable[..., Any],
    items: Iterable[Item],
    *common: Any,
    processes: int,
    start: Callable[[], None] | None = None,
) -> Generator[tuple[Item, Any]]:
    """Does `work(item, *common)` for every item, in any order; gives each with its result.

    Processes are spawned, not forked: the same on every system, and safe beside threads. Each has one core,
    so numpy, OpenCV and decoders start no threads in it: their threads would wait for each other in a busy
    loop, which doubles the work. What they log comes with their results. Where the consumer stops or is
    interrupted, items under way are finished and no others begin; where it is killed, they end as well.

    Args:
        work: a function at module level.
        items: what to do; must be picklable.
        common: what each call gets besides; must be picklable.
        processes: how many work; 1: this one, nothing is started, and it keeps to one core as well.
        start: a function at module level, called once in each process.

    Raises:
        HandflowError: a process was killed.
    """
    if processes <= 1:
        with _keeping_to_one_core():
            if start is not None:
                start()
            for item in items:
                yield item, work(item, *common)
        return
    processes = min(processes, MOST_PROCESSES)
    level = logging.getLogger().getEffectiveLevel()
    with _one_thread_each():
        pool = ProcessPoolExecutor(
            processes, get_context("spawn"), initializer=_begin, initargs=(start, level)
        )
        running: dict[Future[Any], Item] = {}
        try:
            waiting = iter(items)
            while True:
                for item in waiting:
                    running[pool.submit(_do, work, item, *common)] = item
                    if len(running) >= processes:  # none in hand: little is under way at Ctrl-C
                        break
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    result, records = future.result()
                    for record in records:
                        logging.getLogger(record.name).handle(record)
                    yield running.pop(future), result
        except BrokenProcessPool as error:
            raise HandflowError(
                "a process was ended, perhaps for lack of memory: run the command again with --jobs 1; "
                "what is done stays"
            ) from error
        except KeyboardInterrupt:
            log.warning("interrupted: finishing the %d under way", len(running))
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """What processes started meanwhile find in their environment; numpy reads it as it is imported."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _keeping_to_one_core() -> Iterator[None]:
    """This process itself works as one of several would; afterwards it is as it was."""
    import cv2

    threads, share = cv2.getNumThreads(), dict(_share)
    cv2.setNumThreads(1)
    _share["cores"] = 1
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        _share.clear()
        _share.update(share)


class _Kept(logging.Handler):
    """Keeps what is logged in a process until its next result takes it to the parent."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args, record.exc_info = record.getMessage(), None, None  # so that it travels
        self.records.append(record)

    def take(self) -> list[logging.LogRecord]:
        """All records since the last call."""
        taken, self.records = self.records, []
        return taken


_kept = _Kept()


def _begin(start: Callable[[], None] | None, level: int) -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent decides
    threading.Thread(target=_end_with_parent, name="watch", daemon=True).start()
    cv2.setNumThreads(1)
    _share["cores"] = 1
    logging.basicConfig(level=level, handlers=[_kept], force=True)
    if start is not None:
        start()


def _end_with_parent() -> None:
    """Ends this process where its parent was killed: it would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _do(work: Callable[..., Any], item: Any, *common: Any) -> tuple[Any, list[logging.LogRecord]]:
    return work(item, *common), _kept.take()


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Inside, an end by the system (SIGTERM, or the terminal was closed) is that of Ctrl-C.

    Else files would stay cut off, and pressed keys down. Of the main thread alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {n: handler for n in numbers if (handler := signal.getsignal(n)) not in (None, signal.SIG_IGN)}
    for number in before:  # not those that are ignored, e.g. by nohup
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def keep_freed_memory() -> None:
    """Has the C library keep what is freed, for the rest of the process, where that is glibc.

    It gives large arrays back to the system at once and asks for them anew: training on pictures then
    spends up to a third of its time on page faults.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        no_mmap, trim_at, arenas = (-4, 0), (-1, 2**31 - 1), (-8, 1)  # M_MMAP_MAX … of malloc.h
        for option, value in (no_mmap, trim_at, arenas):
            library.mallopt(option, value)


def peak_memory() -> float | None:
    """Peak resident memory in MB; None on Windows, which does not tell it to the standard library."""
    if sys.platform == "win32":
        return None
    if sys.platform == "linux":  # ru_maxrss would begin with that of the process which started this one
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return float(status.split("VmHWM:")[1].split()[0]) / 1024
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1024**2
