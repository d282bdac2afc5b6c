"""Performing actions: in order, at most once, apart from each other, bounded, and ended cleanly."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.bindings import Action, Binding, Bindings
from handflow.act.dispatcher import Dispatcher
from handflow.act.outcome import Outcome
from handflow.act.switchboard import Choice
from handflow.errors import ActionError
from handflow.types import GestureEvent

EVENT = GestureEvent("wave", 0.9, "right", 1, 0.0, 0.4, 0.5, 15)
WAIT = 10.0  # seconds at most; nothing here needs so long


class Word(ActionSettings):
    """A word to say."""

    SHORT: ClassVar[str | None] = "word"
    word: str

    def describe(self) -> str:
        return self.word


class Stage:
    """What the performers of all kinds do together."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.outcomes: list[Outcome] = []
        self.threads: dict[str, set[int]] = {}
        self.closed: list[str] = []
        self.gate = threading.Event()
        self.reached = threading.Event()
        self.changed = threading.Condition()

    def report(self, outcome: Outcome) -> None:
        with self.changed:
            self.outcomes.append(outcome)
            self.changed.notify_all()

    def wait(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.outcomes) >= count, WAIT)

    def kinds(self, room: int = 32) -> dict[str, ActionKind[Any]]:
        return {
            name: ActionKind(Word, lambda bindings, name=name: Saying(self, name), queue=room)
            for name in ("keys", "webhook", "command")
        }


class Saying(Performer[Word]):
    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name

    def perform(self, settings: Word, event: GestureEvent) -> None:
        stage = self.stage
        stage.threads.setdefault(self.name, set()).add(threading.get_ident())
        if settings.word == "fail":
            raise ActionError("it failed")
        if settings.word == "break":
            raise KeyError("a fault")
        if settings.word == "hang":
            stage.reached.set()
            assert stage.gate.wait(WAIT)
        stage.said.append(settings.word)

    def stop(self) -> None:
        self.stage.gate.set()

    def close(self) -> None:
        self.stage.closed.append(self.name)


def choice(*actions: tuple[str, str]) -> Choice:
    do = tuple(Action(kind, Word(word=word)) for kind, word in actions)
    return Choice(Binding.model_construct(gesture="wave", do=do, enabled=True), EVENT)


def bindings(*choices: Choice, **more: Any) -> Bindings:
    given = {"on_exit": "drop", "max_delay": 3.0, **more}
    return Bindings.model_construct(bindings=tuple(c.binding for c in choices), start_mode="normal", **given)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def started(stage: Stage) -> Any:
    made: list[Dispatcher] = []

    def start(*choices: Choice, room: int = 32, **more: Any) -> Dispatcher:
        dispatcher = Dispatcher(bindings(*choices, **more), stage.report, stage.kinds(room))
        dispatcher.start()
        made.append(dispatcher)
        return dispatcher

    yield start
    stage.gate.set()
    for dispatcher in made:
        dispatcher.close()


Start = Callable[..., Dispatcher]


def test_actions_of_a_binding_are_performed_in_order_by_a_worker_of_each_kind(
    stage: Stage, started: Start
) -> None:
    three = choice(("keys", "a"), ("webhook", "b"), ("keys", "c"))
    dispatcher = started(three)
    for _ in range(20):
        dispatcher.perform(three)
    stage.wait(60)
    assert sorted(stage.said) == sorted("abc" * 20)
    for number, word in enumerate("abc"):
        assert stage.said.index(word) >= number
    assert all(len(threads) == 1 for threads in stage.threads.values())
    assert stage.threads["keys"] != stage.threads["webhook"]
    assert threading.get_ident() not in stage.threads["keys"] | stage.threads["webhook"]
    assert dispatcher.counts == {"performed": 60}


def test_events_of_one_kind_are_performed_once_and_in_the_order_they_came(
    stage: Stage, started: Start
) -> None:
    every = [choice(("keys", str(number))) for number in range(30)]
    dispatcher = started(*every)
    for one in every:
        dispatcher.perform(one)
    stage.wait(30)
    assert stage.said == [str(number) for number in range(30)]


