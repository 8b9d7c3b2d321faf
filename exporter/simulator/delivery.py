"""One request to the receiver, and what its answer says about the ledger.

Pure.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from exporter.protocol.refusals import STATUS
from exporter.protocol.signature import LIFETIME_SECONDS, sign
from exporter.simulator.meaning import Callback, Packet
from exporter.simulator.truth import Fate

_AMBIGUOUS: Final = "ledger_unavailable"
"""The one refusal after which a callback may be recorded all the same."""


class Request(NamedTuple):
    """What to send; ``path`` None is the callback path."""

    body: bytes
    method: str = "POST"
    path: str | None = None


class Answer(NamedTuple):
    """What came back: no ``status`` without an answer, not ``sent`` without a connection.

    ``reason`` is the exporter's word for a refusal, else the fault in words.
    """

    status: int | None = None
    reason: str = ""
    sent: bool = True

    @property
    def accepted(self) -> bool:
        """Return whether the receiver took responsibility; only 200 says so."""
        return self.status == 200

    @property
    def refusal(self) -> str | None:
        """Return the exporter's word for its refusal, None if it gave none."""
        return self.reason if self.status is not None and self.reason in STATUS else None

    @property
    def lost(self) -> bool:
        """Return whether the callback may have been recorded although the answer was no 200."""
        known = self.refusal is not None and self.reason != _AMBIGUOUS
        return self.sent and not self.accepted and not known


@dataclass(slots=True, eq=False)
class Delivery:
    """A callback on its way: how often it was sent, and what was answered."""

    callback: Callback
    attempts: int = 0
    accepted: int = 0
    lost: int = 0

    @property
    def fate(self) -> Fate:
        """Return what became of it so far."""
        return Fate(self.accepted, self.lost)

    def request(self, now: float, key: bytes | None) -> Request:
        """Return the request, signed now; without a key it is not signed."""
        return Request(body(self.callback.packet, now, key))


def body(packet: Packet, now: float, key: bytes | None) -> bytes:
    """Return a packet as it is sent at Unix time ``now``."""
    if key is None:
        return orjson.dumps(packet)
    expires_at = int(now) + LIFETIME_SECONDS
    return orjson.dumps(packet | {"t": expires_at, "sign": sign(key, expires_at)})
