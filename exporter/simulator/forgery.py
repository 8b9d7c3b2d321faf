"""Requests of those who do not hold the callback key.

Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import orjson

from exporter.protocol.signature import LIFETIME_SECONDS, sign
from exporter.simulator import mix
from exporter.simulator.delivery import Request, body
from exporter.simulator.meaning import Packet

_OLD_SECONDS: Final = 7 * 86400
"""Longer ago than any tolerance that can be set."""


@dataclass(frozen=True, slots=True)
class Forgery:
    """A forged request: the refusal that it deserves, and how it is made."""

    reason: str
    packet: Packet
    make: Callable[[Packet, float, bytes], Request]

    def request(self, now: float, key: bytes | None) -> Request:
        """Return the request as it is sent at Unix time ``now`` to an owner of a key."""
        return self.make(self.packet, now, key or b"")


def _guessed_key(packet: Packet, now: float, _: bytes) -> Request:
    return Request(body(packet, now, b"a guessed key"))


def _no_signature(packet: Packet, _now: float, _key: bytes) -> Request:
    return Request(orjson.dumps(packet))


def _overheard_long_ago(packet: Packet, now: float, key: bytes) -> Request:
    return Request(body(packet, now - _OLD_SECONDS, key))


def _overheard_and_prolonged(packet: Packet, now: float, key: bytes) -> Request:
    overheard = int(now) + LIFETIME_SECONDS
    changed = {"t": overheard + 3600, "sign": sign(key, overheard)}
    return Request(orjson.dumps(packet | changed))


def _odd_expiry(packet: Packet, _now: float, _key: bytes) -> Request:
    return Request(orjson.dumps(packet | {"t": "soon", "sign": "00" * 16}))


def _cut_off(packet: Packet, now: float, _: bytes) -> Request:
    return Request(body(packet, now, b"a guessed key")[:-5])


def _list(packet: Packet, now: float, _: bytes) -> Request:
    return Request(b"[%b]" % body(packet, now, b"a guessed key"))


def _elsewhere(packet: Packet, _now: float, _key: bytes) -> Request:
    return Request(orjson.dumps(packet), path="/admin")


def _curious(_packet: Packet, _now: float, _key: bytes) -> Request:
    return Request(b"", method="GET")


Maker = tuple[str, Callable[[Packet, float, bytes], Request]]

_MAKERS: Final[Sequence[tuple[int, Maker]]] = (
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
    """Return a forgery of a packet that was seen, with another sequence and stream."""
    false = packet | {"sequence": f"forged-{chance.random()}", "stream_id": "forged"}
    reason, make = mix.draw(chance, _MAKERS)
    return Forgery(reason, false, make)
