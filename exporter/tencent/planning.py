"""What the platform's view of streams proves, and what to do about it.

Pure.  A stream is gone if two complete lists in a row lack it and its state, asked after the
second, is inactive.  A stream that we do not know is there if two complete lists in a row have
it.  Nothing else proves anything.

No clocks are compared: what was open **before** a list was asked for is older than the list,
whatever anybody's clock says.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from exporter.ledger import Online, OpenPush
from exporter.protocol.vocabulary import Stream
from exporter.tencent.reading import Pair

FEW: Final = 5
"""So many pushes may be closed at once, however few there are."""

Open = Mapping[Stream, Sequence[OpenPush]]
Lists = Mapping[Pair, Mapping[Stream, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one round saw.

    ``opened`` are the open pushes of the ledger from before the first list was asked for,
    ``lists`` the complete lists, with the beginnings of pushes in Unix milliseconds.
    """

    opened: Open = field(default_factory=dict)
    lists: Lists = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proven:
    """What to open and to close; so many as ``withheld`` would be too many at once."""

    opened: Sequence[Online] = ()
    closed: Sequence[OpenPush] = ()
    withheld: int = 0


def missing(before: Sight, now: Sight) -> list[Stream]:
    """Return the streams that both rounds lack: those whose state is to be asked."""
    return [
        stream
        for stream, pushes in now.opened.items()
        if all(_lacks(sight, stream) for sight in (before, now))
        and _signs(pushes) <= _signs(before.opened.get(stream, ()))
    ]


def proven(before: Sight, now: Sight, inactive: AbstractSet[Stream]) -> Proven:
    """Return what two rounds prove, of which the streams in ``inactive`` were asked for."""
    closed = [
        push
        for stream in missing(before, now)
        if stream in inactive
        for push in sorted(now.opened[stream])
    ]
    opened = [
        Online(stream, max(began_at_ms))
        for listed in now.lists.values()
        for stream, began_at_ms in listed.items()
        if began_at_ms
        and stream in before.lists.get(stream[:2], ())
        and stream not in before.opened
        and stream not in now.opened
    ]
    if _are_too_many(len(closed), sum(map(len, now.opened.values()))):
        return Proven(opened, withheld=len(closed))
    return Proven(opened, closed)


def _lacks(sight: Sight, stream: Stream) -> bool:
    listed = sight.lists.get(stream[:2])
    return listed is not None and stream not in listed


def _signs(pushes: Sequence[OpenPush]) -> set[tuple[bytes, int]]:
    """Return each push with when it was last heard of: another time is a sign of life."""
    return {(push.identity, push.heard_at_ms) for push in pushes}


def _are_too_many(closing: int, open_pushes: int) -> bool:
    return closing > FEW and closing * 3 > open_pushes
