"""What is kept of one callback for an operator to look at: bounded, printable, no secrets.

Pure.
"""

from typing import Final

from exporter.ledger.interface import REFUSED, Delivery, Receipt
from exporter.metrics.entries import Entry
from exporter.protocol import events
from exporter.protocol.events import Event, Packet, wire
from exporter.protocol.refusals import Refusal

LONGEST_NAME: Final = 200


def taken(event: Event, entry: Entry, receipt: Receipt, now: float) -> Delivery:
    """Return the delivery of an event that is in the ledger, received at Unix time ``now``."""
    return Delivery(
        received_at=now,
        outcome=receipt.outcome.value,
        event=event.name,
        push_domain=shown(event.push_domain),
        app_name=shown(event.app_name),
        stream_id=shown(event.stream_id),
        delay_seconds=_delay(entry.occurred_at, now),
        expires_in_seconds=_expires_in(event.packet, now),
        identity=entry.identity,
    )


def refused(refusal: Refusal, packet: Packet, now: float) -> Delivery:
    """Return the delivery of a packet that was refused, with as much as can be read of it.

    The packet is empty where there was none to read.
    """
    identity = occurred_at = None
    try:
        event = events.parse(packet)
        name: str | None = event.name
        occurred_at, identity = event.occurred_at, event.identity
    except Refusal:
        event, name = events.outline(packet), _name(packet)
    return Delivery(
        received_at=now,
        outcome=REFUSED,
        reason=refusal.reason,
        detail=shown(refusal.detail) or None,
        event=name,
        push_domain=shown(event.push_domain),
        app_name=shown(event.app_name),
        stream_id=shown(event.stream_id),
        delay_seconds=_delay(occurred_at, now),
        expires_in_seconds=_expires_in(packet, now),
        identity=identity,
    )


def shown(text: str | None) -> str | None:
    """Return a sender's text so that it can be shown: not too long, and printable.

    What is not printable (control characters, those that turn the direction of writing)
    becomes U+FFFD.
    """
    if text is None:
        return None
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME - 1]}…"
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _name(packet: Packet) -> str | None:
    try:
        return events.name_of(packet)
    except Refusal:
        return None


def _delay(occurred_at: float | None, now: float) -> float | None:
    return None if occurred_at is None else now - occurred_at


def _expires_in(packet: Packet, now: float) -> float | None:
    expires_at = wire.integer(packet.get("t"))
    return None if expires_at is None else expires_at - now
