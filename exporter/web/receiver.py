"""The receiver of callbacks: one straight path, and no idea of any server.

    decode -> verify -> parse -> record -> answer

``take`` is everything before the commit, ``settle`` everything after it, for all callbacks
that shared the commit; the shells around (``public``, ``lane``) bring requests, and wait for
the ledger between the two in their own way.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from math import inf
from typing import Any, Final, NamedTuple

import orjson
import structlog

from exporter.ledger import DELIVERIES_KEPT, Ledger, LedgerUnavailable, Outcome, Posting, Receipt
from exporter.metrics import catalogue
from exporter.metrics.entries import entry_for
from exporter.protocol import signature
from exporter.protocol.envelope import Envelope
from exporter.protocol.events import Event, Packet
from exporter.protocol.refusals import Refusal
from exporter.protocol.signature import Keyring
from exporter.web import deliveries
from exporter.web.answers import ACCEPTED, REFUSALS, Answer
from exporter.web.onward import CLIMBS, Forwarded
from exporter.web.throttle import LineThrottle, Throttle

NO_PACKET: Final = Envelope.of({})
"""The envelope of a callback without a packet."""

LogLine = tuple[str, str, dict[str, Any]]
"""A log line: its level, its event and its fields."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the receiver takes: the settings of these names."""

    callback_path: str
    max_body_bytes: int
    signature_tolerance_seconds: float
    accept_unsigned: tuple[str, ...]
    log_user_ip: bool

    def takes_unsigned(self, envelope: Envelope) -> bool:
        """Return whether a packet's event is taken without a signature."""
        if not self.accept_unsigned:
            return False  # then not even its event is looked at
        return "all" in self.accept_unsigned or envelope.event_name in self.accept_unsigned


class Request(NamedTuple):
    """One POST of the callback path, read to its end; ``remote_address`` is for the log."""

    body: bytes
    remote_address: str | None


