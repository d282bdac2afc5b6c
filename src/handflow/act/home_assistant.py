"""Announces gestures to Home Assistant, so that they appear as triggers of a device.

MQTT device triggers: https://www.home-assistant.io/integrations/device_trigger.mqtt/; each is a retained
message on `<discovery_prefix>/device_automation/<client_id>/<gesture>/config`, an empty one takes it back.
"""

import json
import re
import zlib
from collections.abc import Iterable

from handflow import __version__
from handflow.act.broker import Message
from handflow.act.connections import MqttConnection


def gesture_topic(connection: MqttConnection, gesture: str) -> str:
    """The topic on which a gesture's events are published.

    >>> gesture_topic(MqttConnection(), "swipe left")
    'handflow/gesture/swipe left'
    """
    return f"{connection.topic}/gesture/{gesture}"


def discovery_topics(connection: MqttConnection) -> str:
    """All topics on which gestures are announced under this client id."""
    return _config(connection, "+")


def discovery_messages(connection: MqttConnection, gestures: Iterable[str]) -> list[Message]:
    """What announces the gestures; whatever then comes on a gesture's topic triggers it."""
    device = {
        "identifiers": [f"handflow_{connection.client_id}"],
        "name": connection.client_id,
        "manufacturer": "handflow",
        "model": "hand gestures",
        "sw_version": __version__,
    }
    return [
        Message(
            _config(connection, _id(gesture)),
            json.dumps(
                {
                    "automation_type": "trigger",
                    "type": "gesture",
                    "subtype": gesture,
                    "topic": gesture_topic(connection, gesture),
                    "qos": 1,
                    "device": device,
                    "origin": {"name": "handflow", "sw_version": __version__},
                },
                ensure_ascii=False,
            ),
            retain=True,
        )
        for gesture in dict.fromkeys(gestures)
    ]


def _config(connection: MqttConnection, gesture_id: str) -> str:
    return f"{connection.discovery_prefix}/device_automation/{_id(connection.client_id)}/{gesture_id}/config"


def _id(name: str) -> str:
    """The name in the characters that Home Assistant takes here, different names staying different.

    >>> _id("swipe_left"), _id("swipe left")
    ('swipe_left', 'swipe_left_8b211ad3')
    """
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return safe if safe == name else f"{safe}_{zlib.crc32(name.encode()):08x}"
