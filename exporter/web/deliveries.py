"""What is kept of one callback for an operator to look at: bounded, printable, no secrets.

Pure.
"""

from typing import Final

from exporter.ledger.interface import REFUSED, Delivery, Receipt
from exporter.metrics.entries import Entry
from exporter.protocol import events
from exporter.protocol.envelope import Envelope
from exporter.protocol.events import Event
from exporter.protocol.refusals import Refusal
from exporter.protocol.texts import printable

LONGEST_NAME: Final = 200


def taken(
    envelope: Envelope, event: Event, entry: Entry, receipt: Receipt, now: float
) -> Delivery:
    """Return the delivery of an event that is in the ledger, received at Unix time ``now``."""
    return Delivery(
        received_at=now,
        outcome=receipt.outcome.value,
        event=event.name,
        push_domain=_name(event.push_domain),
        app_name=_name(event.app_name),
        stream_id=_name(event.stream_id),
        delay_seconds=_delay(entry.occurred_at, now),
        expires_in_seconds=_expires_in(envelope, now),
        identity=entry.identity,
    )


def refused(refusal: Refusal, envelope: Envelope, now: float) -> Delivery:
    """Return the delivery of a packet that was refused, with as much as can be read of it.

    The packet is empty where there was none to read.
    """
    identity = occurred_at_ms = None
    try:
        event = envelope.event()
        occurred_at_ms, identity = event.occurred_at_ms, event.identity
    except Refusal:
        event = events.outline(envelope.packet)
    return Delivery(
        received_at=now,
        outcome=REFUSED,
        reason=refusal.reason,
        detail=_name(refusal.detail) or None,
        event=envelope.kind.name if envelope.kind else None,
        push_domain=_name(event.push_domain),
        app_name=_name(event.app_name),
        stream_id=_name(event.stream_id),
        delay_seconds=_delay(None if occurred_at_ms is None else occurred_at_ms / 1000, now),
        expires_in_seconds=_expires_in(envelope, now),
        identity=identity,
    )


def _name(text: str | None) -> str | None:
    return None if text is None else printable(text, LONGEST_NAME)


def _delay(occurred_at: float | None, now: float) -> float | None:
    return None if occurred_at is None else now - occurred_at


def _expires_in(envelope: Envelope, now: float) -> float | None:
    expires_at = envelope.expires_at
    return None if expires_at is None else expires_at - now
