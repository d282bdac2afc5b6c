"""`handflow run --bindings`: real gestures do real things, are logged and served, and nothing stays down."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from handflow.act.inject import chord
from handflow.act.inject.x11 import X11Injector
from handflow.hands import HandModels
from live_camera import camera
from needs import DIRECTIONS
from virtual_display import RecordingWindow, recording_window, virtual_display

RUN = [sys.executable, "-m", "handflow", "run"]
APPEND = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '\\n')"
LIMIT = 60.0  # seconds after which what should happen has not
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for other processes")


def eventually(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen within {LIMIT:g} s"
        time.sleep(0.02)


class Desk:
    """What a person has: a model, a bindings file, and a file that commands write to."""

    def __init__(self, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.model, self.path = model, folder / "b.toml"
        self._written, self._state = folder / "written.txt", folder / "state"
        monkeypatch.setenv("HANDFLOW_STATE", str(self._state))

    def append(self, *words: str) -> str:
        return (
            f"{{ command = {json.dumps([sys.executable, '-S', '-c', APPEND, str(self._written), *words])} }}"
        )

    def bind(self, *actions: str, head: str = "", more: str = "") -> None:
        """Binds the actions to every gesture of the model."""
        text = head + "".join(
            f'[[bindings]]\ngesture = "{gesture}"\ndo = [{", ".join(actions)}]\n{more}\n'
            for gesture in DIRECTIONS
        )
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.path)

    @property
    def words(self) -> list[str]:
        return self._written.read_text().splitlines() if self._written.exists() else []

    @property
    def log(self) -> list[dict[str, Any]]:
        path = self._state / "events.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def noted(self, kind: str) -> list[dict[str, Any]]:
        return [document for document in self.log if document["type"] == kind]

    def run(self, source: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
        words = [*RUN, "--model", self.model, "--source", source, *more]
        return subprocess.run(
            [*map(str, words)], capture_output=True, text=True, encoding="utf-8", check=False, timeout=200
        )


@pytest.fixture
def desk(
    tmp_path: Path, directions_model: Path, hand_models: HandModels, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    return Desk(tmp_path, directions_model, monkeypatch)


def test_gestures_do_what_they_are_bound_to_and_all_is_logged(desk: Desk, directions_video: Path) -> None:
    desk.bind(desk.append("{gesture}", "{frame}"), head='on_exit = "finish"\n')
    done = desk.run(directions_video, "--bindings", desk.path, "--events", "-")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events, "the video holds gestures that are found"
    assert desk.words == [f"{event['gesture']} {event['frame']}" for event in events]
    assert f"actions: {len(events)} performed" in done.stderr
    assert [
        {k: v for k, v in note.items() if k not in ("type", "at")} for note in desk.noted("event")
    ] == events
    assert [(note["gesture"], note["outcome"]) for note in desk.noted("action")] == [
        (event["gesture"], "performed") for event in events
    ]


def test_a_dry_run_says_what_would_happen_and_does_nothing(desk: Desk, directions_video: Path) -> None:
    desk.bind(desk.append("x"))
    done = desk.run(directions_video, "--bindings", desk.path, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert ": would run " in done.stderr and " dry run" in done.stderr
    assert desk.words == []
    assert {note["outcome"] for note in desk.noted("action")} == {"dry run"}


@pytest.mark.parametrize("bound", [False, True], ids=["alone", "bindings"])
@pytest.mark.parametrize(
    ("option", "logged"), [("", "with bindings"), ("--log", "always"), ("--no-log", "never")]
)
def test_the_log_is_written_with_bindings_or_where_it_is_asked_for(
    option: str, logged: str, bound: bool, desk: Desk, directions_video: Path
) -> None:
    desk.bind(desk.append("x"), head='on_exit = "finish"\n')
    words = [option] * bool(option) + ["--bindings", str(desk.path)] * bound
    done = desk.run(directions_video, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert bool(desk.words) == bound
    assert bool(desk.log) == (logged == "always" or (logged == "with bindings" and bound))


def test_what_cannot_work_is_said_at_the_start_and_the_run_goes_on(
    desk: Desk, directions_video: Path
) -> None:
    desk.path.write_text(
        '[[bindings]]\ngesture = "salute"\ndo = [{ command = ["no-such-program"] }]\n'
        '[[bindings]]\ngesture = "hand_up"\nmodes = ["music"]\ndo = [{ command = ["nor-this"] }]\n'
    )
    done = desk.run(directions_video, "--bindings", desk.path, "--seconds", "0.5")
    assert done.returncode == 0, done.stderr
    first = done.stderr.splitlines()[:4]
    assert first[0] == "binding 2 (hand_up): it begins in normal and no `mode` action leads to music"
    assert first[1].startswith("binding 1 (salute): no program no-such-program was found")
    assert first[2].startswith("binding 2 (hand_up): no program nor-this was found")
    assert first[3].startswith("binding 1: the model was not taught 'salute', only hand_down")


def test_while_disarmed_nothing_is_done_and_arming_is_logged(desk: Desk, directions_video: Path) -> None:
    desk.bind(desk.append("x"), head='on_exit = "finish"\n')
    free = desk.run(directions_video, "--bindings", desk.path)
    gestures = [json.loads(line)["gesture"] for line in free.stdout.splitlines()]
    count = len(desk.words)
    assert count == len(gestures) > 0
    before = len(desk.log)
    by = gestures[0]
    armed = desk.run(directions_video, "--bindings", desk.path, "--arm", by)
    assert armed.returncode == 0, armed.stderr
    passed = [json.loads(line)["gesture"] for line in armed.stdout.splitlines()]
    notes = desk.log[before:]
    assert len(desk.words) == count + len(passed)
    assert [note["gesture"] for note in notes if note["type"] == "event"] == passed
    switched = [note["armed"] for note in notes if note["type"] == "armed"]
    assert switched == [number % 2 == 0 for number in range(gestures.count(by))]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--dry-run",), 2, "--dry-run needs --bindings: name a bindings file"),
        (("--port", "0"), 2, "--port needs --serve"),
        (("--origin", "https://example.org"), 2, "--origin needs --serve"),
        (("--disarm-unseen", "5"), 2, "--disarm-unseen 5 needs --arm or --arm-key"),
        (("--arm", "hand-up", "--disarm-unseen", "0"), 2, "--disarm-unseen 0 must be more than 0 seconds"),
        (("--serve", "--port", "70000"), 2, "should be less than or equal to 65535"),
        (("--serve", "--origin", "example.org/x"), 1, "example.org/x is no origin: write it as https://"),
        (("--arm-key", "ctrl+lefft"), 1, "--arm-key ctrl+lefft: no key is called 'lefft'"),
        (("--arm-key", "ctrl+alt"), 1, "--arm-key ctrl+alt: name modifiers and one other key"),
        (("--bindings", "none.toml"), 1, "none.toml is not there: `handflow bindings new slides"),
        (("--bindings", "broken.toml"), 1, "broken.toml:1: no TOML"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(
    words: tuple[str, ...], status: int, says: str, desk: Desk, directions_video: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.toml").write_text("a = = 3")
    done = desk.run(directions_video, *(str(tmp_path / w) if w.endswith(".toml") else w for w in words))
    assert done.returncode == status
    assert says in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert status == 2 or len(done.stderr.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_one_clear_line(desk: Desk, directions_video: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = desk.run(directions_video, "--serve", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"handflow: port {port} cannot be served on")


@POSIX
def test_keys_that_no_program_may_watch_here_name_the_way_around(
    desk: Desk, directions_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    done = desk.run(directions_video, "--arm-key", "ctrl+alt+g")
    assert done.returncode == 1
    assert "write --arm-key USR1, and bind a shortcut" in done.stderr


class Running:
    """A `handflow run` on a camera that never ends; what it says so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out: list[str] = []
        self.said: list[str] = []
        for pipe, lines in ((process.stdout, self.out), (process.stderr, self.said)):
            threading.Thread(target=lines.extend, args=[pipe], daemon=True).start()

    def until_said(self, words: str, count: int = 1) -> str:
        """Waits for a line that holds the words; the last of so many."""

        def found() -> list[str]:
            return [line for line in list(self.said) if words in line]

        eventually(lambda: len(found()) >= count or self.process.poll() is not None, words)
        assert len(found()) >= count, "".join(self.said)
        return found()[count - 1].rstrip("\n")

    def end(self, number: int = signal.SIGINT) -> str:
        """Sends the signal; all that was said."""
        self.process.send_signal(number)
        assert self.process.wait(LIMIT) == 0, "".join(self.said)
        eventually(lambda: any("frame → event" in line for line in list(self.said)), "the summary")
        return "".join(self.said)


