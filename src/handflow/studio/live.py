"""The WebSocket of a page that shows a camera: pictures and orders in, what is seen and done out."""

import asyncio
import math
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from handflow.studio.desk import Desk
from handflow.studio.errors import StudioError, told
from handflow.studio.orders import Ping, TakeOver, read_order
from handflow.studio.outbox import Outbox
from handflow.studio.seat import Seat
from handflow.studio.workspace import Project, Workspace

_TIME = struct.Struct("<d")
NOTHING_HERE = 4404
"""Close code where there is no such project (any more)."""
TOO_MANY = 1008
"""Close code for a page that sends more orders than anybody can follow."""


def live(workspace: Workspace, desk: Desk) -> Callable[[WebSocket], Awaitable[None]]:
    """The endpoint of `/api/projects/{project}/live`."""

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        outbox = Outbox(asyncio.get_running_loop())
        sending = asyncio.create_task(outbox.send_all(socket))
        page = _Page(desk, lambda: workspace.project(socket.path_params["project"]), outbox)
        try:
            await page.sit()
            await page.listen(socket)
        except StudioError as error:  # there is no such project (any more)
            with suppress(WebSocketDisconnect, RuntimeError):
                await socket.send_json(told(error))
                await socket.close(NOTHING_HERE)
        finally:
            page.leave()
            sending.cancel()

    return endpoint


class _Page:
    """One connection, at the desk or not."""

    def __init__(self, desk: Desk, find: Callable[[], Project], outbox: Outbox) -> None:
        self._desk, self._find, self._outbox = desk, find, outbox
        self._seat: Seat | None = None

    async def sit(self, *, over: bool = False) -> None:
        """Takes the desk, if it can be had.

        Raises:
            StudioError: the project is gone.
        """
        project = await run_in_threadpool(self._find)
        self._seat = await self._desk.take(project, self._outbox, over=over)
        if self._seat is None:
            self._outbox.put({"type": "busy"})

    def leave(self) -> None:
        """Leaves it to others."""
        if self._seat is not None:
            self._seat.leave()

    async def listen(self, socket: WebSocket) -> None:
        """Takes messages until the page is gone."""
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            seat = self._seat if self._seat is not None and not self._seat.over else None
            data = message.get("bytes")
            if data is not None:
                self._show(seat, data)
            elif not await self._obey(seat, message.get("text") or ""):
                await socket.close(TOO_MANY, "too many orders")
                return

    def _show(self, seat: Seat | None, data: bytes) -> None:
        if seat is None:
            return
        captured = _TIME.unpack_from(data)[0] if len(data) > _TIME.size else math.nan
        seat.show(data[_TIME.size :], captured)

    async def _obey(self, seat: Seat | None, text: str) -> bool:
        """Does what the page asks; False where it asks too much."""
        try:
            order = read_order(text)
        except StudioError as error:
            self._outbox.put(told(error))
            return True
        if isinstance(order, Ping):
            self._outbox.put({"type": "pong", "t": order.t})
        elif isinstance(order, TakeOver):
            if seat is None:
                await self.sit(over=True)
        elif seat is None:
            self._outbox.put({"type": "busy"})
        else:
            return seat.order(order)
        return True
