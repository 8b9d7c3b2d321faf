"""Which pushes of the platform's event list the ledger has, and what it lacks of the others.

Pure.  The list names streams and whole seconds, no sequences: so a push is recognised by its
stream and its times.  What is not clear is left out: better not counted than counted twice.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from exporter.ledger.history import By, KnownPush
from exporter.tencent.reading import Listed

if TYPE_CHECKING:
    from exporter.protocol.vocabulary import Stream

T = TypeVar("T", bound=Hashable)

TOLERANCE_SECONDS: Final = 3
"""By how much the list and the callbacks may differ about the same moment."""

NEAR_SECONDS: Final = 60
"""A push that begins or ends so near to another may be the same one with other times."""

LASTING_SECONDS: Final = 60
"""A push that lasted so long is surely listed."""

RETRY_SECONDS: Final = 1200
"""How long after its end a push may still be called back: 12 retries, a minute and a time-out
apart, and some minutes for clocks that differ."""


class Doubt(StrEnum):
    """Why a push of the list is left out."""

    RECENT = "recent"
    FORGOTTEN = "forgotten"
    AMBIGUOUS = "ambiguous"
    NEAR = "near"
    STRANGE = "strange"


DOUBTS: Final = {
    Doubt.RECENT: f"ended less than {RETRY_SECONDS // 60} minutes ago: callbacks may still come",
    Doubt.FORGOTTEN: "began before the time from which the ledger has kept all pushes",
    Doubt.AMBIGUOUS: "several pushes of the stream may be it",
    Doubt.NEAR: "the ledger has a push of nearly, but not surely, the same times",
    Doubt.STRANGE: "names or times are impossible, or the ledger's push has no identity",
}
"""Each doubt in words, for the operator."""


@dataclass(frozen=True, slots=True)
class Match:
    """A push of the list: what the ledger lacks of it, or the doubt for which it is left out.

    ``known`` is the ledger's row of it, if there is one.
    """

    listed: Listed
    known: KnownPush | None = None
    lacks_push: bool = False
    lacks_interruption: bool = False
    doubt: Doubt | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether the ledger has all of it."""
        return self.doubt is None and not (self.lacks_push or self.lacks_interruption)


def matches(
    listed: Iterable[Listed],
    known: Iterable[KnownPush],
    complete_since_ms: int,
    now: float,
) -> list[Match]:
    """Return a match for each push of the list, in its order; ``now`` is in Unix seconds."""
    theirs: dict[Stream, list[Listed]] = defaultdict(list)
    for one in listed:
        theirs[one.stream].append(one)
    ours: dict[Stream, list[KnownPush]] = defaultdict(list)
    for push in known:
        ours[push.stream].append(push)
    found = []
    for stream, own in theirs.items():
        for match in _of_stream(own, ours[stream]):
            doubt = _of_time(match, complete_since_ms, now)
            found.append(Match(match.listed, match.known, doubt=doubt) if doubt else match)
    return found


