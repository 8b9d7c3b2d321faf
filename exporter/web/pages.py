"""The pages of the private listener, for people: is it working, and why was it refused.

Server-rendered; a small script asks for the same page again and replaces what changed.
Whatever a sender made is escaped by the templates and cannot become markup or script: the
browser may run and load nothing but this program's own files.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self, get_args
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, render_template, request

from exporter.ledger import REFUSED, Delivery, Ledger, LedgerUnavailable, Outcome
from exporter.ledger.deliveries import CLASSES, class_of
from exporter.protocol.events import EVENT_NAMES
from exporter.protocol.refusals import STATUS, ForwardResult
from exporter.web import stream_pages
from exporter.web.formatting import span
from exporter.web.hints import advice_on, hint_for, word_of
from exporter.web.overview import overview_of

ROWS_SHOWN: Final = 200
"""How many deliveries the page shows; the data has all that are kept."""

LONGEST_FILTER: Final = 200

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Reception:
    """How callbacks are received, as far as an operator may see it: never a key's value.

    ``key_file`` is where a generated key stands.
    """

    scheme: str
    port: int
    path: str
    general_keys: int
    keys_by_domain: dict[str, int]
    key_file: str | None
    accept_unsigned: tuple[str, ...]
    max_sources: int
    push_history_days: float


class Filter(NamedTuple):
    """What to show of the deliveries; "" is any.

    ``outcome`` may also be a reason; ``domain`` and ``stream`` are parts of names.
    """

    outcome: str = ""
    class_: str = ""
    event: str = ""
    domain: str = ""
    stream: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Return the filter of a query string."""
        names = (name.rstrip("_") for name in cls._fields)
        return cls(*(query.get(name, "").strip()[:LONGEST_FILTER] for name in names))

    def given(self) -> dict[str, str]:
        """Return what is not any, as a query has it."""
        return {name.rstrip("_"): value for name, value in self._asdict().items() if value}

    def admits(self, delivery: Delivery) -> bool:
        """Return whether a delivery is to be shown."""
        return (
            self.outcome in ("", delivery.outcome, delivery.reason)
            and self.class_ in ("", class_of(delivery))
            and self.event in ("", delivery.event)
            and self.domain.lower() in (delivery.push_domain or "").lower()
            and self.stream.lower() in (delivery.stream_id or "").lower()
        )


def blueprint(ledger: Ledger, reception: Reception) -> Blueprint:
    """Return the pages, to be registered on the private application."""
    pages = Blueprint(
        "pages", __name__, static_folder="static", static_url_path="/static", url_prefix=""
    )
    pages.add_app_template_filter(span, "span")
    pages.add_app_template_filter(utc, "utc")

    @pages.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.endpoint != "pages.static":
            response.headers["Cache-Control"] = "no-store"
        return response

    @pages.get("/")
    def landing() -> tuple[str, int]:
        return _landing(ledger, reception)

    @pages.get("/deliveries")
    def deliveries() -> tuple[str, int]:
        return _deliveries(ledger, Filter.of(request.args))

    @pages.get("/deliveries.json")
    def deliveries_as_data() -> tuple[Response, int]:
        return _deliveries_as_data(ledger, Filter.of(request.args))

    stream_pages.add_stream_pages(pages, ledger, reception.push_history_days)
    return pages


def _landing(ledger: Ledger, reception: Reception) -> tuple[str, int]:
    overview = unreadable = None
    try:
        overview = overview_of(ledger.snapshot())
    except LedgerUnavailable as error:
        unreadable = str(error)
    page = render_template(
        "landing.html",
        now=time.time(),
        overview=overview,
        unreadable=unreadable,
        uncommittable=_why_not(ledger),
        reception=reception,
    )
    return page, 503 if unreadable else 200


def _deliveries(ledger: Ledger, chosen: Filter) -> tuple[str, int]:
    kept: Sequence[Delivery] = ()
    unreadable = None
    try:
        kept = ledger.deliveries()
    except LedgerUnavailable as error:
        unreadable = str(error)
    found = [delivery for delivery in kept if chosen.admits(delivery)]
    hints = [(delivery, hint_for(delivery)) for delivery in found]
    page = render_template(
        "deliveries.html",
        now=time.time(),
        unreadable=unreadable,
        kept=len(kept),
        found=len(found),
        rows=hints[:ROWS_SHOWN],
        advice=advice_on((word_of(delivery), hint) for delivery, hint in hints if hint),
        chosen=chosen,
        outcomes=tuple(Outcome),
        refused=REFUSED,
        reasons=tuple(STATUS),
        forwards=[f"forward_{result}" for result in get_args(ForwardResult)],
        has_consumer=any(delivery.forward_result for delivery in found),
        events=EVENT_NAMES,
        classes=CLASSES,
        data_url=f"/deliveries.json?{urlencode(chosen.given())}".rstrip("?"),
        domains=sorted({one.push_domain for one in kept if one.push_domain}),
    )
    return page, 503 if unreadable else 200


def _deliveries_as_data(ledger: Ledger, chosen: Filter) -> tuple[Response, int]:
    try:
        kept = ledger.deliveries()
    except LedgerUnavailable as error:
        return jsonify(error=f"the ledger cannot be read: {error}"), 503
    return jsonify(deliveries=[_data(one) for one in kept if chosen.admits(one)]), 200


def utc(at: float) -> str:
    """Return a Unix time as RFC 3339 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _why_not(ledger: Ledger) -> str | None:
    """Return why the ledger cannot commit, None if it can."""
    try:
        ledger.check()
    except LedgerUnavailable as error:
        return str(error)
    return None


def _data(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as JSON has it; attempts of one callback have the same identity."""
    hint = hint_for(delivery)
    return {
        **delivery._asdict(),
        "class": class_of(delivery),
        "forward_result": delivery.forward_result,
        "received_at": utc(delivery.received_at),
        "identity": delivery.identity.hex() if delivery.identity else None,
        "delay_seconds": _rounded(delivery.delay_seconds),
        "expires_in_seconds": _rounded(delivery.expires_in_seconds),
        "meaning": hint and hint.meaning,
        "hint": hint and hint.advice,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
