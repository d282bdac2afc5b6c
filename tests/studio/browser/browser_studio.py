"""A studio in a process of its own, and a real Chromium that visits it with a fake camera."""

import atexit
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fake_camera import FakeCamera, Filming, film_idling, film_lesson, film_performance

from handflow.types import Segment
from needs import need

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

LIMIT = 60.0
"""Seconds after which what should happen has not."""
SCREENSHOTS = os.environ.get("HANDFLOW_SCREENSHOTS") == "1"
"""Whether pictures of the pages are written into docs/images, from finer videos."""
FILMED = (640, 480) if SCREENSHOTS else (320, 240)  # pixels of the videos
TAKES = 4
"""Of each gesture in the videos that show one again and again."""

_ROOT = Path(__file__).resolve().parents[3]
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--mute-audio",
)  # fmt: skip
_UNREACHABLE = re.compile(
    r"ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket connection to .* failed|ERR_EMPTY"
)


_ANYWHERE = """folder => {
  for (const one of document.querySelectorAll(".cameras option")) one.textContent = "Webcam";
  const command = document.querySelector(".command");
  if (command) command.textContent = command.textContent.replaceAll(folder, "~/gestures");
}"""
"""JavaScript that takes names of this computer out of a picture."""


HAND = "() => document.querySelector('.overlay')?.dataset.hands === '1'"
"""JavaScript: a hand is in the picture."""
SURE = """() => document.querySelector('.overlay')?.dataset.hands === '1'
  && [...document.querySelectorAll('.score-value')].some((one) => parseInt(one.textContent) > 70)"""
"""JavaScript: a hand is in the picture, and what it does is recognized."""


class Studio:
    """`handflow studio` on a free port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = int(taken.getsockname()[1])
        self.link = ""
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Starts it, the first time or again."""
        command = [sys.executable, "-m", "handflow", "studio", str(self.folder), *self.options]
        command += ["--port", str(self.port), "--no-open"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.link = next(line.strip() for line in self._process.stdout if "token=" in line)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)


@dataclass
class Visitor:
    """A tab of the browser, and everything it complained about."""

    studio: Studio
    page: "Page"
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(1000 * LIMIT)
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, route: str) -> None:
        """Goes to a page of the studio, as a link does."""
        self.page.evaluate("route => { location.hash = route; }", f"#/{route}")
        self.page.wait_for_function(
            "route => document.querySelector('main').dataset.page === route",
            arg=route.rsplit("/", maxsplit=1)[-1] if route else "projects",
        )

    def press(self, name: str, within: str = "body") -> None:
        """Presses the button of that name."""
        self.page.locator(within).get_by_role("button", name=name, exact=True).first.click()

    def wait(self, selector: str, **how: Any) -> None:
        self.page.locator(selector).first.wait_for(**how)

    def count(self, selector: str) -> int:
        return self.page.locator(selector).count()

    def until(self, condition: str, argument: Any = None) -> None:
        """Waits until an expression of JavaScript holds."""
        self.page.wait_for_function(condition, arg=argument)

    def takes(self, gesture: str) -> int:
        return self.count(f'[data-gesture="{gesture}"] .take')

    def until_takes(self, gesture: str, at_least: int) -> None:
        self.until(
            "([gesture, n]) => document.querySelectorAll(`[data-gesture='${gesture}'] .take`).length >= n",
            [gesture, at_least],
        )

    def picture(self, name: str, ready: str = "") -> None:
        """Writes a picture of the whole page for the docs, if that is wanted.

        `ready`: JavaScript that holds when the moment has come.
        """
        if not SCREENSHOTS:
            return
        for toast in self.page.locator(".toast").all():
            toast.get_by_role("button").last.click()
        self.page.evaluate(_ANYWHERE, str(self.studio.folder))
        self.page.wait_for_timeout(400)
        size = self.page.viewport_size
        # As tall as the page: a capture of more than is seen shows hands and picture of two moments.
        height = self.page.evaluate("() => document.documentElement.scrollHeight")
        self.page.set_viewport_size({**size, "height": height})
        self.page.wait_for_timeout(300)
        if ready:
            self.until(ready)
        path = _ROOT / "docs" / "images" / f"studio-{name}.png"
        path.write_bytes(_small(self.page.screenshot()))
        self.page.set_viewport_size(size)

    def no_complaints(self, *, gone: bool = False) -> None:
        """Checks the console; `gone`: the server was, which the browser itself reports."""
        left = [c for c in self.complaints if not (gone and _UNREACHABLE.search(c))]
        assert not left, left


