"""The studio's small parts: pictures of a browser as a source, the outbox, the lock, names and settings."""

import asyncio
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_client import moving

from data_samples import make_dataset, picture
from handflow.data.pictures import encode_jpeg, pack_frame, read_picture
from handflow.data.take import RecorderConfig, Take
from handflow.hands.slots import SlottedHands
from handflow.loopback import bind
from handflow.studio.browser_source import BrowserSource, decoded
from handflow.studio.errors import StudioError
from handflow.studio.jpeg import bare, jpeg_size
from handflow.studio.lock import FileLock, is_held
from handflow.studio.orders import Record, read_order
from handflow.studio.outbox import Outbox
from handflow.studio.recording import Recording, Shown, recorder_config
from handflow.studio.training import Training, read_state
from handflow.studio.workspace import Workspace, slug_of
from handflow.types import Frame

JPEG = moving(1)[0]


def test_a_browser_gives_its_newest_picture_as_it_came() -> None:
    source = BrowserSource()
    assert source.latest() is None
    before = time.perf_counter()
    for captured in (1.0, 1.1, 1.2):
        source.put(JPEG, captured)
    arrival = source.latest()
    assert arrival is not None and arrival.packed is not None
    frame, packed = arrival.frame, arrival.packed
    assert (frame.timestamp, frame.index, source.dropped) == (1.2, 2, 2)
    assert source.latest() is None and packed.size == frame.size == (64, 48)
    assert packed.jpeg == JPEG and packed.timestamp == 1.2
    assert before <= arrival.received <= time.perf_counter()


def test_times_increase_and_a_clock_that_began_anew_is_followed() -> None:
    source = BrowserSource()
    given = [5.0, 5.0, 4.9, 5.1, 1.0, 1.1]
    seen = []
    for captured in given:
        source.put(JPEG, captured)
        arrival = source.latest()
        seen.append(arrival and arrival.frame.timestamp)
    assert seen == [5.0, None, None, 5.1, 1.0, 1.1] and source.dropped == 2


def test_the_rate_is_that_of_what_arrives() -> None:
    source = BrowserSource()
    assert source.fps == 30.0
    for number in range(40):
        source.put(JPEG, number / 20)
        source.latest()
    assert source.fps == pytest.approx(20)


def test_reading_waits_for_a_picture() -> None:
    source = BrowserSource()
    threading.Timer(0.05, source.put, (JPEG, 1.0)).start()
    arrival = source.latest(timeout=30)
    assert arrival is not None and arrival.frame.timestamp == 1.0


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(content)) + content


UPRIGHT = segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")
"""EXIF that says: turn me by 90 degrees."""
NOTED = {
    "turned by EXIF": JPEG[:2] + UPRIGHT + JPEG[2:],
    "with a place": JPEG[:20] + segment(0xE1, b"Exif\0\0 52.5 N") + segment(0xFE, b"at home") + JPEG[20:],
    "padded": JPEG[:2] + b"\xff\xff\xff" + JPEG[2:],
    "with more behind it": JPEG + b"at home" + JPEG,
}


@pytest.mark.parametrize("noted", NOTED.values(), ids=NOTED)
def test_a_picture_is_stored_as_it_was_looked_at_and_nothing_beside_it(tmp_path: Path, noted: bytes) -> None:
    source = BrowserSource()
    source.put(noted, 1.0)
    arrival = source.latest()
    assert arrival is not None and arrival.packed is not None
    assert arrival.packed.jpeg == JPEG
    (tmp_path / "1.jpg").write_bytes(arrival.packed.jpeg)
    assert np.array_equal(read_picture(tmp_path / "1.jpg"), arrival.frame.image)


AMID = JPEG.index(b"\xff\xda") + 30
HALF = {
    "without its end": JPEG[:-2],
    "without its data": JPEG[: JPEG.index(b"\xff\xda")],
    "with a comment amid its data": JPEG[:AMID] + segment(0xFE, b"at home") + JPEG[AMID:],
}


