"""Where actions go: the tables of a bindings file that several actions share."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from handflow.act.action import LocalPath, Strict


def _is_topic(topic: str) -> str:
    if not topic or any(c in topic for c in "+#\0"):
        raise ValueError("a topic to publish to is not empty and holds no + and #")
    return topic


Topic = Annotated[str, AfterValidator(_is_topic)]
"""A topic of MQTT that can be published to, so without wildcards."""


class KeyboardConnection(Strict):
    """How keys and mouse are moved."""

    by: Literal["auto", "x11", "uinput", "system"] = "auto"
    """`x11`: XTest · `uinput`: a device of the Linux kernel, for Wayland and the console · `system`: what
    macOS and Windows offer · `auto`: what fits this session."""


class MqttConnection(Strict):
    """The broker."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password: str | None = None  # "${NAME}" takes it from the environment
    tls: bool = False
    ca_file: LocalPath | None = None  # certificates that are trusted; none: those of the system
    client_id: str = Field(default="handflow", min_length=1, max_length=60)
    """This computer's name for the broker and Home Assistant: each computer needs one of its own. The broker
    sees it with a random end, so that a test beside a running program throws nobody out."""
    topic: Topic = "handflow"  # the topics of handflow itself begin with it
    home_assistant: bool = False  # announce the gestures of plain `mqtt = {}` actions as device triggers
    discovery_prefix: Topic = "homeassistant"


class OscConnection(Strict):
    """Who receives OSC."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=9000, ge=1, le=65535)


class MidiConnection(Strict):
    """The port that MIDI messages leave through."""

    port: str | None = None  # a part of its name; none: the first there is
    virtual: bool = False  # offer a port of one's own by the name of `port` (Linux, macOS)


class Connections(Strict):
    """All of them."""

    keyboard: KeyboardConnection = KeyboardConnection()
    mqtt: MqttConnection = MqttConnection()
    osc: OscConnection = OscConnection()
    midi: MidiConnection = MidiConnection()
