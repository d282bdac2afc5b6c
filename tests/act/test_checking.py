"""What of a bindings file cannot work: with a model, in any mode, on this machine."""

import pytest

from handflow.act.bindings import Bindings
from handflow.act.bindings_file import parse_bindings
from handflow.act.checking import machine_problems, mode_problems, model_problems, unbound

LABELS = ("fist", "swipe_left", "background")


def one(gesture: str, more: str = "", do: str = '{ command = ["no-such-program"] }') -> str:
    return f'[[bindings]]\ngesture = "{gesture}"\n{more}\ndo = [{do}]\n'


def read(*texts: str) -> Bindings:
    return parse_bindings("".join(texts))


def test_gestures_that_a_model_was_not_taught_are_named_unless_the_binding_is_off() -> None:
    bindings = read(one("fist"), one("wave"), one("palm", "enabled = false"))
    assert list(model_problems(bindings, LABELS, ())) == [
        "binding 2: the model was not taught 'wave', only fist, swipe_left"
    ]
    assert unbound(bindings, LABELS) == ["swipe_left"]


@pytest.mark.parametrize(("held", "count"), [((), 0), (("fist",), 1), (("fist", "swipe_left"), 0)])
def test_a_movement_cannot_be_held(held: tuple[str, ...], count: int) -> None:
    bindings = read(one("fist", "repeat = 0.5"), one("swipe_left", "repeat = 0.5"))
    told = list(model_problems(bindings, LABELS, held))
    assert len(told) == count
    assert all(line.startswith("binding 2 (swipe_left): repeat is for poses") for line in told)


@pytest.mark.parametrize(
    ("more", "to", "works"),
    [
        ('modes = ["music"]', "music", True),
        ('modes = ["musik"]', "music", False),
        ('modes = ["musik", "normal"]', "music", True),
        ('modes = ["musik"]\nenabled = false', "music", True),
        ("", "nowhere", True),
    ],
)
def test_a_binding_in_a_mode_that_nothing_leads_to_is_named(more: str, to: str, works: bool) -> None:
    told = list(mode_problems(read(one("wave", more), one("fist", do=f'{{ mode = "{to}" }}'))))
    assert told == ([] if works else [
        "binding 1 (wave): it begins in normal and no `mode` action leads to musik"
    ])  # fmt: skip


def test_the_mode_that_it_begins_in_needs_nothing_that_leads_there() -> None:
    assert not list(mode_problems(read('start_mode = "music"\n', one("wave", 'modes = ["music"]'))))


def test_what_this_machine_lacks_is_told_once_of_bindings_that_are_on() -> None:
    bindings = read(one("wave"), one("fist"), one("palm", "enabled = false", '{ command = ["nor-this"] }'))
    (told,) = machine_problems(bindings)
    assert told.startswith("binding 1 (wave): no program no-such-program was found")
