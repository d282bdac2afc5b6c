"""What `act` adds between an event and its key: from the event to the moment a window has the KeyPress.

    python benchmarks/act_latency.py [--events 500] [--model FOLDER] [--video FILE] [--switch-interval S]

A virtual X display (Xvfb) is started, and on it a window in a process of its own, which notes when each
KeyPress arrives; both processes read the same monotonic clock of Linux. In this process the main thread does
what that of `handflow run` does: the real pipeline, with the real hand models and a few-shot model, on a
rendered video of a virtual person at 640x480. After some of the frames, 60 to 120 ms apart, an event is
handed to `Acting.update`, as if the recognizer had just made it; it is bound to `keys = "Right"` and written
to an event log. The clock runs from that call to the window.

Three cases: `key alone` presses the key by the same injector from an idle main thread, which is what X, the
window's process and the machine take by themselves; `at its pace` plays the video at 30 frames a second, as a
camera would; `without a pause` has the main thread busy at all times, which no live source does: the worst
case. Linux alone. Other work on the machine counts: its load is printed.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np

from handflow.act.event_log import EventLog
from handflow.act.inject import chord
from handflow.act.inject.x11 import X11Injector
from handflow.bench.learning import GESTURES
from handflow.capture import open_source
from handflow.cli.run import make_pipeline
from handflow.live.acting import Acting
from handflow.recognize import load_recognizer
from handflow.synth.person import random_person
from handflow.synth.streams import make_stream
from handflow.types import GestureEvent
from run_cost import render, taught

BINDINGS = '[keyboard]\nby = "x11"\n[[bindings]]\ngesture = "bench"\ndo = [{ keys = "Right" }]\n'
SECONDS = 8.0  # of video, which is played again and again


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--model", type=Path, help="folder of a trained model")
    parser.add_argument("--video", type=Path, help="where to keep the video, and to find it again")
    parser.add_argument("--switch-interval", type=float, help="of this interpreter, seconds; else its own")
    parser.add_argument("--window", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.window:
        note_keys()
        return
    if chosen.switch_interval is not None:
        sys.setswitchinterval(chosen.switch_interval)
    with TemporaryDirectory(prefix="handflow-bench-") as scratch, x_display() as display:
        folder = Path(scratch)
        video = chosen.video or folder / "stream.mp4"
        if not video.exists():
            render(_scene(), video)
        model = chosen.model or taught(folder)
        print(f"load of {os.cpu_count()} cores in the last minute before: {os.getloadavg()[0]:.1f}")
        print(f"{'':18}{'events':>8}{'p50 ms':>8}{'p95 ms':>8}{'max ms':>8}{'frames/s':>10}")
        with window() as arrivals:
            show("key alone", *alone(display, arrivals, chosen.events))
            for case, paced in (("at its pace", True), ("without a pause", False)):
                show(case, *busy(video, model, arrivals, chosen.events, folder, paced=paced))
        print(f"load in the last minute after: {os.getloadavg()[0]:.1f}")


def show(case: str, seconds: list[float], rate: float) -> None:
    """Prints a line."""
    p50, p95, most = 1000 * np.percentile(seconds, [50, 95, 100])
    print(f"{case:18}{len(seconds):8}{p50:8.2f}{p95:8.2f}{most:8.2f}{rate:10.0f}", flush=True)


def alone(display: str, arrivals: IO[str], count: int) -> tuple[list[float], float]:
    """Seconds from the injector's call to the window."""
    injector, pressed = X11Injector(display), []
    (key,) = chord("Right")
    for _ in range(count):
        time.sleep(0.03)
        pressed.append(time.monotonic())
        injector.press(key)
        injector.release(key)
    injector.close()
    return since(pressed, arrivals), 0.0


def busy(
    video: Path, model: Path, arrivals: IO[str], count: int, folder: Path, *, paced: bool
) -> tuple[list[float], float]:
    """Seconds from event to window while the pipeline runs, and frames a second."""
    bindings = folder / "bindings.toml"
    bindings.write_text(BINDINGS, encoding="utf-8")
    pipeline = make_pipeline(load_recognizer(model))
    pauses, following = random.Random(0), 0.0
    handed: list[float] = []
    frames, began = 0, time.monotonic()
    with Acting(bindings, log=EventLog(folder / "events.jsonl"), tell=print) as acting:
        while len(handed) < count:
            pipeline.reset()
            with open_source(video, realtime=paced) as source:
                for result in pipeline.run(source):
                    frames += 1
                    now = result.frame.timestamp
                    events = []
                    if time.monotonic() >= following and len(handed) < count:
                        events = [
                            GestureEvent("bench", 0.9, "right", 1, now - 0.5, now, now, result.frame.index)
                        ]
                        handed.append(time.monotonic())
                        following = handed[-1] + pauses.uniform(0.06, 0.12)
                    acting.update(events, result.each)
        rate = frames / (time.monotonic() - began)
        time.sleep(0.5)  # the last one
    if acting.outcomes != {"performed": count}:
        sys.exit(f"not all were performed: {acting.outcomes}")
    return since(handed, arrivals), rate


def since(starts: list[float], arrivals: IO[str]) -> list[float]:
    """Seconds from each start to the arrival of its key."""
    return [float(arrivals.readline()) - start for start in starts]


@contextmanager
def x_display() -> Iterator[str]:
    """A virtual X display of its own, as DISPLAY."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    os.environ["XDG_SESSION_TYPE"] = "x11"
    try:
        yield os.environ["DISPLAY"]
    finally:
        server.terminate()
        server.wait()


@contextmanager
def window() -> Iterator[IO[str]]:
    """The window's process: gives what it writes, a line with the time of each KeyPress."""
    command = [sys.executable, __file__, "--window"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process.stdout
        finally:
            process.kill()


def note_keys() -> None:
    """A window that has the keyboard and writes when each key arrives."""
    from Xlib import X
    from Xlib.display import Display

    display = Display()
    root = display.screen().root
    own = root.create_window(0, 0, 100, 100, 0, X.CopyFromParent, override_redirect=True)
    own.change_attributes(event_mask=X.KeyPressMask | X.StructureNotifyMask)
    own.map()
    while display.next_event().type != X.MapNotify:
        pass
    own.set_input_focus(X.RevertToParent, X.CurrentTime)
    display.sync()
    print("ready", flush=True)
    while True:
        if display.next_event().type == X.KeyPress:
            print(f"{time.monotonic():.9f}", flush=True)


def _scene():  # type: ignore[no-untyped-def]
    return make_stream(
        GESTURES, random_person(97_000), 1, seconds=SECONDS, fps=30.0, width=640, height=480, substeps=None
    ).scene


if __name__ == "__main__":
    main()
