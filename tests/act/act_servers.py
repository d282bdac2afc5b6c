"""Real servers that actions talk to: an MQTT broker with those who listen to it, and a web server."""

import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handflow.types import GestureEvent
from needs import need

LIMIT = 20.0
"""Seconds after which what should happen has not."""

EVENT = GestureEvent("swipe_left", 0.93, "right", 1, 10.2, 10.9, 11.0, 330)
DOCUMENT = {
    "gesture": "swipe_left",
    "score": 0.93,
    "hand": "right",
    "track": 1,
    "onset": 10.2,
    "offset": 10.9,
    "time": 11.0,
    "frame": 330,
}


def eventually(holds: Callable[[], object], what: str) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen within {LIMIT:g} s"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def program(name: str, package: str) -> str:
    """The path of a system program; the test is skipped where it is missing."""
    path = shutil.which(
        name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )
    need(path, f"{name} is not installed: apt install {package}")
    assert path is not None
    return path


class Mosquitto:
    """A broker of one's own, which can be killed and started again on the same port."""

    def __init__(self, folder: Path, *settings: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self._program = program("mosquitto", "mosquitto")
        self._config = folder / f"mosquitto-{self.port}.conf"
        lines = [f"listener {self.port} 127.0.0.1", "user root", "persistence false", *settings]
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._answers, "the start of the broker")

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "mosquitto did not start"
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(LIMIT)

    def freeze(self) -> None:
        """It takes connections and data, and never answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)


@contextlib.contextmanager
def mosquitto(folder: Path, *settings: str, port: int | None = None) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, *(settings or ("allow_anonymous true",)), port=port)
    try:
        yield broker
    finally:
        broker.kill()


class Listener:
    """A second client, which notes all messages of a broker."""

    def __init__(self, port: int, **login: str) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.messages: list[tuple[str, str, bool, int]] = []  # topic, payload, retained before, qos
        self._client = Client(CallbackAPIVersion.VERSION2)
        if login:
            self._client.username_pw_set(**login)
        ready = threading.Event()
        self._client.on_message = lambda _, __, m: self.messages.append(
            (m.topic, m.payload.decode(), m.retain, m.qos)
        )
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_connect = lambda client, *_: client.subscribe("#", 2)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert ready.wait(LIMIT), "the second client is not connected"

    def of(self, topic: str) -> list[str]:
        """The payloads on a topic so far."""
        return [payload for t, payload, *_ in list(self.messages) if t == topic]

    def latest(self, topic: str) -> str | None:
        """The latest payload on a topic."""
        return next(reversed(self.of(topic)), None)

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(LIMIT)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def listening(port: int, **login: str) -> Iterator[Listener]:
    listener = Listener(port, **login)
    try:
        yield listener
    finally:
        listener.close()


@dataclass(frozen=True, slots=True)
class Request:
    """What a web server was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client: tuple[str, int]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class WebServer:
    """Answers with one status after the other, the last for ever; None: never answers."""

    statuses: list[int | None] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)  # of each answer
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def web_server(*statuses: int | None, **headers: str) -> Iterator[WebServer]:
    web = WebServer(list(statuses) or [200], {k.replace("_", "-"): v for k, v in headers.items()})

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = web.statuses[min(len(web.requests), len(web.statuses) - 1)]
            web.requests.append(
                Request(self.command, self.path, dict(self.headers.items()), body, self.client_address)
            )
            if status is None:
                web.over.wait(LIMIT)
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in web.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.over.set()
        server.shutdown()
        server.server_close()
