"""What is asked of the pushes kept: a page of streams, and the pushes of one.  Pure.

A stream is shown as one push of it: its newest open one, or else its newest, by beginning and
identity.  It is ``active`` while it has an open push, ``dropped`` as in ``dropped``, else
``ended``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple, Self, get_args

import orjson

from exporter.protocol.errcodes import INTENDED, Cause, errcode_of
from exporter.protocol.vocabulary import Stream

State = Literal["active", "dropped", "ended"]
STATES: Final[tuple[State, ...]] = get_args(State)

PAGE: Final = 200
"""How many streams a page has."""

_PLACE: Final = re.compile(r"(-?[0-9]{1,16})-((?:[0-9a-f]{2}){1,64})")
_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class Place(NamedTuple):
    """A place in the order of streams, newest change first: after it the next page begins."""

    changed_at_ms: int
    identity: bytes

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the place that a text stands for.  Raises ``ValueError`` if it is none."""
        found = _PLACE.fullmatch(text)
        if not found:
            raise ValueError("no such page")
        return cls(int(found[1]), bytes.fromhex(found[2]))

    def __str__(self) -> str:
        return f"{self.changed_at_ms}-{self.identity.hex()}"


class KeptPush(NamedTuple):
    """A push that is kept; as ``PushRow`` and ``Said`` have it, times in Unix milliseconds."""

    identity: bytes
    stream: Stream
    origin: str
    began_at_ms: int
    ended_at_ms: int | None
    errcode: int | None
    """None while its interruption is not known."""
    sequence: str | None = None
    duration_ms: int | None = None
    errmsg: str | None = None
    node: str | None = None
    width: int | None = None
    height: int | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the push has not ended."""
        return self.ended_at_ms is None

    @property
    def cause(self) -> Cause | None:
        """Return why it ended, None where its interruption is not known."""
        return None if self.errcode is None else errcode_of(self.errcode).cause

    @property
    def description(self) -> str | None:
        """Return what its errcode means, None where its interruption is not known."""
        return None if self.errcode is None else errcode_of(self.errcode).description

    @property
    def lasted_ms(self) -> int | None:
        """Return how long it lasted, as its interruption says if it does; None if it is open."""
        if self.ended_at_ms is None:
            return None
        return (
            max(0, self.ended_at_ms - self.began_at_ms)
            if self.duration_ms is None
            else (self.duration_ms)
        )

    @property
    def place(self) -> Place:
        """Return where its stream stands in the order of streams."""
        changed_at_ms = self.began_at_ms if self.ended_at_ms is None else self.ended_at_ms
        return Place(changed_at_ms, self.identity)

    def state(self, window_ms: tuple[int, int]) -> State:
        """Return its stream's state, if this is the current push; see ``dropped.window_ms``."""
        if self.ended_at_ms is None:
            return "active"
        unintended = self.cause is not None and self.cause not in INTENDED
        since, until = window_ms
        return "dropped" if unintended and since <= self.ended_at_ms <= until else "ended"


class By(StrEnum):
    """How it is known that a push began or ended."""

    PUSH = "push"
    INTERRUPTION = "interruption"
    IDLE = "idle"
    """Nothing was heard of its stream for too long."""
    RECONCILED = "reconciled"
    """The platform's own list of streams says so."""


class KnownPush(NamedTuple):
    """What is known of a push; as ``PushRow`` and ``Said`` have it, times in Unix milliseconds.

    ``begun_by`` is None while its push event is not known; then ``began_at_ms`` is about right.
    """

    identity: bytes
    stream: Stream
    origin: str
    began_at_ms: int
    begun_by: By | None
    ended_at_ms: int | None
    ended_by: By | None
    interruption: bytes | None
    """The identity of its interruption, perhaps known before that comes; None if not known."""

    @classmethod
    def of_row(cls, identity: bytes, stream: str, *rest: Any) -> Self:
        """Return the push of a stored row, whose stream is JSON."""
        push = cls(bytes(identity), tuple(orjson.loads(stream)), *rest)
        return push._replace(
            begun_by=By(push.begun_by) if push.begun_by else None,
            ended_by=By(push.ended_by) if push.ended_by else None,
        )


class KnownPushes(NamedTuple):
    """The pushes that are kept of some streams.

    All that began after ``complete_since_ms`` (Unix milliseconds) are among them: no push that
    ended later was forgotten.  One that began before may be missing although it was counted.
    """

    pushes: Sequence[KnownPush]
    complete_since_ms: int


class StreamQuery(NamedTuple):
    """Which streams to return; "" is any.

    ``q`` is a part of the app name or of the stream id, upper and lower case of ASCII alike.
    """

    state: str = ""
    push_domain: str = ""
    origin: str = ""
    cause: str = ""
    q: str = ""
    before: Place | None = None
    limit: int = PAGE


class StreamRow(NamedTuple):
    """A stream: the push that it is shown as, and its state."""

    push: KeptPush
    state: State


class StreamPage(NamedTuple):
    """Streams, newest change first; ``counts`` by state are of the whole ledger.

    ``next`` is where the next page begins, None on the last.
    """

    counts: Mapping[State, int]
    streams: Sequence[StreamRow]
    next: Place | None


class StreamHistory(NamedTuple):
    """The pushes of a stream, newest beginning first, and the row that it is shown as, if any."""

    row: StreamRow | None
    pushes: Sequence[KeptPush]


def searched(text: str) -> str:
    """Return a text as a stored stream (JSON) has it, ASCII letters in lower case."""
    return orjson.dumps(text).decode()[1:-1].translate(_LOWER)


def current_push(pushes: Iterable[KeptPush]) -> KeptPush | None:
    """Return the push that a stream is shown as."""
    return max(pushes, key=lambda one: (one.is_open, one.began_at_ms, one.identity), default=None)


def page_of(
    found: Iterable[KeptPush],
    query: StreamQuery,
    counts: Mapping[State, int],
    window_ms: tuple[int, int],
) -> StreamPage:
    """Return a page; ``found`` has at least the first pushes of it and, if there is, one more."""
    ordered = sorted(found, key=lambda one: one.place, reverse=True)
    rows = [StreamRow(one, one.state(window_ms)) for one in ordered[: query.limit]]
    more = len(ordered) > query.limit
    return StreamPage(counts, rows, rows[-1].push.place if more else None)


def history_of(pushes: Iterable[KeptPush], window_ms: tuple[int, int]) -> StreamHistory:
    """Return the history of a stream of its pushes, in any order."""
    newest = sorted(pushes, key=lambda one: (one.began_at_ms, one.identity), reverse=True)
    own = current_push(newest)
    return StreamHistory(own and StreamRow(own, own.state(window_ms)), newest)


def select(
    pushes: Iterable[KeptPush], query: StreamQuery, window_ms: tuple[int, int]
) -> StreamPage:
    """Return a page of all pushes there are: what every store must answer."""
    by_stream: dict[Stream, list[KeptPush]] = {}
    for one in pushes:
        by_stream.setdefault(one.stream, []).append(one)
    rows = [push for own in by_stream.values() if (push := current_push(own))]
    counts = Counter(one.state(window_ms) for one in rows)
    found = [
        one
        for one in rows
        if query.state in ("", one.state(window_ms))
        and query.push_domain in ("", one.stream[0])
        and query.origin in ("", one.origin)
        and query.cause in ("", one.cause)
        and any(searched(query.q) in searched(name) for name in one.stream[1:])
        and (query.before is None or one.place < query.before)
    ]
    return page_of(found, query, {state: counts[state] for state in STATES}, window_ms)
