"""A studio that is served for tests, a browser that knows its start link, and a page that shows a camera."""

import json
import shutil
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from data_samples import make_dataset, picture
from handflow.data.pictures import encode_jpeg
from handflow.studio.server import StudioServer

LIMIT = 30.0
"""Seconds within which everything must have happened."""
TIME = struct.Struct("<d")


class Browser(httpx.Client):
    """Has opened the start link; every request comes from the studio's own page."""

    def __init__(self, start_link: str) -> None:
        url = httpx.URL(start_link)
        self.origin = f"http://{url.host}:{url.port}"
        super().__init__(base_url=self.origin, timeout=LIMIT, headers={"Origin": self.origin})
        assert self.get(start_link).status_code == 303

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def json(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The JSON of an answer that must have a status."""
        answer = self.request(method, f"/api/{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of an answer that says no."""
        answer = self.request(method, f"/api/{path}", json=body)
        return answer.status_code, answer.json()["error"]["code"]

    def project(self, name: str = "test") -> str:
        return str(self.json("POST", "projects", {"name": name})["slug"])

    def page(self, slug: str) -> "Page":
        """A page that shows a project, at the desk."""
        page = Page(self, slug)
        page.wait_for("mode", mode="look")
        return page

    def takes(self, slug: str) -> dict[str, list[str]]:
        """Ids of the takes of each gesture."""
        found = self.json("GET", f"projects/{slug}/gestures")
        return {gesture["name"]: [take["id"] for take in gesture["takes"]] for gesture in found}

    def train(self, slug: str, kind: str = "few-shot") -> dict[str, Any]:
        """Trains, and gives what became of it."""
        self.json("POST", f"projects/{slug}/train", {"kind": kind})
        return self.trained(slug)

    def trained(self, slug: str) -> dict[str, Any]:
        state: dict[str, Any] = {}

        def is_over() -> bool:
            state.update(self.json("GET", f"projects/{slug}/train"))
            return state["state"] != "running"

        eventually(is_over, "the training is over")
        return state


class Page:
    """The WebSocket of a page: what it gets is read in a thread."""

    def __init__(self, browser: Browser, slug: str, host: str | None = None, **given: Any) -> None:
        """`host`: by which the page calls this computer; `given` replaces what a browser would send."""
        own = browser.origin.removeprefix("http://")
        url = f"ws://{host or own}/api/projects/{slug}/live"
        port = int(own.rpartition(":")[2])
        given["sock"] = socket.create_connection(("127.0.0.1", port), LIMIT)
        given = {"origin": browser.origin, "additional_headers": {"Cookie": browser.cookie}, **given}
        self.socket: ClientConnection = connect(
            url, open_timeout=LIMIT, close_timeout=LIMIT, max_size=None, **given
        )
        self.messages: list[dict[str, Any]] = []
        self.pictures: list[bytes] = []
        self.closed: int | None = None
        self.clock = 10.0  # seconds, of the next picture
        self._taken: dict[str, int] = {}
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def _read(self) -> None:
        try:
            for message in self.socket:
                with self._news:
                    if isinstance(message, str):
                        self.messages.append(json.loads(message))
                    else:
                        self.pictures.append(message)
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        with self._news:
            self.closed = self.socket.close_code
            self._news.notify_all()

    def order(self, type: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": type, **fields}))

    def send(self, jpeg: bytes, captured: float) -> None:
        self.socket.send(TIME.pack(captured) + jpeg)

    def show(self, jpeg: bytes, step: float = 1 / 30) -> dict[str, Any]:
        """Sends a picture and waits until it is seen: as fast as it goes, whatever its time says."""
        self.clock += step
        self.send(jpeg, self.clock)
        return self.wait_for("seen", t=self.clock)

    def play(self, jpegs: list[bytes], fps: float = 30.0) -> list[dict[str, Any]]:
        return [self.show(jpeg, 1 / fps) for jpeg in jpegs]

    def wait_for(self, type: str, **fields: Any) -> dict[str, Any]:
        """The next message of a type with these fields; those of the type before it are passed over."""
        end = time.monotonic() + LIMIT
        with self._news:
            while True:
                for number in range(self._taken.get(type, 0), len(self.messages)):
                    message = self.messages[number]
                    if message["type"] == type and fields.items() <= message.items():
                        self._taken[type] = number + 1
                        return message
                left = end - time.monotonic()
                told = [m for m in self.messages if m["type"] != "seen"][-5:]
                assert left > 0 and self.closed is None, f"no {type} {fields} came, but {told}"
                self._news.wait(left)

    def all(self, type: str) -> list[dict[str, Any]]:
        """All messages of a type so far."""
        with self._news:
            return [message for message in self.messages if message["type"] == type]

    def wait_closed(self) -> int | None:
        """The code with which the server closed."""
        with self._news:
            assert self._news.wait_for(lambda: self.closed is not None, LIMIT)
            return self.closed


def eventually(holds: Callable[[], object], what: str, limit: float = LIMIT) -> None:
    """Waits until something holds."""
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.02)


@contextmanager
def studio(folder: Path, **how: Any) -> Iterator[tuple[StudioServer, Browser]]:
    """A studio in a thread of this process, and a browser that knows it."""
    with StudioServer(folder, **how) as server, closing(Browser(server.start_link)) as browser:
        yield server, browser


def project_with_takes(server: StudioServer, browser: Browser, takes: int) -> str:
    """A project with so many takes of two gestures."""
    slug = browser.project()
    dataset = server.folder / slug / "dataset"
    shutil.rmtree(dataset)
    make_dataset(dataset, takes=takes)
    return slug


def moving(count: int = 45, start: int = 0) -> list[bytes]:
    """Pictures in which `data_samples.BrightHand` sees a hand that moves to the right."""
    return [encode_jpeg(picture(start + n // 6)) for n in range(count)]


def dark() -> bytes:
    """A picture in which it sees no hand."""
    import numpy as np

    return encode_jpeg(np.full((48, 64, 3), 20, np.uint8))


def record(page: Page, gesture: str, jpegs: list[bytes], **how: Any) -> dict[str, Any]:
    """Records a take by key; what the page is told of it."""
    page.order("record", gesture=gesture, how="key", seconds=(len(jpegs) - 2) / 30, takes=1, **how)
    page.wait_for("mode", mode="record")
    page.order("trigger")
    page.order("ping", t=page.clock)  # answered when the order before it was read
    page.wait_for("pong", t=page.clock)
    page.play(jpegs)
    return page.wait_for("take")