Start = Callable[..., Running]


@pytest.fixture
def live(desk: Desk, directions_video: Path) -> Iterator[Start]:
    """Starts `handflow run` on a camera that shows two gestures again and again."""
    with ExitStack() as stack:
        url = stack.enter_context(camera(directions_video, 3.6, 5.6))

        @contextmanager
        def ended(process: subprocess.Popen[str]) -> Iterator[None]:
            try:
                yield
            finally:
                process.kill()
                process.wait(LIMIT)

        def start(*words: str | Path) -> Running:
            command = [*RUN, "--model", desk.model, "--source", url, *words]
            process = subprocess.Popen(
                [*map(str, command)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            stack.enter_context(ended(process))
            return Running(process)

        yield start


@POSIX
def test_a_camera_acts_is_served_and_follows_changes_of_the_file(desk: Desk, live: Start) -> None:
    desk.bind(desk.append("old"))
    run = live("--bindings", desk.path, "--serve", "--port", "0")
    url = run.until_said("events for other programs: ").rpartition(" ")[2]
    heard: list[dict[str, Any]] = []

    def hear() -> None:
        with urllib.request.urlopen(f"{url}events", timeout=LIMIT) as stream:
            heard.extend(json.loads(line[6:]) for line in stream if line.startswith(b"data: "))

    listener = threading.Thread(target=hear)
    listener.start()
    eventually(lambda: "old" in desk.words, "the first action")
    desk.bind(desk.append("new"))
    run.until_said(f"{desk.path} has changed: 4 bindings")
    eventually(lambda: "new" in desk.words, "an action of the new bindings")
    desk.path.write_text("[[bindings]]\n")
    run.until_said("the last good bindings stay")
    count = len(desk.words)
    eventually(lambda: len(desk.words) > count, "one more")
    said = run.end()
    listener.join(LIMIT)
    assert not listener.is_alive()
    assert desk.words == sorted(desk.words, reverse=True), "no old one after the first new one"
    assert said.count("the last good bindings stay") == 1
    assert "stopped" in said and " performed" in said
    assert heard == desk.log[-len(heard) :], "what was served is what was logged"
    assert {note["type"] for note in heard} == {"event", "action"}


@POSIX
@pytest.mark.usefixtures("hangup_counts")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_keys_that_are_held_come_up_however_it_ends(number: str, desk: Desk, live: Start) -> None:
    desk.bind('{ keys = { press = "ctrl+Right", hold = 60 } }', head='[keyboard]\nby = "x11"\n')
    with virtual_display() as display, recording_window(display) as window:
        run = live("--bindings", desk.path)
        assert run.until_said("keys and mouse by ") == f"keys and mouse by x11 (XTest on {display})"
        assert _until_down(window, 2) == ["Control_L", "Right"]
        said = run.end(getattr(signal, number))
        assert "stopped" in said
        assert window.count(4) == ["+Control_L", "+Right", "-Right", "-Control_L"]
        assert window.down() == []
    assert desk.noted("action")[0]["outcome"] == "performed"


def _until_down(window: RecordingWindow, count: int) -> list[str]:
    """Keys that are down, once it is so many."""
    eventually(lambda: len(window.down()) == count, f"{count} keys down")
    return window.down()


@POSIX
def test_a_signal_arms_and_disarms(desk: Desk, live: Start) -> None:
    desk.bind(desk.append("x"))
    run = live("--bindings", desk.path, "--arm-key", "USR1")
    run.until_said("disarmed")
    eventually(lambda: _watches_signal(run.process.pid), "the signal's handler")
    run.process.send_signal(signal.SIGUSR1)
    run.until_said(" s: armed")
    assert desk.words == []
    eventually(lambda: desk.words, "an action")
    run.process.send_signal(signal.SIGUSR1)
    run.until_said(" s: disarmed")
    run.end()
    assert [note["armed"] for note in desk.noted("armed")] == [True, False]


def _watches_signal(process: int) -> bool:
    """Whether a Python process would hear the signal; systems that do not tell have had the time by then."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        time.sleep(1)
        return True
    caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGUSR1 - 1) & 1)


@POSIX
def test_a_key_arms_and_disarms(desk: Desk, live: Start) -> None:
    desk.bind(desk.append("x"))
    with virtual_display() as display:
        run = live("--bindings", desk.path, "--arm-key", "ctrl+alt+g")
        run.until_said("disarmed")
        injector = X11Injector(display)

        def press() -> bool:
            with injector.held(chord("ctrl+alt+g")):
                pass
            time.sleep(0.5)
            return any(" s: armed" in line for line in list(run.said))

        eventually(press, "the key")  # it is watched a moment after the first line
        eventually(lambda: desk.words, "an action")
        with injector.held(chord("ctrl+alt+g")):
            pass
        run.until_said(" s: disarmed")
        injector.close()
        run.end()
    assert [note["armed"] for note in desk.noted("armed")] == [True, False]
