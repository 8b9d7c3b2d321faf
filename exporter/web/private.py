"""The private listener: metrics, health and readiness.

``/metrics`` only reads the ledger; every family is built afresh for each scrape.
"""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, request
from pydantic import SecretStr

from exporter.ledger import Ledger, LedgerUnavailable
from exporter.web.scrape import PARTS, Scrape

HEALTH_PATHS: Final = ("/-/healthy", "/-/ready")


@dataclass(frozen=True, slots=True)
class View:
    """How the private listener shows things: settings, and how many keys may sign."""

    new_series_zero_seconds: float
    created_series: bool
    metrics_token: SecretStr | None
    callback_keys: int


def create_app(ledger: Ledger, view: View, clock: Callable[[], float] = time.time) -> Flask:
    """Return the private application."""
    app = Flask(__name__, static_folder=None)
    scrape = Scrape(
        ledger,
        zero_seconds=view.new_series_zero_seconds,
        created=view.created_series,
        callback_keys=view.callback_keys,
        clock=clock,
    )

    @app.before_request
    def authorise() -> Response | None:
        token = view.metrics_token
        if token is None or request.path in HEALTH_PATHS or _authorised(token.get_secret_value()):
            return None
        refusal = text(
            "needed: the metrics token, as a bearer token or as the password of any user name\n",
            401,
        )
        for scheme in ("Bearer", 'Basic realm="css-exporter", charset="UTF-8"'):
            refusal.headers.add("WWW-Authenticate", scheme)  # browsers want a line for each
        return refusal

    @app.get("/metrics")
    def metrics() -> Response:
        parts = request.args.getlist("collect[]") or PARTS
        if not set(parts) <= set(PARTS):
            return text(f"collect[] takes {' and '.join(PARTS)}\n", 400)
        try:
            return scrape.answer(parts)
        except LedgerUnavailable as error:
            return text(f"the ledger cannot be read: {error}\n", 503)

    @app.get("/-/healthy")
    def healthy() -> Response:
        return text("healthy\n")

    @app.get("/-/ready")
    def ready() -> Response:
        try:
            ledger.check()
        except LedgerUnavailable as error:
            return text(f"the ledger cannot commit: {error}\n", 503)
        return text("ready\n")

    return app


def _authorised(token: str) -> bool:
    """Return whether a request has the token: as a bearer, or as a browser's password."""
    given = request.headers.get("Authorization", "").encode("latin-1")  # the raw bytes
    if request.authorization and request.authorization.type == "basic":
        given = f"Bearer {request.authorization.password}".encode()
    return hmac.compare_digest(given, f"Bearer {token}".encode())


def text(content: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a plain text answer."""
    return Response(content, status, headers, mimetype="text/plain")
