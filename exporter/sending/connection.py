"""One keep-alive connection to a receiver, used as the platform's sender would."""

import json
import ssl
import time
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection, responses
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

from exporter.sending.requests import CallbackAnswer, CallbackRequest

ANSWER_SECONDS: Final = 20.0
"""The documented wait for an answer."""

IDLE_SECONDS: Final = 5.0
"""A connection idle for longer is not used again: the receiver may be closing it."""

_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "css-exporter"}


class CallbackUrl(NamedTuple):
    """Where the receiver takes callbacks."""

    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Return a URL in its parts.  Raises ``ValueError``, its text for the user."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is no address like http://127.0.0.1:8080/callback")
        path = parts.path or "/"
        return cls(
            parts.scheme,
            parts.hostname,
            parts.port,
            f"{path}?{parts.query}" if parts.query else path,
        )

    def connect(self) -> HTTPConnection:
        """Return a connection that is not opened yet."""
        if self.scheme == "https":
            trust = _trust()
            return HTTPSConnection(self.host, self.port, timeout=ANSWER_SECONDS, context=trust)
        return HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)


class CallbackConnection:
    """Sends requests one after another; opened, and opened again, as needed."""

    def __init__(self, url: CallbackUrl) -> None:
        self._url = url
        self._http: HTTPConnection | None = None
        self._used_at = 0.0

    def send(self, request: CallbackRequest) -> CallbackAnswer:
        """Send a request and wait for its answer; never raises what the network causes."""
        try:
            http = self._opened()
        except OSError as error:
            return CallbackAnswer(reason=_words(error), sent=False)
        try:
            http.request(request.method, request.path or self._url.path, request.body, _HEADERS)
            response = http.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            self.close()
            return CallbackAnswer(reason=_words(error))
        self._used_at = time.monotonic()
        if response.status == 200:
            return CallbackAnswer(200)
        return CallbackAnswer(response.status, _reason(response.status, body))

    def close(self) -> None:
        """Close the connection."""
        if self._http:
            self._http.close()
            self._http = None

    def _opened(self) -> HTTPConnection:
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()
        if self._http is None:
            http = self._url.connect()
            http.connect()
            self._http = http
            self._used_at = time.monotonic()
        return self._http


@cache
def _trust() -> ssl.SSLContext:
    """Return the system's trust (SSL_CERT_FILE changes it), read once: it is large."""
    return ssl.create_default_context()


def _reason(status: int, body: bytes) -> str:
    """Return the exporter's word for a refusal, else the status in words."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("reason"), str):
        return str(answer["reason"])
    return f"HTTP {status} {responses.get(status, '')}".rstrip()


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
