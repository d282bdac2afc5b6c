"""Webhooks to real web servers that fail, stay silent, or answer."""

import dataclasses
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from act_servers import DOCUMENT, EVENT, LIMIT, eventually, free_port, web_server
from pydantic import ValidationError

from handflow.act.actions.webhook import WEBHOOK, WebhookPerformer, WebhookSettings
from handflow.act.connections import Connections
from handflow.errors import ActionError

SECRET = "s3cr3t-t0ken"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def webhook() -> Iterator[WebhookPerformer]:
    """A performer that hardly pauses between tries."""
    performer = WebhookPerformer(pause=0.01)
    yield performer
    performer.close()


def settings(given: Any) -> WebhookSettings:
    return WebhookSettings.model_validate(given)


def test_the_whole_event_arrives_as_json(webhook: WebhookPerformer) -> None:
    with web_server() as web:
        webhook.perform(settings(f"{web.url}/gesture"), EVENT)
    (request,) = web.requests
    assert (request.method, request.path) == ("POST", "/gesture")
    assert request.json == DOCUMENT
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("handflow/")


def test_placeholders_are_filled_in_everywhere(
    webhook: WebhookPerformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME_TOKEN", SECRET)
    with web_server() as web:
        given = {
            "url": f"{web.url}/{{gesture}}?hand={{hand}}",
            "method": "PUT",
            "headers": {
                "Authorization": "Bearer ${HOME_TOKEN}",
                "X-Score": "{score}",
                "X-Gesture": "{gesture}",
            },
            "json": {"scene": "{gesture} now", "brightness": "{score}", "list": [1, True, "{track}"]},
        }
        webhook.perform(settings(given), dataclasses.replace(EVENT, gesture="übung 1"))
    (request,) = web.requests
    assert (request.method, request.path) == ("PUT", "/%C3%BCbung%201?hand=right")
    assert request.headers["Authorization"] == f"Bearer {SECRET}"
    assert request.headers["X-Score"] == "0.93"
    assert request.headers["X-Gesture"].encode("latin-1").decode() == "übung 1"
    assert request.json == {"scene": "übung 1 now", "brightness": 0.93, "list": [1, True, 1]}


@pytest.mark.parametrize(
    ("given", "body", "kind"),
    [
        ({"method": "GET"}, b"", None),
        ({"method": "DELETE"}, b"", None),
        ({"method": "GET", "json": [1]}, b"[1]", "application/json"),
        ({"text": "{gesture}: {score}"}, b"swipe_left: 0.93", "text/plain; charset=utf-8"),
        ({"text": "<a/>", "headers": {"content-type": "text/xml"}}, b"<a/>", "text/xml"),
    ],
)
def test_other_bodies(
    webhook: WebhookPerformer, given: dict[str, Any], body: bytes, kind: str | None
) -> None:
    with web_server() as web:
        webhook.perform(settings({"url": web.url, **given}), EVENT)
    (request,) = web.requests
    kinds = [value for name, value in request.headers.items() if name.lower() == "content-type"]
    assert (request.body, kinds) == (body, [kind] if kind else [])


@pytest.mark.parametrize("statuses", [(503, 500, 200), (429, 429, 201)])
def test_what_fails_twice_is_tried_again_and_can_be_told_from_a_new_event(
    webhook: WebhookPerformer, statuses: tuple[int, ...]
) -> None:
    with web_server(*statuses) as web:
        webhook.perform(settings(web.url), EVENT)
        assert len(web.requests) == 3
        webhook.perform(settings(web.url), EVENT)
    keys = [request.headers["Idempotency-Key"] for request in web.requests]
    assert len(keys) == 4 and len(set(keys)) == 2 and len(set(keys[:3])) == 1
    assert len({request.client for request in web.requests}) == 1, "connections are not kept"


def test_an_idempotency_key_of_ones_own_is_sent_instead(webhook: WebhookPerformer) -> None:
    with web_server() as web:
        given = {"url": web.url, "headers": {"idempotency-key": "frame {frame}"}}
        webhook.perform(settings(given), EVENT)
    names = [name.lower() for name in web.requests[0].headers]
    assert names.count("idempotency-key") == 1
    assert web.requests[0].headers["idempotency-key"] == "frame 330"


def test_after_the_last_try_it_fails(webhook: WebhookPerformer) -> None:
    with web_server(502) as web:
        with pytest.raises(ActionError, match=r"the answer is 502 Bad Gateway \(3 tries\)"):
            webhook.perform(settings({"url": web.url, "retries": 2}), EVENT)
        assert len(web.requests) == 3


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "the answer is 404 Not Found$"),
        (401, "401 Unauthorized$"),
        (301, "put the address that it now has"),
    ],
)
def test_what_another_try_would_not_mend_fails_at_once(
    webhook: WebhookPerformer, status: int, told: str
) -> None:
    with web_server(status, Location="http://127.0.0.1:9/elsewhere") as web:
        with pytest.raises(ActionError, match=told):
            webhook.perform(settings(web.url), EVENT)
        assert len(web.requests) == 1


def test_a_server_that_is_not_there_is_tried_again(webhook: WebhookPerformer) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ActionError, match=r"refused \(3 tries\)"):
        webhook.perform(settings({"url": url, "retries": 2}), EVENT)


def test_a_server_that_never_answers_does_not_hold_up_for_ever(webhook: WebhookPerformer) -> None:
    with web_server(None) as web:
        given = {"url": web.url, "timeout": 0.1, "retries": 1}
        with pytest.raises(ActionError, match=r"no answer within 0\.1 s \(2 tries\)"):
            webhook.perform(settings(given), EVENT)
        assert len(web.requests) == 2


