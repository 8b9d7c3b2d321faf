"""A backfill in words, for people, and as a document, for programs.

Pure.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from exporter.tencent.backfill import Item, Plan, Recorded
from exporter.tencent.matching import REASONS
from exporter.tencent.times import utc
from exporter.tencent.words import listed, plain

MOST_LINES: Final = 100
"""Pushes that people are shown one by one."""


def document(plan: Plan, recorded: Recorded | None) -> dict[str, Any]:
    """Return all of it."""
    return {
        "counts": _counts(plan.items),
        "pushes": [_row(item) for item in plan.items if not _is_dull(item)],
        "without_packets": plan.without_packets,
        "recorded": recorded._asdict() if recorded else None,
    }


def lines(plan: Plan) -> Iterator[str]:
    """Yield a line for each push that is to be recorded or left out, then the counts."""
    rows = [_row(item) for item in plan.items if not _is_dull(item)]
    for row in rows[:MOST_LINES]:
        what = f"left out: {row['left_out']}" if row["left_out"] else _what(row)
        yield f"{row['began_at']}  {row['ended_at']}  {_stream(row)}  {what}"
    if len(rows) > MOST_LINES:
        yield f"... and {len(rows) - MOST_LINES} more; --json has all"
    if plan.without_packets:
        yield f"The list of callbacks could not be asked: {plan.without_packets}"
    counts = _counts(plan.items)
    yield (
        f"The platform's list has {len(plan.items)} pushes that ended then. The ledger has all of"
        f" {counts['known']}. Missing are {counts['pushes']} pushes and {counts['interruptions']}"
        f" interruptions, {counts['packets']} of these as packets."
    )
    for doubt, number in counts["left_out"].items():
        yield f"Left out: {number}, {REASONS[doubt]}."


def done(recorded: Recorded) -> str:
    """Return what came of it."""
    again = f", {recorded.known} were there already" if recorded.known else ""
    if recorded.failure:
        return (
            f"{recorded.new} entries were recorded{again}; then the ledger failed:"
            f" {recorded.failure}. Run it again."
        )
    return f"{recorded.new} entries were recorded{again}."


def _counts(items: Sequence[Item]) -> dict[str, Any]:
    kinds = Counter(entry.event for item in items for entry in item.entries)
    doubts = Counter(item.finding.doubt for item in items if item.finding.doubt)
    return {
        "listed": len(items),
        "known": sum(_is_dull(item) for item in items),
        "pushes": kinds["push"],
        "interruptions": kinds["interruption"],
        "packets": sum(len(item.packets) for item in items),
        "left_out": dict(doubts.most_common()),
    }


def _is_dull(item: Item) -> bool:
    return item.finding.is_whole and not item.entries


def _row(item: Item) -> dict[str, Any]:
    finding = item.finding
    domain, app_name, stream_id = map(plain, finding.listed.stream)
    return {
        "push_domain": domain,
        "app_name": app_name,
        "stream_id": stream_id,
        "began_at": utc(finding.listed.began_at),
        "ended_at": utc(finding.listed.ended_at),
        "record": [entry.event for entry in item.entries],
        "as_packets": list(item.packets),
        "left_out": finding.doubt,
    }


def _stream(row: dict[str, Any]) -> str:
    return f"{row['push_domain']}/{row['app_name']}/{row['stream_id']}"


def _what(row: dict[str, Any]) -> str:
    packets = f" (packets: {listed(row['as_packets'])})" if row["as_packets"] else ""
    return f"record {listed(row['record'])}{packets}"
