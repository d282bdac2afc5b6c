"""`osc`: sends an Open Sound Control message over UDP, e.g. to a program for music, light or video."""

import socket
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator

from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.connections import OscConnection
from handflow.act.placeholders import filled, unset_problems
from handflow.errors import ActionError, MissingExtraError
from handflow.types import GestureEvent

if TYPE_CHECKING:
    from pythonosc.udp_client import SimpleUDPClient


def _sendable(value: Any) -> Any:
    whole = isinstance(value, int) and value.bit_length() < 64  # true and false are, too
    if not (whole or isinstance(value, float | str)):
        raise ValueError("an argument is a number of at most 64 bits, a text, true or false")
    return value


Argument = Annotated[bool | int | float | str, BeforeValidator(_sendable)]


class OscSettings(ActionSettings):
    """The message."""

    SHORT: ClassVar[str | None] = "address"

    address: str  # placeholders may stand in it
    args: tuple[Argument, ...] = ()  # "{score}" and other single fields stay numbers
    host: str | None = Field(default=None, min_length=1)  # none: that of the connection
    port: int | None = Field(default=None, ge=1, le=65535)

    @field_validator("address")
    @classmethod
    def _is_address(cls, address: str) -> str:
        if not address.startswith(("/", "${")):
            raise ValueError("must begin with /, e.g. /cue/go")
        return address

    def describe(self) -> str:
        """What it does."""
        return " ".join(["OSC", self.address, *map(str, self.args)])


class _OscPerformer(Performer[OscSettings]):
    """Sends messages, each to the host and port that it names or that of the connection."""

    def __init__(self, connection: OscConnection) -> None:
        if find_spec("pythonosc") is None:
            raise MissingExtraError("OSC", "music")
        self._connection = connection
        self._clients: dict[tuple[str, int], SimpleUDPClient] = {}

    def start(self) -> None:
        """Looks the host up."""
        self._client(self._connection.host, self._connection.port)

    def perform(self, settings: OscSettings, event: GestureEvent) -> None:
        """Sends a message; whether somebody receives it, UDP does not tell."""
        host, port = settings.host or self._connection.host, settings.port or self._connection.port
        address = str(filled(settings.address, event))
        if not address.startswith("/"):
            raise ActionError(f"the address {settings.address} must begin with / when it is filled in")
        client = self._client(host, port)
        try:
            client.send_message(address, filled(settings.args, event))
        except OSError as error:
            raise ActionError(
                f"{settings.address} cannot be sent to {host}:{port}: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Closes sockets."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _client(self, host: str, port: int) -> "SimpleUDPClient":
        from pythonosc.udp_client import SimpleUDPClient

        if (host, port) in self._clients:
            return self._clients[host, port]
        try:
            families = {info[0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)}
        except (OSError, UnicodeError) as error:
            raise ActionError(f"the host {host} of OSC is not known: mend its name under [osc]") from error
        # programs listen on IPv4, where localhost may mean IPv6 first
        family = socket.AF_INET if socket.AF_INET in families else socket.AF_UNSPEC
        client = SimpleUDPClient(host, port, allow_broadcast=True, family=family)
        self._clients[host, port] = client
        return client


def _performer(connections: Any) -> Performer[OscSettings]:
    return _OscPerformer(connections.osc)


def _problems(settings: OscSettings, connections: Any) -> Iterator[str]:
    if find_spec("pythonosc") is None:
        yield str(MissingExtraError("OSC", "music"))
    yield from unset_problems([settings.address, settings.args])


OSC = ActionKind(OscSettings, _performer, extra="music", problems=_problems)
