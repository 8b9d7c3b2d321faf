"""The pages of streams, and the same as data."""

import time
from typing import Final

from flask import Blueprint, Response, jsonify, render_template, request

from exporter.ledger import Ledger, LedgerUnavailable
from exporter.ledger.history import PAGE, STATES, StreamHistory, StreamQuery
from exporter.protocol.errcodes import CAUSES
from exporter.protocol.vocabulary import ORIGINS, OTHER
from exporter.web import streams
from exporter.web.causes import advice_on_ends
from exporter.web.hints import hint_for
from exporter.web.timeline import timeline_of

UNKNOWN_STREAM: Final = "no push of this stream is kept"


def add_stream_pages(pages: Blueprint, ledger: Ledger, days: float) -> None:
    """Add the pages to others; pushes are kept for so many ``days``."""
    pages.add_app_template_filter(streams.printable_name, "printable")
    pages.add_app_template_filter(streams.address_of, "stream_address")
    pages.add_app_template_filter(streams.stream_address_of, "delivery_stream_address")
    pages.add_app_template_filter(streams.deliveries_address, "deliveries_address")

    @pages.get("/streams")
    def list_streams() -> tuple[str, int]:
        return _streams(ledger)

    @pages.get("/streams.json")
    def streams_as_data() -> tuple[Response, int]:
        return _streams_as_data(ledger)

    @pages.get("/stream")
    def one_stream() -> tuple[str, int]:
        return _stream(ledger, days)

    @pages.get("/stream.json")
    def stream_as_data() -> tuple[Response, int]:
        return _stream_as_data(ledger)


def _streams(ledger: Ledger) -> tuple[str, int]:
    query, page, unreadable = StreamQuery(), None, None
    try:
        query = streams.query_of(request.args)
        page = ledger.streams(query)
    except streams.BadQuery as error:
        return _refusal("Streams", str(error)), 400
    except LedgerUnavailable as error:
        unreadable = str(error)
    text = render_template(
        "streams.html",
        now=time.time(),
        unreadable=unreadable,
        query=query,
        given=streams.given_of(query),
        listed=page,
        most=PAGE,
        older=page and streams.older(query, page),
        data=_with_query("/streams.json"),
        states=STATES,
        origins=ORIGINS,
        causes=CAUSES,
        other=OTHER,
    )
    return text, 503 if unreadable else 200


def _streams_as_data(ledger: Ledger) -> tuple[Response, int]:
    try:
        page = ledger.streams(streams.query_of(request.args))
    except streams.BadQuery as error:
        return jsonify(error=str(error)), 400
    except LedgerUnavailable as error:
        return _unreadable(error), 503
    return jsonify(streams.page_data(page)), 200


def _stream(ledger: Ledger, days: float) -> tuple[str, int]:
    history, deliveries, unreadable = StreamHistory(None, ()), [], None
    try:
        names = streams.stream_of(request.args)
        history = ledger.pushes_of(names, streams.PUSHES_SHOWN)
        if history.row is None:
            return _refusal("Stream", UNKNOWN_STREAM, names), 404
        deliveries = streams.deliveries_of(history, ledger.deliveries())
    except streams.BadQuery as error:
        return _refusal("Stream", str(error)), 400
    except LedgerUnavailable as error:
        history, unreadable = StreamHistory(None, ()), str(error)
    now = time.time()
    text = render_template(
        "stream.html",
        now=now,
        unreadable=unreadable,
        names=names,
        row=history.row,
        pushes=history.pushes,
        days=days,
        most=streams.PUSHES_SHOWN,
        timeline=timeline_of(history.pushes, now, days),
        advice=advice_on_ends(history.pushes),
        deliveries=[(one, hint_for(one)) for one in deliveries],
        data=streams.address_of(names, "/stream.json"),
    )
    return text, 503 if unreadable else 200


def _stream_as_data(ledger: Ledger) -> tuple[Response, int]:
    try:
        history = ledger.pushes_of(streams.stream_of(request.args), streams.PUSHES_SHOWN)
    except streams.BadQuery as error:
        return jsonify(error=str(error)), 400
    except LedgerUnavailable as error:
        return _unreadable(error), 503
    if history.row is None:
        return jsonify(error=UNKNOWN_STREAM), 404
    return jsonify(streams.history_data(history)), 200


def _refusal(title: str, why: str, names: tuple[str, ...] = ()) -> str:
    return render_template("unanswered.html", title=title, why=why, now=time.time(), names=names)


def _unreadable(error: LedgerUnavailable) -> Response:
    return jsonify(error=f"the ledger cannot be read: {error}")


def _with_query(path: str) -> str:
    query = request.query_string.decode("ascii", "replace")
    return f"{path}?{query}" if query else path
