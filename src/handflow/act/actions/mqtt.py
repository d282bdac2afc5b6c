"""`mqtt`: publishes a message.

A plain `mqtt = {}` publishes the event on `<topic>/gesture/<gesture>`; with `home_assistant = true` these are
the gestures that Home Assistant learns of.
"""

import json
import socket
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.broker import PATIENCE, Broker, Message
from handflow.act.connections import MqttConnection, Topic
from handflow.act.home_assistant import discovery_messages, discovery_topics, gesture_topic
from handflow.act.payload import JsonValue, plain_text
from handflow.act.placeholders import unset_problems
from handflow.errors import ActionError, MissingExtraError
from handflow.types import GestureEvent

_LONGEST_SHOWN = 40  # characters of a payload in a description


class MqttSettings(ActionSettings):
    """The message."""

    SHORT: ClassVar[str | None] = "topic"

    topic: Topic | None = None  # with placeholders; none: the gesture's
    payload: JsonValue = None  # a text is sent as it is, anything else as JSON; none: the whole event
    qos: Literal[0, 1, 2] = 1
    retain: bool = False

    @model_validator(mode="after")
    def _retained_with_topic(self) -> "MqttSettings":
        if self.retain and self.topic is None:
            raise ValueError(
                "`retain` needs a `topic`: a gesture that the broker keeps would happen again and again"
            )
        return self

    def describe(self) -> str:
        """What it does."""
        shown = "the event"
        if self.payload is not None:
            text = isinstance(self.payload, str)
            shown = self.payload if text else json.dumps(self.payload, ensure_ascii=False)
        if len(shown) > _LONGEST_SHOWN:
            shown = f"{shown[:_LONGEST_SHOWN]}…"
        return f"publish {shown} to {self.topic or 'the topic of the gesture'}"


class MqttPerformer(Performer[MqttSettings]):
    """Publishes over one connection.

    Args:
        connection: the broker.
        gestures: those that Home Assistant is told of, where the connection says so.
        patience: seconds to wait for the connection and for the broker's confirmation.
    """

    def __init__(
        self, connection: MqttConnection, gestures: Sequence[str] = (), patience: float = PATIENCE
    ) -> None:
        self._connection = connection
        if connection.home_assistant:
            announcements = discovery_messages(connection, gestures)
            self._broker = Broker(connection, announcements, discovery_topics(connection), patience)
        else:
            self._broker = Broker(connection, patience=patience)

    def start(self) -> None:
        """Connects."""
        self._broker.connect()

    def perform(self, settings: MqttSettings, event: GestureEvent) -> None:
        """Publishes the message, or gives it up: a light must not switch minutes later."""
        topic = gesture_topic(self._connection, event.gesture)
        if settings.topic is not None:
            topic = plain_text(settings.topic, event)
        message = Message(topic, plain_text(settings.payload, event), settings.qos, settings.retain)
        try:
            self._broker.publish(message)
        except ValueError:
            where = settings.topic or f"of the gesture {event.gesture}"
            raise ActionError(f"the topic {where} is empty, too long, or holds + or #") from None

    def stop(self) -> None:
        """Ends waiting for the broker."""
        self._broker.stop()

    def close(self) -> None:
        """Takes leave of the broker."""
        self._broker.close()


def _performer(connections: Any) -> Performer[MqttSettings]:
    from handflow.act.bindings import Bindings  # it knows all kinds, this one too

    bindings = connections.bindings if isinstance(connections, Bindings) else ()
    gestures = [
        binding.gesture
        for binding in bindings
        for action in binding.do
        if binding.enabled and isinstance(action.settings, MqttSettings) and action.settings.topic is None
    ]
    return MqttPerformer(connections.mqtt, gestures)


def _problems(settings: MqttSettings, connections: Any) -> Iterator[str]:
    connection: MqttConnection = connections.mqtt
    if find_spec("paho") is None:
        yield str(MissingExtraError("MQTT", "home"))
    yield from unset_problems([settings.topic, settings.payload, connection.username, connection.password])
    if connection.ca_file is not None and not connection.tls:
        yield "ca_file does nothing without tls = true under [mqtt]"
    elif connection.ca_file is not None and not Path(connection.ca_file).is_file():
        yield f"ca_file {connection.ca_file} is not there"
    try:
        socket.create_connection((connection.host, connection.port), timeout=1).close()
    except (OSError, UnicodeError) as error:
        place, why = f"{connection.host}:{connection.port}", getattr(error, "strerror", None) or error
        yield f"no MQTT broker answers at {place} now ({why}): is it running?"


MQTT = ActionKind(MqttSettings, _performer, extra="home", problems=_problems)