def test_an_answer_without_end_is_a_success(webhook: WebhookPerformer) -> None:
    """The status counts; a body that comes drop by drop is not waited for."""
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not over.wait(0.02):
                try:
                    connection.sendall(b".")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        try:
            webhook.perform(settings({"url": url, "timeout": 0.2}), EVENT)
        finally:
            over.set()
            thread.join(LIMIT)


@pytest.mark.parametrize("long_ago", [True, False])
def test_retry_after_is_honoured(long_ago: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In both of its forms: the wait is what the server asked for where that is longer than the own pause."""
    performer = WebhookPerformer(pause=0.01)
    waits: list[float] = []
    monkeypatch.setattr(performer._stopped, "wait", waits.append)
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=-60 if long_ago else 8), usegmt=True)
    for value in ("3", moment):
        with web_server(503, 200, Retry_After=value) as web:
            performer.perform(settings(web.url), EVENT)
            assert len(web.requests) == 2
    performer.close()
    assert waits[0] == 3
    assert waits[1] < 1 if long_ago else 5 < waits[1] <= 8


def test_a_server_that_asks_for_a_long_wait_is_not_asked_again(webhook: WebhookPerformer) -> None:
    with web_server(429, Retry_After="3600") as web:
        with pytest.raises(ActionError, match="429 Too Many Requests, and to come again in 3600 s"):
            webhook.perform(settings(web.url), EVENT)
        assert len(web.requests) == 1


def test_pauses_double_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    performer = WebhookPerformer()
    waits: list[float] = []
    monkeypatch.setattr(performer._stopped, "wait", waits.append)
    with web_server(503) as web, pytest.raises(ActionError, match="8 tries"):
        performer.perform(settings({"url": web.url, "retries": 7}), EVENT)
    performer.close()
    for wait, pause in zip(waits, [0.5, 1, 2, 4, 8, 10, 10], strict=True):
        assert 0.75 * pause <= wait <= 1.25 * pause


def test_stop_ends_the_wait_for_the_next_try() -> None:
    performer = WebhookPerformer(pause=1000)
    with web_server(503) as web:
        errors: list[str] = []

        def perform() -> None:
            try:
                performer.perform(settings(web.url), EVENT)
            except ActionError as error:
                errors.append(str(error))

        thread = threading.Thread(target=perform, daemon=True)
        thread.start()
        eventually(lambda: web.requests, "the first try")
        performer.stop()
        thread.join(LIMIT)
    assert not thread.is_alive() and len(errors) == 1
    performer.close()


def test_a_proxy_of_the_environment_is_used(
    webhook: WebhookPerformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        webhook.perform(settings("http://lamp.invalid/on"), EVENT)
    assert proxy.requests[0].path == "http://lamp.invalid/on"


def test_a_wrong_proxy_is_told(webhook: WebhookPerformer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"gopher://user:{SECRET}@proxy")
    with pytest.raises(ActionError, match="HTTP_PROXY") as caught:
        webhook.start()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "headers", "value"),
    [
        ("http://127.0.0.1:1/${HOME_TOKEN}", {}, SECRET),  # nobody there
        ("http://${HOME_TOKEN}.invalid/", {}, SECRET),  # no such host
        ("http://${HOME_TOKEN}/", {}, f"{SECRET}..x"),  # no name of a host
        ("http://127.0.0.1:${HOME_TOKEN}/", {}, SECRET),  # no port
        ("${HOME_TOKEN}", {}, f"ftp://{SECRET}"),  # no HTTP
        ("http://127.0.0.1:1/", {"Authorization": "${HOME_TOKEN}"}, f"{SECRET}\r\nX: y"),  # no header
        ("WEB/${HOME_TOKEN}", {"Authorization": "${HOME_TOKEN}"}, SECRET),  # 404
    ],
)
def test_secrets_are_neither_told_nor_logged(
    url: str,
    headers: dict[str, str],
    value: str,
    webhook: WebhookPerformer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("HOME_TOKEN", value)
    caplog.set_level(logging.DEBUG)
    with web_server(404) as web:
        written = url.replace("WEB", web.url)
        given = settings({"url": written, "headers": headers, "retries": 1})
        assert SECRET not in given.describe()
        with pytest.raises(ActionError) as caught:
            webhook.perform(given, EVENT)
    assert written in str(caught.value)
    assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text


def test_a_variable_that_is_not_set_is_told(webhook: WebhookPerformer) -> None:
    given = settings({"url": "http://127.0.0.1:1", "headers": {"Authorization": "${HANDFLOW_NOT_SET}"}})
    with pytest.raises(ActionError, match="HANDFLOW_NOT_SET is not set"):
        webhook.perform(given, EVENT)
    (problem,) = WEBHOOK.problems(given, Connections())
    assert "HANDFLOW_NOT_SET" in problem and "export" in problem


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("lamp.local/on", "must begin with http"),
        ({"url": "http://a", "json": 1, "text": "2"}, "one of `json` and `text`"),
        ({"url": "http://a", "json": {"when": datetime(2026, 1, 1, tzinfo=UTC)}}, "no dates"),
        ({"url": "http://a", "json": float("nan")}, "no nan"),
        ({"url": "http://a", "headers": {"a b": "c"}}, "'a b' cannot name a header"),
        ({"url": "http://a", "method": "BREW"}, "method"),
        ({"url": "http://a", "json_body": 1}, "json_body"),
        ({"url": "http://a", "timeout": 0}, "timeout"),
    ],
)
def test_wrong_settings_are_told(given: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(given)


def test_it_says_what_it_does_as_written() -> None:
    assert settings({"url": "https://a/${TOKEN}", "method": "PUT"}).describe() == "PUT https://a/${TOKEN}"
    assert WEBHOOK.extra == "home"
