"""Listeners on real sockets: who may hear, what they hear, and that none holds up the others or the end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from act_servers import DOCUMENT, LIMIT, eventually
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from handflow.act import serve
from handflow.act.serve import Subscribers
from handflow.errors import ActionError, MissingExtraError
from needs import ROOT, need


@contextmanager
def serving(*origins: str) -> Iterator[Subscribers]:
    subscribers = Subscribers(0, origins).start()
    try:
        yield subscribers
    finally:
        subscribers.close()


@pytest.fixture
def subscribers() -> Iterator[Subscribers]:
    with serving() as subscribers:
        yield subscribers


class Stream:
    """A listener by server-sent events that reads only when it is asked to."""

    def __init__(self, subscribers: Subscribers, **headers: str) -> None:
        self._stack = ExitStack()
        client = self._stack.enter_context(httpx.Client(timeout=LIMIT))
        url = subscribers.url + "events"
        self.response = self._stack.enter_context(client.stream("GET", url, headers=headers))
        self._lines = self.response.iter_lines()
        assert self.lines() == ["retry: 1000"]

    def lines(self) -> list[str]:
        """The lines of the next message."""
        return list(iter(lambda: next(self._lines), ""))

    def next(self) -> tuple[int | None, dict[str, Any]]:
        """Number and document of the next message."""
        *number, data = self.lines()
        return (int(number[0].removeprefix("id: ")) if number else None), json.loads(
            data.removeprefix("data: ")
        )

    def rest(self) -> list[str]:
        """All lines until the server ends it."""
        return list(self._lines)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def listen(subscribers: Subscribers) -> Iterator[Callable[..., Stream]]:
    with ExitStack() as stack:

        def make(**headers: str) -> Stream:
            stream = Stream(subscribers, **headers)
            stack.callback(stream.close)
            return stream

        yield make


def web_socket(subscribers: Subscribers, **given: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{subscribers.port}/ws", open_timeout=LIMIT, close_timeout=LIMIT, **given)


def test_server_sent_events_carry_each_document_with_its_number(subscribers, listen):
    stream = listen()
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    for _ in range(2):
        subscribers.send({"type": "event", "at": "glück", **DOCUMENT})
    assert [stream.next() for _ in range(2)] == [
        (number, {"type": "event", "at": "glück", **DOCUMENT}) for number in (1, 2)
    ]


def test_a_web_socket_carries_the_same_documents(subscribers):
    with web_socket(subscribers) as ws:
        for number in range(2):
            subscribers.send({"type": "event", "number": number})
        assert [json.loads(ws.recv(LIMIT)) for _ in range(2)] == [
            {"type": "event", "number": number} for number in range(2)
        ]


def test_three_listeners_hear_the_same_and_one_that_goes_is_forgotten(subscribers, listen):
    first, second = listen(), listen()
    with web_socket(subscribers) as third:
        subscribers.send({"type": "event", "number": 0})
        assert first.next() == second.next() == (1, {"type": "event", "number": 0})
        assert json.loads(third.recv(LIMIT)) == {"type": "event", "number": 0}
        assert subscribers.listening == 3
        first.close()
        eventually(lambda: subscribers.listening == 2, "the first is forgotten")
        subscribers.send({"type": "event", "number": 1})
        assert second.next() == (2, {"type": "event", "number": 1})
        assert json.loads(third.recv(LIMIT))["number"] == 1
    eventually(lambda: subscribers.listening == 1, "the web socket is forgotten")


def test_what_a_listener_says_counts_for_nothing(subscribers):
    with web_socket(subscribers) as ws:
        for words in ('{"type": "event", "gesture": "fist"}', b"\x00\x01", "x" * 4000):
            ws.send(words)
        subscribers.send({"number": 7})
        assert json.loads(ws.recv(LIMIT)) == {"number": 7}
    assert subscribers.sent == 1


def test_nothing_can_be_posted(subscribers):
    for path in ("", "events", "status"):
        for method in ("POST", "PUT", "DELETE"):
            assert httpx.request(method, subscribers.url + path).status_code == 405


def test_a_slow_listener_loses_the_oldest_is_told_how_many_and_slows_no_other(
    subscribers, listen, monkeypatch
):
    monkeypatch.setattr(serve, "MOST_WAITING", 16)
    slow, fast = listen(), listen()
    count, ballast = 200, "x" * 100_000  # more than the system itself holds back for a socket
    for number in range(1, count + 1):
        subscribers.send({"number": number, "ballast": ballast})
        assert fast.next()[1]["number"] == number
    heard, lost = [], 0
    while not heard or heard[-1] < count:
        number, document = slow.next()
        if document.get("type") == "dropped":
            assert number is None
            lost += document["count"]
        else:
            heard.append(document["number"])
            assert number == document["number"]
    assert lost > 0
    assert len(heard) + lost == count
    assert heard == sorted(heard)


def test_silence_is_filled_with_comments(listen, monkeypatch):
    monkeypatch.setattr(serve, "KEEP_ALIVE", 0.02)
    stream = listen()
    assert [stream.lines() for _ in range(2)] == [[": nothing new"]] * 2


def test_a_storm_is_neither_kept_nor_does_it_block(subscribers, listen):
    stream = listen()
    for number in range(1, 10_001):
        subscribers.send({"type": "event", "number": number})
    heard, lost = 0, 0
    last = None
    while last != 10_000:
        _, document = stream.next()
        lost += document.get("count", 0)
        heard += "number" in document
        last = document.get("number")
    assert heard + lost == 10_000


def test_threads_may_send_at_once_and_numbers_are_not_given_twice(subscribers, listen):
    stream = listen()
    threads = [
        threading.Thread(target=lambda: [subscribers.send({"type": "event"}) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [stream.next()[0] for _ in range(200)] == list(range(1, 201))


@pytest.mark.parametrize("path", ["", "events", "status", "ws"])
def test_a_foreign_name_for_this_computer_is_turned_away(subscribers, path):
    for host in ("evil.example", f"evil.example:{subscribers.port}", "127.0.0.1.evil.example", ""):
        assert httpx.get(subscribers.url + path, headers={"Host": host}).status_code == 400


def test_a_web_socket_to_a_foreign_name_is_turned_away(subscribers):
    raw = socket.create_connection(("127.0.0.1", subscribers.port))
    with pytest.raises(InvalidStatus) as told:
        connect("ws://evil.example/ws", sock=raw)
    assert told.value.response.status_code == 400


FOREIGN = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "null",
    "file://",
]
OWN = [
    "http://localhost:5173",
    "http://127.0.0.1",
    "https://localhost:8443",
    "http://[::1]:3000",
    "http://absolute",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_pages_of_others_hear_nothing(subscribers, origin):
    for path in ("events", "status", ""):
        response = httpx.get(subscribers.url + path, headers={"Origin": origin})
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers
        assert f"{origin} may not listen: allow it with --origin" in response.text
    with pytest.raises(InvalidStatus) as told:
        web_socket(subscribers, origin=origin)
    assert told.value.response.status_code == 403
    assert subscribers.listening == 0


@pytest.mark.parametrize("origin", OWN)
def test_pages_of_this_computer_hear(subscribers, listen, origin):
    stream = listen(Origin=origin)
    assert stream.response.headers["access-control-allow-origin"] == origin
    with web_socket(subscribers, origin=origin) as ws:
        subscribers.send({"number": 1})
        assert stream.next()[1] == json.loads(ws.recv(LIMIT)) == {"number": 1}


@pytest.mark.parametrize("origin", ["null", "https://my.example", "app://overlay"])
def test_pages_that_are_allowed_by_name_hear(origin):
    with serving(origin) as subscribers:
        response = httpx.get(subscribers.url + "status", headers={"Origin": origin})
        assert response.headers["access-control-allow-origin"] == origin
        with web_socket(subscribers, origin=origin) as ws:
            subscribers.send({"number": 1})
            assert json.loads(ws.recv(LIMIT)) == {"number": 1}
        assert httpx.get(subscribers.url, headers={"Origin": "https://x.example"}).status_code == 403


@pytest.mark.parametrize("origin", ["*", "my.example", "https://my.example/page", ""])
def test_what_is_no_origin_is_told(origin):
    with pytest.raises(ActionError, match="is no origin: write it as https://"):
        Subscribers(0, [origin])


def test_a_page_of_another_site_cannot_embed_the_stream_but_may_link_to_the_page(subscribers):
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert httpx.get(subscribers.url + "events", headers=embedded).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert httpx.get(subscribers.url, headers=link).status_code == 200


def test_the_page_shows_events_and_needs_nothing_from_outside(subscribers):
    response = httpx.get(subscribers.url)
    assert response.status_code == 200
    assert 'new EventSource("events")' in response.text
    assert "//" not in response.text.replace("<!doctype html>", ""), "no address"
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_the_state_is_told(subscribers, listen):
    listen()
    subscribers.send({"number": 1})
    told = httpx.get(subscribers.url + "status").json()
    assert (told["listening"], told["sent"]) == (1, 1)


def test_too_many_listeners_are_turned_away_until_there_is_room(subscribers, listen, monkeypatch):
    monkeypatch.setattr(serve, "MOST_LISTENERS", 2)
    first, _ = listen(), listen()
    response = httpx.get(subscribers.url + "events")
    assert (response.status_code, response.text) == (503, "too many programs listen already: end one of them")
    with pytest.raises(InvalidStatus) as told:
        web_socket(subscribers)
    assert told.value.response.status_code == 503
    first.close()
    eventually(lambda: subscribers.listening == 1, "there is room")
    listen()


def test_a_port_that_is_taken_is_told(subscribers):
    with pytest.raises(
        ActionError, match=f"port {subscribers.port} cannot be served on .*choose another one"
    ):
        Subscribers(subscribers.port).start()


def test_a_port_that_is_none_is_told():
    with pytest.raises(ActionError, match="port 70000 cannot be served on"):
        Subscribers(70_000).start()


def test_close_ends_every_stream_in_good_order_and_even_of_those_who_do_not_read(listen, subscribers):
    heard, stuck, quiet = listen(), listen(), httpx.Client()
    quiet.get(subscribers.url)  # a connection that stays open
    for _ in range(150):
        subscribers.send({"ballast": "x" * 100_000})
        heard.next()
    ws = web_socket(subscribers)
    subscribers.send({"number": 1})
    assert heard.next()[1] == json.loads(ws.recv(LIMIT)) == {"number": 1}
    subscribers.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "serve"]
    assert subscribers.listening == 0
    assert heard.rest() == []
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        stuck.rest()
    with pytest.raises(ConnectionClosed) as told:
        ws.recv(LIMIT)
    assert told.value.rcvd is not None and told.value.rcvd.code == 1001, "going away"
    with pytest.raises(httpx.ConnectError):
        httpx.get(subscribers.url)
    subscribers.send({"number": 2})
    subscribers.close()
    ws.close()
    quiet.close()


def test_the_port_can_be_used_again_at_once(listen, subscribers):
    listen()
    subscribers.close()
    with ExitStack() as stack:
        again = Subscribers(subscribers.port).start()
        stack.callback(again.close)
        assert httpx.get(again.url + "status").status_code == 200


def test_it_may_be_closed_as_soon_as_it_was_started_or_before():
    Subscribers(0).close()
    subscribers = Subscribers(0).start()
    subscribers.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "serve"]


def test_nothing_is_printed_or_logged(subscribers, listen, caplog, capfd):
    listen()
    with socket.create_connection(("127.0.0.1", subscribers.port)) as raw:
        raw.sendall(b"this is not HTTP\r\n\r\n")
        raw.recv(1000)
    with web_socket(subscribers) as ws:
        ws.send("x" * 10_000)  # more than may be said
        with pytest.raises(ConnectionClosed):
            ws.recv(LIMIT)
    httpx.get(subscribers.url + "nowhere")
    subscribers.close()
    assert [record for record in caplog.records if record.name.startswith(("uvicorn", "asyncio"))] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "websockets"])
def test_a_missing_package_is_told_with_the_extra(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"handflow\[serve\]"):
        Subscribers(0)


def example(language: str, port: int) -> str:
    """The code of an example of the docs, for another port."""
    text = (ROOT / "docs" / "subscribers.md").read_text(encoding="utf-8")
    code = text.partition(f"```{language}\n")[2].partition("```")[0]
    assert str(serve.PORT) in code
    return code.replace(str(serve.PORT), str(port))


@pytest.mark.parametrize(
    ("language", "run", "says"),
    [("python", [sys.executable, "-uc"], "fist right 0.93"), ("sh", ["sh", "-c"], "fist")],
)
def test_the_examples_of_the_docs_hear(subscribers, language, run, says):
    need(shutil.which("curl"), "curl is not installed: apt install curl")
    code = example(language, subscribers.port).replace("notify-send", "echo")
    with subprocess.Popen(
        [*run, code], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as listener:
        try:
            eventually(lambda: subscribers.listening == 1, "the example listens")
            for document in (
                {"type": "event", "at": "", **DOCUMENT, "gesture": "fist"},
                {"type": "action", "at": "", "gesture": "fist"},
                {"type": "event", "at": "", **DOCUMENT, "gesture": "fist"},
            ):
                subscribers.send(document)
            assert listener.stdout is not None
            assert [listener.stdout.readline().strip() for _ in range(2)] == [says] * 2
            subscribers.close()
            assert listener.stdout.read() == "", "once for each event"
        finally:
            os.killpg(listener.pid, signal.SIGKILL)
