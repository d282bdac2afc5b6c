"""A connection to an MQTT broker that comes back by itself, and says so to those who listen.

`<topic>/status` holds "online" while it stands, and "offline" once it has ended, by the last will also where
the program died.
"""

import contextlib
import ssl
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from handflow.act.connections import MqttConnection
from handflow.act.placeholders import from_environment
from handflow.errors import ActionError, MissingExtraError

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode

PATIENCE = 2.0
"""Seconds to wait for the connection, and for the broker's confirmation of a message."""
KEEP_ALIVE = 30
"""Seconds of silence after which either side asks whether the other is still there."""
LONGEST_PAUSE = 8
"""Seconds between tries to connect, at most."""
LEAVE = 0.5
"""Seconds that each step of taking leave gets."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published."""

    topic: str
    payload: str
    qos: int = 1
    retain: bool = False


class Broker:
    """Publishes messages now or not at all: one that cannot be confirmed soon is never sent later.

    Args:
        connection: where the broker is and how to come in.
        announcements: retained messages that are published at each connection.
        announced: all topics of announcements under this name (`+` is any part); what is still retained there
            and not among `announcements` is taken back.
        patience: seconds, see PATIENCE.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
    """

    def __init__(
        self,
        connection: MqttConnection,
        announcements: Sequence[Message] = (),
        announced: str | None = None,
        patience: float = PATIENCE,
    ) -> None:
        if find_spec("paho") is None:
            raise MissingExtraError("MQTT", "home")
        self._connection, self._patience = connection, patience
        self._announcements, self._announced = tuple(announcements), announced
        self._topics = frozenset(message.topic for message in announcements)
        self._status = f"{connection.topic}/status"
        self._place = f"{connection.host}:{connection.port}"
        self._client: Client | None = None
        self._trouble = "no answer"
        self._changed = threading.Condition()
        self._ended = False

    def connect(self) -> None:
        """Waits for the connection, which is begun if it was not; goes on trying in the background.

        Raises:
            ActionError: it does not stand yet.
        """
        client = self._client or self._begin()
        with self._changed:
            self._changed.wait_for(lambda: self._ended or client.is_connected(), self._patience)
        if not client.is_connected():
            raise ActionError(f"not connected to the MQTT broker at {self._place}: {self._trouble}")

    def publish(self, message: Message) -> None:
        """Publishes a message and waits until the broker has it.

        Raises:
            ActionError: it has not; the message is given up.
            ValueError: this is no topic to publish to.
        """
        self.connect()
        assert self._client is not None
        sent = self._client.publish(message.topic, message.payload, message.qos, message.retain)
        end = time.monotonic() + self._patience
        try:
            while not sent.is_published() and time.monotonic() < end and not self._ended:
                sent.wait_for_publish(0.1)
            done = sent.is_published()
        except RuntimeError:  # the connection was lost just now
            done = False
        if not done:
            self._client.disconnect()  # it keeps the message and would send it when it is connected again
            if not self._ended:
                self._begin()
            raise ActionError(f"the MQTT broker at {self._place} has not confirmed the message")

    def stop(self) -> None:
        """Ends waiting, from another thread."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Takes leave."""
        self.stop()
        client, self._client = self._client, None
        if client is None:
            return
        gone = threading.Event()
        client.on_disconnect = lambda *_: gone.set()
        connected = client.is_connected()
        if connected:
            with contextlib.suppress(RuntimeError):  # the connection was lost: the last will says it
                client.publish(self._status, "offline", 1, retain=True).wait_for_publish(LEAVE)
        client.disconnect()
        if connected:
            gone.wait(LEAVE)

    def _begin(self) -> "Client":
        """Begins to connect a new client, in a thread that ends once `disconnect` is called."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        connection = self._connection
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"{connection.client_id}-{uuid4().hex[:6]}")
        client.username_pw_set(from_environment(connection.username), from_environment(connection.password))
        if connection.tls:
            try:
                client.tls_set_context(ssl.create_default_context(cafile=connection.ca_file))
            except OSError as error:
                raise ActionError(f"ca_file {connection.ca_file} cannot be used: {error.strerror}") from error
        try:
            connection.host.encode("idna")  # paho would die of it in its thread
        except UnicodeError as error:
            raise ActionError(f"{connection.host} cannot be a host: mend it under [mqtt]") from error
        client.will_set(self._status, "offline", 1, retain=True)
        client.reconnect_delay_set(1, LONGEST_PAUSE)
        client.on_connect, client.on_connect_fail = self._on_connect, self._on_connect_fail
        client.on_message = self._on_message
        client.connect_async(connection.host, connection.port, KEEP_ALIVE)
        self._client = client
        client.loop_start()
        return client

    def _on_connect(self, client: "Client", data: Any, flags: Any, reason: "ReasonCode", more: Any) -> None:
        if reason.is_failure:
            self._trouble = str(reason)
            return
        if self._ended or client is not self._client:  # given up while it connected
            client.disconnect()
            return
        self._trouble = "the connection was lost"
        client.publish(self._status, "online", 1, retain=True)
        client.subscribe(self._status, 1)
        for message in self._announcements:
            client.publish(message.topic, message.payload, message.qos, message.retain)
        if self._announced:
            client.subscribe(self._announced, 1)
        with self._changed:
            self._changed.notify_all()

    def _on_connect_fail(self, client: "Client", data: Any) -> None:
        error = sys.exc_info()[1]  # paho calls this where it handles it
        self._trouble = getattr(error, "strerror", None) or str(error or "no answer")

    def _on_message(self, client: "Client", data: Any, message: "MQTTMessage") -> None:
        if message.topic == self._status:
            if message.payload == b"offline" and not self._ended:  # said by another handflow with this topic
                client.publish(self._status, "online", 1, retain=True)
        elif message.retain and message.payload and message.topic not in self._topics:
            client.publish(message.topic, b"", 1, retain=True)