class Verified(NamedTuple):
    """A callback that is good to be recorded."""

    envelope: Envelope
    event: Event
    posting: Posting
    remote_address: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A callback that is not to be recorded, and its answer."""

    answer: Answer
    envelope: Envelope


class Committed(NamedTuple):
    """A callback after its commit, and what became of it at its consumer, if it has one."""

    callback: Verified
    result: Receipt | LedgerUnavailable
    forwarded: Forwarded | None = None


Forward = Callable[[Verified | Refused], Future[Forwarded | None]]
"""Begins to forward a callback, in a thread of its own; None if nobody is to have it."""


class Receiver:
    """Takes callbacks; see the module's path."""

    def __init__(
        self,
        ledger: Ledger,
        keyring: Keyring,
        policy: Policy,
        write: Callable[[Sequence[LogLine]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ledger: Final = ledger
        self.policy: Final = policy
        self._keyring = keyring
        # No packet could be signed: the operator trusts whoever sends.
        self._trusts_all = not keyring and "all" in policy.accept_unsigned
        self._clock = clock
        self._write = write
        self._lines = LineThrottle("callback.rejected")
        self._noted = Throttle(DELIVERIES_KEPT, seconds=1)  # more cost, and show, no more

    def takes(self, path: str) -> bool:
        """Return whether a path is the callback path or below it."""
        own = self.policy.callback_path
        return path == own or (path.startswith(f"{own}/") and not CLIMBS.search(path))

    def answer(self, request: Request, forward: Forward | None = None) -> Answer:
        """Answer one callback, after waiting for its commit and, if there is one, its consumer."""
        taken = self.take(request)
        forwarding = forward(taken) if forward else None
        if isinstance(taken, Refused):
            forwarded = forwarding.result() if forwarding else None
            return forwarded.answer if forwarded else taken.answer
        result: Receipt | LedgerUnavailable
        try:
            result = self.ledger.record(*taken.posting)
        except LedgerUnavailable as error:
            result = error
        forwarded = forwarding.result() if forwarding else None
        return self.settle([Committed(taken, result, forwarded)])[0]

    def take(self, request: Request) -> Verified | Refused:
        """Return a callback that is to be recorded, or a refused one."""
        envelope = NO_PACKET
        try:
            envelope = Envelope.of(_decode(request.body))
            now = self._clock()
            signed = self._verify(envelope, now)
            event = envelope.event()
            posting = Posting(entry_for(event, signed=signed), now)
            return Verified(envelope, event, posting, request.remote_address)
        except Refusal as refusal:
            return Refused(self.refuse(refusal, request.remote_address, envelope), envelope)

    def settle(self, committed: Sequence[Committed]) -> list[Answer]:
        """Note and log callbacks that shared a commit, and return their answers."""
        answers: list[Answer] = []
        lines: list[LogLine] = []
        for callback, result, forwarded in committed:
            if isinstance(result, LedgerUnavailable):
                refusal = Refusal("ledger_unavailable", str(result))
                ours = self.refuse(refusal, callback.remote_address, callback.envelope)
                theirs = forwarded and forwarded.result == "refused"
                answers.append(forwarded.answer if forwarded and theirs else ours)
                continue
            entry, now = callback.posting
            noted = forwarded.noted() if forwarded else ()
            taken = deliveries.Taken(
                result.outcome, entry, now, callback.envelope.expires_at, *noted
            )
            self.ledger.note(taken)
            lines.append(self._line(callback, result, forwarded))
            answers.append(forwarded.answer if forwarded else ACCEPTED)
        self._write(lines)
        return answers

    def refuse(
        self, refusal: Refusal, remote_address: str | None, envelope: Envelope | None
    ) -> Answer:
        """Tally, note and log a refusal, and return its answer.

        A flood of refusals floods neither ledger nor log.  A request that is no callback has no
        ``envelope`` and is not noted.  A callback of which nothing was read has ``NO_PACKET``.
        """
        self.ledger.tally([catalogue.REJECTIONS.add(refusal.reason)])
        now = self._clock()
        if envelope is not None and self._noted.admits("", now):
            self.ledger.note(deliveries.refused(refusal, envelope, now))
        if self._lines.admits(refusal.reason, now):
            self._lines.summarise(now)
            log.warning(
                "callback.rejected",
                reason=refusal.reason,
                status=refusal.status,
                detail=refusal.detail or None,
                remote_address=remote_address,
            )
        return REFUSALS[refusal.reason]

    def summarise(self, now: float = inf) -> None:
        """Log how many refusals the log left out: now and then, and without ``now`` at the end."""
        self._lines.summarise(now)

    def _verify(self, envelope: Envelope, now: float) -> bool:
        """Return whether a packet's names may become labels, or raise a ``Refusal``."""
        if self._trusts_all:
            return True
        if (
            not envelope.is_signed
            and envelope.push_domain not in self._keyring.by_domain
            and self.policy.takes_unsigned(envelope)
        ):
            return False
        signature.verify(
            envelope,
            keyring=self._keyring,
            now=now,
            tolerance=self.policy.signature_tolerance_seconds,
        )
        return True

    def _line(self, callback: Verified, receipt: Receipt, forwarded: Forwarded | None) -> LogLine:
        event, (entry, now) = callback.event, callback.posting
        level = "warning" if event.abnormal and receipt.outcome is Outcome.ACCEPTED else "info"
        fields: dict[str, Any] = {
            "event_name": event.name,
            "push_domain": event.push_domain,
            "app_name": event.app_name,
            "stream_id": event.stream_id,
            **event.details,
        }
        if entry.occurred_at is not None:
            fields["delay_seconds"] = round(max(0.0, now - entry.occurred_at), 3)
        if self.policy.log_user_ip and event.user_ip:
            fields["user_ip"] = event.user_ip
        if forwarded:
            fields |= forwarded.fields()
            level = level if forwarded.is_taken else "warning"
        return level, f"callback.{receipt.outcome}", fields


def _decode(body: bytes) -> Packet:
    try:
        packet = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal("malformed_json") from None
    if not isinstance(packet, dict):
        raise Refusal("not_an_object")
    return packet
