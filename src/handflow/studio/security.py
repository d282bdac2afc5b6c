"""Who may talk to the studio, and how much: the person who has its start link, from its own page.

Every website that is open in a browser can reach 127.0.0.1 too. So each request must name this computer as
its host (else a foreign name could be made to point here: DNS rebinding), show the cookie that the start link
has set, and, where it changes something or opens a WebSocket, come from this very page.
"""

import asyncio
import hmac
import os
import re
import secrets
import stat
import time
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_JSON = 256_000  # bytes of a request
LARGEST_UPLOAD = 512_000_000  # bytes of a zip
LARGEST_MESSAGE = 600_000  # bytes over the WebSocket: a picture of 1280x960 has about 200 000
MOST_IDLE = 128
"""Connections on which nothing is asked: beyond that the oldest is closed."""
PASS_SECONDS = 60
"""How long a pass serves."""

_TOKEN_FILE = ".token"
_TOKEN_BYTES = 24
_START, _IMPORT = "/start", "/api/projects/import"
_ONE_YEAR = 365 * 24 * 3600

_TOKEN = re.compile(r"[\w-]{32,100}", re.ASCII)
_ELSEWHERE = ("cross-site", "same-site")  # same-site: another port

_LOCKED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>handflow studio</title>
<h1>This browser does not know the studio yet</h1>
<p>Open the start link that <code>handflow studio</code> printed in its terminal.</p></html>
"""

_ONWARD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>handflow studio</title>
<meta http-equiv="refresh" content="0;url=/"><p><a href="/">To the studio</a></p></html>
"""


def load_token(folder: Path) -> str:
    """The token of a studio's folder, made anew where there is none that only this user can have read."""
    path = folder / _TOKEN_FILE
    token = _private_text(path)
    if not _TOKEN.fullmatch(token):
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="ascii") as out:
            out.write(token)
    return token


def _private_text(path: Path) -> str:
    """What a small file says; nothing where there is none, or where others own it or may read it."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return ""
    with os.fdopen(file, "rb") as opened:
        facts = os.fstat(file)
        if os.name == "posix" and (facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) & 0o077):
            return ""
        return opened.read(1000).decode("ascii", "replace").strip() if stat.S_ISREG(facts.st_mode) else ""


def new_pass(token: str) -> str:
    """Serves once and soon as the token in a start link: what starts a browser shows it to all users."""
    said = f"{int(time.time()) + PASS_SECONDS}.{secrets.token_urlsafe(9)}"
    return f"{said}.{_seal(token, said)}"


def _seal(token: str, said: str) -> str:
    return hmac.new(token.encode(), said.encode(), "sha256").hexdigest()


def cookie_name(port: int) -> str:
    """Cookies of one computer are shared by all its ports, so each studio names its own."""
    return f"handflow_studio_{port}"


class Guard:
    """Lets only the studio's own page through, and says on every answer what a page may do.

    Args:
        app: what is guarded.
        token: of the start link.
        port: that it is served on.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token, self._port = app, token, port
        self._used: set[str] = set()  # passes
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        listeners = " ".join(f"ws://{host}" for host in self._hosts)
        self._headers = {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
            f"img-src 'self' blob: data:; connect-src 'self' {listeners}; media-src 'self' blob:; "
            "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-cache",
            "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers itself where somebody may not, else passes on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def marked(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                answer = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in self._headers.items():
                    answer.setdefault(name, value)
            await send(message)

        answer = self._answer(scope, headers)
        if answer is not None:
            await answer(scope, receive, marked)
            return
        limit = LARGEST_UPLOAD if _is_upload(scope) else LARGEST_JSON
        if scope["type"] == "http" and _length(headers) > limit:
            await _plain("too large", 413)(scope, receive, marked)
            return
        await self._app(scope, _bounded(receive, limit) if scope["type"] == "http" else receive, marked)

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """What somebody is told who may not pass; None: pass on."""
        host = headers.get("host", "")
        if host not in self._hosts:
            return _plain("The studio answers at 127.0.0.1 and localhost alone.", 421)
        if scope["path"] == _START and scope["type"] == "http":
            return self._start(scope, headers)
        if headers.get("sec-fetch-site") in _ELSEWHERE:
            return _plain("The studio answers its own page alone.", 403)
        asks = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not asks and headers.get("origin") != f"http://{host}":
            return _plain("The studio answers its own page alone.", 403)
        return None if self._knows(headers) else HTMLResponse(_LOCKED, 403)

    def _start(self, scope: Scope, headers: Headers) -> Response:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] != "GET" or not (self._is_token(given) or self._is_pass(given)):
            return HTMLResponse(_LOCKED, 403)
        # A browser takes a redirection as a wish of the page with the link, which may not open the studio.
        followed = headers.get("sec-fetch-site") in _ELSEWHERE
        answer = HTMLResponse(_ONWARD) if followed else RedirectResponse("/", 303)
        answer.set_cookie(
            cookie_name(self._port), self._token, max_age=_ONE_YEAR, httponly=True, samesite="strict"
        )
        return answer

    def _knows(self, headers: Headers) -> bool:
        # Other ports of this computer set cookies here as well: odd ones, or some of the same name.
        pairs = (pair.partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
        name = cookie_name(self._port)
        return any(key.strip() == name and self._is_token(value.strip()) for key, _, value in pairs)

    def _is_pass(self, given: str) -> bool:
        """Whether it lets somebody in, which it does once."""
        said, _, seal = given.rpartition(".")
        if given in self._used or not hmac.compare_digest(_seal(self._token, said).encode(), seal.encode()):
            return False
        self._used.add(given)
        return time.time() < int(said.partition(".")[0])

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())


def http_protocol() -> type[asyncio.Protocol]:
    """HTTP as uvicorn speaks it, for so many silent callers at a time: each one costs an open file."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.since = time.monotonic()
            idle = [one for one in self.connections if isinstance(one, Protocol) and one.is_idle]
            if len(idle) > MOST_IDLE:
                min(idle, key=lambda one: one.since).transport.abort()

        @property
        def is_idle(self) -> bool:
            answered = self.cycle is None or self.cycle.response_complete
            return answered and not self.transport.is_closing()

    return Protocol


def _plain(text: str, status: int) -> Response:
    return Response(f"{text}\n", status, media_type="text/plain; charset=utf-8")


def _is_upload(scope: Scope) -> bool:
    return (scope["type"], scope.get("method"), scope["path"]) == ("http", "POST", _IMPORT)


def _length(headers: Headers) -> int:
    given = headers.get("content-length", "0")
    return int(given[:15]) if given.isdecimal() else 0


def _bounded(receive: Receive, limit: int) -> Receive:
    """Reads a request that may state no length, or a wrong one, up to the limit."""
    read = 0

    async def receive_bounded() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise HTTPException(413, "too large")
        return message

    return receive_bounded
