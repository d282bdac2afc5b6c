"""From events to what happens: the bindings file, its changes while it is used, trouble, storms, the end."""

import json
import os
import re
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from act_servers import EVENT, eventually, free_port, web_server

import handflow.act.actions.webhook
from handflow.act import actor as module
from handflow.act import dispatcher
from handflow.act.actions.mqtt import MqttPerformer
from handflow.act.actor import Actor
from handflow.act.inject import choice
from handflow.errors import BindingsError, MissingExtraError
from handflow.types import GestureEvent, Scores
from virtual_display import recording_window, virtual_display

APPEND = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')"


class Desk:
    """A folder with a bindings file and a file that commands write to; knows all that was told and noted."""

    def __init__(self, folder: Path) -> None:
        self.path, self.written = folder / "bindings.toml", folder / "written.txt"
        self.told: list[str] = []
        self.noted: list[dict[str, Any]] = []
        self._time = 1_000

    def append(self, word: str) -> str:
        """An action that appends a word to the file."""
        return f"{{ command = {json.dumps([sys.executable, '-S', '-c', APPEND, str(self.written), word])} }}"

    def bind(self, text: str) -> None:
        """Writes the file; each time it is a second newer."""
        self._time += 1
        self.path.write_text(text, encoding="utf-8")
        os.utime(self.path, (self._time, self._time))

    @property
    def lines(self) -> list[str]:
        return self.written.read_text().splitlines() if self.written.exists() else []

    def outcomes(self, kind: str) -> list[dict[str, Any]]:
        """The actions noted so far with this outcome."""
        return [note for note in list(self.noted) if note.get("outcome") == kind]

    def until(self, kind: str, count: int) -> None:
        eventually(lambda: len(self.outcomes(kind)) >= count, f"{count} × {kind}")

    def until_told(self, words: str) -> None:
        eventually(lambda: any(words in line for line in list(self.told)), words)


def binding(gesture: str, *actions: str, more: str = "") -> str:
    return f'[[bindings]]\ngesture = "{gesture}"\ndo = [{", ".join(actions)}]\n{more}\n'


def event(gesture: str = "wave", time: float = 1.0, score: float = 0.9) -> GestureEvent:
    return GestureEvent(gesture, score, "right", 1, time - 0.5, None, time, round(30 * time))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(module, "LOOK", 0.0)
    return Desk(tmp_path)


Act = Callable[..., Actor]


@pytest.fixture
def act(desk: Desk) -> Iterator[Act]:
    made: list[Actor] = []

    def start(text: str = "", **more: Any) -> Actor:
        if text:
            desk.bind(text)
        actor = Actor(desk.path, **{"tell": desk.told.append, "note": desk.noted.append, **more})
        made.append(actor)
        return actor

    yield start
    for actor in made:
        actor.close()


def test_a_gesture_does_its_actions_in_order_and_each_is_noted(desk: Desk, act: Act) -> None:
    with web_server() as web:
        hook = f'{{ webhook = "{web.url}/x" }}'
        actor = act(binding("swipe_left", desk.append("one"), hook, desk.append("two")))
        for number in range(1, 4):
            actor.update([EVENT], ())
            desk.until("performed", 3 * number)
        assert desk.lines == ["one", "two"] * 3
        assert [request.json["gesture"] for request in web.requests] == ["swipe_left"] * 3
    first, second, third = desk.noted[:3]
    assert first["action"].endswith("one") and third["action"].endswith("two")
    assert second["action"] == f"POST {web.url}/x"
    assert (second["type"], second["gesture"], second["time"]) == ("action", "swipe_left", EVENT.time)
    assert desk.told == []
    assert actor.close() == {"performed": 9}


def test_gestures_that_nothing_is_bound_to_do_nothing(desk: Desk, act: Act) -> None:
    actor = act(binding("wave", desk.append("one")))
    actor.update([event("fist")], ())
    assert actor.close() == {} and desk.noted == [] and desk.lines == []


def test_a_change_of_the_file_counts_from_then_on(desk: Desk, act: Act) -> None:
    actor = act(binding("wave", desk.append("old")) + binding("fist", desk.append("old fist")))
    actor.update([event()], ())
    desk.until("performed", 1)
    desk.bind(binding("wave", desk.append("new")))
    actor.update([event(), event("fist")], ())
    desk.until("performed", 2)
    assert desk.lines == ["old", "new"]
    assert desk.told == [f"{desk.path} has changed: 1 binding"]
    assert actor.close() == {"performed": 2}, "of all bindings that held"


def test_a_broken_edit_and_a_deleted_file_are_told_once_and_the_last_good_one_acts(
    desk: Desk, act: Act
) -> None:
    good = binding("wave", desk.append("good"))
    actor = act(good)
    for broken in (good.replace("do =", "dou ="), good.replace("command", "comand"), "[[bindings]"):
        desk.told.clear()
        desk.bind(broken)
        for _ in range(3):
            actor.update([event()], ())
        (told,) = desk.told
        assert told.startswith(f"{desk.path}:") and told.endswith("\nthe last good bindings stay")
    desk.told.clear()
    desk.path.unlink()
    for _ in range(3):
        actor.update([event()], ())
    assert desk.told == [f"{desk.path} is gone: its last bindings stay"]
    desk.until("performed", 12)
    desk.bind(binding("wave", desk.append("back")))
    actor.update([event()], ())
    desk.until("performed", 13)
    assert desk.lines == ["good"] * 12 + ["back"]