def _small(png: bytes) -> bytes:
    """The picture with 256 colours, those of the page as they are: a third of the size."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    counted = sorted(picture.getcolors(picture.width * picture.height), reverse=True)  # the camera's are rare
    own = [value for _, colour in counted[:96] for value in colour]
    rest = picture.quantize(160).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette(own + rest[: 3 * 256 - len(own)])
    small = io.BytesIO()
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


@contextmanager
def studio(folder: Path, *options: str) -> Iterator[Studio]:
    """A studio whose projects lie in a folder."""
    need(
        find_spec("starlette") and find_spec("tomlkit"),
        "the studio's packages are missing: pip install handflow[studio]",
    )
    served = Studio(folder, *options)
    try:
        yield served
    finally:
        served.end()


@contextmanager
def chromium(
    camera: FakeCamera | None = None, *options: str, fake: bool = True, allowed: bool = True
) -> Iterator["Browser"]:
    """Chromium with a fake camera, or with what the computer has; `allowed`: pages get it without asking.

    `options`: more of Chromium's own.
    """
    path = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    need(path, "no Chromium: apt install chromium")
    need(find_spec("playwright"), "no playwright: pip install playwright")
    from playwright.sync_api import sync_playwright

    given = [*_OPTIONS, *options]
    given += ["--use-fake-ui-for-media-stream"] if allowed else []
    given += ["--use-fake-device-for-media-stream"] if fake else []
    given += [f"--use-file-for-fake-video-capture={camera.file}"] if camera else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=given)
        try:
            yield browser
        finally:
            browser.close()


def visit(studio: Studio, browser: "Browser | BrowserContext", **how: Any) -> Visitor:
    """Opens the start link in a new tab."""
    wishes = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", **how}
    page = browser.new_page(**wishes) if hasattr(browser, "contexts") else browser.new_page()
    visitor = Visitor(studio, page)
    page.goto(studio.link)
    visitor.wait("h1")
    return visitor


@dataclass(frozen=True)
class Videos:
    """A person teaching two gestures, idling, and performing them."""

    wave: Path
    swipe: Path
    idling: Path
    performance: Path
    segments: tuple[Segment, ...]
    seconds: float  # of the performance


@cache
def videos() -> Videos:
    """They are rendered once for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="handflow-videos-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    filming = Filming.of(15, FILMED)
    seconds = 20.0
    performed = folder / "performance.y4m"
    segments = film_performance(performed, filming, ("wave", "hand_left"), seconds, 25)
    return Videos(
        wave=film_lesson(folder / "wave.y4m", filming, "wave", TAKES, 1),
        swipe=film_lesson(folder / "swipe.y4m", filming, "hand_left", TAKES, 2),
        idling=film_idling(folder / "idling.y4m", filming, 8.0, 3),
        performance=performed,
        segments=segments,
        seconds=seconds,
    )


@contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """A web server: its address, and the bodies of the requests that came."""
    bodies: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/call", bodies
    finally:
        server.shutdown()
        server.server_close()


def eventually(holds: Any, what: str, limit: float = LIMIT) -> None:
    """Waits until a condition holds; for what no page shows."""
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen within {limit:g} s"
        time.sleep(0.05)


def prepared(
    folder: Path,
    name: str = "Prepared",
    *,
    trained: bool = False,
    takes: int = 5,
    called: Mapping[str, str] | None = None,
) -> str:
    """A project with takes of two gestures and of idle hands; its name in addresses.

    `called`: other names of the gestures "wave" and "hand_left".
    """
    from handflow.studio.workspace import Workspace
    from handflow.synth.clips import landmark_clips
    from handflow.synth.person import random_person
    from handflow.teach import teach_model

    project = Workspace(folder).create(name)
    dataset = project.takes.open()
    made = landmark_clips(
        ("wave", "hand_left", "background"), [random_person(15)], takes, 0, fps=20, seconds=1.5
    )
    clips = [replace(clip, label=(called or {}).get(clip.label, clip.label)) for clip in made]
    for clip in clips:
        dataset.add(clip)
    if trained:
        project.use_model(teach_model(clips, project.models).folder.name)
    return project.slug
