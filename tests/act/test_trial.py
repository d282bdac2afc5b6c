"""Trying bindings: what an event would mean, and what becomes of its actions."""

import json
import sys

import pytest

from handflow.act import trial
from handflow.act.bindings_file import parse_bindings
from handflow.act.trial import choices_for, perform
from handflow.types import GestureEvent

EVENT = GestureEvent("wave", 1.0, "right", -1, 0.0, 0.5, 0.5, 0)


def bound(*lines: str) -> str:
    return "\n".join(["[[bindings]]", 'gesture = "wave"', *lines])


def test_actions_are_performed_and_each_outcome_is_told() -> None:
    command = json.dumps([sys.executable, "-S", "-c", "pass"])
    bindings = parse_bindings(bound(f'do = [{{ mode = "on" }}, {{ command = {command} }}]'))
    [choice] = choices_for(bindings, EVENT)
    done = perform(bindings, [choice])
    assert [outcome.outcome for outcome in done.outcomes] == ["performed", "performed"]
    assert done.fine and done.unfinished == 0


def test_what_fails_or_does_not_end_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    bindings = parse_bindings(bound('do = [{ command = ["there-is-no-such-program"] }]'))
    assert not perform(bindings, choices_for(bindings, EVENT)).fine
    monkeypatch.setattr(trial, "PATIENCE", 0.05)
    monkeypatch.setattr("handflow.act.dispatcher.ENDING", 0.0)
    sleep = json.dumps([sys.executable, "-S", "-c", "import time; time.sleep(1)"])
    bindings = parse_bindings(bound(f"do = [{{ command = {sleep} }}]"))
    done = perform(bindings, choices_for(bindings, EVENT))
    assert not done.fine


def test_modes_decide_what_is_meant() -> None:
    bindings = parse_bindings(bound('modes = ["slides"]', 'do = [{ mode = "slides" }]'))
    [first] = choices_for(bindings, EVENT)
    assert not first.due and "the mode is normal" in first.refused
    [again] = choices_for(bindings, EVENT, "slides")
    assert again.due