def test_a_change_that_needs_a_missing_extra_keeps_the_last_good_bindings(
    desk: Desk, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = act(binding("wave", desk.append("good")))
    monkeypatch.setattr(handflow.act.actions.webhook, "find_spec", lambda name: None)
    desk.bind(binding("wave", '{ webhook = "http://127.0.0.1:1/" }'))
    for _ in range(3):
        actor.update([event()], ())
    (told,) = desk.told
    assert "needs the extra 'home': pip install" in told and told.endswith("the last good bindings stay")
    desk.until("performed", 3)
    assert desk.lines == ["good"] * 3


def test_what_hangs_as_the_file_changes_holds_up_neither_the_change_nor_recognition(
    desk: Desk, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "ENDING", 0.1)
    with web_server(None) as web:
        hook = f'{{ webhook = {{ url = "{web.url}", timeout = 60 }} }}'
        actor = act("max_delay = 0.1\n" + binding("wave", hook))
        actor.update([event()], ())
        eventually(lambda: web.requests, "the request")
        desk.bind("max_delay = 60\n" + binding("wave", desk.append("new")))
        actor.update([event()], ())
        assert not web.over.is_set(), "it went on while the request hangs"
        desk.until("performed", 1)
        assert desk.lines == ["new"]


def test_a_dry_run_says_what_would_happen_and_does_nothing(desk: Desk, act: Act) -> None:
    with web_server() as web:
        text = binding("wave", desk.append("x"), f'{{ webhook = "{web.url}" }}', more="least_score = 0.8")
        before = threading.active_count()
        actor = act(text, dry_run=True)
        actor.update([event(), event(score=0.5)], ())
        assert threading.active_count() <= before
        command, hook, *refused = desk.told
        assert command.startswith("wave: would run ") and command.endswith("written.txt x")
        assert hook == f"wave: would POST {web.url}"
        assert [line.split(": ")[-1] for line in refused] == ["its score 0.50 is below 0.8"] * 2
        assert all(line.startswith("wave: would not ") for line in refused)
        assert actor.close() == {"dry run": 2, "refused": 2}
        assert desk.lines == [] and web.requests == []
        assert [note["outcome"] for note in desk.noted] == ["dry run"] * 2 + ["refused"] * 2


def test_what_is_refused_is_noted_and_told_in_a_dry_run_alone(desk: Desk, act: Act) -> None:
    actor = act(binding("wave", desk.append("x"), more="cooldown = 5"))
    actor.update([event(time=1.0), event(time=2.0)], ())
    desk.until("performed", 1)
    (refused,) = desk.outcomes("refused")
    assert refused["why"] == "it cools down for another 4.0 s"
    assert desk.told == []
    assert actor.close() == {"performed": 1, "refused": 1}


def test_a_change_of_mode_is_noted_and_told(desk: Desk, act: Act) -> None:
    text = binding("fist", '{ mode = "music" }') + binding("wave", desk.append("x"), more='modes = ["music"]')
    actor = act(text)
    actor.update([event(), event("fist", 1.25), event("wave", 1.5), event("fist", 2.0)], ())
    assert actor.mode == "normal"
    assert desk.told == ["mode music", "mode normal"]
    assert [note for note in desk.noted if note["type"] == "mode"] == [
        {"type": "mode", "mode": "music", "time": 1.25},
        {"type": "mode", "mode": "normal", "time": 2.0},
    ]
    desk.until("performed", 3)  # two switches, and what the mode made active
    assert desk.lines == ["x"]


def test_a_held_pose_is_repeated(desk: Desk, act: Act) -> None:
    actor = act(binding("fist", desk.append("x"), more="repeat = 0.5"), dry_run=True)
    labels = ("fist", "background")
    for frame in range(31):
        now = 1.0 + frame / 20
        shown = Scores(np.array([0.9, 0.1], np.float32), labels, now, frame)
        actor.update([event("fist", now)] if frame == 0 else [], [shown])
    assert [note["time"] for note in desk.noted] == pytest.approx([1.0, 1.5, 2.0, 2.5])


def test_trouble_is_told_once_a_while_for_each_reason_and_counted(
    desk: Desk, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAY", 3600.0)
    actor = act(
        binding("wave", '{ command = ["no-such-program"] }') + binding("fist", '{ command = ["nor-this"] }')
    )
    for _ in range(10):
        actor.update([event(), event("fist")], ())
    desk.until("failed", 20)
    one, other = desk.told
    assert one == (
        "wave: failed: run no-such-program: no-such-program was not found: install it, or give its whole path"
    )
    assert other.startswith("fist: failed: run nor-this")
    monkeypatch.setattr(module, "SAY", 0.0)
    actor.update([event()], ())
    desk.until("failed", 21)
    eventually(lambda: len(desk.told) == 3, "the third line")
    assert desk.told[2] == f"{one} (and 9 times before)"
    assert actor.close() == {"failed": 21}
    assert desk.told[3:] == [f"{other} (9 times more)"]


def test_reasons_without_end_take_no_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from handflow.act.outcome import Outcome

    monkeypatch.setattr(module, "MOST_REASONS", 10)
    told: list[str] = []
    trouble = module._Trouble(told.append)
    for number in range(100):
        for _ in range(2):
            trouble.tell(Outcome(EVENT, "run", "failed", f"reason {number}"))
    assert len(told) == 100
    assert len(trouble._said) <= 10 and len(trouble._unsaid) <= 10


def test_an_event_storm_blocks_nothing_takes_no_memory_and_what_is_dropped_is_told(
    desk: Desk, act: Act, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """10 000 events, as 1000 a second for 10 s, as fast as they are taken, while a server never answers."""
    monkeypatch.setattr(dispatcher, "ENDING", 0.2)
    counted: Counter[str] = Counter()

    def count(note: dict[str, Any]) -> None:
        counted[note["outcome"], note["gesture"]] += 1  # type: ignore[index]

    with web_server(None) as web:
        hook = f'{{ webhook = {{ url = "{web.url}", timeout = 60 }} }}'
        actor = act(binding("wave", hook) + binding("fist", desk.append("x")), note=count)
        actor.update([event()], ())
        eventually(lambda: web.requests, "the request")
        memory = []
        tracemalloc.start()
        try:
            for number in range(10_000):
                actor.update([event(time=number / 1000)], ())
                if number in (1_000, 9_999):
                    memory.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert len(web.requests) == 1 and not web.over.is_set(), "it went on while the request hangs"
        assert memory[1] - memory[0] < 100_000
        assert counted["dropped", "wave"] == 10_000 - 32, "32 wait"
        actor.update([event("fist")], ())
        eventually(lambda: counted["performed", "fist"] == 1, "the other action")
        assert actor.close() == {"performed": 1, "dropped": 10_000}
    assert counted["dropped", "wave"] == 10_000, "those that waited, too"
    told = [line for line in desk.told if "wave: dropped: POST" in line]
    more = [re.search(r"\((?:and )?(\d+) times", line) for line in told]
    assert len(told) < 100
    assert sum(1 for line in told if "times more" not in line) + sum(int(m[1]) for m in more if m) == 10_000
    assert "webhook hangs and is left behind" in caplog.text


def test_closing_lifts_what_is_held(desk: Desk, act: Act) -> None:
    with virtual_display() as display, recording_window(display) as window:
        text = '[keyboard]\nby = "x11"\n' + binding("wave", '{ keys = { press = "ctrl+Right", hold = 60 } }')
        actor = act(text)
        assert actor.injector() == f"x11 (XTest on {display})"
        actor.update([event()], ())
        assert window.until(lambda w: len(w.down()) == 2).down() == ["Control_L", "Right"]
        actor.close()
        assert window.count(4) == ["+Control_L", "+Right", "-Right", "-Control_L"]
        assert window.down() == []


def test_no_way_to_press_keys_is_told_at_each_action(
    desk: Desk, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = desk.path.parent / "uinput"
    monkeypatch.setattr(choice.uinput_access, "__defaults__", (absent,))
    actor = act('[keyboard]\nby = "uinput"\n' + binding("wave", '{ keys = "a" }'))
    assert actor.injector() == ""
    actor.update([event()], ())
    desk.until("failed", 1)
    desk.until_told("`handflow doctor` shows the udev rule that allows it")


def test_no_way_is_shown_where_no_binding_presses_keys(desk: Desk, act: Act) -> None:
    assert act(binding("wave", desk.append("x"))).injector() == ""


def test_a_broker_that_is_down_at_the_start_keeps_nothing_from_acting(
    desk: Desk, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MqttPerformer.__init__, "__defaults__", ((), 0.2))  # how patient it is, seconds
    port = free_port()
    actor = act(f"[mqtt]\nport = {port}\n" + binding("wave", "{ mqtt = {} }", desk.append("after")))
    actor.update([event()], ())
    desk.until("performed", 1)
    assert desk.lines == ["after"]
    (failed,) = desk.outcomes("failed")
    assert failed["why"].startswith(f"not connected to the MQTT broker at 127.0.0.1:{port}")
    desk.until_told(f"127.0.0.1:{port}")


def test_what_is_wrong_at_the_start_is_raised(desk: Desk, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BindingsError, match="is not there: `handflow bindings new"):
        act()
    with pytest.raises(BindingsError, match="no action is called 'comand': did you mean command"):
        act(binding("wave", '{ comand = ["x"] }'))
    with pytest.raises(BindingsError, match="bindings 1 and 2 both say what wave does"):
        act(binding("wave", desk.append("x")) * 2)
    monkeypatch.setattr(handflow.act.actions.webhook, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="needs the extra 'home'"):
        act(binding("wave", '{ webhook = "http://127.0.0.1:1/" }'))