@pytest.mark.parametrize(("word", "why"), [("fail", "it failed"), ("break", "KeyError")])
def test_what_fails_is_told_and_the_rest_goes_on(stage: Stage, started: Start, word: str, why: str) -> None:
    both = choice(("keys", word), ("webhook", "after"))
    dispatcher = started(both)
    dispatcher.perform(both)
    dispatcher.perform(both)
    stage.wait(4)
    assert stage.said == ["after", "after"]
    failed = [o for o in stage.outcomes if o.outcome == "failed"]
    assert [o.why for o in failed] == [why, why]
    assert dispatcher.counts == {"failed": 2, "performed": 2}


def test_what_hangs_holds_up_its_own_kind_alone(stage: Stage, started: Start) -> None:
    hanging, other = choice(("webhook", "hang"), ("keys", "later")), choice(("keys", "now"))
    dispatcher = started(hanging, other)
    dispatcher.perform(hanging)
    assert stage.reached.wait(WAIT)
    dispatcher.perform(other)
    stage.wait(1)
    assert stage.said == ["now"]
    stage.gate.set()
    stage.wait(3)
    assert stage.said == ["now", "hang", "later"]


def test_a_full_queue_drops_and_counts_and_never_blocks(stage: Stage, started: Start) -> None:
    hanging = choice(("webhook", "hang"))
    dispatcher = started(hanging, room=4)
    dispatcher.perform(hanging)
    assert stage.reached.wait(WAIT)
    for _ in range(10_000):
        dispatcher.perform(hanging)
    assert dispatcher.counts["dropped"] == 10_000 - 4
    assert {o.why for o in stage.outcomes} == {"too many actions wait"}


def test_what_waited_too_long_is_dropped(stage: Stage, started: Start) -> None:
    hanging, word = choice(("webhook", "hang")), choice(("webhook", "late"))
    dispatcher = started(hanging, word, max_delay=0.05)
    dispatcher.perform(hanging)
    assert stage.reached.wait(WAIT)
    dispatcher.perform(word)
    time.sleep(0.1)
    stage.gate.set()
    stage.wait(2)
    assert stage.said == ["hang"]
    assert [o.why for o in stage.outcomes if o.outcome == "dropped"] == ["it waited too long"]


def test_what_waits_as_the_program_ends_is_dropped(stage: Stage, started: Start) -> None:
    hanging, word = choice(("webhook", "hang")), choice(("webhook", "waits"))
    dispatcher = started(hanging, word)
    dispatcher.perform(hanging)
    assert stage.reached.wait(WAIT)
    dispatcher.perform(word)
    dispatcher.close()  # `stop` ends the hanging one
    assert stage.said == ["hang"]
    assert dispatcher.counts == {"performed": 1, "dropped": 1}
    assert stage.closed == ["webhook"]
    dispatcher.perform(word)
    assert dispatcher.counts["dropped"] == 2


def test_what_waits_as_the_program_ends_is_finished_where_that_is_wished(
    stage: Stage, started: Start
) -> None:
    every = [choice(("webhook", str(n)), ("keys", f"then {n}")) for n in range(10)]
    dispatcher = started(*every, on_exit="finish")
    for one in every:
        dispatcher.perform(one)
    dispatcher.close()
    assert {*stage.said} == {str(n) for n in range(10)} | {f"then {n}" for n in range(10)}
    assert sorted(stage.closed) == ["keys", "webhook"]


def test_actions_wait_until_it_is_started(stage: Stage) -> None:
    one = choice(("keys", "a"))
    dispatcher = Dispatcher(bindings(one), stage.report, stage.kinds())
    dispatcher.perform(one)
    assert stage.said == []
    dispatcher.start()
    stage.wait(1)
    dispatcher.close()
    assert stage.said == ["a"]


def test_a_kind_that_nothing_enabled_uses_has_no_worker(stage: Stage) -> None:
    one = choice(("keys", "a"))
    off = replace(one, binding=one.binding.model_copy(update={"enabled": False}))
    before = threading.active_count()
    dispatcher = Dispatcher(bindings(off), stage.report, stage.kinds())
    dispatcher.start()
    assert threading.active_count() <= before
    dispatcher.close()
