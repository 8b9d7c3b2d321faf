"""Requests of those who do not hold the callback key.

Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import orjson

from exporter.protocol.signature import LIFETIME_SECONDS, sign
from exporter.sending.requests import CallbackRequest, UnsignedPacket, signed
from exporter.simulator import weights

_OLD_SECONDS: Final = 7 * 86400
"""Longer than any signature_tolerance_seconds."""


@dataclass(frozen=True, slots=True)
class Forgery:
    """A forged request: the reason for which it must be refused, and how it is made."""

    reason: str
    packet: UnsignedPacket
    make: Callable[[UnsignedPacket, float, bytes], CallbackRequest]

    def request(self, now: float, key: bytes | None) -> CallbackRequest:
        """Return the request as it is sent at Unix time ``now``; ``key`` is the receiver's."""
        return self.make(self.packet, now, key or b"")


def _guessed_key(packet: UnsignedPacket, now: float, _: bytes) -> CallbackRequest:
    return CallbackRequest(signed(packet, now, b"a guessed key"))


def _no_signature(packet: UnsignedPacket, _now: float, _key: bytes) -> CallbackRequest:
    return CallbackRequest(orjson.dumps(packet))


def _overheard_long_ago(packet: UnsignedPacket, now: float, key: bytes) -> CallbackRequest:
    return CallbackRequest(signed(packet, now - _OLD_SECONDS, key))


def _overheard_and_prolonged(packet: UnsignedPacket, now: float, key: bytes) -> CallbackRequest:
    overheard = int(now) + LIFETIME_SECONDS
    changed = {"t": overheard + 3600, "sign": sign(key, overheard)}
    return CallbackRequest(orjson.dumps(packet | changed))


def _odd_expiry(packet: UnsignedPacket, _now: float, _key: bytes) -> CallbackRequest:
    return CallbackRequest(orjson.dumps(packet | {"t": "soon", "sign": "00" * 16}))


def _cut_off(packet: UnsignedPacket, now: float, _: bytes) -> CallbackRequest:
    return CallbackRequest(signed(packet, now, b"a guessed key")[:-5])


def _list(packet: UnsignedPacket, now: float, _: bytes) -> CallbackRequest:
    return CallbackRequest(b"[%b]" % signed(packet, now, b"a guessed key"))


def _elsewhere(packet: UnsignedPacket, _now: float, _key: bytes) -> CallbackRequest:
    return CallbackRequest(orjson.dumps(packet), path="/admin")


def _curious(_packet: UnsignedPacket, _now: float, _key: bytes) -> CallbackRequest:
    return CallbackRequest(b"", method="GET")


_Maker = tuple[str, Callable[[UnsignedPacket, float, bytes], CallbackRequest]]

_MAKERS: Final[Sequence[tuple[int, _Maker]]] = (
    (40, ("bad_signature", _guessed_key)),
    (20, ("unsigned", _no_signature)),
    (10, ("expired", _overheard_long_ago)),
    (10, ("bad_signature", _overheard_and_prolonged)),
    (5, ("bad_field", _odd_expiry)),
    (5, ("malformed_json", _cut_off)),
    (3, ("not_an_object", _list)),
    (3, ("not_found", _elsewhere)),
    (4, ("bad_method", _curious)),
)


def forge(packet: UnsignedPacket, chance: Random) -> Forgery:
    """Return a forgery made from an overheard packet, with another sequence and stream."""
    false = packet | {"sequence": f"forged-{chance.random()}", "stream_id": "forged"}
    reason, make = weights.draw(chance, _MAKERS)
    return Forgery(reason, false, make)
