"""What tests of backfill have in common: a time, a pair, callbacks that were lost, counts."""

import json
from collections import Counter

from exporter.metrics import catalogue
from support.tencent.sending import packet_of
from support.tencent.tiny_ledger import TinyLedger
from support.tencent.world import Push, Sent

NOW = 1790100000.0
PAIR = ("push.example.com", "live")


def counted(ledger: TinyLedger) -> Counter[str]:
    """Return how many pushes and interruptions were counted."""
    found: Counter[str] = Counter()
    for (family, *_), number in ledger.counts.items():
        if family == catalogue.PUSHES.name:
            found["push"] += number
        elif family == catalogue.INTERRUPTIONS.name:
            found["interruption"] += number
    return found


def send(push: Push, kind: str, request: str | None = None) -> Sent:
    """Return the record of a callback that was tried in vain."""
    at = push.began_at if kind == "push" else push.ended_at or 0
    text = json.dumps(packet_of(push, kind)) if request is None else request
    return Sent(push.stream_id, int(kind == "push"), at + 1, text, result_code=503)
