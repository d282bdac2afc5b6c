"""What waits to be sent to a page: of what it sees the newest alone, of what happened all."""

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

_MOST_WAITING = 2000  # messages; a page that is so far behind reads no longer


@dataclass(frozen=True, slots=True)
class _Letter:
    document: dict[str, Any]
    picture: bytes | None = None  # sent after the document
    received: float | None = None  # time.perf_counter() at which what it answers came
    passing: bool = False  # a newer one of its type replaces it


class Outbox:
    """Messages for one page: `put` from any thread, `send_all` in the loop of the server."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[_Letter] = deque()
        self._news = asyncio.Event()

    def put(self, document: dict[str, Any]) -> None:
        """Adds a message that will not get lost; returns at once."""
        self._hand_over(_Letter(document))

    def put_passing(
        self, document: dict[str, Any], *, picture: bytes | None = None, received: float | None = None
    ) -> None:
        """Adds a message that a slow page may lose: a newer one of the same type replaces it.

        Args:
            document: the message.
            picture: sent right after it.
            received: `time.perf_counter()` at which what it answers came; `took` then says how many
                milliseconds passed until it was sent.
        """
        self._hand_over(_Letter(document, picture, received, passing=True))

    async def send_all(self, socket: WebSocket) -> None:
        """Sends what comes until the page is gone."""
        with suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: sent as the page has just gone
            while True:
                while self._waiting:
                    await self._send(socket, self._waiting.popleft())
                self._news.clear()
                await self._news.wait()

    async def _send(self, socket: WebSocket, letter: _Letter) -> None:
        document = letter.document
        if letter.received is not None:
            took = 1000 * (time.perf_counter() - letter.received)
            document = {**document, "took": round(took, 2)}
        await socket.send_text(json.dumps(document, allow_nan=False, separators=(",", ":")))
        if letter.picture is not None:
            await socket.send_bytes(letter.picture)

    def _hand_over(self, letter: _Letter) -> None:
        with suppress(RuntimeError):  # the server's loop has ended: nobody listens any more
            self._loop.call_soon_threadsafe(self._add, letter)

    def _add(self, letter: _Letter) -> None:
        if letter.passing:
            kind = letter.document["type"]
            older = next((w for w in self._waiting if w.passing and w.document["type"] == kind), None)
            if older is not None:
                self._waiting.remove(older)
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(letter)
        self._news.set()
