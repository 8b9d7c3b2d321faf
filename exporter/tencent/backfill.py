"""Find and record what was not called back in a span of time.

First the event list says which pushes there were.  Then the list of callbacks, where it is
available, gives the packets of those that the ledger lacks.  The rest is recorded as the event
list has it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, NamedTuple

from exporter.ledger import Ledger, LedgerUnavailable, Outcome, Posting, Results
from exporter.ledger.history import By, KnownPush, KnownPushes
from exporter.metrics.entries import Entry
from exporter.protocol.api_errors import Again
from exporter.protocol.events import Interruption, Push
from exporter.protocol.refusals import Refusal
from exporter.tencent.backfilled import entries_of, entry_of, event_of
from exporter.tencent.errors import ApiError, TencentError
from exporter.tencent.matching import RETRY_SECONDS, Doubt, Match, agreement, matches
from exporter.tencent.reading import Listed, Pair
from exporter.tencent.streams import StreamClient
from exporter.tencent.times import utc

DAY: Final = 86400
OLDEST_EVENT_DAYS: Final = 60
LONGEST_SPAN: Final = 28 * DAY
"""The longest span of one request to the event list, whose limit is 30 days, or a month."""

BEFORE_SECONDS: Final = DAY
"""The event list is asked for so much more, as it may go by when pushes began."""

LATE_SECONDS: Final = 3600
"""A push may be missing in the list for so long after its end."""

OLDEST_RECORD_DAYS: Final = 14
GROUP: Final = 200
"""Entries that are handed to the ledger together."""

_TYPES: Final = (Push.event_type, Interruption.event_type)


@dataclass(frozen=True, slots=True)
class Span:
    """From one Unix second to another: pushes that ended in it are looked at."""

    start: int
    end: int

    def __contains__(self, listed: Listed) -> bool:
        return self.start <= listed.ended_at <= self.end

    def parts(self, longest: int) -> Iterator["Span"]:
        """Yield it in parts that are no longer than so many seconds."""
        for start in range(self.start, self.end + 1, longest):
            yield Span(start, min(self.end, start + longest - 1))


class Item(NamedTuple):
    """A push of the event list, and what is to be recorded of it.

    ``packets`` are the kinds of event of which the packet itself was found.
    """

    match: Match
    entries: Sequence[Entry]
    packets: tuple[str, ...]


class BackfillPlan(NamedTuple):
    """What is to be recorded, and why packets could not be asked for, if so."""

    items: Sequence[Item]
    without_packets: str | None

    @property
    def entries(self) -> list[Entry]:
        """Return all that is to be recorded, what ended first before the rest."""
        items = sorted(self.items, key=lambda one: one.match.listed.ended_at)
        return [entry for item in items for entry in item.entries]


class Recorded(NamedTuple):
    """How many entries are in the ledger, and why not all, if so."""

    new: int
    known: int
    failure: str | None


class Backfill:
    """Asks the API and the ledger.  ``say`` is called with a sentence for whoever waits."""

    def __init__(self, client: StreamClient, ledger: Ledger, say: Callable[[str], None]) -> None:
        self._client = client
        self._ledger = ledger
        self._say = say

    def plan(
        self, pairs: Iterable[Pair], span: Span, now: float, *, with_packets: bool = True
    ) -> BackfillPlan:
        """Return what the ledger lacks of the pushes that ended in a span.

        Without packets if the API does not give them here, but not if it just fails.  Raises
        ``TencentError``, ``LedgerUnavailable``.
        """
        oldest = int(now) - OLDEST_EVENT_DAYS * DAY + 60
        asked = Span(max(span.start - BEFORE_SECONDS, oldest), min(span.end, int(now)))
        listed = [one for pair in sorted(set(pairs)) for one in self._listed(pair, asked)]
        streams = {one.stream for one in listed}
        # After the list: a callback that comes in between is in the ledger.
        known = self._ledger.known_pushes(streams)
        _check_agreement(listed, known, Span(asked.start, min(asked.end, int(now) - LATE_SECONDS)))
        events: list[Push | Interruption] = []
        failure = None
        if with_packets:
            found = matches(listed, known.pushes, known.complete_since_ms, now)
            open_ones = (one for one in found if not one.is_whole and not one.doubt)
            lacking = [one.listed for one in open_ones if one.listed in span]
            try:
                events = list(self._packets(lacking, now))
            except ApiError as error:
                if error.again is not Again.NEVER:
                    raise
                failure = str(error)
            known = self._ledger.known_pushes(streams)  # that took a while
        items = _items(listed, events, known, now)
        return BackfillPlan([item for item in items if item.match.listed in span], failure)

    def record(self, entries: Sequence[Entry], now: float) -> Recorded:
        """Record entries in groups, until one fails; whoever calls again continues."""
        new = known = 0
        for start in range(0, len(entries), GROUP):
            answer: SimpleQueue[Results] = SimpleQueue()
            group = [Posting(entry, now) for entry in entries[start : start + GROUP]]
            self._ledger.submit(group, answer.put)
            self._say(f"recording: {start + len(group)} of {len(entries)} entries")
            for result in answer.get():
                if isinstance(result, LedgerUnavailable):
                    return Recorded(new, known, str(result))
                if result.outcome is Outcome.DUPLICATE:
                    known += 1
                else:
                    new += 1
        return Recorded(new, known, None)

    def _listed(self, pair: Pair, asked: Span) -> Iterable[Listed]:
        found: dict[Listed, None] = {}
        for part in asked.parts(LONGEST_SPAN):
            self._say(f"pushes of {pair[0]}/{pair[1]} that ended until {utc(part.end)}")
            found |= dict.fromkeys(self._client.ended(pair, part.start, part.end))
        return found

    def _packets(self, lacking: Sequence[Listed], now: float) -> Iterator[Push | Interruption]:
        """Yield the events of packets about the streams of some pushes, each once."""
        spans: dict[str, tuple[int, int]] = {}
        for listed in lacking:
            start, end = spans.get(listed.stream[2], (listed.began_at, listed.ended_at))
            spans[listed.stream[2]] = (
                min(start, listed.began_at),
                max(end, listed.ended_at + RETRY_SECONDS),
            )
        streams = {one.stream for one in lacking}
        seen: set[bytes] = set()
        oldest = int(now) - OLDEST_RECORD_DAYS * DAY + 60
        for number, (stream_id, (start, end)) in enumerate(spans.items(), 1):
            self._say(f"callbacks that were sent: stream {number} of {len(spans)}")
            for part in Span(max(start, oldest), min(end, int(now))).parts(DAY):
                for event in self._events(stream_id, part):
                    if event.stream in streams and event.identity not in seen:
                        seen.add(event.identity)
                        yield event

    def _events(self, stream_id: str, part: Span) -> Iterator[Push | Interruption]:
        for event_type in _TYPES:
            for record in self._client.records(stream_id, event_type, part.start, part.end):
                event = event_of(record.request)
                if event is not None and event.event_type == event_type:
                    yield event


def _check_agreement(listed: Sequence[Listed], known: KnownPushes, span: Span) -> None:
    """Raise ``TencentError`` if the list lacks what was called back: then it proves nothing."""
    has, lacks = agreement(listed, known.pushes, span.start, span.end)
    if lacks > has:
        raise TencentError(
            f"of {has + lacks} pushes from {utc(span.start)} to {utc(span.end)} that were called"
            f" back the platform's list has {has}: it is late, or its times are not what they are"
            " taken for. Nothing was recorded; try again some hours later"
        )


def _has(known: KnownPush | None, event: Push | Interruption) -> bool:
    if known is None:
        return False
    if isinstance(event, Push):
        return known.begun_by is By.PUSH
    return known.ended_by is By.INTERRUPTION


def _items(
    listed: Sequence[Listed], events: Sequence[Push | Interruption], known: KnownPushes, now: float
) -> list[Item]:
    """Return what to record of each listed push.

    A packet that surely belongs to one listed push takes the place of what the list says.
    """
    since_ms = known.complete_since_ms
    doubts = {one.listed: one.doubt for one in matches(listed, known.pushes, since_ms, now)}
    rows = {push.identity: push for push in known.pushes}
    packets: dict[bytes, dict[str, Push | Interruption]] = {}
    for event in events:
        if not _has(rows.get(event.push_identity), event):
            packets.setdefault(event.push_identity, {})[event.name] = event
    for identity, own in packets.items():
        rows[identity] = _with_packets(rows.get(identity), own)
    after = matches(listed, rows.values(), since_ms, now)
    return [_item(match, packets, doubts[match.listed]) for match in after]


def _item(
    match: Match, packets: dict[bytes, dict[str, Push | Interruption]], before: Doubt | None
) -> Item:
    """Return what to record of a push; ``before`` is the doubt that there was without packets."""
    own = packets.get(match.known.identity, {}) if match.known else {}
    if match.doubt or (own and before):
        return Item(match, [], ())
    try:
        entries = [*(entry_of(event) for event in own.values()), *entries_of(match)]
    except Refusal:  # as a callback of these names would be
        return Item(Match(match.listed, match.known, doubt=Doubt.STRANGE), [], ())
    return Item(match, entries, tuple(sorted(own)))


def _with_packets(known: KnownPush | None, own: dict[str, Push | Interruption]) -> KnownPush:
    """Return a row of a push as it would be if its packets had come."""
    some = next(iter(own.values()))
    row = known or KnownPush(
        identity=some.push_identity,
        stream=(some.push_domain, some.app_name, some.stream_id),
        origin=some.origin,
        began_at_ms=_began_at_ms(some),
        begun_by=None,
        ended_at_ms=None,
        ended_by=None,
        interruption=None,
    )
    row = row._replace(interruption=some.interruption_identity)
    for event in own.values():
        if isinstance(event, Push):
            row = row._replace(began_at_ms=event.event_time_ms, begun_by=By.PUSH)
        else:
            row = row._replace(ended_at_ms=event.event_time_ms, ended_by=By.INTERRUPTION)
    return row


def _began_at_ms(event: Push | Interruption) -> int:
    lasted = event.push_duration_ms or 0 if isinstance(event, Interruption) else 0
    return event.event_time_ms - lasted
