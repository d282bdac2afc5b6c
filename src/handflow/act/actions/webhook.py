"""`webhook`: sends an HTTP request.

What may pass is tried again: no connection, no answer in time, 429 and 5xx. Every try of a request carries
the same `Idempotency-Key`, by which a server can tell a repetition (IETF draft idempotency-key-header).
Errors and logs name the address as it was written, never with its placeholders filled in.
"""

import contextlib
import logging
import random
import re
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from handflow import __version__
from handflow.act.action import ActionKind, ActionSettings, Performer
from handflow.act.payload import JsonValue, json_text, plain_text
from handflow.act.placeholders import unset_problems
from handflow.errors import ActionError, MissingExtraError
from handflow.types import GestureEvent

if TYPE_CHECKING:
    import httpx

FIRST_PAUSE = 0.5
"""Seconds before the first repetition, twice as long before each further one …"""
LONGEST_PAUSE = 10.0
"""… up to this; a server that asks for a longer one is not asked again."""
_MOST_READ = 65_536  # bytes of an answer that are read so that the connection can be used again

_SCHEMES = ("http://", "https://")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


class WebhookSettings(ActionSettings):
    """The request."""

    SHORT: ClassVar[str | None] = "url"

    url: str  # placeholders may stand in it
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: dict[str, str] = Field(default={})  # placeholders may stand in their values
    json_body: JsonValue = Field(None, alias="json")  # any value; neither this nor `text`: the whole event, …
    text: str | None = None  # … if the method is POST, PUT or PATCH
    timeout: float = Field(5.0, gt=0, le=60)  # seconds to wait for a connection, and for an answer
    retries: int = Field(3, ge=0, le=10)

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not url.startswith((*_SCHEMES, "${")):
            raise ValueError("must begin with http:// or https://, or with ${NAME} that does")
        return url

    @field_validator("headers")
    @classmethod
    def _have_names(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if not _HEADER.fullmatch(name):
                raise ValueError(f"{name!r} cannot name a header")
        return headers

    @model_validator(mode="after")
    def _one_body(self) -> "WebhookSettings":
        if self.json_body is not None and self.text is not None:
            raise ValueError("choose one of `json` and `text`")
        return self

    def describe(self) -> str:
        """What it does."""
        return f"{self.method} {self.url}"


class WebhookPerformer(Performer[WebhookSettings]):
    """Sends requests over connections that stay open.

    Args:
        pause: seconds before the first repetition.
    """

    def __init__(self, pause: float = FIRST_PAUSE) -> None:
        if find_spec("httpx") is None:
            raise MissingExtraError("a webhook", "home")
        self._pause = pause
        self._stopped = threading.Event()
        self._client: httpx.Client | None = None

    def start(self) -> None:
        """Reads the certificates and the proxies of the environment."""
        import httpx

        if self._client is not None:
            return
        for name in ("httpx", "httpcore"):  # they log addresses, in which secrets may stand
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            self._client = httpx.Client(headers={"User-Agent": f"handflow/{__version__}"})
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
            raise ActionError(
                f"no webhook can be sent: {type(error).__name__} at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or "
                f"SSL_CERT_FILE: mend or unset what the environment says there"
            ) from None

    def perform(self, settings: WebhookSettings, event: GestureEvent) -> None:
        """Sends a request, again where that may help."""
        self.start()
        request = self._request(settings, event)
        for tries in range(1, settings.retries + 2):
            trouble, asked = self._try(request, settings)
            if not trouble:
                return
            if tries <= settings.retries:
                doubled = min(self._pause * 2 ** (tries - 1), LONGEST_PAUSE)
                if self._stopped.wait(max(asked, doubled * random.uniform(0.75, 1.25))):
                    break
        raise ActionError(f"{settings.url}: {trouble}{f' ({tries} tries)' if tries > 1 else ''}")

    def stop(self) -> None:
        """Ends the wait for the next try."""
        self._stopped.set()

    def close(self) -> None:
        """Closes connections."""
        if self._client is not None:
            self._client.close()

    def _request(self, settings: WebhookSettings, event: GestureEvent) -> "httpx.Request":
        import httpx

        assert self._client is not None
        headers = httpx.Headers({"Idempotency-Key": str(uuid.uuid4())})
        body = None
        if settings.text is not None:
            body, headers["Content-Type"] = plain_text(settings.text, event), "text/plain; charset=utf-8"
        elif settings.json_body is not None or settings.method not in ("GET", "DELETE"):
            body, headers["Content-Type"] = json_text(settings.json_body, event), "application/json"
        own = settings.headers.items()
        headers.update([(name.encode(), plain_text(value, event).encode()) for name, value in own])
        url = plain_text(settings.url, event)
        try:
            return self._client.build_request(
                settings.method, url, headers=headers, content=body, timeout=settings.timeout
            )
        except (httpx.InvalidURL, UnicodeError):
            raise ActionError(f"{settings.url}: with its placeholders filled in this is no address") from None

    def _try(self, request: "httpx.Request", settings: WebhookSettings) -> tuple[str, float]:
        """Sends once: what went wrong, empty if nothing, and how many seconds the server asks to wait.

        Raises:
            ActionError: another try would not help.
        """
        import httpx

        assert self._client is not None
        try:
            response = self._client.send(request, stream=True)
        except httpx.TimeoutException:
            return f"no answer within {settings.timeout:g} s", 0.0
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
            raise ActionError(
                f"{settings.url}: its address or a header, with placeholders filled in, is no HTTP"
            ) from None
        except httpx.TransportError as error:
            return _reason(error), 0.0
        with contextlib.closing(response):
            self._read(response, settings.timeout)
        status = response.status_code
        if response.is_success:
            return "", 0.0
        answer = f"the answer is {status} {response.reason_phrase}".rstrip()
        if response.is_redirect:
            raise ActionError(f"{settings.url}: {answer}: put the address that it now has into `url`")
        if status != 429 and status < 500:
            raise ActionError(f"{settings.url}: {answer}")
        asked = _retry_after(response.headers.get("Retry-After", ""))
        if asked > LONGEST_PAUSE:
            raise ActionError(f"{settings.url}: {answer}, and to come again in {asked:.0f} s")
        return answer, asked

    def _read(self, response: "httpx.Response", timeout: float) -> None:
        """Reads a short answer to its end, so that the connection stays; what it says is of no interest."""
        import httpx

        end, size = time.monotonic() + timeout, 0
        with contextlib.suppress(httpx.TransportError):  # the status has come, and that counts
            for chunk in response.iter_raw():
                size += len(chunk)
                if size > _MOST_READ or time.monotonic() > end or self._stopped.is_set():
                    return


def _reason(error: BaseException) -> str:
    """Why no answer came, without the error's text: the address, and in it a secret, may stand there."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not trusted; SSL_CERT_FILE can name those that are"
        if isinstance(cause, socket.gaierror):
            return "its host is not known"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return f"no answer ({type(error).__name__})"


def _retry_after(value: str) -> float:
    """Seconds that the header Retry-After asks for, in either of its forms (RFC 9110, section 10.2.3).

    >>> _retry_after("2"), _retry_after("soon")
    (2.0, 0.0)
    """
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _problems(settings: WebhookSettings, connections: Any) -> Iterator[str]:
    if find_spec("httpx") is None:
        yield str(MissingExtraError("a webhook", "home"))
    yield from unset_problems([settings.url, settings.headers, settings.json_body, settings.text])


def _performer(connections: Any) -> Performer[WebhookSettings]:
    return WebhookPerformer()


WEBHOOK = ActionKind(WebhookSettings, _performer, extra="home", problems=_problems)
