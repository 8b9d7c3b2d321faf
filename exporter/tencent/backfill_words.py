"""A backfill in words, for people, and as a document, for programs.

Pure.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from exporter.tencent.backfill import BackfillPlan, Item, Recorded, Span
from exporter.tencent.matching import DOUBTS, Doubt
from exporter.tencent.reading import Pair
from exporter.tencent.times import utc
from exporter.tencent.words import joined, plain

MOST_LINES: Final = 100
"""Pushes that people are shown one by one."""

PAIRS_SHOWN: Final = 10
"""How many pairs of push domain and app name are listed at most."""

WIDEST: Final = 60
"""Characters of the column of streams, if none is longer."""


def document(
    plan: BackfillPlan, recorded: Recorded | None, pairs: Sequence[Pair], span: Span
) -> dict[str, Any]:
    """Return all of it."""
    asked = [{"push_domain": plain(pair[0]), "app_name": plain(pair[1])} for pair in pairs]
    return {
        "from": utc(span.start),
        "to": utc(span.end),
        "asked": asked,
        "counts": _counts(plan.items),
        "pushes": [_row(item) for item in plan.items if not _is_dull(item)],
        "without_packets": plan.without_packets,
        "recorded": recorded._asdict() if recorded else None,
    }


def lines(plan: BackfillPlan, pairs: Sequence[Pair], span: Span) -> Iterator[str]:
    """Yield a line for each push that is to be recorded or left out, then the counts."""
    yield from _table([_row(item) for item in plan.items if not _is_dull(item)])
    if plan.without_packets:
        yield f"The list of callbacks could not be asked: {plan.without_packets}"
    counts = _counts(plan.items)
    where = joined([plain("/".join(pair)) for pair in pairs[:PAIRS_SHOWN]])
    where += ", ..." if len(pairs) > PAIRS_SHOWN else ""
    yield (
        f"From {utc(span.start)} to {utc(span.end)} {counts['listed']} pushes ended, as the"
        f" platform lists those of {where}. The ledger has all of {counts['known']}. Missing are"
        f" {counts['pushes']} pushes and {counts['interruptions']} interruptions,"
        f" {counts['packets']} of these as packets."
    )
    for doubt, number in counts["left_out"].items():
        yield f"Left out as {doubt}: {number}, {DOUBTS[Doubt(doubt)]}."


def _table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    shown = rows[:MOST_LINES]
    if not shown:
        return
    width = min(WIDEST, max(len(_stream(row)) for row in shown))
    yield f"{'began':20}  {'ended':20}  {'stream':{width}}  missing"
    for row in shown:
        what = f"left out: {row['left_out']}" if row["left_out"] else _what(row)
        yield f"{row['began_at']}  {row['ended_at']}  {_stream(row):{width}}  {what}"
    if len(rows) > MOST_LINES:
        yield f"... and {len(rows) - MOST_LINES} more; --json has all"


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
    doubts = Counter(item.match.doubt.value for item in items if item.match.doubt)
    return {
        "listed": len(items),
        "known": sum(_is_dull(item) for item in items),
        "pushes": kinds["push"],
        "interruptions": kinds["interruption"],
        "packets": sum(len(item.packets) for item in items),
        "left_out": dict(doubts.most_common()),
    }


def _is_dull(item: Item) -> bool:
    return item.match.is_whole and not item.entries


def _row(item: Item) -> dict[str, Any]:
    match = item.match
    domain, app_name, stream_id = map(plain, match.listed.stream)
    return {
        "push_domain": domain,
        "app_name": app_name,
        "stream_id": stream_id,
        "began_at": utc(match.listed.began_at),
        "ended_at": utc(match.listed.ended_at),
        "record": [entry.event for entry in item.entries],
        "as_packets": list(item.packets),
        "left_out": match.doubt,
    }


def _stream(row: dict[str, Any]) -> str:
    return f"{row['push_domain']}/{row['app_name']}/{row['stream_id']}"


def _what(row: dict[str, Any]) -> str:
    packets = f" (packets: {joined(row['as_packets'])})" if row["as_packets"] else ""
    return f"{joined(row['record'])}{packets}"
