"""What is asked about streams: filters, and what the pages and the data say of the answer.

Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from exporter.ledger import REFUSED, Delivery
from exporter.ledger.history import (
    STATES,
    KeptPush,
    Place,
    StreamHistory,
    StreamPage,
    StreamQuery,
    StreamRow,
)
from exporter.protocol.errcodes import CAUSES
from exporter.protocol.texts import CUT, UNPRINTABLE, printable
from exporter.protocol.vocabulary import ORIGINS, Stream
from exporter.web.deliveries import LONGEST_NAME

PUSHES_SHOWN: Final = 500
"""How many pushes of one stream are shown, and are in the data."""

DELIVERIES_SHOWN: Final = 20
LONGEST_STREAM_FILTER: Final = 1000

NAMES: Final = ("push_domain", "app_name", "stream_id")
ALL: Final = "All"
"""What a row of a dashboard has in place of a name if it is about all; never a stream's name."""

_FILTERS: Final = ("state", "push_domain", "origin", "cause", "q")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "state": STATES,
    "origin": ORIGINS,
    "cause": CAUSES,
}


class BadQuery(Exception):  # noqa: N818 - the asker's, not ours
    """A query that cannot be answered; the text says why."""


def query_of(asked: Mapping[str, str]) -> StreamQuery:
    """Return what a query string asks for.  Raises ``BadQuery``."""
    given = {name: asked.get(name, "") for name in _FILTERS}
    given |= {name: "" for name, value in given.items() if name != "q" and value == ALL}
    for name, values in _CHOICES.items():
        if given[name] not in ("", *values):
            raise BadQuery(f"{name} must be one of {', '.join(values)}")
    for name, value in given.items():
        if len(value) > LONGEST_STREAM_FILTER:
            raise BadQuery(f"{name} must have at most {LONGEST_STREAM_FILTER} characters")
    query = StreamQuery(
        state=given["state"],
        push_domain=given["push_domain"],
        origin=given["origin"],
        cause=given["cause"],
        q=given["q"],
    )
    if place := asked.get("next"):
        try:
            query = query._replace(before=Place.of(place))
        except ValueError:
            raise BadQuery("next must be what an earlier answer said") from None
    return query


def given_of(query: StreamQuery) -> dict[str, str]:
    """Return the filters that are not any, as a query string has them."""
    return {name: value for name in _FILTERS if (value := getattr(query, name))}


def older(query: StreamQuery, page: StreamPage) -> str | None:
    """Return the query string of the next page, None on the last."""
    return urlencode({**given_of(query), "next": str(page.next)}) if page.next else None


def stream_of(asked: Mapping[str, str]) -> Stream:
    """Return the stream that a query string names.  Raises ``BadQuery``."""
    missing = [name for name in NAMES if not asked.get(name)]
    if missing:
        raise BadQuery(f"{', '.join(missing)} missing")
    return asked["push_domain"], asked["app_name"], asked["stream_id"]


def address_of(names: Sequence[str], page: str = "/stream") -> str:
    """Return the address of a stream's page, or of its data."""
    return f"{page}?{urlencode(dict(zip(NAMES, names, strict=True)))}"


def printable_name(name: str) -> str:
    """Return a name as it may be shown."""
    return printable(name, LONGEST_NAME)


def stream_address_of(delivery: Delivery) -> str | None:
    """Return the address of a delivery's stream, None where the stream is not known for sure.

    A delivery has names as they are shown.  Where one of them is cut, the address is a search.
    """
    domain, app_name, stream_id = delivery.push_domain, delivery.app_name, delivery.stream_id
    if delivery.outcome == REFUSED or not (domain and app_name and stream_id):
        return None
    names = (domain, app_name, stream_id)
    if all(_whole_part(name) == name for name in names):
        return address_of(names)
    if not (part := _whole_part(stream_id)):
        return None
    known = {"push_domain": domain} if _whole_part(domain) == domain else {}
    return f"/streams?{urlencode({**known, 'q': part})}"


def deliveries_address(names: Sequence[str]) -> str:
    """Return the address of the deliveries that have names like those of a stream."""
    domain, _, stream_id = (_whole_part(printable_name(name)) for name in names)
    return f"/deliveries?{urlencode({'domain': domain, 'stream': stream_id})}"


def _whole_part(name: str) -> str:
    """Return the longest part of a shown name that is surely a part of the name itself."""
    whole = name.removesuffix(CUT) if len(name) == LONGEST_NAME else name
    return max(whole.split(UNPRINTABLE), key=len)


def deliveries_of(history: StreamHistory, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return the newest deliveries of a stream; they have names as they are shown."""
    assert history.row  # noqa: S101 - a stream that is known
    names = tuple(printable_name(name) for name in history.row.push.stream)
    own = [one for one in deliveries if (one.push_domain, one.app_name, one.stream_id) == names]
    return own[:DELIVERIES_SHOWN]


def page_data(page: StreamPage) -> dict[str, Any]:
    """Return a page of streams as JSON has it."""
    return {
        "counts": dict(page.counts),
        "streams": [row_data(row) for row in page.streams],
        "next": str(page.next) if page.next else None,
    }


def row_data(row: StreamRow) -> dict[str, Any]:
    """Return a stream as JSON has it, times in Unix seconds."""
    push = row.push
    return {
        **dict(zip(NAMES, push.stream, strict=True)),
        "state": row.state,
        "origin": push.origin,
        "began_at": _seconds(push.began_at_ms),
        "ended_at": _seconds(push.ended_at_ms),
        "errcode": push.errcode,
        "cause": push.cause,
    }


def history_data(history: StreamHistory) -> dict[str, Any]:
    """Return a stream with its pushes, newest first, as JSON has it."""
    assert history.row  # noqa: S101 - a stream that is known
    return {**row_data(history.row), "pushes": [_push_data(one) for one in history.pushes]}


def _push_data(push: KeptPush) -> dict[str, Any]:
    return {
        "sequence": push.sequence,
        "began_at": _seconds(push.began_at_ms),
        "ended_at": _seconds(push.ended_at_ms),
        "duration_seconds": _seconds(push.lasted_ms),
        "origin": push.origin,
        "errcode": push.errcode,
        "cause": push.cause,
        "description": push.description,
    }


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
