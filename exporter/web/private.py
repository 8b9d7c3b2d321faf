"""The private listener: metrics, health and readiness.

``/metrics`` only reads the ledger; every family is built afresh for each scrape.
"""

import hmac
import ipaddress
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, request
from pydantic import SecretStr

from exporter.ledger import Ledger, LedgerUnavailable
from exporter.web.scrape import PARTS, Scrape

HEALTH_PATHS: Final = ("/-/healthy", "/-/ready")

_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::[0-9]*)?")
"""A Host header in lower case: an IPv6 address, or anything else; then perhaps a port."""


@dataclass(frozen=True, slots=True)
class View:
    """How the private listener shows things: settings, and how many keys may sign.

    ``metrics_hosts`` are the names in lower case by which it may be asked, beside
    ``localhost`` and addresses.
    """

    new_series_zero_seconds: float
    created_series: bool
    metrics_token: SecretStr | None
    metrics_hosts: tuple[str, ...]
    reconcile_seconds: float
    callback_keys: int


def create_app(ledger: Ledger, view: View, clock: Callable[[], float] = time.time) -> Flask:
    """Return the private application."""
    app = Flask(__name__, static_folder=None)
    scrape = Scrape(
        ledger,
        zero_seconds=view.new_series_zero_seconds,
        created=view.created_series,
        callback_keys=view.callback_keys,
        reconciles=view.reconcile_seconds > 0,
        clock=clock,
    )

    @app.before_request
    def know_the_host() -> Response | None:
        """Refuse other names: a web page whose name leads here must not read what is here."""
        if request.path in HEALTH_PATHS or _is_ours(view.metrics_hosts):
            return None
        return plain_text(
            "the private listener is not known by this name: ask it by an IP address or as"
            " localhost, or put the name into the setting metrics_hosts\n",
            421,
        )

    @app.before_request
    def authorise() -> Response | None:
        token = view.metrics_token
        if token is None or request.path in HEALTH_PATHS or _authorised(token.get_secret_value()):
            return None
        refusal = plain_text(
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
            return plain_text(f"collect[] takes {' and '.join(PARTS)}\n", 400)
        try:
            return scrape.answer(parts)
        except LedgerUnavailable as error:
            return plain_text(f"the ledger cannot be read: {error}\n", 503)

    @app.get("/-/healthy")
    def healthy() -> Response:
        return plain_text("healthy\n")

    @app.get("/-/ready")
    def ready() -> Response:
        try:
            ledger.check()
        except LedgerUnavailable as error:
            return plain_text(f"the ledger cannot commit: {error}\n", 503)
        return plain_text("ready\n")

    return app


def _is_ours(hosts: tuple[str, ...]) -> bool:
    """Return whether a request names one of our hosts, or none at all, as no browser does."""
    header = request.headers.get("Host")
    if header is None:
        return True
    if not (found := _HOST.fullmatch(header.strip().lower())):
        return False
    name = found[1] or found[2]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in ("localhost", *hosts)
    return True


def _authorised(token: str) -> bool:
    """Return whether a request has the token: as a bearer, or as a browser's password."""
    given = request.headers.get("Authorization", "").encode("latin-1")  # the raw bytes
    if request.authorization and request.authorization.type == "basic":
        given = f"Bearer {request.authorization.password}".encode()
    return hmac.compare_digest(given, f"Bearer {token}".encode())


def plain_text(content: str, status: int = 200) -> Response:
    """Return a plain text answer."""
    return Response(content, status, mimetype="text/plain")
