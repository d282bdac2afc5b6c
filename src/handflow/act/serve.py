"""Events for other programs of this computer: WebSocket and server-sent events on 127.0.0.1.

Who listens hears, and can trigger nothing. `handflow.act.serve_app` says who may.
"""

import asyncio
import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from handflow.errors import ActionError
from handflow.extras import require_extra
from handflow.loopback import HOST, bind, make_server, serve

if TYPE_CHECKING:
    import uvicorn

PORT = 8747
"""Where listeners find it, unless another one is asked for."""
MOST_LISTENERS = 32
MOST_WAITING = 256
"""Documents that wait for a slow listener; after that it loses the oldest."""
KEEP_ALIVE = 15.0
"""Seconds of silence after which listeners get a sign that the stream lives."""
_LAST_WORDS = 0.3  # seconds in which listeners can still read what waits for them at the end
_ENDING = 3.0  # seconds that the thread gets to end; it needs about 0.3

_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]*://[^/\s*]*")


class Listener:
    """One who listens, and what waits for it."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._waiting: deque[tuple[int | None, str]] = deque()
        self._dropped = 0
        self._ended = False
        self._news = asyncio.Event()

    def put(self, number: int, text: str) -> None:
        """Adds a document; by any thread that holds the lock."""
        if len(self._waiting) == MOST_WAITING:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append((number, text))

    def wake(self) -> None:
        """Has it look for news; by the thread of the server."""
        self._news.set()

    def end(self) -> None:
        """Ends its stream after what waits; by the thread of the server."""
        self._ended = True
        self._news.set()

    async def documents(self) -> AsyncIterator[tuple[int | None, str]]:
        """Number and JSON text of each document until the end; (None, "") after some silence."""
        while True:
            self._news.clear()
            document = self._next()
            if document is not None:
                yield document
                continue
            if self._ended:
                return
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    await self._news.wait()
            except TimeoutError:
                yield None, ""

    def _next(self) -> tuple[int | None, str] | None:
        with self._lock:
            if self._dropped:
                count, self._dropped = self._dropped, 0
                return None, json.dumps({"type": "dropped", "count": count})
            return self._waiting.popleft() if self._waiting else None


class Subscribers:
    """Sends documents to all who listen: `start()`, then `send()` from any thread, `close()`.

    Args:
        port: of 127.0.0.1; 0: any free one.
        origins: web pages that may listen beside those of this computer, e.g. "https://example.org"; "null"
            are pages opened as a file, but also any website that wants to look like one.

    Raises:
        MissingExtraError: packages are missing.
        ActionError: an origin is none.
    """

    def __init__(self, port: int = PORT, origins: Sequence[str] = ()) -> None:
        require_extra("serving events", "serve")
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ActionError(f"{origin} is no origin: write it as https://example.org, without a path")
        self.port, self.origins = port, tuple(origins)
        self.sent = 0  # documents since the start, heard or not
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._woken = self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Address of the page that shows the events; `events` and `ws` lie below it."""
        return f"http://{HOST}:{self.port}/"

    @property
    def listening(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def start(self) -> "Subscribers":
        """Begins to listen on the port, at once.

        Raises:
            ActionError: the port is taken or not allowed.
        """
        from handflow.act.serve_app import make_app

        bound = bind(self.port)
        self.port = bound.getsockname()[1]
        self._server = make_server(make_app(self), ws_max_size=4096, timeout_graceful_shutdown=0)
        self._thread = threading.Thread(target=self._run, args=(bound,), name="serve", daemon=True)
        self._thread.start()
        return self

    def send(self, document: dict[str, Any]) -> None:
        """Sends a document to all who listen; returns at once, from any thread."""
        with self._lock:
            self.sent += 1
            if self._listeners:
                text = json.dumps(document)
                for listener in self._listeners:
                    listener.put(self.sent, text)
                self._wake_all()

    def close(self) -> None:
        """Ends all streams, after what waits for those who read it soon, and the server."""
        with self._lock:
            self._closed = True
            self._wake_all()
        if self._server is not None and self._thread is not None:
            end = time.monotonic() + _LAST_WORDS
            while self._listeners and time.monotonic() < end:
                time.sleep(0.01)
            self._server.should_exit = True
            self._thread.join(_ENDING)

    @contextmanager
    def listener(self) -> Iterator[Listener | None]:
        """Somebody who listens while this lasts; None where too many do. By the thread of the server."""
        listener = Listener(self._lock)
        with self._lock:
            admitted = not self._closed and len(self._listeners) < MOST_LISTENERS
            if admitted:
                self._listeners.add(listener)
        try:
            yield listener if admitted else None
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def _wake_all(self) -> None:
        """Wakes the thread of the server, where it is not woken already; holds the lock."""
        if self._listeners and self._loop is not None and not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._tell_news)

    def _tell_news(self) -> None:
        with self._lock:
            self._woken = False
            for listener in self._listeners:
                listener.end() if self._closed else listener.wake()

    def _run(self, bound: socket.socket) -> None:
        with bound:
            asyncio.run(self._serve(bound))

    async def _serve(self, bound: socket.socket) -> None:
        assert self._server is not None
        self._loop = asyncio.get_running_loop()
        await serve(self._server, bound)
