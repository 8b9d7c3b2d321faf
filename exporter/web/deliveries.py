"""What is kept of one callback for an operator to look at: bounded, printable, no secrets.

Pure.
"""

from typing import Final, NamedTuple

from exporter.ledger.interface import REFUSED, Delivery, Outcome
from exporter.metrics.catalogue import RECORDED_SECONDS
from exporter.metrics.entries import Entry
from exporter.protocol import events
from exporter.protocol.envelope import Envelope
from exporter.protocol.errcodes import errcode_of
from exporter.protocol.refusals import Refusal
from exporter.protocol.texts import printable
from exporter.web.formatting import span

LONGEST_NAME: Final = 200


class Taken(NamedTuple):
    """The delivery of an entry that is in the ledger, received at Unix time ``now``.

    ``reason`` and ``detail`` say what became of it at its consumer, if it has one.
    Made into a row only when that is wanted; see ``Noted``.
    """

    outcome: Outcome
    entry: Entry
    now: float
    expires_at: int | None
    reason: str | None = None
    detail: str | None = None

    @property
    def event(self) -> str:
        """Return the event's name."""
        return self.entry.event

    def delivery(self) -> Delivery:
        """Return the row."""
        entry, now = self.entry, self.now
        return Delivery(
            received_at=now,
            outcome=self.outcome.value,
            reason=self.reason,
            detail=_name(self.detail),
            event=entry.event,
            push_domain=_name(entry.push_domain),
            app_name=_name(entry.app_name),
            stream_id=_name(entry.stream_id),
            delay_seconds=_between(entry.occurred_at, now),
            expires_in_seconds=_between(now, self.expires_at),
            said=_said(entry),
            identity=entry.identity,
        )


def refused(refusal: Refusal, envelope: Envelope, now: float) -> Delivery:
    """Return the delivery of a packet that was refused, with what can be read of it.

    The packet is empty if there was none.
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
        delay_seconds=_between(None if occurred_at_ms is None else occurred_at_ms / 1000, now),
        expires_in_seconds=_between(now, envelope.expires_at),
        identity=identity,
    )


def _said(entry: Entry) -> str | None:
    """Return what matters of an event: the errcode of an end, the length of a recording."""
    if entry.report and entry.report.ends and entry.report.said.errcode is not None:
        errcode = entry.report.said.errcode
        return f"errcode {errcode}, {errcode_of(errcode).cause}"
    for one in entry.increments:
        if one.family == RECORDED_SECONDS.name:
            return f"{span(one.amount)} recorded"
    return None


def _name(text: str | None) -> str | None:
    return None if text is None else printable(text, LONGEST_NAME)


def _between(since: float | None, until: float | None) -> float | None:
    return None if since is None or until is None else until - since
