"""What comes of events: the event log and subscribers hear of each, and all is closed at the end."""

import json
import socket
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from handflow.act.event_log import EventLog
from handflow.act.serve import Subscribers
from handflow.errors import ActionError, BindingsError
from handflow.live.acting import Acting
from handflow.types import GestureEvent, event_document

EVENT = GestureEvent("wave", 0.9, "right", 1, 0.5, None, 1.0, 30)


def read(log: EventLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.path.read_text(encoding="utf-8").splitlines()]


def test_events_arming_and_outcomes_are_logged_in_order(tmp_path: Path) -> None:
    bindings = tmp_path / "b.toml"
    bindings.write_text('[[bindings]]\ngesture = "wave"\ndo = [{ command = ["no-such-program"] }]\n')
    log, told = EventLog(tmp_path / "events.jsonl"), []
    with Acting(bindings, dry_run=True, log=log, tell=told.append) as acting:
        acting.armed(True, 0.25)
        acting.update([EVENT])
    armed, event, action = read(log)
    assert {**armed, "at": ""} == {"type": "armed", "at": "", "armed": True, "time": 0.25}
    assert {**event, "at": ""} == {"type": "event", "at": "", **event_document(EVENT)}
    assert (action["type"], action["outcome"]) == ("action", "dry run")
    assert told == ["wave: would run no-such-program"]
    assert acting.outcomes == {"dry run": 1}


def test_subscribers_get_what_the_log_gets_and_the_end(tmp_path: Path) -> None:
    log, heard = EventLog(tmp_path / "events.jsonl"), []
    subscribers = Subscribers(0)
    with Acting(log=log, subscribers=subscribers, tell=print) as acting:
        stream = urllib.request.urlopen(f"{subscribers.url}events", timeout=10)

        def hear() -> None:
            heard.extend(json.loads(line[6:]) for line in stream if line.startswith(b"data: "))

        listener = threading.Thread(target=hear)
        listener.start()
        acting.update([EVENT])
        acting.update([])
        acting.update([EVENT])
    listener.join(10)
    stream.close()
    assert not listener.is_alive(), "the stream ends with it"
    assert heard == read(log) and len(heard) == 2


def test_subscribers_get_the_time_of_day_without_a_log_too() -> None:
    subscribers = Subscribers(0)
    with (
        Acting(subscribers=subscribers, tell=print) as acting,
        urllib.request.urlopen(f"{subscribers.url}events", timeout=10) as stream,
    ):
        acting.update([EVENT])
        line = next(line for line in stream if line.startswith(b"data: "))
    assert list(json.loads(line[6:]))[:3] == ["type", "at", "gesture"]


def test_bindings_that_cannot_be_used_leave_no_port_open(tmp_path: Path) -> None:
    subscribers = Subscribers(0)
    with pytest.raises(BindingsError):
        Acting(tmp_path / "none.toml", subscribers=subscribers, tell=print)
    with socket.socket() as other:
        other.bind(("127.0.0.1", subscribers.port))


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ActionError, match="cannot be served on"):
            Acting(subscribers=Subscribers(other.getsockname()[1]), tell=print)