@pytest.mark.parametrize("jpeg", HALF.values(), ids=HALF)
def test_a_picture_that_could_not_be_read_back_is_refused(jpeg: bytes) -> None:
    source = BrowserSource()
    source.put(jpeg, 1.0)
    with pytest.raises(StudioError, match="1280x960"):
        source.latest()


def test_no_picture_is_decoded_before_its_size_is_known() -> None:
    assert jpeg_size(JPEG) == (64, 48) and decoded(JPEG).shape == (48, 64, 3)  # type: ignore[union-attr]
    bomb = bytearray(JPEG)
    place = bomb.index(b"\xff\xc0")
    bomb[place + 5 : place + 9] = struct.pack(">HH", 30000, 30000)
    assert jpeg_size(bytes(bomb)) == (30000, 30000) and decoded(bytes(bomb)) is None
    bomb[place + 5 : place + 9] = struct.pack(">HH", 40, 64)  # it holds more lines than it says
    assert decoded(bytes(bomb)) is None or decoded(bytes(bomb)).shape == (40, 64, 3)  # type: ignore[union-attr]
    assert decoded(encode_jpeg(picture(size=(960, 1280)))) is not None
    assert decoded(encode_jpeg(picture(size=(961, 1280)))) is None


@given(st.binary(max_size=300), st.integers(0, 300))
def test_no_bytes_disturb_the_source(noise: bytes, place: int) -> None:
    source = BrowserSource()
    for jpeg in (noise, b"\xff\xd8" + noise, JPEG[:place] + noise + JPEG[place:], JPEG[:place]):
        source.put(jpeg, 1.0 + source._index)
        with suppress(StudioError):
            arrival = source.latest()
            assert arrival is None or arrival.frame.image.shape[2] == 3
        assert bare(bare(jpeg)) == bare(jpeg)


class Socket:
    """A page that reads when it is asked to."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.got: list[Any] = []

    async def send_text(self, text: str) -> None:
        await self.reads.wait()
        self.got.append(text)

    send_bytes = send_text


def test_a_slow_page_loses_what_it_would_have_seen_and_nothing_that_happened() -> None:
    async def talk() -> list[Any]:
        socket, outbox = Socket(), Outbox(asyncio.get_running_loop())
        sending = asyncio.create_task(outbox.send_all(socket))  # type: ignore[arg-type]
        outbox.put({"type": "mode"})
        await asyncio.sleep(0)
        for number in range(20):
            outbox.put_passing({"type": "seen", "n": number}, received=0.0)
            outbox.put_passing({"type": "frame", "n": number}, picture=b"jpeg")
            outbox.put({"type": "event", "id": number})
        await asyncio.sleep(0.01)
        socket.reads.set()
        await asyncio.sleep(0.01)
        sending.cancel()
        return socket.got

    got = asyncio.run(talk())
    texts = [text for text in got if isinstance(text, str)]
    assert len([text for text in texts if '"event"' in text]) == 20
    [seen] = [text for text in texts if '"seen"' in text]
    assert '"n":19' in seen and '"took":' in seen
    assert got[got.index('{"type":"frame","n":19}') + 1] == b"jpeg"


def test_messages_for_a_server_that_has_ended_are_let_go() -> None:
    loop = asyncio.new_event_loop()
    outbox = Outbox(loop)
    loop.close()
    outbox.put({"type": "event"})


def test_a_lock_is_held_by_one_process_and_freed_by_its_end(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    code = f"""
import sys
from pathlib import Path
from handflow.studio.lock import FileLock
lock = FileLock(Path({str(path)!r}))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"True\n"
        mine = FileLock(path)
        assert is_held(path) and not mine.acquire(0.1)
        other.kill()
    assert mine.acquire(10) and is_held(path)
    mine.release()
    assert not is_held(path)


