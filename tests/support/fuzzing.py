"""What is fuzzed: the receiver on any body, and the durable ledgers against the one in memory.

Both are deterministic: times are given, so that a case that was found is the same tomorrow.
"""

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import orjson
from hypothesis import strategies as st

from exporter.ledger import Ledger, Outcome, Posting, Receipt, Results
from exporter.ledger.memory import MemoryLedger
from exporter.protocol.signature import Keyring
from exporter.web.receiver import Policy, Receiver, Refused, Request, Verified
from support import hostile
from support.ledgers import KINDS, numbers, opening
from support.packets import KEY, Packet, signed
from support.settings import LONG, default

NOW = 1_790_000_300
MAX_SOURCES = 3
DURABLE = sorted(name for name, kind in KINDS.items() if kind.durable)

POLICY = default(Policy, accept_unsigned=("relay", "stream_monitor"), max_body_bytes=65536)
KEYRING = Keyring((KEY.encode(),), {"own.example": (b"own",)})


class Sent(NamedTuple):
    """A packet, and what it is signed with: None for nothing."""

    packet: Any
    key: str | None = KEY

    def body(self) -> bytes:
        """Return the bytes that are sent."""
        if self.key is None or not isinstance(self.packet, dict):
            return json.dumps(self.packet).encode()
        return json.dumps(signed(self.packet, key=self.key, t=NOW + 300)).encode()


_NAMES = {
    "app": ("live.example", "LIVE.example", "own.example", "third.example"),
    "appname": ("stage", "live", ""),
    "stream_id": ("a", "b"),
    "sequence": ("1", "2", 3),
    "event_time": (NOW - 9, NOW - 9.5, NOW - 8),
    "set_id": (2, 7, None),
    "errcode": (1, 5, 99),
}


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """Draw a hostile packet, often about one of few pushes of few streams."""
    packet = draw(hostile.packets())
    if draw(st.booleans()):
        packet["event_type"] = draw(st.sampled_from((0, 1)))
        for field, choice in _NAMES.items():
            packet[field] = draw(st.sampled_from(choice))
    return packet


sent = st.builds(
    Sent,
    st.one_of(packets(), packets(), hostile.values),
    st.sampled_from((KEY, KEY, KEY, None, "own", "wrong")),
)
groups = st.lists(st.lists(sent, min_size=1, max_size=8), min_size=1, max_size=6)


def receiver_of(ledger: Ledger) -> Receiver:
    """Return a receiver whose clock stands still."""
    return Receiver(ledger, KEYRING, POLICY, lambda _: None, lambda: float(NOW))


def try_body(body: bytes) -> str:
    """Send a body twice, and return what became of it in a few words.

    Raises ``AssertionError`` if it is counted twice, or for no answer of the table.
    """
    ledger = MemoryLedger(LONG)
    receiver = receiver_of(ledger)
    request = Request(body, "192.0.2.1")
    taken = receiver.take(request)
    first = receiver.answer(request)
    before = numbers(ledger, *_TOLD_AGAIN)
    again = receiver.answer(request)
    assert first == again
    assert numbers(ledger, *_TOLD_AGAIN) == before
    for delivery in ledger.deliveries():
        orjson.dumps([str(field) for field in delivery])
    if isinstance(taken, Refused):
        assert taken.answer == first
        return f"{first.status} {orjson.loads(first.content)['reason']}"
    assert first.status == 200
    entry = taken.posting.entry
    families = sorted({one.family for one in entry.increments})
    doing = ("closes" if entry.report.ends else "opens") if entry.report else ""
    return " ".join(filter(None, (entry.event, doing, *families)))


_TOLD_AGAIN = (
    "tencent_css_callback_duplicates_total",
    "tencent_css_callback_rejections_total",
)


def try_groups(kind: str, batches: Sequence[Sequence[Sent]]) -> int:
    """Commit groups to a durable ledger, one by one to the oracle, and compare all.

    Returns how many were recorded.  Raises ``AssertionError`` where they differ.
    """
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        ledger = stack.enter_context(opening(kind, Path(directory)))(max_sources=MAX_SOURCES)
        oracle = stack.enter_context(opening("memory", Path(directory)))(max_sources=MAX_SOURCES)
        receiver = receiver_of(oracle)
        recorded = 0
        for batch in batches:
            taken = [receiver.take(Request(one.body(), None)) for one in batch]
            postings = [one.posting for one in taken if isinstance(one, Verified)]
            results = _committed(ledger, postings)
            assert results == [oracle.record(*posting) for posting in postings]
            recorded += len(postings)
        assert numbers(ledger) == numbers(oracle, "tencent_css_callback_rejections_total")
        assert min(numbers(ledger).values(), default=0) >= 0
        assert ledger.snapshot().oldest_open_push == oracle.snapshot().oldest_open_push
        outcomes = {result.outcome for result in _committed(ledger, postings)}
        assert Outcome.ACCEPTED not in outcomes
        return recorded


def _committed(ledger: Ledger, postings: Sequence[Posting]) -> list[Receipt]:
    settled: SimpleQueue[Results] = SimpleQueue()
    ledger.submit(postings, settled.put)
    found = []
    for result in settled.get(timeout=20):
        assert isinstance(result, Receipt), result
        found.append(result)
    return found
