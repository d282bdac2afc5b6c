"""Requests, pictures and orders that no page sends: refused, and the next one is served."""

import asyncio
import base64
import socket
import struct
import threading
import zlib
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from odd_data import bomb, encoded, scans
from studio_client import LIMIT, Browser, eventually, moving

from data_samples import picture
from handflow.data.pictures import encode_jpeg
from handflow.loopback import bind
from handflow.studio import security
from handflow.studio.security import Guard, http_protocol
from handflow.studio.server import StudioServer


def test_large_bodies_are_refused(browser: Browser, server: StudioServer) -> None:
    assert browser.post("/api/projects", content=b" " * 300_000).status_code == 413

    def without_length() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 10_000

    answer = browser.post("/api/projects", content=without_length())
    assert answer.status_code == 413 and answer.json()["error"]["code"] == "refused"
    head = (
        f"POST /api/projects/import HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {browser.origin}\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain:
        plain.sendall(f"{head}Cookie: {browser.cookie}\r\nContent-Length: 600000000\r\n\r\n".encode())
        assert plain.recv(100).startswith(b"HTTP/1.1 413")


def test_only_a_zip_may_be_large(browser: Browser) -> None:
    for method in ("PATCH", "PUT", "DELETE"):
        assert browser.request(method, "/api/projects/import", content=b" " * 300_000).status_code == 413


HEAD = "Host: {host}\r\nCookie: {cookie}\r\nOrigin: http://{host}\r\n"
GET, POST = (
    "{} /api/{} HTTP/1.1\r\n{{head}}".format(*what) for what in (("GET", "state"), ("POST", "projects"))
)
CHUNKED, CLOSE = "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"
ANOTHER = f"\r\n0\r\n\r\nGET /api/state HTTP/1.1\r\nHost: evil.example\r\nCookie: {{cookie}}\r\n{CLOSE}\r\n"
SMUGGLED = {
    "two lengths": (POST + "Content-Length: 0\r\nContent-Length: 90\r\n\r\n", [400]),
    "a negative length": (POST + "Content-Length: -1\r\n\r\n", [400]),
    "length and chunks": (POST + CLOSE + "Content-Length: 500\r\n" + CHUNKED + "\r\n0\r\n\r\n", [400]),
    "a second request": (POST + CHUNKED + ANOTHER, [400, 421]),
    "packed chunks": (POST + "Transfer-Encoding: gzip, chunked\r\n" + ANOTHER, [400]),
    "two hosts": (GET + "Host: evil.example\r\n\r\n", [400]),
    "no host": ("GET /api/state HTTP/1.0\r\nCookie: {cookie}\r\n\r\n", [421]),
    "a foreign address": (GET.replace("/api", "http://evil.example/api") + CLOSE + "\r\n", [404]),
    "a large head": (GET + "X: " + "x" * 200_000 + "\r\n\r\n", [400]),
    "a zero byte": (GET + "X: a\0b\r\n\r\n", [400]),
    "no HTTP": ("\x16\x03\x01\r\n\r\n", [400]),
}


@pytest.mark.parametrize(("text", "statuses"), SMUGGLED.values(), ids=SMUGGLED)
def test_odd_requests_are_refused(
    server: StudioServer, browser: Browser, text: str, statuses: list[int]
) -> None:
    host = f"127.0.0.1:{server.port}"
    text = text.replace("{head}", HEAD).replace("{host}", host).replace("{cookie}", browser.cookie)
    with socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain:
        plain.sendall(text.encode())
        answered = b"".join(iter(lambda: receive(plain), b""))
    assert [int(part[:3]) for part in answered.split(b"HTTP/1.1 ")[1:]] == statuses
    assert browser.get("/api/state").status_code == 200


def receive(plain: socket.socket) -> bytes:
    try:
        return plain.recv(65536)
    except ConnectionResetError:
        return b""


def test_a_packed_body_is_not_unpacked(browser: Browser) -> None:
    packed = zlib.compress(b'{"name": "packed"}')
    answer = browser.post("/api/projects", content=packed, headers={"Content-Encoding": "deflate"})
    assert answer.status_code == 400


def test_callers_who_say_nothing_use_up_nothing() -> None:
    """Each half-open connection costs an open file, which takes then lack."""
    listening = bind(0)
    port = listening.getsockname()[1]
    guard = Guard(lambda *_: None, "x" * 32, port)  # type: ignore[arg-type, return-value]
    given = {"lifespan": "off", "log_level": "critical", "timeout_graceful_shutdown": 0}
    server = uvicorn.Server(uvicorn.Config(guard, http=http_protocol(), loop="asyncio", **given))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    callers = []
    try:
        for _ in range(3 * security.MOST_IDLE):
            callers.append(socket.create_connection(("127.0.0.1", port), LIMIT))
            callers[-1].sendall(b"GET / HTTP/1.1\r\nX: ")
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=LIMIT).status_code == 403
        eventually(
            lambda: len(server.server_state.connections) <= security.MOST_IDLE + 1, "the oldest are closed"
        )
    finally:
        for caller in callers:
            caller.close()
        server.should_exit = True
        thread.join(LIMIT)
        listening.close()


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b"\xff", b'{"name": 1}', b'{"name": "x", "more": 1}', b"null"]
)
def test_odd_json_is_refused(browser: Browser, body: bytes) -> None:
    answer = browser.post("/api/projects", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad-request")


ODD = {
    "many scans": scans(),
    "nothing": b"", "no picture": b"hello", "cut off": moving(1)[0][:40], "a bomb": bomb(),
    "larger than allowed": encode_jpeg(picture(size=(1300, 700))), "tiny": encode_jpeg(picture(size=(8, 8))),
    "too tall": encode_jpeg(picture(size=(1000, 1100))),
    "PNG": encoded(".png"), "TIFF": encoded(".tiff"), "WebP": encoded(".webp"), "BMP": encoded(".bmp"),
    "PNG that begins as a JPEG": b"\xff\xd8\xff" + encoded(".png"),
}  # fmt: skip


@pytest.mark.parametrize("jpeg", ODD.values(), ids=ODD)
def test_odd_pictures_are_left_out_and_the_next_is_seen(browser: Browser, slug: str, jpeg: bytes) -> None:
    with browser.page(slug) as page:
        page.send(jpeg, 1.0)
        assert page.wait_for("error")["code"] == "bad-picture"
        assert page.show(moving(1)[0])["hands"]


@pytest.mark.parametrize("captured", [float("nan"), float("inf"), -float("inf")])
def test_pictures_of_no_time_are_left_out(browser: Browser, slug: str, captured: float) -> None:
    with browser.page(slug) as page:
        page.send(moving(1)[0], captured)
        page.socket.send(b"\1")
        assert page.show(moving(1)[0])["hands"]
        assert len(page.all("seen")) == 1


ORDERS = [
    "", "{", "[]", "{}", '{"type": "what"}', '{"type": "record", "how": "x"}', '{"type": "look", "more": 1}',
    "[" * 100_000, '{"type": "wrong", "event": "x"}',
]  # fmt: skip


@pytest.mark.parametrize("text", ORDERS)
def test_odd_orders_are_told_and_change_nothing(browser: Browser, slug: str, text: str) -> None:
    with browser.page(slug) as page:
        page.socket.send(text)
        assert page.wait_for("error")["code"] == "bad-message"
        assert page.show(moving(1)[0])["hands"]


def test_messages_that_are_too_large_close_the_socket(browser: Browser, slug: str) -> None:
    with browser.page(slug) as page:
        page.socket.send(bytes(700_000))
        assert page.wait_closed() == 1009
    browser.page(slug).socket.close()


def frame(kind: int, data: bytes, *, last: bool = True, packed: bool = False) -> bytes:
    """A WebSocket frame of a client (RFC 6455, 5.2)."""
    first = 0x80 * last | 0x40 * packed | kind
    return struct.pack(">BBQ4x", first, 0xFF, len(data)) + data


FRAMES = {
    "packed": [frame(2, zlib.compress(bytes(10_000_000))[2:-4], packed=True)],
    "in parts": [frame(2, bytes(60_000), last=False), *[frame(0, bytes(60_000), last=False)] * 20],
    "a huge one": [struct.pack(">BBQ4x", 0x82, 0xFF, 2**62)],
    "no text": [frame(1, b"\xff\xff")],
    "no mask": [b"\x82\x01x"],
}


@pytest.mark.parametrize("frames", FRAMES.values(), ids=FRAMES)
def test_odd_frames_close_the_socket(
    server: StudioServer, browser: Browser, slug: str, frames: list[bytes]
) -> None:
    key = base64.b64encode(bytes(16)).decode()
    head = HEAD.format(host=f"127.0.0.1:{server.port}", cookie=browser.cookie)
    wish = (
        f"GET /api/projects/{slug}/live HTTP/1.1\r\n{head}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain:
        plain.sendall(wish.encode())
        answer = plain.recv(65536)
        assert answer.startswith(b"HTTP/1.1 101") and b"Extensions" not in answer
        try:
            for one in frames:
                plain.sendall(one)
        except (BrokenPipeError, ConnectionResetError):
            return
        while receive(plain):
            pass
    browser.page(slug).socket.close()


def test_a_flood_of_pictures_leaves_one_waiting(browser: Browser, slug: str) -> None:
    jpeg = moving(1)[0]
    with browser.page(slug) as page:
        for number in range(2000):
            page.send(jpeg, 1 + number / 1000)
        page.clock = 4.0
        seen = page.show(jpeg)
        assert seen["dropped"] + seen["n"] == 2001
        assert seen["dropped"] > 0


def test_a_flood_of_orders_closes_the_socket(browser: Browser, slug: str) -> None:
    with browser.page(slug) as page:
        try:
            for _ in range(20_000):
                page.order("record", gesture="flood")
        except Exception as closed:  # noqa: BLE001  the server has closed meanwhile, in one way or another
            assert "ConnectionClosed" in type(closed).__name__
        assert page.wait_closed() == 1008
    browser.page(slug).socket.close()
