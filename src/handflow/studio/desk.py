"""The desk: the one live session of a studio, and who has it. A page takes a seat, others wait."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from starlette.concurrency import run_in_threadpool

from handflow.hands import HandLandmarker, HandLandmarkerConfig
from handflow.processes import live_threads
from handflow.studio.outbox import Outbox
from handflow.studio.seat import Equipment, Seat
from handflow.studio.workspace import Project

PATIENCE = 1.0
"""Seconds for which a page waits for the seat: the page that was reloaded may not have left it yet."""


class Desk:
    """Seats one page at a time. Its methods are called in the loop of the server.

    Args:
        camera: the server's own source, as `open_source` takes it; None: it has none.
        make_landmarker: makes what finds the hands; called once, in the thread of the first seat.
    """

    def __init__(
        self, camera: str | None = None, make_landmarker: Callable[[], HandLandmarker] | None = None
    ) -> None:
        self._make = make_landmarker or _landmarker
        self._landmarker: HandLandmarker | None = None
        self._seat: Seat | None = None
        self._giving = asyncio.Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="takes")
        sitting = datetime.now().astimezone().strftime("%Y-%m-%d_%H-%M-%S")
        self._equipment = Equipment(self._ready_landmarker, camera, sitting, self._background)

    @property
    def seat(self) -> "Seat | None":
        """The seat that is taken; None: it is free."""
        return self._seat if self._seat is not None and not self._seat.over else None

    async def take(self, project: Project, outbox: Outbox, *, over: bool = False) -> "Seat | None":
        """Seats a page; None where another one sits and does not leave within a moment.

        Args:
            project: that the page shows.
            outbox: takes messages for it.
            over: the other one is told to leave.
        """
        async with self._giving:
            end = time.monotonic() + PATIENCE
            if over and self.seat is not None:
                self.seat.outbox.put({"type": "taken-over"})
                self.seat.leave()
            while self.seat is not None:
                if time.monotonic() >= end:
                    return None
                await asyncio.sleep(0.05)
            if self._seat is not None and not await run_in_threadpool(self._seat.join):
                return None  # it waits for a camera: what finds the hands is not free yet
            self._seat = Seat(self._equipment, project, outbox)
            return self._seat

    def close(self) -> None:
        """Ends the session; complete takes are written first. Called when the loop has ended."""
        if self._seat is not None:
            self._seat.leave()
            self._seat.join()
        self._background.shutdown()

    def _ready_landmarker(self) -> HandLandmarker:
        """What finds the hands, one for all seats.

        Raises:
            ModelFileError: the hand models are missing.
        """
        if self._landmarker is None:
            self._landmarker = self._make()
        self._landmarker.reset()
        return self._landmarker


def _landmarker() -> HandLandmarker:
    return HandLandmarker(HandLandmarkerConfig(threads=live_threads()))
