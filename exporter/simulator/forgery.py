"""Requests of those who do not hold the callback key.

Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import orjson

from exporter.protocol.signature import LIFETIME_SECONDS, sign
from exporter.sending.requests import Packet, Request, signed
from exporter.simulator import weights

_OLD_SECONDS: Final = 7 * 86400
"""Longer than any signature_tolerance_seconds."""


@dataclass(frozen=True, slots=True)
class Forgery:
    """A forged request: the reason for which it must be refused, and how it is made."""

    reason: str
    packet: Packet
    make: Callable[[Packet, float, bytes], Request]

    def request(self, now: float, key: bytes | None) -> Request:
        """Return the request as it is sent at Unix time ``now``; ``key`` is the receiver's."""
        return self.make(self.packet, now, key or b"")


def _guessed_key(packet: Packet, now: float, _: bytes) -> Request:
    return Request(signed(packet, now, b"a guessed key"))


def _no_signature(packet: Packet, _now: float, _key: bytes) -> Request:
    return Request(orjson.dumps(packet))


def _overheard_long_ago(packet: Packet, now: float, key: bytes) -> Request:
    return Request(signed(packet, now - _OLD_SECONDS, key))


def _overheard_and_prolonged(packet: Packet, now: float, key: bytes) -> Request:
    overheard = int(now) + LIFETIME_SECONDS
    changed = {"t": overheard + 3600, "sign": sign(key, overheard)}
    return Request(orjson.dumps(packet | changed))


def _odd_expiry(packet: Packet, _now: float, _key: bytes) -> Request:
    return Request(orjson.dumps(packet | {"t": "soon", "sign": "00" * 16}))


def _cut_off(packet: Packet, now: float, _: bytes) -> Request:
    return Request(signed(packet, now, b"a guessed key")[:-5])


def _list(packet: Packet, now: float, _: bytes) -> Request:
    return Request(b"[%b]" % signed(packet, now, b"a guessed key"))


def _elsewhere(packet: Packet, _now: float, _key: bytes) -> Request:
    return Request(orjson.dumps(packet), path="/admin")


def _curious(_packet: Packet, _now: float, _key: bytes) -> Request:
    return Request(b"", method="GET")


_Maker = tuple[str, Callable[[Packet, float, bytes], Request]]

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


def forge(packet: Packet, chance: Random) -> Forgery:
    """Return a forgery made from an overheard packet, with another sequence and stream."""
    false = packet | {"sequence": f"forged-{chance.random()}", "stream_id": "forged"}
    reason, make = weights.draw(chance, _MAKERS)
    return Forgery(reason, false, make)
