"""MQTT through a real broker, seen by a second client; the broker is killed, frozen and started again."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from act_servers import (
    DOCUMENT,
    EVENT,
    LIMIT,
    Mosquitto,
    eventually,
    free_port,
    listening,
    mosquitto,
    program,
)
from pydantic import ValidationError

from handflow.act.actions.mqtt import MQTT, MqttPerformer, MqttSettings
from handflow.act.connections import Connections, MqttConnection
from handflow.errors import ActionError

Made = Callable[..., MqttPerformer]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One that stays."""
    with mosquitto(tmp_path_factory.mktemp("broker")) as started:
        yield started


@pytest.fixture
def made() -> Iterator[Made]:
    """Makes performers, and closes them."""
    performers: list[MqttPerformer] = []

    def make(port: int, patience: float = LIMIT, **connection: Any) -> MqttPerformer:
        performers.append(MqttPerformer(MqttConnection(port=port, **connection), patience=patience))
        return performers[-1]

    yield make
    for performer in performers:
        performer.close()


def settings(given: Any) -> MqttSettings:
    return MqttSettings.model_validate(given)


def test_a_plain_action_publishes_the_event_on_the_topic_of_its_gesture(
    broker: Mosquitto, made: Made
) -> None:
    with listening(broker.port) as seen:
        made(broker.port).perform(settings({}), EVENT)
        eventually(lambda: seen.of("handflow/gesture/swipe_left"), "the message")
    assert json.loads(seen.of("handflow/gesture/swipe_left")[0]) == DOCUMENT


