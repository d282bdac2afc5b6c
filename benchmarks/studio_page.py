"""What a person sees of `handflow studio` in a browser: pictures a second, and from picture to drawn hand.

    apt install chromium; python benchmarks/studio_page.py [--seconds 20] [--fps 30] [--size 640x480]

A real server and a real Chromium without a window, whose camera plays a virtual person's hand that gestures.
The page itself measures, as its "Details" show: "camera" and "looked at" are pictures a second that the page
shows and that the server answered; "round trip" runs from the moment that the page has a picture of the
camera, over encoding, sending, finding the hand and scoring, to the answer in the page, which draws it with
its next picture; "server" is the server's part of it. Rates are of the last 2.5 s, times of the last 300
answers. Chromium without a graphics card draws with the same cores.
"""

import argparse
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
from playwright.sync_api import Page, sync_playwright

from handflow.bench.learning import GESTURES
from handflow.processes import cores
from handflow.studio.workspace import Workspace
from handflow.synth.person import random_person
from handflow.synth.render import render_frames
from handflow.synth.streams import make_stream
from run_cost import taught
from studio_latency import RENDERED, served

PAGES = ("camera", "try")
CHROMIUM = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
)  # fmt: skip
READ = "() => window.handflow.measured"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="that each page is measured")
    parser.add_argument("--fps", type=int, default=30, help="pictures a second that the camera gives")
    parser.add_argument("--size", default="640x480", help="of the camera's pictures")
    chosen = parser.parse_args()
    width, height = map(int, chosen.size.split("x"))
    print(f"{cores()} cores, {platform.machine()} {platform.system()}, camera {chosen.size} {chosen.fps}/s")
    with TemporaryDirectory(prefix="handflow-bench-") as scratch, TemporaryDirectory() as models:
        film = write_film(Path(scratch) / "camera.y4m", chosen.fps, width, height)
        folder = Path(scratch) / "projects"
        project = Workspace(folder).create("page")
        model = taught(Path(models))
        shutil.copytree(model, project.models / model.name)
        project.use_model(model.name)
        columns = (
            f"{'camera/s':>10}{'looked at/s':>13}{'round trip p50':>16}{'p95':>7}{'server p50':>12}{'p95':>7}"
        )
        print(f"{'ms':8}{columns}")
        with served(folder) as link, browser_page(film) as page:
            page.goto(link)
            for name in PAGES:
                m = measure(page, f"#/{project.slug}/{name}", chosen.seconds)
                trip, server = m["roundTrip"], m["server"]
                print(
                    f"{name:8}{m['cameraRate']:>10.1f}{m['answeredRate']:>13.1f}{trip['p50']:>16.1f}"
                    f"{trip['p95']:>7.1f}{server['p50']:>12.1f}{server['p95']:>7.1f}"
                )


def write_film(path: Path, fps: int, width: int, height: int) -> Path:
    """A hand that gestures, to and fro, as raw pictures, which Chromium's camera plays over and over."""
    scene = make_stream(
        GESTURES,
        random_person(97_000),
        1,
        seconds=RENDERED,
        fps=fps,
        width=width,
        height=height,
        substeps=None,
    ).scene
    pictures = [cv2.cvtColor(frame.image, cv2.COLOR_RGB2YUV_I420).tobytes() for frame in render_frames(scene)]
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in [*pictures, *reversed(pictures)]:
            out.write(b"FRAME\n" + picture)
    return path


@contextmanager
def browser_page(film: Path) -> Iterator[Page]:
    """A page of a browser whose camera plays the film."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SystemExit("no Chromium: apt install chromium")
    options = [*CHROMIUM, f"--use-file-for-fake-video-capture={film}"]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=options) as browser,
    ):
        yield browser.new_page(viewport={"width": 1280, "height": 900})


def measure(page: Page, route: str, seconds: float) -> dict[str, Any]:
    """What the page itself measured after it was shown for so long."""
    page.evaluate("route => { location.hash = route; }", route)
    page.wait_for_function(f"() => {READ[6:]}.answered > 0")
    page.wait_for_timeout(1000 * seconds)
    measured: dict[str, Any] = page.evaluate(READ)
    return measured


if __name__ == "__main__":
    main()
