"""The web application behind `handflow run --serve`: what it answers, and to whom.

Every website that is open in a browser can reach 127.0.0.1 too. So the address must name this computer (else
a foreign name could be made to point here: DNS rebinding), and web pages must come from this computer or be
allowed by name. Programs that are no browser state no origin and may listen.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from handflow import __version__

if TYPE_CHECKING:
    from handflow.act.serve import Listener, Subscribers

OWN_PAGES = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?|http://absolute"
"""Origins of this computer: any port; and OBS, which serves a browser source's local file as http://absolute."""
RETRY = 1000
"""Milliseconds after which a browser connects again."""

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_PAGE_HEADERS = {
    **_HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; frame-ancestors 'none'",
}
_TOO_MANY = "too many programs listen already: end one of them"


def make_app(subscribers: "Subscribers") -> Starlette:
    """The application for those who listen."""

    async def page(request: Request) -> Response:
        html = Path(__file__).with_name("events.html").read_text(encoding="utf-8")
        return HTMLResponse(html, headers=_PAGE_HEADERS)

    async def status(request: Request) -> Response:
        known = {"version": __version__, "listening": subscribers.listening, "sent": subscribers.sent}
        return JSONResponse(known, headers=_HEADERS)

    async def websocket(socket: WebSocket) -> None:
        with subscribers.listener() as listener:
            if listener is None:
                await socket.send_denial_response(PlainTextResponse(_TOO_MANY, 503))
            else:
                await socket.accept()
                await _talk(socket, listener)

    return Starlette(
        routes=[
            Route("/", page, methods=["GET"]),
            Route("/status", status, methods=["GET"]),
            Route("/events", _Events(subscribers), methods=["GET"]),
            WebSocketRoute("/ws", websocket),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False),
            Middleware(_OwnPagesOnly, allowed=subscribers.origins),
            Middleware(CORSMiddleware, allow_origins=subscribers.origins, allow_origin_regex=OWN_PAGES),
        ],
    )


class _OwnPagesOnly:
    """Turns away web pages that are neither of this computer nor allowed."""

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = self._foreign(scope) if scope["type"] in ("http", "websocket") else None
        if origin is None:
            await self._app(scope, receive, send)
        else:
            answer = f"{origin} may not listen: allow it with --origin\n"
            await PlainTextResponse(answer, 403)(scope, receive, send)

    def _foreign(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None:
            return None if origin in self._allowed or re.fullmatch(OWN_PAGES, origin) else origin
        # Pictures, scripts and frames state no origin: their page cannot read the answer, but hold it open.
        embedded = headers.get("sec-fetch-site") == "cross-site" and scope["path"] != "/"
        return "a page of another site" if embedded else None


class _Events:
    """`GET /events`: server-sent events (WHATWG HTML, section 9.2)."""

    def __init__(self, subscribers: "Subscribers") -> None:
        self._subscribers = subscribers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._subscribers.listener() as listener:
            response: Response = PlainTextResponse(_TOO_MANY, 503)
            if listener is not None:
                stream = self._stream(listener)
                response = StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)
            await response(scope, receive, send)

    async def _stream(self, listener: "Listener") -> AsyncIterator[str]:
        yield f"retry: {RETRY}\n\n"
        async for number, text in listener.documents():
            if not text:
                yield ": nothing new\n\n"
            else:
                yield (f"id: {number}\n" if number is not None else "") + f"data: {text}\n\n"


async def _talk(socket: WebSocket, listener: "Listener") -> None:
    """Sends documents until one side ends; what the other side says counts for nothing."""

    async def hear() -> None:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass

    gone = asyncio.create_task(hear())
    gone.add_done_callback(lambda _: listener.end())
    try:
        with suppress(
            WebSocketDisconnect, RuntimeError
        ):  # RuntimeError: sent as the other side has just closed
            async for _, text in listener.documents():
                if text:  # signs of life are the protocol's own pings
                    await socket.send_text(text)
            if not gone.done():
                await socket.close(1001)
    finally:
        gone.cancel()