@given(st.text(max_size=80))
def test_slugs_are_safe_names_of_folders(name: str) -> None:
    slug = slug_of(name)
    assert slug and len(slug) <= 40 and not slug.strip("abcdefghijklmnopqrstuvwxyz0123456789-")


HOW: dict[str, tuple[dict[str, Any], RecorderConfig]] = {
    "key": ({"how": "key"}, RecorderConfig(takes=None, countdown=0, pause=0.5)),
    "countdown": ({"how": "countdown", "takes": 3}, RecorderConfig("auto", takes=3)),
    "hands-free": ({"how": "hands-free"}, RecorderConfig("motion", "rest", takes=None, countdown=0)),
    "of a length": (
        {"how": "hands-free", "seconds": 2, "keep_frames": False},
        RecorderConfig("motion", seconds=2, takes=None, countdown=0, keep_frames=False),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "config"), HOW.values(), ids=HOW)
def test_orders_say_how_takes_start_and_stop(given: dict[str, Any], config: RecorderConfig) -> None:
    assert recorder_config(Record(type="record", gesture="x", **given)) == config


class Kept(list[tuple[Take, str]]):
    """A keeper that keeps in memory."""

    def add(self, take: Take, source: str) -> None:
        self.append((take, source))

    def close(self) -> None: ...


def shown(number: int) -> Shown:
    """A frame with hands, as the desk knows it; 15 a second."""
    frame = Frame(picture(number), number / 15, number)
    points = np.full((2, 21, 3), 20, np.float32)
    return Shown(frame, SlottedHands(points, np.ones(2), np.ones(2), (0, 1)), 0.0, pack_frame(frame))


def test_idle_minutes_of_each_camera_are_kept_as_its_own() -> None:
    kept = Kept()
    order = Record(type="record", how="background", seconds=10, countdown=0)
    recording = Recording(order, lambda gesture: kept, "camera 0", print)  # type: ignore[arg-type,return-value]
    for number in range(200):
        if number == 75:
            recording.restart("browser camera")
        said = recording.update(shown(number))
    assert [source for _, source in kept] == ["camera 0", "browser camera"]
    assert [take.sequence.duration for take, _ in kept] == pytest.approx([5, 5], abs=0.2)
    assert said["recorder"]["done"]
    recording.restart("camera 0")
    assert recording.update(shown(200))["recorder"]["done"]  # what is done stays done


@pytest.mark.parametrize("how", ["key", "background"])
def test_recordings_keep_the_picture_that_was_packed(how: Any) -> None:
    kept = Kept()
    order = Record(type="record", gesture="x", how=how, seconds=5, countdown=0)
    recording = Recording(order, lambda gesture: kept, "", print)  # type: ignore[arg-type,return-value]
    recording.trigger()
    given = [shown(number) for number in range(80)]
    for one in given:
        recording.update(one)
    recording.close()
    [(take, _)] = kept
    packed = {id(one.packed) for one in given}
    assert take.frames and all(id(frame) in packed for frame in take.frames)


@given(st.text(max_size=50))
def test_no_text_disturbs_who_reads_orders(text: str) -> None:
    with pytest.raises(StudioError):
        read_order(text)


def test_few_shot_is_taught_where_torch_cannot_be_imported(tmp_path: Path) -> None:
    project = Workspace(tmp_path).create("torchless")
    (project.folder / "dataset" / "dataset.json").unlink()
    (project.folder / "dataset").rmdir()
    make_dataset(project.folder / "dataset", takes=2)
    code = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning", "matplotlib"):
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
import handflow.studio.server
from handflow.studio.train_job import main
sys.exit(main([{str(project.folder)!r}, "few-shot"]))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert read_state(project.folder).state == "done" == Training(project).state().state
    assert project.model() is not None


def test_small_answers_leave_at_once() -> None:
    """asyncio turns Nagle's algorithm off for sockets that are named TCP alone."""
    with bind(0) as bound:
        assert bound.proto == socket.IPPROTO_TCP
