"""The public listener: a Flask application whose callback path is one straight function.

    cap -> decode -> verify -> parse -> record -> answer

The callback path is taken before Flask's router (its documented ``wsgi_app`` hook): routing
and request objects cost about as much as all of the rest together.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from exporter.ledger import DELIVERIES_KEPT, Ledger, LedgerUnavailable, Outcome, Receipt
from exporter.metrics import catalogue
from exporter.metrics.entries import Entry, entry_for
from exporter.protocol import events, signature
from exporter.protocol.events import Event, Packet
from exporter.protocol.refusals import STATUS, Refusal
from exporter.protocol.signature import Keyring
from exporter.web import deliveries
from exporter.web.limit import Limit, LineLimit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PHRASES: Final = {
    200: "200 OK",
    400: "400 Bad Request",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    413: "413 Content Too Large",
    503: "503 Service Unavailable",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the receiver takes: the settings of these names."""

    callback_path: str
    max_body_bytes: int
    signature_tolerance_seconds: float
    accept_unsigned: tuple[str, ...]
    log_user_ip: bool

    def takes_unsigned(self, packet: Packet) -> bool:
        """Return whether a packet's event is taken without a signature."""
        if not self.accept_unsigned:
            return False  # then not even its event is looked at
        return "all" in self.accept_unsigned or events.name_of(packet) in self.accept_unsigned


class Receiver:
    """The WSGI application of the callback path; see the module's flow."""

    def __init__(
        self,
        ledger: Ledger,
        keyring: Keyring,
        policy: Policy,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._policy = policy
        self._clock = clock
        self._lines = LineLimit("callback.rejected")
        self._noted = Limit(DELIVERIES_KEPT, seconds=1)  # more cost, and show, no more

    def takes(self, path: str) -> bool:
        """Return whether a path is the callback path or below it."""
        own = self._policy.callback_path
        return path == own or path.startswith(f"{own}/")

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one callback."""
        packet: Packet = {}
        try:
            packet = _decode(_body(environ, self._policy.max_body_bytes))
            self._record(packet)
        except Refusal as refusal:
            self.refused(refusal, environ, packet)
            answer = _answer(start_response, refusal.status, refusal.reason)
            return () if environ["REQUEST_METHOD"] == "HEAD" else answer
        return _answer(start_response, 200)

    def _record(self, packet: Packet) -> None:
        """Record a packet's event, or raise a ``Refusal``."""
        now = self._clock()
        self._verify(packet, now)
        event = events.parse(packet)
        entry = entry_for(event)
        try:
            receipt = self._ledger.record(entry, now)
        except LedgerUnavailable as error:
            raise Refusal("ledger_unavailable", str(error)) from error
        self._ledger.note(deliveries.taken(event, entry, receipt, now))
        self._log(event, entry, receipt, now)

    def _verify(self, packet: Packet, now: float) -> None:
        signed = packet.get("sign") not in (None, "")
        if not signed and self._policy.takes_unsigned(packet):
            return
        if signed and not self._keyring and "all" in self._policy.accept_unsigned:
            return  # a template with a key that we were told not to want
        signature.verify(
            packet.get("t"),
            packet.get("sign"),
            keyring=self._keyring,
            push_domain=events.push_domain_of(packet),
            now=now,
            tolerance=self._policy.signature_tolerance_seconds,
        )

    def refused(self, refusal: Refusal, environ: "WSGIEnvironment", packet: Packet) -> None:
        """Tally, note and log a refusal; a flood of them floods neither ledger nor log.

        Whatever looks for pages on the callback listener is not noted: it is no callback.
        """
        self._ledger.tally([catalogue.REJECTIONS.add(refusal.reason)])
        is_callback = refusal.reason != "not_found" or environ["REQUEST_METHOD"] == "POST"
        now = self._clock()
        if is_callback and self._noted.admits("", now):
            self._ledger.note(deliveries.refused(refusal, packet, now))
        if self._lines.admits(refusal.reason, now):
            self._lines.summarise(now)
            log.warning(
                "callback.rejected",
                reason=refusal.reason,
                status=refusal.status,
                detail=refusal.detail or None,
                remote_address=environ.get("REMOTE_ADDR"),
            )

    def summarise(self, now: float = math.inf) -> None:
        """Log how many refusals the log left out: now and then, and without ``now`` at the end."""
        self._lines.summarise(now)

    def _log(self, event: Event, entry: Entry, receipt: Receipt, now: float) -> None:
        abnormal = isinstance(event, events.Interruption) and event.errcode.cause != "client_stop"
        level = "warning" if abnormal and receipt.outcome is Outcome.ACCEPTED else "info"
        fields: dict[str, Any] = {
            "event_name": event.name,
            "push_domain": event.push_domain,
            "app_name": event.app_name,
            "stream_id": event.stream_id,
            **event.details,
        }
        if entry.occurred_at is not None:
            fields["delay_seconds"] = round(max(0.0, now - entry.occurred_at), 3)
        if self._policy.log_user_ip and event.user_ip:
            fields["user_ip"] = event.user_ip
        getattr(log, level)(f"callback.{receipt.outcome}", **fields)


def create_app(receiver: Receiver) -> Flask:
    """Return the public application: callbacks, health for a load balancer, nothing else."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # nor a redirect, which would repeat Host and query

    @app.get("/-/healthy", provide_automatic_options=False)
    def healthy() -> Response:
        return Response("healthy\n", mimetype="text/plain")

    @app.errorhandler(NotFound)
    @app.errorhandler(MethodNotAllowed)
    def refuse(error: HTTPException) -> Response:
        refusal = Refusal("not_found" if isinstance(error, NotFound) else "bad_method")
        receiver.refused(refusal, request.environ, {})
        answer = jsonify(code=refusal.status, reason=refusal.reason)
        answer.status_code = refusal.status
        if isinstance(error, MethodNotAllowed):
            answer.headers["Allow"] = ", ".join(error.valid_methods or ())
        return answer

    flask = app.wsgi_app

    def wsgi_app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        serve = receiver if receiver.takes(environ["PATH_INFO"]) else flask
        return serve(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # as Flask documents it
    return app


def _body(environ: "WSGIEnvironment", limit: int) -> bytes:
    if environ["REQUEST_METHOD"] != "POST":
        raise Refusal("bad_method")
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > limit:
        raise Refusal("too_large")
    chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
    if not length and not chunked:
        return b""
    try:
        body: bytes = environ["wsgi.input"].read(limit + 1)
    except OSError:  # what gunicorn raises for a body that breaks off or is badly chunked
        raise Refusal("malformed_json", "the body broke off") from None
    if len(body) > limit:
        raise Refusal("too_large")
    return body


def _decode(body: bytes) -> Packet:
    try:
        packet = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal("malformed_json") from None
    if not isinstance(packet, dict):
        raise Refusal("not_an_object")
    return packet


def _content(status: int, reason: str | None) -> bytes:
    return orjson.dumps({"code": status, "reason": reason} if reason else {"code": 0})


_CONTENTS: Final[dict[str | None, bytes]] = {
    None: _content(200, None),
    **{reason: _content(status, reason) for reason, status in STATUS.items()},
}


def _answer(
    start_response: "StartResponse", status: int, reason: str | None = None
) -> Iterable[bytes]:
    content = _CONTENTS[reason]
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    if status == 405:
        headers.append(("Allow", "POST"))
    start_response(_PHRASES[status], headers)
    return [content]
