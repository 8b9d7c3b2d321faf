"""One request to the receiver of callbacks, and what its answer says about the ledger.

Pure.
"""

from typing import Any, Final, NamedTuple

import orjson

from exporter.protocol.refusals import STATUS
from exporter.protocol.signature import LIFETIME_SECONDS, sign

UnsignedPacket = dict[str, Any]
"""One callback's JSON object, without ``t`` and ``sign``."""

_PERHAPS_RECORDED: Final = "ledger_unavailable"
"""The only refusal after which a callback may be recorded all the same."""

_RECORDED: Final = frozenset({"forward_timed_out", "forward_unreachable", "forward_overloaded"})
"""Reasons that mean: recorded, but to be sent again for the consumer behind."""

_HINTS: Final = {
    "bad_signature": "does the key equal the exporter's callback key?",
    "unsigned": "give the exporter's callback key with --key or --key-file",
    "not_found": "is that the callback path of the exporter?",
    "bad_method": "is that the callback path of the exporter?",
    "expired": "do the clocks of both machines agree?",
    "not_yet_valid": "do the clocks of both machines agree?",
    "Connection refused": "is the exporter running, and is this its public listener?",
}


class CallbackRequest(NamedTuple):
    """What to send; ``path`` None is the callback path."""

    body: bytes
    method: str = "POST"
    path: str | None = None


class CallbackAnswer(NamedTuple):
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
    def recorded(self) -> bool:
        """Return whether the callback is recorded for certain."""
        return self.accepted or (self.status is not None and self.reason in _RECORDED)

    @property
    def lost(self) -> bool:
        """Return whether it is not known if the callback is recorded."""
        refused = self.refusal is not None and self.reason != _PERHAPS_RECORDED
        return self.sent and not self.recorded and not refused


def signed(packet: UnsignedPacket, now: float, key: bytes | None) -> bytes:
    """Return the body of a packet sent at Unix time ``now``; without a key it is not signed."""
    if key is None:
        return orjson.dumps(packet)
    expires_at = int(now) + LIFETIME_SECONDS
    return orjson.dumps(packet | {"t": expires_at, "sign": sign(key, expires_at)})


def hint(reason: str) -> str:
    """Return advice on an answer's reason, in brackets; ``""`` if there is none."""
    known = _HINTS.get(reason)
    return f" ({known})" if known else ""
