"""OSC, received by a server of python-osc."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from act_servers import EVENT, LIMIT, eventually
from pydantic import ValidationError
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

from handflow.act.actions.osc import OSC, OscSettings
from handflow.act.connections import Connections, OscConnection
from handflow.errors import ActionError


class Receiver:
    """Notes what arrives."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.messages: list[tuple[Any, ...]] = []
        dispatcher = Dispatcher()
        dispatcher.set_default_handler(lambda address, *args: self.messages.append((address, *args)))
        self._server = BlockingOSCUDPServer((host, 0), dispatcher)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(LIMIT)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def perform(given: Any, port: int, host: str = "127.0.0.1") -> None:
    performer = OSC.perform_by(Connections(osc=OscConnection(host=host, port=port)))
    performer.start()
    performer.perform(OscSettings.model_validate(given), EVENT)
    performer.close()


@pytest.mark.parametrize(
    ("given", "arrives"),
    [
        ("/cue/go", ("/cue/go",)),
        ("/gesture/{gesture}", ("/gesture/swipe_left",)),
        ({"address": "/a", "args": [1, 0.5, "x", True, False]}, ("/a", 1, 0.5, "x", True, False)),
        ({"address": "/a", "args": ["{track}", "{hand} hand", "{frame}"]}, ("/a", 1, "right hand", 330)),
        ({"address": "/a", "args": [2**40, -(2**31)]}, ("/a", 2**40, -(2**31))),
        ({"address": "/${PART}", "args": ["${PART}"]}, ("/solo", "solo")),
    ],
)
def test_messages_arrive(
    given: Any, arrives: tuple[Any, ...], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PART", "solo")
    perform(given, receiver.port)
    eventually(lambda: receiver.messages, "the message")
    assert receiver.messages == [arrives]
    assert [type(value) for value in receiver.messages[0]] == [type(value) for value in arrives]


def test_a_score_is_a_number(receiver: Receiver) -> None:
    perform({"address": "/level", "args": ["{score}"]}, receiver.port)
    eventually(lambda: receiver.messages, "the message")
    assert receiver.messages[0][1] == pytest.approx(0.93, abs=1e-6)  # OSC floats have 32 bits


def test_an_action_can_go_elsewhere(receiver: Receiver) -> None:
    other = Receiver()
    perform({"address": "/a", "host": "localhost", "port": other.port}, receiver.port)
    eventually(lambda: other.messages, "the message")
    other.close()
    assert not receiver.messages


def test_messages_arrive_in_order(receiver: Receiver) -> None:
    performer = OSC.perform_by(Connections(osc=OscConnection(port=receiver.port)))
    for number in range(100):
        performer.perform(OscSettings(address="/n", args=(number,)), EVENT)
    eventually(lambda: len(receiver.messages) == 100, "100 messages")
    performer.close()
    assert [message[1] for message in receiver.messages] == list(range(100))


def test_a_host_that_is_not_known_is_told() -> None:
    for host in ("nowhere.invalid", "a..b"):
        with pytest.raises(ActionError, match=f"the host {host} of OSC is not known"):
            perform("/a", 9000, host)


def test_an_address_that_is_none_when_filled_in_is_told(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADDRESS", "s3cr3t")
    with pytest.raises(ActionError, match=r"\$\{ADDRESS\} must begin with /") as caught:
        perform("${ADDRESS}", receiver.port)
    assert "s3cr3t" not in str(caught.value)


def test_a_variable_that_is_not_set_is_told(receiver: Receiver) -> None:
    given = {"address": "/a", "args": ["${HANDFLOW_NOT_SET}"]}
    with pytest.raises(ActionError, match="HANDFLOW_NOT_SET is not set"):
        perform(given, receiver.port)
    (problem,) = OSC.problems(OscSettings.model_validate(given), Connections())
    assert "HANDFLOW_NOT_SET" in problem
    assert not [*OSC.problems(OscSettings(address="/a"), Connections())]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("cue/go", "must begin with /"),
        ({"address": "/a", "args": [2**63]}, "args.0\n.*at most 64 bits"),
        ({"address": "/a", "args": [[1]]}, "args.0\n.*a text, true or false"),
        ({"address": "/a", "port": 0}, "port"),
        ({"args": [1]}, "address"),
    ],
)
def test_wrong_settings_are_told(given: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        OscSettings.model_validate(given)


def test_it_says_what_it_does_as_written() -> None:
    settings = OscSettings.model_validate({"address": "/a/${B}", "args": [1, "{score}"]})
    assert settings.describe() == "OSC /a/${B} 1 {score}"
    assert OSC.extra == "music"
