"""The event log: whole JSON lines, bounded files, and trouble with the disk told once."""

import json
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest
from act_servers import DOCUMENT, EVENT

from handflow.act.event_log import EventLog, log_path
from handflow.act.outcome import Outcome
from handflow.places import state_dir
from needs import need

EVENT_DOCUMENT = {"type": "event", **DOCUMENT}


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_events_and_actions_are_lines_with_the_time_of_day(tmp_path):
    path = tmp_path / "state" / "handflow" / "events.jsonl"
    log = EventLog(path)
    before = datetime.now().astimezone()
    written = [
        log.write(EVENT_DOCUMENT),
        log.write(Outcome(EVENT, "play glück.wav", "failed", "zu laut", 0.0123).document()),
    ]
    log.close()
    after = datetime.now().astimezone()
    event, action = lines(path)
    assert [event, action] == written
    assert list(event)[:2] == ["type", "at"]
    assert {k: v for k, v in event.items() if k != "at"} == EVENT_DOCUMENT
    assert (action["type"], action["action"], action["outcome"]) == ("action", "play glück.wav", "failed")
    at = datetime.fromisoformat(str(event["at"]))
    assert at.tzinfo is not None
    assert before.replace(microsecond=0) <= at <= after


def test_it_goes_on_where_it_was_left(tmp_path):
    for _ in range(2):
        log = EventLog(tmp_path / "events.jsonl")
        log.write(EVENT_DOCUMENT)
        log.close()
    assert len(lines(tmp_path / "events.jsonl")) == 2


@pytest.mark.parametrize("files", [1, 3])
def test_files_rotate_and_the_oldest_lines_go(tmp_path, files):
    path = tmp_path / "events.jsonl"
    log = EventLog(path, files=files, size=1000)
    for number in range(50):
        log.write({**EVENT_DOCUMENT, "frame": number})
    log.close()
    kept = [path, *(Path(f"{path}.{n}") for n in range(1, files))]
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert all(file.stat().st_size <= 1000 for file in kept)
    frames = [line["frame"] for file in reversed(kept) for line in lines(file)]
    assert frames == list(range(50 - len(frames), 50)), "the newest, without a gap"


def test_a_line_longer_than_a_file_is_still_written(tmp_path):
    log = EventLog(tmp_path / "events.jsonl", size=10)
    for _ in range(2):
        log.write(EVENT_DOCUMENT)
    log.close()
    assert len(lines(tmp_path / "events.jsonl")) == len(lines(tmp_path / "events.jsonl.1")) == 1


def test_lines_of_many_threads_stay_whole(tmp_path):
    log = EventLog(tmp_path / "events.jsonl", files=50, size=5000)

    def write(thread: int) -> None:
        for number in range(100):
            log.write({"type": "event", "thread": thread, "number": number})

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    written = [line for file in tmp_path.iterdir() for line in lines(file)]
    assert sorted((line["thread"], line["number"]) for line in written) == [
        (thread, number) for thread in range(4) for number in range(100)
    ]


def test_a_folder_that_cannot_be_made_is_told_once_and_ends_nothing(tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    told: list[str] = []
    log = EventLog(tmp_path / "state" / "events.jsonl", tell=told.append)
    for _ in range(3):
        assert log.write(EVENT_DOCUMENT)["gesture"] == EVENT.gesture
    assert len(told) == 1
    assert str(tmp_path / "state" / "events.jsonl") in told[0] and "cannot be written" in told[0]
    (tmp_path / "state").unlink()
    log.write(EVENT_DOCUMENT)
    log.close()
    assert len(lines(tmp_path / "state" / "events.jsonl")) == 1, "it goes on when it can"


def test_a_full_disk_is_told_once_and_ends_nothing():
    need(
        Path("/dev/full").exists(),
        "there is no /dev/full: run this on Linux",
        optional=sys.platform != "linux",
    )
    told: list[str] = []
    log = EventLog(Path("/dev/full"), tell=told.append)
    for _ in range(3):
        log.write(EVENT_DOCUMENT)
    log.close()
    assert told == ["the event log /dev/full cannot be written (No space left on device): it has gaps now"]


def test_a_line_that_was_cut_off_spoils_no_later_one(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"type": "event", "gest')
    log = EventLog(path)
    log.write(EVENT_DOCUMENT)
    log.close()
    first, second = path.read_text().splitlines()
    assert first == '{"type": "event", "gest'
    assert json.loads(second)["gesture"] == EVENT.gesture


def test_it_lies_in_the_state_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HANDFLOW_STATE", str(tmp_path / "s"))
    assert log_path() == tmp_path / "s" / "events.jsonl"
    assert not (tmp_path / "s").exists()
    monkeypatch.delenv("HANDFLOW_STATE")
    assert "handflow" in state_dir().parts and state_dir().is_absolute()
