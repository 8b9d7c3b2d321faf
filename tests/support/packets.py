"""Packets of every event type, signed as the sender signs them."""

import functools
import json
import time
from typing import Any

from exporter.protocol.signature import LIFETIME_SECONDS, sign
from support.repository import ROOT

KEY = "testkey2026"
PACKETS = ROOT / "tests" / "data" / "packets"

ODD_NAME = "a/b c 🎥 é?&=%#\"'<b>"
LONG_NAME = "é" * 127 + "x"  # 255 bytes
"""Names of streams that addresses and pages must bear."""

Packet = dict[str, Any]

SOURCE = ("live.test.example", "stage")
"""Push domain and app name of most samples."""

EMPTY: tuple[Any, ...] = ([], {})
"""What has a type that no field has, and no content."""


def packet(name: str, **fields: Any) -> Packet:
    """Return the sample packet of a name, unsigned, with fields replaced; None removes one."""
    found = json.loads(_sample(name)) | fields
    return {field: value for field, value in found.items() if value is not None}


@functools.cache
def _sample(name: str) -> str:
    return (PACKETS / f"{name}.json").read_text(encoding="utf-8")


def all_packets() -> dict[str, Packet]:
    """Return every sample by its name."""
    return {path.stem: packet(path.stem) for path in sorted(PACKETS.glob("*.json"))}


def body_of(unsigned: Packet, *, key: str = KEY, t: int | None = None) -> bytes:
    """Return the body of a callback: a packet signed, as JSON."""
    return json.dumps(signed(unsigned, key=key, t=t)).encode()


def signed(unsigned: Packet, *, key: str = KEY, t: int | None = None) -> Packet:
    """Return a packet signed now (or to expire at ``t``)."""
    expires_at = int(time.time()) + LIFETIME_SECONDS if t is None else t
    return unsigned | {"t": expires_at, "sign": sign(key.encode(), expires_at)}