def agreement(
    listed: Iterable[Listed], known: Iterable[KnownPush], start: int, end: int
) -> tuple[int, int]:
    """Return how many of the ledger's pushes the list has, and how many it lacks.

    Only pushes count that were called back in full, began and ended between two Unix seconds, and
    lasted a while.
    """
    theirs: dict[Stream, list[Listed]] = defaultdict(list)
    for one in listed:
        theirs[one.stream].append(one)
    begins = {
        stream: _Times((one.began_at * 1000, one) for one in own) for stream, own in theirs.items()
    }
    numbers = [0, 0]
    for push in known:
        if push.ended_at_ms is None or not (_has_begin(push) and _has_end(push)):
            continue
        lasted_ms = push.ended_at_ms - push.began_at_ms
        is_within = start * 1000 <= push.began_at_ms and push.ended_at_ms <= end * 1000
        if is_within and lasted_ms >= LASTING_SECONDS * 1000:
            around = begins[push.stream].around(push.began_at_ms // 1000, TOLERANCE_SECONDS + 1)
            numbers[not any(_fits(push, one) for one in around)] += 1
    return numbers[0], numbers[1]


def _of_time(match: Match, complete_since_ms: int, now: float) -> Doubt | None:
    listed = match.listed
    if match.is_whole:
        return None
    if listed.ended_at < listed.began_at or listed.ended_at > now + RETRY_SECONDS:
        return Doubt.STRANGE
    # A push whose beginning is kept has all of its row; of another one that may be gone.
    if match.lacks_push and (listed.began_at - TOLERANCE_SECONDS) * 1000 <= complete_since_ms:
        return Doubt.FORGOTTEN
    if listed.ended_at > now - RETRY_SECONDS:
        return Doubt.RECENT
    return None


def _of_stream(listed: Sequence[Listed], known: Sequence[KnownPush]) -> list[Match]:
    begins = _Times((push.began_at_ms, push) for push in known)
    ends = _Times((push.ended_at_ms, push) for push in known if push.ended_at_ms is not None)
    listed_begins = _Times((one.began_at * 1000, one) for one in listed)
    near = [
        begins.around(one.began_at, NEAR_SECONDS) | ends.around(one.ended_at, NEAR_SECONDS)
        for one in listed
    ]
    candidates = [
        [push for push in some if _fits(push, one)] for one, some in zip(listed, near, strict=True)
    ]
    claims = Counter(push for some in candidates for push in some)
    found = []
    for one, some, others in zip(listed, candidates, near, strict=True):
        alike = [
            other
            for other in listed_begins.around(one.began_at, TOLERANCE_SECONDS)
            if abs(one.ended_at - other.ended_at) <= TOLERANCE_SECONDS
        ]
        if len(some) > 1 or any(claims[push] > 1 for push in some):
            found.append(Match(one, doubt=Doubt.AMBIGUOUS))
        elif some:
            found.append(_of_known(one, some[0]))
        elif len(alike) > 1:
            found.append(Match(one, doubt=Doubt.AMBIGUOUS))
        elif any(not claims[push] for push in others):
            found.append(Match(one, doubt=Doubt.NEAR))
        else:
            found.append(Match(one, lacks_push=True, lacks_interruption=True))
    return found


class _Times(Generic[T]):
    """Pushes sorted by one of their times, to find those around a moment quickly."""

    def __init__(self, pushes: Iterable[tuple[int, T]]) -> None:
        """Each push stands behind its time, in Unix milliseconds."""
        self._pushes = sorted(pushes, key=itemgetter(0))

    def around(self, at: int, seconds: int) -> set[T]:
        """Return those at most so many seconds from a Unix time."""
        first = bisect_left(self._pushes, (at - seconds) * 1000, key=itemgetter(0))
        last = bisect_right(self._pushes, (at + seconds) * 1000, key=itemgetter(0))
        return {push for _, push in self._pushes[first:last]}


def _of_known(listed: Listed, push: KnownPush) -> Match:
    lacks_push, lacks_interruption = not _has_begin(push), not _has_end(push)
    if push.begun_by is By.RECONCILED:
        # Nobody sent anything of it: it has no identity that a callback would have.
        return Match(listed, None, lacks_push, lacks_interruption)
    if push.interruption is None and (lacks_push or lacks_interruption):
        return Match(listed, push, doubt=Doubt.STRANGE)
    return Match(listed, push, lacks_push, lacks_interruption)


def _has_begin(push: KnownPush) -> bool:
    return push.begun_by is By.PUSH


def _has_end(push: KnownPush) -> bool:
    return push.ended_by is By.INTERRUPTION


def _fits(push: KnownPush, listed: Listed) -> bool:
    """Return whether a push may be the listed one: every time that is known for sure agrees."""
    said = []
    if push.begun_by is not None:
        said.append(_agree(push.began_at_ms, listed.began_at, TOLERANCE_SECONDS))
    if push.ended_at_ms is not None and _has_end(push):
        said.append(_agree(push.ended_at_ms, listed.ended_at, TOLERANCE_SECONDS))
    return bool(said) and all(said)


def _agree(ours_ms: int, theirs: int, seconds: int) -> bool:
    return abs(ours_ms - theirs * 1000) <= seconds * 1000
