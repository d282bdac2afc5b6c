"""Real windows on a virtual X display: keys typed by xdotool, pictures read back from the screen."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from handflow.data import Dataset
from handflow.data.take import Phase, RecorderState
from handflow.hands.silhouette import draw_silhouettes
from handflow.live.record_window import RecordWindow, watch_in_window
from handflow.live.session import LiveView, RecordingSession
from handflow.live.window import ResultWindow, WindowError, mask_view, mirrored_view
from handflow.types import Frame, Hand, Hands, Image, Region
from moving_hand import write_moving_hand
from needs import need

HANDFLOW = [sys.executable, "-m", "handflow"]
WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A virtual X display that a person's keyboard is plugged into."""
    need(sys.platform == "linux" and shutil.which("Xvfb"), "no Xvfb: apt install xvfb")
    need(shutil.which("xdotool"), "no xdotool: apt install xdotool")
    need(shutil.which("import"), "no ImageMagick: apt install imagemagick")
    need(find_spec("tkinter"), "this Python has no tkinter (Debian: python3-tk)")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1000x800x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        name = f":{pipe.readline().strip()}"
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = name
    try:
        yield name
    finally:
        if before is None:
            del os.environ["DISPLAY"]
        else:
            os.environ["DISPLAY"] = before
        server.terminate()
        server.wait(10)


def person(*words: str) -> None:
    """What a person does with mouse and keyboard."""
    subprocess.run(["xdotool", *words], check=True, timeout=20)


