"""The studio's small parts: pictures of a browser as a source, the outbox, the lock, names and settings."""

import asyncio
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_client import moving

from data_samples import make_dataset, picture
from handflow.capture import Source
from handflow.data.pictures import encode_jpeg
from handflow.data.take import RecorderConfig
from handflow.loopback import bind
from handflow.studio.browser_source import BrowserSource, decoded, jpeg_size
from handflow.studio.errors import StudioError
from handflow.studio.lock import FileLock, is_held
from handflow.studio.orders import Record, read_order
from handflow.studio.outbox import Outbox
from handflow.studio.recording import recorder_config
from handflow.studio.training import Training, read_state
from handflow.studio.workspace import Workspace, slug_of

JPEG = moving(1)[0]


def test_a_browser_is_a_source_of_its_newest_picture() -> None:
    source = BrowserSource()
    assert isinstance(source, Source) and source.live
    assert source.latest() is None
    for captured in (1.0, 1.1, 1.2):
        source.put(JPEG, captured, received=captured + 50)
    frame = source.latest()
    assert frame is not None and (frame.timestamp, frame.index, source.dropped) == (1.2, 2, 2)
    assert source.latest() is None and source.size == frame.size == (64, 48)
    assert source.epoch == pytest.approx(50)


def test_times_increase_and_a_clock_that_began_anew_is_followed() -> None:
    source = BrowserSource()
    given = [5.0, 5.0, 4.9, 5.1, 1.0, 1.1]
    seen = []
    for captured in given:
        source.put(JPEG, captured)
        frame = source.latest()
        seen.append(frame and frame.timestamp)
    assert seen == [5.0, None, None, 5.1, 1.0, 1.1] and source.dropped == 2


def test_the_rate_is_that_of_what_arrives() -> None:
    source = BrowserSource()
    assert source.fps == 30.0
    for number in range(40):
        source.put(JPEG, number / 20)
        source.latest()
    assert source.fps == pytest.approx(20)


def test_reading_waits_for_a_picture_and_ends_with_the_source() -> None:
    with BrowserSource() as source:
        threading.Timer(0.05, source.put, (JPEG, 1.0)).start()
        assert next(iter(source)).timestamp == 1.0
        threading.Timer(0.05, source.close).start()
        assert list(source) == []


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
        frame = source.latest()
        assert frame is None or frame.image.shape[2] == 3


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
