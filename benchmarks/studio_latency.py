"""How soon `handflow studio` answers a page: frame received → scores sent, and the whole round trip.

    python benchmarks/studio_latency.py [--seconds 20] [--fps 30] [--model FOLDER]

A real server in a process of its own, and a page's part played over a WebSocket: pictures 640x480 of a
virtual person's hand that gestures, as JPEG, one every 1/30 s, each sent only while at most one waits for an
answer. "took" runs from the moment that the server has a picture to the moment that it sends what it saw;
"round trip" from sending a picture to reading the answer, on the same machine and without a browser's own
share (drawing, encoding). "look" finds hands, "record" records takes with their pictures, "try" scores
gestures with a few-shot model of four directions. The first two seconds are left out.
"""

import argparse
import json
import platform
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
from websockets.sync.client import ClientConnection, connect

from handflow.bench.learning import GESTURES
from handflow.data.pictures import encode_jpeg
from handflow.processes import cores
from handflow.studio.workspace import Workspace
from handflow.synth.person import random_person
from handflow.synth.render import render_frames
from handflow.synth.streams import make_stream
from run_cost import taught

SIZE, QUALITY = (640, 480), 80
RENDERED = 5.0  # seconds of pictures, shown to and fro
START = 2.0  # seconds until all is loaded
ORDERS = {
    "look": {"type": "look"},
    "record": {"type": "record", "gesture": "wave", "how": "countdown", "seconds": 1.5, "countdown": 0.5},
    "try": {"type": "try"},
}


@dataclass
class Measured:
    """What came back while a page was shown."""

    seconds: float
    sent: int = 0
    took: list[float] = field(default_factory=list)  # milliseconds
    trips: list[float] = field(default_factory=list)  # milliseconds
    hands: int = 0  # answers that show one
    dropped: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="that each mode is measured")
    parser.add_argument("--fps", type=float, default=30.0, help="pictures a second that the camera gives")
    parser.add_argument("--model", type=Path, help="folder of a trained model, for `try`")
    chosen = parser.parse_args()
    jpegs = pictures(chosen.fps)
    kilobytes = sum(map(len, jpegs)) / len(jpegs) / 1000
    print(f"{cores()} cores, {platform.machine()} {platform.system()}, {kilobytes:.0f} kB a picture")
    with TemporaryDirectory(prefix="handflow-bench-") as scratch, TemporaryDirectory() as models:
        folder = Path(scratch)
        project = Workspace(folder).create("latency")
        model = chosen.model or taught(Path(models))
        shutil.copytree(model, project.models / model.name)
        project.use_model(model.name)
        columns = f"{'took p50':>10}{'p95':>7}{'round trip p50':>16}{'p95':>7}{'answered/s':>12}"
        print(f"{'ms':8}{columns}{'dropped':>9}{'with hand':>11}")
        with served(folder) as link, page(link, project.slug) as socket:
            for mode, order in ORDERS.items():
                m = show(socket, order, jpegs, chosen.fps, chosen.seconds)
                took, trips = (np.percentile(values, (50, 95)) for values in (m.took, m.trips))
                print(
                    f"{mode:8}{took[0]:>10.1f}{took[1]:>7.1f}{trips[0]:>16.1f}{trips[1]:>7.1f}"
                    f"{len(m.took) / m.seconds:>12.1f}{m.dropped:>9}{m.hands / len(m.took):>11.0%}"
                )


def pictures(fps: float) -> list[bytes]:
    """JPEGs of a hand that gestures."""
    scene = make_stream(
        GESTURES,
        random_person(97_000),
        1,
        seconds=RENDERED,
        fps=fps,
        width=SIZE[0],
        height=SIZE[1],
        substeps=None,
    ).scene
    return [encode_jpeg(frame.image, QUALITY) for frame in render_frames(scene)]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The start link of a studio that runs meanwhile."""
    words = [sys.executable, "-m", "handflow", "studio", str(folder), "--port", "0", "--no-open"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@contextmanager
def page(link: str, slug: str) -> Iterator[ClientConnection]:
    """The WebSocket of a page that knows the start link."""
    url = httpx.URL(link)
    origin = f"http://{url.host}:{url.port}"
    with httpx.Client() as client:
        client.get(link)
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    address = f"ws://{url.host}:{url.port}/api/projects/{slug}/live"
    with connect(address, origin=origin, additional_headers={"Cookie": cookie}, max_size=None) as socket:  # type: ignore[arg-type]
        yield socket


def show(
    socket: ClientConnection, order: dict[str, object], jpegs: Sequence[bytes], fps: float, seconds: float
) -> Measured:
    """Shows pictures in a mode and measures the answers."""
    measured, sent = Measured(seconds), dict[float, float]()
    over = threading.Event()
    begin = time.perf_counter()

    def read() -> None:
        before = None
        while not over.is_set():
            try:
                message = json.loads(socket.recv(0.2))
            except TimeoutError:
                continue
            if message["type"] != "seen":
                continue
            now, came = time.perf_counter(), sent.get(message["t"])
            for older in [t for t in sent if t <= message["t"]]:
                del sent[older]
            before = message["dropped"] if before is None else before
            if came is not None and came >= begin + START:
                measured.took.append(message["took"])
                measured.trips.append(1000 * (now - came))
                measured.hands += bool(message["hands"])
                measured.dropped = message["dropped"] - before

    socket.send(json.dumps(order))
    reader = threading.Thread(target=read)
    reader.start()
    shown = cycle(chain(jpegs, reversed(jpegs)))
    for number in range(round((START + seconds) * fps)):
        time.sleep(max(0.0, begin + number / fps - time.perf_counter()))
        jpeg = next(shown)
        if len(sent) <= 1:
            now = time.perf_counter()
            sent[now] = now
            socket.send(struct.pack("<d", now) + jpeg)
            measured.sent += 1
    time.sleep(0.5)
    over.set()
    reader.join()
    return measured


if __name__ == "__main__":
    main()