def screen() -> Image:
    """A picture of the screen, RGB."""
    png = subprocess.run(["import", "-window", "root", "png:-"], check=True, capture_output=True, timeout=20)
    picture = cv2.imdecode(np.frombuffer(png.stdout, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture[:, :, ::-1]


def halves(left: int = 250, right: int = 0) -> Image:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, : WIDTH // 2] = left
    image[:, WIDTH // 2 :] = right
    return image


def hands_at(x: float, y: float) -> Hands:
    points = np.zeros((21, 3), np.float32)
    points[:, 0] = x + 6 * np.arange(21)
    points[:, 1] = y + 40 * (np.arange(21) % 4)
    hand = Hand(points, points, points, 1.0, 1.0, "right", 0, Region(x, y, 100, 0.3))
    return Hands((hand,), 0.0, 0, (WIDTH, HEIGHT))


class Camera:
    """Gives one picture for half a minute."""

    name, live, dropped, fps, size, epoch = "camera 0", True, 0, 30.0, (WIDTH, HEIGHT), 0.0

    def __init__(self) -> None:
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        for n in range(3000):
            if self._closed.wait(0.01):
                return
            yield Frame(halves(), n / 100, n)

    def close(self) -> None:
        self._closed.set()


def wait_for_keys(window: RecordWindow | ResultWindow, count: int, seconds: float = 5.0) -> list[str]:
    keys: list[str] = []
    end = time.monotonic() + seconds
    while len(keys) < count and time.monotonic() < end and not window.closed:
        keys += window.poll()
        time.sleep(0.01)
    return keys


def focus() -> None:
    """Without a window manager the keyboard goes where the mouse is."""
    person("mousemove", "200", "200")


def test_hands_are_drawn_on_the_mirrored_picture_where_the_mirrored_hand_is() -> None:
    image = halves()
    kept = image.copy()
    mirrored = mirrored_view(image, hands_at(100, 200))
    plain = mirrored_view(image, hands_at(100, 200), mirror=False)
    assert np.array_equal(image, kept)
    drawn = np.abs(mirrored.astype(int) - image[:, ::-1]).sum(axis=2) > 60
    columns = np.flatnonzero(drawn.any(axis=0))
    assert columns.min() > WIDTH - 1 - 230 and columns.max() < WIDTH - 1 - 90
    assert np.allclose(mirrored[:, ::-1].astype(int), plain, atol=60)
    # colours name the anatomical side and must not swap with the picture
    assert {tuple(c) for c in np.unique(mirrored[drawn], axis=0)[-1:]} == {
        tuple(c) for c in np.unique(plain[drawn[:, ::-1]], axis=0)[-1:]
    }


def test_a_picture_without_hands_is_only_mirrored() -> None:
    nobody = Hands((), 0.0, 0, (WIDTH, HEIGHT))
    assert np.array_equal(mirrored_view(halves(), nobody), halves()[:, ::-1])
    assert np.array_equal(mirrored_view(halves(), None, mirror=False), halves())


def test_the_mask_shows_what_networks_see_mirrored_like_the_picture() -> None:
    hands = hands_at(100, 200)
    steadied = replace(hands, hands=tuple(replace(h, steady=h.steady + 90) for h in hands.hands))
    plain = mask_view(halves(), steadied, mirror=False)
    expected = draw_silhouettes(hands.hands[0].landmarks[None], (WIDTH, HEIGHT))
    assert (expected == 255).mean() > 0.01
    assert np.array_equal(plain, np.repeat(expected[..., None], 3, axis=2))
    assert np.array_equal(mask_view(halves(), steadied), plain[:, ::-1])
    assert not mask_view(halves(), Hands((), 0.0, 0, (WIDTH, HEIGHT))).any()


@pytest.mark.usefixtures("display")
def test_m_switches_between_mask_and_picture() -> None:
    view = LiveView(Frame(halves(), 0.0, 0), hands_at(100, 200), None, 0.0)
    mask = mask_view(halves(), view.hands)  # type: ignore[arg-type]

    class Session:
        """Holds one frame until a person ends it, like a source that stands still."""

        hands_free, stalled, over = False, False, False

        def __init__(self) -> None:
            self.view, self.source = view, Camera()
            self.pressed: list[str] = []

        def press(self, key: str) -> None:
            self.pressed.append(key)
            self.over = True

    session = Session()
    with RecordWindow("handflow", mask=True) as window:
        window.show(view, fps=30.0)
        wait_for_keys(window, 1, 0.3)
        assert np.array_equal(screen()[:HEIGHT, :WIDTH], mask)
        focus()
        window.root.after(300, lambda: person("key", "m"))
        window.root.after(900, lambda: person("key", "q"))
        watch_in_window(session, window)  # type: ignore[arg-type]
        assert session.pressed == ["q"]
        assert np.array_equal(screen()[:HEIGHT, :WIDTH], mirrored_view(halves(), view.hands))


@pytest.mark.usefixtures("display")
def test_the_window_shows_the_mirrored_picture_with_its_state_and_countdown() -> None:
    with RecordWindow("handflow", "wave") as window:
        for phase, count, progress in (
            (Phase.WAITING, 0, 0.0),
            (Phase.COUNTDOWN, 3, 0.0),
            (Phase.RECORDING, 0, 0.5),
        ):
            state = RecorderState(phase, f"now {phase.value}", 2, 10, progress, count)
            window.show(LiveView(Frame(halves(), 0.0, 0), None, state, 0.0), fps=30.0)
            wait_for_keys(window, 1, 0.3)
            seen = screen()[:HEIGHT, :WIDTH]
            assert seen[100, 100].tolist() == [0, 0, 0] and seen[100, 540].tolist() == [250, 250, 250]
            number_drawn = (seen[180:300, 270:320] > 200).any()  # white on the black half
            assert number_drawn == (phase is Phase.COUNTDOWN)
            red_frame = seen[HEIGHT // 2, 2].tolist() == [0xE5, 0x48, 0x4D]
            assert red_frame == (phase is Phase.RECORDING)
            bar = (seen[HEIGHT - 17, 12 : WIDTH // 2 - 12] > 200).all(axis=1).mean()
            assert (bar > 0.95) == (phase is Phase.RECORDING)
        beneath = screen()[HEIGHT : HEIGHT + 90, :WIDTH]
        assert beneath.std() > 10  # lines of text


@pytest.mark.usefixtures("display")
def test_idle_minutes_show_what_to_do_and_no_keys_of_takes() -> None:
    def texts(widget: Any) -> list[str]:
        own = [str(widget.cget("text"))] if widget.winfo_class() == "Label" else []
        return own + [text for child in widget.winfo_children() for text in texts(child)]

    with RecordWindow("handflow", "background", task="Work as usual.") as window:
        state = RecorderState(Phase.RECORDING, "0:10 of 1:00, 1 clip kept", 1, None, 0.2)
        window.show(LiveView(Frame(halves(), 0.0, 0), None, state, 0.0), fps=30.0)
        said = texts(window.root)
    assert {"Work as usual.", "M mask    Q end", "0:10 of 1:00, 1 clip kept", "background    1 clips"} <= {
        *said
    }


@pytest.mark.usefixtures("display")
def test_keys_on_any_keyboard_layout_reach_the_program_once_each() -> None:
    with RecordWindow("handflow", "wave") as window:
        window.show_picture(halves())
        window.poll()
        focus()
        person("key", "--delay", "120", "r", "R", "space", "u", "BackSpace", "h", "M", "x", "Escape", "q")
        assert wait_for_keys(window, 9) == ["r", "r", "r", "u", "u", "h", "m", "q", "q"]


@pytest.mark.usefixtures("display")
def test_a_held_key_counts_once() -> None:
    with RecordWindow("handflow", "wave") as window:
        window.show_picture(halves())
        window.poll()
        focus()
        person("keydown", "u")
        held = wait_for_keys(window, 2, 1.5)  # X repeats a held key after 0.66 s, 25 times a second
        person("keyup", "u")
        wait_for_keys(window, 1, 0.2)
        person("key", "u")
        assert held == ["u"]
        assert wait_for_keys(window, 1) == ["u"]


@pytest.mark.usefixtures("display")
@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((320, 240), (640, 480)),
        ((640, 480), (640, 480)),
        ((1920, 1080), (960, 540)),
        ((480, 3000), (93, 580)),
    ],
)
def test_pictures_fit_the_screen(size: tuple[int, int], shown: tuple[int, int]) -> None:
    with ResultWindow("handflow") as window:
        assert window.show(np.zeros((size[1], size[0], 3), np.uint8))
        assert window.size == shown


@pytest.mark.usefixtures("display")
def test_a_result_window_ends_with_q() -> None:
    with ResultWindow("handflow") as window:
        assert window.show(halves())
        focus()
        person("key", "q")
        end = time.monotonic() + 5
        while window.show(halves()) and time.monotonic() < end:
            time.sleep(0.01)
        assert window.closed and not window.show(halves())


@pytest.mark.usefixtures("display")
def test_closing_the_window_ends_the_session() -> None:
    with RecordWindow("handflow", None) as window:
        session = RecordingSession(Camera(), None)  # type: ignore[arg-type]
        session.start()
        # What a window manager asks for when its close button is pressed; the virtual display has none.
        window.root.after(500, window.root.tk.call, window.root.protocol("WM_DELETE_WINDOW"))
        watch_in_window(session, window)
        session.finish()
        assert window.closed and 5 < session.frames < 3000


@pytest.mark.usefixtures("display")
def test_ctrl_c_in_a_callback_is_not_swallowed() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with RecordWindow("handflow") as window:
        window.root.after(10, interrupt)
        with pytest.raises(KeyboardInterrupt):
            wait_for_keys(window, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_without_a_display_one_line_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    need(find_spec("tkinter"), "this Python has no tkinter (Debian: python3-tk)")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(WindowError, match="--no-window") as caught:
        RecordWindow("handflow")
    assert "\n" not in str(caught.value)


def test_without_tkinter_one_line_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with pytest.raises(WindowError, match=r"apt install python3-tk.*--no-window"):
        RecordWindow("handflow")


@pytest.fixture(scope="module")
def moving_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of a synthetic hand that moves to and fro."""
    return write_moving_hand(tmp_path_factory.mktemp("moving") / "hand", 900)


def start(dataset: Path, source: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*HANDFLOW, "record", str(dataset), "--gesture", "swipe", "--source", str(source), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_clips(dataset: Path, count: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while len(list(dataset.glob("clips/*/*/clip.json"))) != count:
        assert time.monotonic() < end, f"no {count} clips within {seconds} s"
        time.sleep(0.1)


def until_window(title: str) -> None:
    person("search", "--sync", "--onlyvisible", "--name", title)
    focus()


@pytest.mark.usefixtures("display", "hand_models")
def test_a_person_records_undoes_and_ends_in_the_window(tmp_path: Path, moving_hand: Path) -> None:
    dataset = tmp_path / "set"
    running = start(dataset, moving_hand, "--seconds", "0.5", "--countdown", "0.2", "--json")
    until_window("handflow: swipe")
    time.sleep(1)  # the hand is found
    person("key", "r")
    until_clips(dataset, 1)
    person("key", "r")
    until_clips(dataset, 2)
    person("key", "u")
    until_clips(dataset, 1)
    person("key", "q")
    out, err = running.communicate(timeout=30)
    assert running.returncode == 0, err
    assert '"takes": 1' in out and '"undone": 1' in out
    (entry,) = Dataset.open(dataset).entries()
    clip = Dataset.open(dataset).load(entry)
    assert 0.35 <= clip.sequence.duration <= 0.55 and clip.sequence.seen.any()
    assert len(list(Dataset.open(dataset).frames(entry))) == len(clip.sequence)


@pytest.mark.usefixtures("display", "hand_models")
def test_ctrl_c_keeps_the_whole_takes_of_a_window(tmp_path: Path, moving_hand: Path) -> None:
    dataset = tmp_path / "set"
    running = start(dataset, moving_hand, "--seconds", "0.5", "--countdown", "0.2", "--auto", "--pause", "0")
    until_clips(dataset, 2)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert len(Dataset.open(dataset).entries()) >= 2
    assert not [p for p in dataset.rglob("*") if "partial" in p.name]


@pytest.mark.usefixtures("display", "hand_models")
def test_view_shows_a_file_as_mask_and_as_picture_until_q(moving_hand: Path) -> None:
    running = subprocess.Popen(
        [*HANDFLOW, "view", "--source", str(moving_hand), "--mask"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until_window("handflow: ")
    time.sleep(1.5)
    mask = screen()[:480, :640]
    person("key", "m")
    time.sleep(0.5)
    seen = screen()[:480, :640]
    person("key", "q")
    _, err = running.communicate(timeout=30)
    assert running.returncode == 0, err
    assert "frames seen" in err
    assert np.ptp(mask, axis=2).max() == 0 and 0.005 < (mask == 255).mean() < 0.5
    assert ((mask == 0) | (mask == 255)).mean() > 0.95
    assert seen.std() > 10 and np.ptp(seen, axis=2).max() > 30
