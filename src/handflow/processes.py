"""Work spread over processes, one a core, that goes down in good order at Ctrl-C."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

from handflow.errors import HandflowError

Item = TypeVar("Item")

MOST_PROCESSES = 61
"""That Windows lets one process wait for."""
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


def cores() -> int:
    """Processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def in_processes(
    work: Callable[..., Any],
    items: Iterable[Item],
    *common: Any,
    processes: int,
    start: Callable[[], None] | None = None,
) -> Iterator[tuple[Item, Any]]:
    """Does `work(item, *common)` for every item, in any order; gives each with its result.

    Processes are spawned, not forked: the same on every system, and safe beside threads. Each has one core,
    so numpy and OpenCV start no threads in it: their threads would wait for each other in a busy loop, which
    doubles the work. Where the consumer stops or is interrupted, items under way are finished and no others
    begin.

    Args:
        work: a function at module level.
        items: what to do; must be picklable.
        common: what each call gets besides; must be picklable.
        processes: how many work; 1: this one, nothing is started.
        start: a function at module level, called once in each process.

    Raises:
        HandflowError: a process was killed.
    """
    if processes <= 1:
        if start is not None:
            start()
        for item in items:
            yield item, work(item, *common)
        return
    processes = min(processes, MOST_PROCESSES)
    with _one_thread_each():
        pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_begin, initargs=(start,))
        try:
            waiting = iter(items)
            running: dict[Future[Any], Item] = {}
            while True:
                for item in waiting:
                    running[pool.submit(work, item, *common)] = item
                    if len(running) >= processes:  # none in hand: little is under way at Ctrl-C
                        break
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool as error:
            raise HandflowError(
                "a process was ended, perhaps for lack of memory: run the command again with --jobs 1; "
                "what is done stays"
            ) from error
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


def _begin(start: Callable[[], None] | None) -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent decides
    cv2.setNumThreads(1)
    if start is not None:
        start()
