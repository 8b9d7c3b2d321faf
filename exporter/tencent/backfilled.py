"""Entries of what was not called back, or not taken: from the event list, or the packet itself.

Pure.  Each goes through the same parser as a callback, so that it counts alike.
"""

from hashlib import blake2b
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson

from exporter.ledger.history import KnownPush
from exporter.metrics.entries import Entry, entry_for
from exporter.metrics.families import Increment
from exporter.protocol.envelope import Envelope
from exporter.protocol.events import Interruption, Push
from exporter.protocol.refusals import Refusal
from exporter.tencent.matching import Match
from exporter.tencent.reading import Listed

_NO_ERRCODE: Final = -1
"""Not a documented errcode: the list has the reason only in words for people."""

_SET_IDS: Final = {"mainland": 1, "overseas": 7}
"""A set_id of each origin."""


class Backfilled(Entry):
    """An entry of which no callback came: it counts what happened, and no callback."""

    def counts_at(self, now: float) -> tuple[Increment, ...]:  # noqa: ARG002 - as a callback's
        """Return what happened."""
        return self.increments

    def counts_again(self) -> tuple[Increment, ...]:
        """Return nothing: the ledger had it."""
        return ()


def entries_of(match: Match) -> list[Entry]:
    """Return the entries of what the ledger lacks of a listed push."""
    entries = []
    if match.lacks_push:
        entries.append(_push(match))
    if match.lacks_interruption:
        entries.append(_interruption(match))
    return entries


def event_of(request: str) -> Push | Interruption | None:
    """Return the push or interruption whose packet stands in a record's request, if one does.

    The request may be the packet, or URL-encoded text that ends with it.
    """
    for text in (request, unquote_plus(request)):
        start = text.find("{")
        if start < 0:
            continue
        try:
            packet = orjson.loads(text[start : text.rfind("}") + 1])
            event = Envelope.of(packet).event()
        except (orjson.JSONDecodeError, Refusal, AttributeError):
            continue
        if isinstance(event, Interruption) or (isinstance(event, Push) and not event.failure):
            return event
    return None


def entry_of(event: Push | Interruption) -> Entry:
    """Return the entry of a packet that the platform has shown us."""
    return Backfilled(*entry_for(event))


def _push(match: Match) -> Entry:
    return _entry(match, {"event_type": 1, "event_time": match.listed.began_at})


def _interruption(match: Match) -> Entry:
    listed = match.listed
    return _entry(
        match,
        {
            "event_type": 0,
            "event_time": listed.ended_at,
            "errcode": _NO_ERRCODE,
            "push_duration": (listed.ended_at - listed.began_at) * 1000,
        },
    )


def _entry(match: Match, fields: dict[str, Any]) -> Entry:
    domain, app_name, stream_id = match.listed.stream
    packet = {
        "app": domain,
        "appname": app_name,
        "stream_id": stream_id,
        "sequence": _sequence(match.listed),
        "set_id": _SET_IDS.get(match.known.origin) if match.known else None,
        **fields,
    }
    entry = Backfilled(*entry_for(Envelope.of(packet).event()))
    return _of_known(entry, match.known) if match.known else entry


def _of_known(entry: Entry, known: KnownPush) -> Entry:
    """Return an entry with the identities of a push of which a callback did come."""
    report, interruption = entry.report, known.interruption
    if report is None or interruption is None:
        raise ValueError("a push without identities")
    said = report.said._replace(sequence=None, interruption=interruption)
    report = report._replace(push=known.identity, interruption=interruption, said=said)
    identity = interruption if report.ends else known.identity
    return entry._replace(identity=identity, report=report)


def _sequence(listed: Listed) -> str:
    """Return what takes the place of an unknown sequence: the same each time."""
    named = repr((listed.stream, listed.began_at, listed.ended_at)).encode()
    return f"event list {blake2b(named, digest_size=12).hexdigest()}"