@pytest.mark.parametrize(
    ("payload", "arrives"),
    [
        ("off", "off"),
        ("{gesture}: {score}", "swipe_left: 0.93"),
        ("{score}", "0.93"),
        (21, "21"),
        (True, "true"),
        ({"state": "ON", "brightness": "{score}"}, '{"state": "ON", "brightness": 0.93}'),
        (["${ROOM}"], '["kitchen"]'),
    ],
)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_payloads_arrive(
    payload: Any, arrives: str, qos: int, broker: Mosquitto, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOM", "kitchen")
    given = settings({"topic": "home/${ROOM}/{hand}", "payload": payload, "qos": qos})
    performer = made(broker.port)
    with listening(broker.port) as seen:
        performer.perform(given, EVENT)
        eventually(lambda: seen.of("home/kitchen/right"), "the message")
    assert [m for m in seen.messages if m[0] == "home/kitchen/right"] == [
        ("home/kitchen/right", arrives, False, qos)
    ]


def test_a_retained_message_is_there_for_those_who_come_later(broker: Mosquitto, made: Made) -> None:
    given = settings({"topic": "later", "payload": "on", "retain": True})
    made(broker.port).perform(given, EVENT)
    with listening(broker.port) as seen:
        eventually(lambda: ("later", "on", True, 1) in seen.messages, "the retained message")


def test_messages_arrive_in_order(broker: Mosquitto, made: Made) -> None:
    performer = made(broker.port)
    with listening(broker.port) as seen:
        for number in range(50):
            performer.perform(settings({"topic": "order", "payload": number}), EVENT)
        eventually(lambda: len(seen.of("order")) == 50, "50 messages")
    assert seen.of("order") == [str(number) for number in range(50)]


def test_the_status_tells_whether_it_is_connected(broker: Mosquitto, made: Made) -> None:
    performer = made(broker.port, topic="hf")
    with listening(broker.port) as seen:
        performer.start()
        eventually(lambda: seen.latest("hf/status") == "online", "online")
        performer.close()
        eventually(lambda: seen.latest("hf/status") == "offline", "offline")
    with listening(broker.port) as seen:
        eventually(lambda: ("hf/status", "offline", True, 1) in seen.messages, "the retained status")


def test_the_last_will_tells_that_the_program_died(broker: Mosquitto) -> None:
    code = (
        "import sys, time; from handflow.act.actions.mqtt import MqttPerformer;"
        "from handflow.act.connections import MqttConnection;"
        f"MqttPerformer(MqttConnection(port={broker.port}, topic='dying')).start(); time.sleep(1000)"
    )
    with listening(broker.port) as seen, subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            eventually(lambda: seen.latest("dying/status") == "online", "online")
        finally:
            process.kill()
        eventually(lambda: seen.latest("dying/status") == "offline", "the last will")


def test_one_that_leaves_does_not_take_the_status_of_another_along(broker: Mosquitto, made: Made) -> None:
    """A test beside a running program, or the old connection when bindings were changed."""
    stays, leaves = made(broker.port, topic="two"), made(broker.port, topic="two")
    stays.start()
    leaves.start()
    with listening(broker.port) as seen:
        leaves.close()
        eventually(lambda: "offline" in seen.of("two/status"), "offline")
        eventually(lambda: seen.latest("two/status") == "online", "online again")
        stays.perform(settings({"topic": "two/message", "payload": "x"}), EVENT)
        eventually(lambda: seen.of("two/message"), "the message of the one that stays")


def test_a_broker_that_is_down_at_first_is_told_and_then_used(tmp_path: Path, made: Made) -> None:
    port = free_port()
    performer = made(port, patience=0.1)
    for _ in range(2):
        with pytest.raises(
            ActionError, match=f"not connected to the MQTT broker at 127.0.0.1:{port}: .*refused"
        ):
            performer.start()
    with pytest.raises(ActionError, match="refused"):
        performer.perform(settings({"topic": "early"}), EVENT)
    with mosquitto(tmp_path, port=port), listening(port) as seen:
        eventually(lambda: seen.latest("handflow/status") == "online", "the connection")
        performer.perform(settings({"topic": "now", "payload": "x"}), EVENT)
        eventually(lambda: seen.of("now"), "the message")
        assert not seen.of("early"), "what failed was sent later"


def test_messages_arrive_again_after_the_broker_was_restarted(tmp_path: Path, made: Made) -> None:
    with mosquitto(tmp_path) as broker:
        performer = made(broker.port, patience=0.2)
        eventually(lambda: _performed(performer, {"topic": "before"}), "the first message")
        broker.kill()
        with pytest.raises(ActionError):
            performer.perform(settings({"topic": "meanwhile"}), EVENT)
        broker.start()
        with listening(broker.port) as seen:
            eventually(lambda: seen.latest("handflow/status") == "online", "the connection")
            performer.perform(settings({"topic": "after", "payload": "x"}), EVENT)
            eventually(lambda: seen.of("after"), "the message")
            assert not seen.of("meanwhile"), "what failed was sent later"


def test_what_a_frozen_broker_did_not_confirm_is_never_sent_late(tmp_path: Path, made: Made) -> None:
    with mosquitto(tmp_path) as broker:
        performer = made(broker.port, patience=0.5)
        performer.start()
        broker.freeze()
        with pytest.raises(ActionError, match="has not confirmed"):
            performer.perform(settings({"topic": "light", "payload": "on"}), EVENT)
        broker.kill()
        broker.start()
        with listening(broker.port) as seen:
            eventually(lambda: _performed(performer, {"topic": "light", "payload": "off"}), "a later message")
            eventually(lambda: seen.of("light"), "the message")
            assert seen.of("light") == ["off"]


def _performed(performer: MqttPerformer, given: dict[str, Any]) -> bool:
    try:
        performer.perform(settings(given), EVENT)
    except ActionError:
        return False
    return True


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b"])
def test_a_host_that_is_not_known_is_told(host: str) -> None:
    connection = MqttConnection(host=host)
    performer = MqttPerformer(connection, patience=1)
    with pytest.raises(ActionError, match=host):
        performer.start()
    performer.close()
    (problem,) = MQTT.problems(settings("a"), Connections(mqtt=connection))
    assert f"no MQTT broker answers at {host}:1883" in problem


def test_stop_ends_the_wait_for_a_silent_broker(made: Made) -> None:
    """Something takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        performer = made(silent.getsockname()[1], patience=1000)
        failed: list[str] = []

        def perform() -> None:
            try:
                performer.perform(settings("light"), EVENT)
            except ActionError as error:
                failed.append(str(error))

        thread = threading.Thread(target=perform, daemon=True)
        thread.start()
        connection, _ = silent.accept()
        performer.stop()
        thread.join(LIMIT)
        connection.close()
    assert not thread.is_alive() and len(failed) == 1


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and server.pem and server.key for 127.0.0.1 that it vouches for."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl = program("openssl", "openssl")
    (folder / "server.ext").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    )
    new = "-newkey rsa:2048 -nodes"
    use = "-addext keyUsage=critical,keyCertSign"
    sign = "-CA ca.pem -CAkey ca.key -CAcreateserial -extfile server.ext"
    for command in (
        f"req -x509 {new} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca {use}",
        f"req {new} -keyout server.key -out server.csr -subj /CN=broker",
        f"x509 -req -in server.csr -out server.pem -days 2 {sign}",
    ):
        subprocess.run([openssl, *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def guarded(tmp_path: Path, certificates: Path) -> Iterator[Mosquitto]:
    """A broker with TLS that wants a password."""
    passwords = tmp_path / "passwords"
    mosquitto_passwd = program("mosquitto_passwd", "mosquitto")
    subprocess.run(
        [mosquitto_passwd, "-c", "-b", passwords, "anna", "s3cr3t"], check=True, capture_output=True
    )
    passwords.chmod(0o600)
    with mosquitto(
        tmp_path,
        "allow_anonymous false",
        f"password_file {passwords}",
        f"certfile {certificates / 'server.pem'}",
        f"keyfile {certificates / 'server.key'}",
    ) as broker:
        yield broker


def test_tls_and_password(
    guarded: Mosquitto, certificates: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "s3cr3t")
    login = {"username": "anna", "password": "${MQTT_PASSWORD}", "tls": True}
    trusted = {**login, "ca_file": str(certificates / "ca.pem")}
    performer = made(guarded.port, **trusted)
    performer.perform(settings("over/tls"), EVENT)  # returns once the broker has confirmed it

    with pytest.raises(ActionError, match="certificate verify failed"):
        made(guarded.port, patience=1, **login).start()
    monkeypatch.setenv("MQTT_PASSWORD", "wr0ng")
    with pytest.raises(ActionError, match="Not authorized") as caught:
        made(guarded.port, patience=1, **trusted).start()
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(ActionError, match=r"nowhere\.pem cannot be used"):
        made(guarded.port, tls=True, ca_file="nowhere.pem").start()
    monkeypatch.delenv("MQTT_PASSWORD")
    with pytest.raises(ActionError, match="MQTT_PASSWORD is not set"):
        made(guarded.port, **trusted).start()


def test_a_topic_that_cannot_be_is_told(
    broker: Mosquitto, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOM", "s3cr3t/#")
    with pytest.raises(ActionError, match=r"the topic home/\$\{ROOM\} is") as caught:
        made(broker.port).perform(settings("home/${ROOM}"), EVENT)
    assert "s3cr3t" not in str(caught.value)


def test_problems_name_what_is_missing(broker: Mosquitto, tmp_path: Path) -> None:
    def problems(given: Any, **connection: Any) -> list[str]:
        return list(MQTT.problems(settings(given), Connections(mqtt=MqttConnection(**connection))))

    assert problems("a", port=broker.port) == []
    port = free_port()
    (problem,) = problems("a", port=port)
    assert f"no MQTT broker answers at 127.0.0.1:{port} now" in problem
    told = problems("${HF_ROOM}/x", port=broker.port, password="${HF_PASSWORD}", tls=True, ca_file="no.pem")
    assert [line.split()[3] for line in told[:2]] == ["HF_ROOM", "HF_PASSWORD"]
    assert told[2:] == ["ca_file no.pem is not there"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("home/#", "topic\n.*holds no \\+ and #"),
        ({"topic": ""}, "topic"),
        ({"topic": "a", "qos": 3}, "qos"),
        ({"topic": "a", "payload": float("inf")}, "no nan and inf"),
        ({"retain": True}, "`retain` needs a `topic`"),
    ],
)
def test_wrong_settings_are_told(given: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(given)


def test_it_says_what_it_does_as_written() -> None:
    assert settings({}).describe() == "publish the event to the topic of the gesture"
    assert settings({"topic": "${ROOM}", "payload": "off"}).describe() == "publish off to ${ROOM}"
    assert settings({"topic": "a", "payload": {"on": True}}).describe() == 'publish {"on": true} to a'
    assert len(settings({"topic": "a", "payload": "x" * 1000}).describe()) < 80
    assert MQTT.extra == "home"


def test_nothing_is_left_behind(broker: Mosquitto, made: Made) -> None:
    """Threads of connections end when they are closed, also those that never came about."""
    before = {*threading.enumerate()}
    performers = [made(broker.port), made(free_port(), patience=0.1)]
    performers[0].start()
    with pytest.raises(ActionError):
        performers[1].start()
    assert len({*threading.enumerate()} - before) == 2
    for performer in performers:
        performer.close()
    eventually(lambda: not {*threading.enumerate()} - before, "the end of the threads")
