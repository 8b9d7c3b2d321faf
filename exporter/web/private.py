"""The private listener: metrics, health and readiness.

``/metrics`` only reads the ledger; every family is built afresh for each scrape.
"""

import hmac
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from flask import Flask, Response, request
from prometheus_client import Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from pydantic import SecretStr

from exporter import DISTRIBUTION
from exporter.ledger import Ledger, LedgerUnavailable
from exporter.metrics import catalogue
from exporter.web.exposition import add, families_of, metric_of

HEALTH_PATHS: Final = ("/-/healthy", "/-/ready")
PARTS: Final = ("ledger", "process")
SCRAPE_HEADER: Final = "X-Prometheus-Scrape-Timeout-Seconds"
"""What only a Prometheus sends: to it a new series begins at 0, see the README."""


@dataclass(frozen=True, slots=True)
class View:
    """How the private listener shows things: settings, and how many keys may sign."""

    new_series_zero_seconds: float
    created_series: bool
    metrics_token: SecretStr | None
    callback_keys: int


class _Families(Collector):
    """A fixed list of families, as the encoders of the client library want it."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def create_app(ledger: Ledger, view: View, clock: Callable[[], float] = time.time) -> Flask:
    """Return the private application."""
    app = Flask(__name__, static_folder=None)

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
        began = time.perf_counter()
        encode, content_type = _encoder(request.headers.get("Accept", ""))
        # In the text format they would be families of their own.
        created = view.created_series and "openmetrics" in content_type
        families: list[Metric] = []
        if "ledger" in parts:
            try:
                snapshot = ledger.snapshot()
            except LedgerUnavailable as error:
                return text(f"the ledger cannot be read: {error}\n", 503)
            zero_seconds = view.new_series_zero_seconds if SCRAPE_HEADER in request.headers else 0
            families += families_of(snapshot, clock(), zero_seconds=zero_seconds, created=created)
        if "process" in parts:
            families += _process_families(ledger, view)
        body = encode(_Families(families))
        ledger.tally(catalogue.SCRAPE_SECONDS.observe(time.perf_counter() - began))
        return Response(body, content_type=content_type)

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


def _process_families(ledger: Ledger, view: View) -> list[Metric]:
    build = (version(DISTRIBUTION), platform.python_version())
    families = []
    for family, labels, value in (
        (catalogue.BUILD_INFO, build, 1),
        (catalogue.LEDGER_UP, (), 0 if ledger.failure else 1),
        (catalogue.CALLBACK_KEYS, (), view.callback_keys),
    ):
        families.append(metric_of(family))
        add(families[-1], family, labels, value)
    return [*families, *ProcessCollector(registry=None).collect()]


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none
        return choose_encoder("")


def text(content: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a plain text answer."""
    return Response(content, status, headers, mimetype="text/plain")
