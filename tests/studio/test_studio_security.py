"""Who is turned away: each attack on a real server, over real sockets."""

import asyncio
import base64
import http.client
import io
import json
import socket
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
import uvicorn
from studio_client import LIMIT, Browser, Page, eventually, moving, studio
from websockets.exceptions import InvalidStatus

from data_samples import BrightHand, make_dataset, picture
from handflow.data.pictures import encode_jpeg
from handflow.loopback import bind
from handflow.studio import security, takeaway
from handflow.studio.security import Guard, cookie_name, http_protocol, load_token, new_pass
from handflow.studio.server import StudioServer


@pytest.fixture(scope="module")
def slug(served: tuple[StudioServer, Browser]) -> str:
    return served[1].project()


@pytest.fixture
def stranger(server: StudioServer) -> Iterator[httpx.Client]:
    """A program that reaches the port and knows nothing."""
    with httpx.Client(base_url=server.url, timeout=LIMIT) as client:
        yield client


def test_the_start_link_lets_a_browser_in_for_good(server: StudioServer, stranger: httpx.Client) -> None:
    answer = stranger.get(server.start_link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
    assert stranger.get("/api/state").status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/state", "/static/main.js", "/api/projects/x/live", "/nowhere"])
def test_nothing_is_told_without_the_token(stranger: httpx.Client, path: str) -> None:
    for cookies in ({}, {"handflow_studio": "x"}):
        answer = stranger.get(path, cookies=cookies)
        assert answer.status_code == 403
        assert "start link" in answer.text


@pytest.mark.parametrize("token", ["", "x", "é", "x" * 5000])
def test_a_wrong_token_opens_nothing(server: StudioServer, stranger: httpx.Client, token: str) -> None:
    answer = stranger.get("/start", params={"token": token})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    cookie = {"Cookie": f"{cookie_name(server.port)}={token.encode().hex()}"}
    assert stranger.get("/api/state", headers=cookie).status_code == 403
    assert stranger.post("/start", params={"token": server.token}).status_code == 403


ODD_COOKIES = [
    'x={"a": [1, 2]}; OWN',
    'a="b; OWN',
    "a[b]=1; OWN",
    "odd; OWN",
    "OWN; NAME=other",
    "NAME=; OWN",
]


@pytest.mark.parametrize("cookie", ODD_COOKIES)
def test_cookies_of_other_ports_keep_nobody_out(
    server: StudioServer, browser: Browser, stranger: httpx.Client, cookie: str
) -> None:
    """All ports of one computer share their cookies, odd ones as well."""
    given = cookie.replace("OWN", browser.cookie).replace("NAME", cookie_name(server.port))
    assert stranger.get("/api/state", headers={"Cookie": given}).status_code == 200
    without = cookie.replace("OWN", "a=b").replace("NAME", cookie_name(server.port))
    assert stranger.get("/api/state", headers={"Cookie": without}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_start_link_that_stands_on_another_page_leads_here(server: StudioServer, site: str) -> None:
    """A browser sends no cookie after a redirection that another page has asked for, so the page goes on."""
    with httpx.Client(base_url=server.url, headers={"Sec-Fetch-Site": site}) as client:
        answer = client.get(server.start_link)
        assert answer.status_code == 200 and 'content="0;url=/"' in answer.text
        assert server.token not in answer.text and cookie_name(server.port) in client.cookies
        assert client.get("/start", params={"token": "x"}).status_code == 403


def test_a_pass_opens_once(
    server: StudioServer, stranger: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the list of processes when a browser is started, where all users see it."""
    good, late = new_pass(server.token), new_pass(server.token)
    for wrong in (new_pass("other"), f"9{good}", f"{good}0", ".", "9999999999..", good.upper()):
        assert stranger.get("/start", params={"token": wrong}).status_code == 403
    assert server.token not in good
    assert stranger.get("/start", params={"token": good}).status_code == 303
    assert stranger.get("/start", params={"token": good}).status_code == 403
    now = security.time.time()
    monkeypatch.setattr(security.time, "time", lambda: now + security.PASS_SECONDS)
    assert stranger.get("/start", params={"token": late}).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "[::1]:{port}"]
)
def test_a_foreign_name_is_not_answered(server: StudioServer, browser: Browser, slug: str, host: str) -> None:
    """DNS rebinding: a website's own name points to this computer."""
    host = host.format(port=server.port)
    for path in ("/api/state", f"/start?token={server.token}"):
        assert browser.get(path, headers={"Host": host}).status_code == 421
    assert refused_socket(browser, slug, host=host) == 421


def test_localhost_is_this_computer_too(server: StudioServer, browser: Browser) -> None:
    host = f"localhost:{server.port}"
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert browser.get("/api/state", headers=headers).status_code == 200
    assert browser.post("/api/projects", headers=headers, json={"name": "by name"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1", None]
)
def test_a_page_from_elsewhere_changes_nothing(browser: Browser, slug: str, origin: str | None) -> None:
    """It has the cookie: a browser sends it along with what another port of this computer asks."""
    before = browser.json("GET", "state")
    for method, path in (("POST", "/api/projects"), ("DELETE", f"/api/projects/{slug}")):
        request = browser.build_request(method, path, json={"name": "x"})
        del request.headers["origin"]
        if origin is not None:
            request.headers["origin"] = origin
        assert browser.send(request).status_code == 403
    assert browser.json("GET", "state") == before
    assert refused_socket(browser, slug, origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_from_elsewhere_embeds_nothing(browser: Browser, site: str) -> None:
    assert browser.get("/", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert browser.get("/", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_socket_without_the_cookie_is_refused(browser: Browser, slug: str) -> None:
    assert refused_socket(browser, slug, additional_headers={}) == 403


def refused_socket(browser: Browser, slug: str, **given: object) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        Page(browser, slug, **given)
    answer = refusal.value.response
    assert "content-security-policy" in answer.headers
    return answer.status_code


def test_every_answer_says_what_a_page_may_do(browser: Browser, stranger: httpx.Client, slug: str) -> None:
    answers = [
        browser.get("/"),
        browser.get("/static/icon.svg"),
        browser.get("/api/state"),
        browser.get("/api/nowhere"),
        browser.get(f"/api/projects/{slug}/takes/none/preview"),
        browser.post("/api/projects", content=b"{"),
        browser.put("/api/state"),
        browser.get("/", headers={"Host": "evil.example"}),
        stranger.get("/"),
        stranger.get("/start"),
    ]
    assert {answer.status_code for answer in answers} >= {200, 400, 403, 404, 405, 421}
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-cache"


UP = ["..", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e%2fetc", "..%5c..", ".trash", ".token", "x%00", "a%2fb", "~"]


@pytest.mark.parametrize("name", UP)
def test_no_address_leads_out_of_the_folder(browser: Browser, slug: str, name: str) -> None:
    asked = [
        f"projects/{name}", f"projects/{name}/gestures", f"projects/{slug}/takes/{name}/preview",
        f"projects/{slug}/model/{name}", f"projects/{slug}/export/{name}",
    ]  # fmt: skip
    statuses = [raw(browser, "GET", f"/api/{path}") for path in asked]
    statuses += [
        raw(browser, "DELETE", f"/api/projects/{slug}/{kind}/{name}") for kind in ("takes", "gestures")
    ]
    statuses.append(raw(browser, "DELETE", f"/api/projects/{name}"))
    statuses += [raw(browser, "GET", f"/static/{name}{rest}") for rest in ("", "/app.py", "/../app.py")]
    assert {*statuses} <= {404, 405, 409}
    assert slug in [project["slug"] for project in browser.json("GET", "state")["projects"]]


def raw(browser: Browser, method: str, path: str) -> int:
    """The status of a request whose path is sent as it is written."""
    host = browser.origin.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=LIMIT)
    connection.request(method, path, headers={"Cookie": browser.cookie, "Origin": browser.origin})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("gesture", ["../x", "a/b", "", "con", "x" * 100, "a\0b", "C:x"])
def test_names_that_are_no_folders_are_refused(browser: Browser, slug: str, gesture: str) -> None:
    assert browser.refusal("POST", f"projects/{slug}/gestures", {"name": gesture}) == (422, "gesturename")
    with browser.page(slug) as page:
        page.order("record", gesture=gesture, how="key")
        assert page.wait_for("error")["code"] == "gesturename"


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


def bomb() -> bytes:
    """A small file that says it holds a picture of 30000x30000."""
    small = bytearray(encode_jpeg(picture()))
    place = small.index(b"\xff\xc0")
    small[place + 5 : place + 9] = struct.pack(">HH", 30000, 30000)
    return bytes(small)


def scans() -> bytes:
    """A small JPEG of very many scans, each of which goes through all of it."""
    fine = cv2.imencode(".jpg", picture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    last = fine[fine.rindex(b"\xff\xda") : -2]
    return bytes(fine[:-2] + last * 1000 + fine[-2:])


def encoded(kind: str) -> bytes:
    """A picture of another kind, which the decoder knows as well."""
    return bytes(cv2.imencode(kind, picture())[1].tobytes())


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
        assert seen["dropped"] + seen["n"] == 2001 or len(page.all("seen")) < 2001
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


COMMAND = {"gesture": "wave", "do": [{"command": {"run": ["true"]}}]}
PYTHON = {"gesture": "wave", "do": [{"say": {"text": "x"}}, {"python": {"use": "x"}}]}
LINES = 'bindings = [{ gesture = "wave", do = [{ command = ["true"] }] }]'


def test_actions_that_run_programs_are_not_made_from_the_page(browser: Browser) -> None:
    slug = browser.project("commands")
    bindings = f"projects/{slug}/bindings"
    refused = (403, "commands-not-allowed")
    for binding in (COMMAND, PYTHON):
        assert browser.refusal("POST", bindings, binding) == refused
    assert browser.refusal("PUT", f"{bindings}.toml", {"text": LINES}) == refused
    browser.json("POST", bindings, {"gesture": "wave", "do": [{"say": {"text": "x"}}]})
    assert browser.refusal("PUT", f"{bindings}/0", COMMAND) == refused
    assert "command" not in browser.json("GET", bindings)["text"]


def test_those_in_the_file_are_shown_and_neither_changed_nor_tested(
    server: StudioServer, browser: Browser
) -> None:
    slug = browser.project("commands")
    bindings, refused = f"projects/{slug}/bindings", (403, "commands-not-allowed")
    folder = server_folder(server) / slug
    (folder / "bindings.toml").write_text(LINES)
    [shown] = browser.json("GET", bindings)["bindings"]
    assert shown["locked"] and shown["do"] == [{"command": {"run": ["true"]}}]
    for change in ({**COMMAND, "gesture": "fist"}, {**COMMAND, "enabled": False},
                   {"gesture": "wave", "do": [{"command": {"run": ["false"]}}]}):  # fmt: skip
        assert browser.refusal("PUT", f"{bindings}/0", change) == refused
    assert browser.refusal("PUT", f"{bindings}.toml", {"text": LINES.replace("true", "false")}) == refused
    assert browser.refusal("POST", f"{bindings}/test", {"gesture": "wave"}) == refused
    [told] = browser.json("POST", f"{bindings}/test", {"gesture": "wave", "dry_run": True})
    assert told["outcome"] == "dry run"
    assert (folder / "bindings.toml").read_text() == LINES
    browser.json("POST", bindings, {"gesture": "fist", "do": [{"say": {"text": "x"}}]})  # beside it
    browser.json("DELETE", f"{bindings}/0")


def test_with_the_flag_they_are_made_and_tested(tmp_path: Path) -> None:
    with studio(tmp_path, make_landmarker=BrightHand, allow_commands=True) as (_, browser):
        slug = browser.project()
        [made] = browser.json("POST", f"projects/{slug}/bindings", COMMAND)["bindings"]
        assert not made["locked"]
        [told] = browser.json("POST", f"projects/{slug}/bindings/test", {"gesture": "wave"})
        assert told["outcome"] == "performed"


@pytest.mark.parametrize("text", ["a." * 40_000 + "b = 1", "a = " + "[" * 100_000], ids=["long key", "deep"])
def test_bindings_that_would_take_all_memory_are_refused(browser: Browser, slug: str, text: str) -> None:
    assert browser.refusal("PUT", f"projects/{slug}/bindings.toml", {"text": text}) == (422, "bindings")


def server_folder(server: StudioServer) -> Path:
    return server.folder


def zipped(**files: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


DATASET = {"dataset.json": '{"format_version": 1}'}


def special(mode: int) -> bytes:
    out = io.BytesIO(zipped(**DATASET))
    with zipfile.ZipFile(out, "a") as archive:
        member = zipfile.ZipInfo("clips")
        member.external_attr = mode << 16
        archive.writestr(member, "/etc")
    return out.getvalue()


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("dataset.json", DATASET["dataset.json"])
        archive.writestr("dataset.json", DATASET["dataset.json"])
    return out.getvalue()


def beside(name: str, content: bytes | str = "x") -> bytes:
    return zipped(**DATASET, **{name: content})


def packed(how: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        archive.writestr("dataset.json", DATASET["dataset.json"])
    return out.getvalue()


def with_flag(bit: int) -> bytes:
    """A zip that says this of its members."""
    content = bytearray(zipped(**DATASET))
    content[6] |= bit
    content[content.index(b"PK\1\2") + 8] |= bit
    return bytes(content)


def damaged() -> bytes:
    """What is packed cannot be unpacked."""
    content = bytearray(beside("clips/a/b/clip.json", "x" * 1000))
    content[content.index(b"clip.json") + 9] = 0xFF
    return bytes(content)


def overlapping() -> bytes:
    """All members are the same bytes of the file (D. Fifield, A better zip bomb, 2019)."""
    content = zipped(**DATASET, **{f"clips/a/{n}/clip.json": "x" for n in range(2)})
    place = content.rindex(b"PK\1\2")
    return content[: place + 42] + content[place - 4 - 64 : place - 64] + content[place + 46 :]


PICTURE = "clips/a/b/frames/0001.jpg"
DEEP = "[" * 100_000


ZIPS = {
    "up": beside("../../evil.txt"), "absolute": beside("/tmp/evil.txt"),
    "inside": beside("clips/../../evil.txt"),
    "windows": beside("..\\evil.txt"), "drive": beside("C:evil.txt"), "link": special(stat.S_IFLNK | 0o777),
    "device": special(stat.S_IFCHR | 0o666), "twice": twice(), "unknown": zipped(**{"hello.txt": "x"}),
    "lzma": packed(zipfile.ZIP_LZMA), "bzip2": packed(zipfile.ZIP_BZIP2), "encrypted": with_flag(1),
    "damaged inside": damaged(), "overlapping": overlapping(),
    "PNG as JPEG": beside(PICTURE, encoded(".png")), "huge JPEG": beside(PICTURE, bomb()),
    "JPEG of many scans": beside(PICTURE, scans()), "no picture": beside(PICTURE, "#EXTM3U\n/etc/passwd\n"),
    "deep JSON": zipped(**{"m/model.json": DEEP}),
    "deep bindings": zipped(**{"project.json": "{}", "bindings.toml": f"a = {DEEP[:60_000]}"}),
    "long key in bindings": zipped(**{"project.json": "{}", "bindings.toml": "a." * 20_000 + "b = 1"}),
    "long bindings": zipped(**{"project.json": "{}", "bindings.toml": "#" * 100_000}),
    "no zip": b"hello", "empty": b"", "cut off": beside("clips/a/b/clip.json")[:80],
}  # fmt: skip


@pytest.mark.parametrize("content", ZIPS.values(), ids=ZIPS)
def test_zips_that_hold_what_they_should_not_bring_nothing(
    server: StudioServer, browser: Browser, content: bytes
) -> None:
    before = browser.json("GET", "state")["projects"], files(server)
    answer = browser.post("/api/projects/import", content=content)
    assert answer.status_code == 422 and answer.json()["error"]["code"] in ("bad-zip", "bindings")
    assert (browser.json("GET", "state")["projects"], files(server)) == before


def files(server: StudioServer) -> list[str]:
    return sorted(path.name for path in (*server.folder.iterdir(), *server.folder.parent.iterdir()))


def test_a_zip_bomb_is_not_unpacked(
    server: StudioServer, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeaway, "LARGEST", 1_000_000)
    honest = zipped(**DATASET, **{"clips/a/b/landmarks.npz": bytes(2_000_000)})
    assert len(honest) < 5000
    lying = honest.replace(struct.pack("<I", 2_000_000), struct.pack("<I", 999))
    for content in (honest, lying):
        answer = browser.post("/api/projects/import", content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad-zip")
    monkeypatch.setattr(takeaway, "MOST_FILES", 3)
    many = zipped(**DATASET, **{f"clips/a/{n}/clip.json": "" for n in range(4)})
    assert browser.post("/api/projects/import", content=many).json()["error"]["code"] == "bad-zip"
    monkeypatch.setattr(takeaway, "MOST_FILES", 1000)
    monkeypatch.setattr(takeaway, "LARGEST_DIRECTORY", 200)  # which is read before its length is known
    assert browser.post("/api/projects/import", content=many).json()["error"]["code"] == "bad-zip"


def test_a_zip_brings_nothing_but_what_belongs_to_a_project(
    server: StudioServer, browser: Browser, tmp_path: Path
) -> None:
    make_dataset(tmp_path / "set", takes=1)
    there = {
        p.relative_to(tmp_path / "set").as_posix(): p.read_bytes()
        for p in (tmp_path / "set").rglob("*")
        if p.is_file()
    }
    more = {".token": b"x", "evil.sh": b"x", "clips/left/x/evil.exe": b"x", "clips/left/x/frames/1.php": b"x",
            "clips/con/x/clip.json": b"{}", "trash/journal.jsonl": b"x"}  # fmt: skip
    project = browser.post("/api/projects/import?name=brought", content=zipped(**there, **more)).json()
    folder = server.folder / project["slug"]
    brought = {
        p.relative_to(folder / "dataset").as_posix() for p in (folder / "dataset").rglob("*") if p.is_file()
    }
    assert brought == {*there}
    assert sorted(p.name for p in folder.iterdir()) == ["dataset", "models", "project.json"]


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_project_whose_bindings_run_programs_is_not_brought(browser: Browser) -> None:
    content = zipped(**{"project.json": json.dumps({"name": "x"}), "bindings.toml": LINES})
    answer = browser.post("/api/projects/import", content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "commands-not-allowed")


def test_the_token_is_kept_and_its_owners_alone(tmp_path: Path) -> None:
    token = load_token(tmp_path)
    assert len(token) >= 32 and load_token(tmp_path) == token
    assert stat.S_IMODE((tmp_path / ".token").stat().st_mode) == 0o600


@pytest.mark.parametrize("how", ["no text", "short", "a header", "readable", "a link"])
def test_a_token_that_others_may_know_is_made_anew(tmp_path: Path, how: str) -> None:
    path, token = tmp_path / ".token", "x" * 32
    path.write_bytes(
        {"no text": b"\xff" * 40, "short": b"x", "a header": b"x" * 32 + b"; a=b"}.get(how, token.encode())
    )
    path.chmod(0o644 if how == "readable" else 0o600)
    if how == "a link":
        path.rename(tmp_path / "theirs")
        path.symlink_to(tmp_path / "theirs")
    made = load_token(tmp_path)
    assert made != token and len(made) >= 32 and load_token(tmp_path) == made
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    if how == "a link":
        assert (tmp_path / "theirs").read_text() == token


def test_a_take_that_holds_python_objects_runs_none(browser: Browser, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    out = io.BytesIO()
    np.savez(out, landmarks=np.array([Trap()], dtype=object))
    clip = json.dumps({"timestamps": [0, 1], "frame_size": [64, 48]})
    content = zipped(**DATASET, **{"clips/a/b/clip.json": clip, "clips/a/b/landmarks.npz": out.getvalue()})
    slug = browser.post("/api/projects/import", params={"name": "trap"}, content=content).json()["slug"]
    browser.json("GET", f"projects/{slug}")
    assert browser.get(f"/api/projects/{slug}/takes/b/preview").status_code == 422
    assert browser.train(slug)["state"] == "failed"
    assert not (tmp_path / "ran").exists()
