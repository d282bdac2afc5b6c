"""Gestures as device triggers of Home Assistant: retained messages of a real broker."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from act_servers import EVENT, Mosquitto, eventually, listening, mosquitto

from handflow.act.action import Performer
from handflow.act.actions.mqtt import MQTT, MqttPerformer, MqttSettings
from handflow.act.bindings import Bindings
from handflow.act.broker import Message
from handflow.act.connections import Connections, MqttConnection
from handflow.act.home_assistant import discovery_messages, discovery_topics, gesture_topic

CONFIG = "homeassistant/device_automation/handflow/{}/config"
# what Home Assistant takes below its prefix: TOPIC_MATCHER in homeassistant/components/mqtt/discovery.py
TAKEN = re.compile(
    r"(?P<component>\w+)/(?:(?P<node_id>[a-zA-Z0-9_-]+)/)?(?P<object_id>[a-zA-Z0-9_-]+)/config"
)


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as started:
        yield started


def performer(broker: Mosquitto, *gestures: str, **connection: Any) -> MqttPerformer:
    return MqttPerformer(MqttConnection(port=broker.port, home_assistant=True, **connection), gestures)


def performer_of(broker: Mosquitto, *bindings: dict[str, Any], home_assistant: bool = True) -> Performer[Any]:
    """The performer that a bindings file gets."""
    connection = {"port": broker.port, "home_assistant": home_assistant}
    return MQTT.perform_by(Bindings.model_validate({"mqtt": connection, "bindings": bindings}))


def test_a_gesture_is_announced_as_home_assistant_wants_it() -> None:
    """The keys that its documentation requires, and no entity without a trigger."""
    (message,) = discovery_messages(MqttConnection(), ["swipe_left"])
    config = json.loads(message.payload)
    assert message.topic == CONFIG.format("swipe_left")
    assert message.retain and message.qos == 1
    assert config["automation_type"] == "trigger"
    assert (config["type"], config["subtype"]) == ("gesture", "swipe_left")
    assert config["topic"] == gesture_topic(MqttConnection(), "swipe_left") == "handflow/gesture/swipe_left"
    assert "payload" not in config, "any message on the topic triggers"
    assert config["device"]["identifiers"] == ["handflow_handflow"]
    assert config["device"]["name"] == "handflow"
    assert config["origin"]["name"] == "handflow"


@pytest.mark.parametrize("gesture", ["swipe left", "übung", "手", "a-b_c", "wave.2"])
@pytest.mark.parametrize("client_id", ["handflow", "Anna's Laptop"])
def test_topics_of_all_gestures_are_taken(gesture: str, client_id: str) -> None:
    connection = MqttConnection(client_id=client_id)
    (message,) = discovery_messages(connection, [gesture])
    taken = TAKEN.fullmatch(message.topic.removeprefix("homeassistant/"))
    assert taken and taken["component"] == "device_automation"
    before, after = discovery_topics(connection).split("+")
    assert message.topic == f"{before}{taken['object_id']}{after}"
    assert json.loads(message.payload)["subtype"] == gesture


def test_different_gestures_have_different_topics() -> None:
    messages = discovery_messages(MqttConnection(), ["a b", "a_b", "a-b", "ä b", "a b"])
    assert len({message.topic for message in messages}) == len(messages) == 4


def test_gestures_are_announced_and_trigger(broker: Mosquitto) -> None:
    made = performer(broker, "swipe_left", "wave")
    made.start()
    with listening(broker.port) as seen:
        for gesture in ("swipe_left", "wave"):
            eventually(lambda g=gesture: seen.of(CONFIG.format(g)), f"the announcement of {gesture}")
        config = json.loads(seen.of(CONFIG.format("swipe_left"))[0])
        made.perform(MqttSettings(), EVENT)
        eventually(lambda: seen.of(config["topic"]), "the trigger")
    assert json.loads(seen.of(config["topic"])[0])["hand"] == "right"
    made.close()
    with listening(broker.port) as seen:
        eventually(lambda: seen.of(CONFIG.format("wave")), "the announcement, which stays")
        assert not seen.of(config["topic"]), "a gesture was retained"


def test_gestures_no_longer_bound_are_taken_back(broker: Mosquitto) -> None:
    first = performer(broker, "swipe_left", "wave")
    first.start()
    other = CONFIG.replace("/handflow/", "/other/").format("fist")
    with listening(broker.port) as seen:
        seen.publish(other, "{}", retain=True)
        eventually(lambda: seen.of(CONFIG.format("wave")), "the announcement")
    first.close()

    second = performer(broker, "wave", "fist")
    second.start()
    with listening(broker.port) as seen:
        eventually(lambda: seen.of(CONFIG.format("fist")), "the announcement")
    eventually(
        lambda: _retained(broker) == {CONFIG.format("wave"), CONFIG.format("fist"), other}, "the clearing"
    )
    second.close()

    third = performer(broker)
    third.start()
    eventually(lambda: _retained(broker) == {other}, "the clearing of all of its own")
    third.close()


def _retained(broker: Mosquitto) -> set[str]:
    """The topics of all announcements that the broker keeps."""
    with listening(broker.port) as seen:
        seen.publish("end", "")
        eventually(lambda: seen.of("end"), "the end of what is kept")
        return {topic for topic, *_ in seen.messages if topic.startswith("homeassistant/")}


def test_gestures_are_announced_again_to_a_broker_that_forgot_them(broker: Mosquitto) -> None:
    made = performer(broker, "wave")
    made.start()
    broker.kill()
    broker.start()
    eventually(lambda: _retained(broker) == {CONFIG.format("wave")}, "the announcement after the restart")
    made.close()


def test_gestures_of_plain_actions_are_announced(broker: Mosquitto) -> None:
    made = performer_of(
        broker,
        {"gesture": "wave", "do": [{"mode": "slides"}, {"mqtt": {}}]},
        {"gesture": "fist", "do": [{"mqtt": {"payload": "x"}}]},
        {"gesture": "circle", "do": [{"mqtt": "room/light"}]},
        {"gesture": "pinch", "do": [{"mode": "slides"}]},
        {"gesture": "swipe_up", "do": [{"mqtt": {}}], "enabled": False},
    )
    made.start()
    eventually(lambda: _retained(broker) == {CONFIG.format(g) for g in ("wave", "fist")}, "two announcements")
    made.close()


def test_nothing_is_announced_unasked(broker: Mosquitto) -> None:
    made = performer_of(broker, {"gesture": "wave", "do": [{"mqtt": {}}]}, home_assistant=False)
    with listening(broker.port) as seen:
        made.perform(MqttSettings(), EVENT)
        eventually(lambda: seen.of("handflow/gesture/swipe_left"), "the message")
        assert not [topic for topic, *_ in seen.messages if topic.startswith("homeassistant/")]
    made.close()


def test_connections_alone_suffice() -> None:
    """Without bindings no gesture is announced, and making a performer connects to nothing."""
    made = MQTT.perform_by(Connections(mqtt=MqttConnection(home_assistant=True)))
    assert isinstance(made, MqttPerformer)
    made.close()
    assert Message("a", "b") == Message("a", "b", qos=1, retain=False)
