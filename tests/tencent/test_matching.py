"""Which pushes of the event list the ledger has, and which are left out in doubt."""

import pytest

from exporter.ledger.history import By, KnownPush
from exporter.tencent.matching import (
    DOUBTS,
    NEAR_SECONDS,
    RETRY_SECONDS,
    TOLERANCE_SECONDS,
    Doubt,
    Match,
    agreement,
    matches,
)
from exporter.tencent.reading import Listed

STREAM = ("push.example.com", "live", "camera-1")
OTHER = ("push.example.com", "live", "camera-2")
BEGAN, ENDED = 1790000000, 1790003600
NOW = ENDED + 3 * RETRY_SECONDS
LISTED = Listed(STREAM, BEGAN, ENDED, "203.0.113.7")


def row(
    began_at: float | None = BEGAN,
    ended_at: float | None = ENDED,
    name: str = "a",
    ended_by: By | None = None,
    begun_by: By | None = By.PUSH,
) -> KnownPush:
    """Return a push of which a push event came unless it is None, and an interruption too."""
    ended_at_ms = None if ended_at is None else round(ended_at * 1000)
    return KnownPush(
        identity=name.encode(),
        stream=STREAM,
        origin="mainland",
        began_at_ms=round((began_at or (ended_at or 0) - 7) * 1000),
        begun_by=begun_by if began_at else None,
        interruption=b"i" if begun_by is By.PUSH else None,
        ended_at_ms=ended_at_ms,
        ended_by=ended_by or (By.INTERRUPTION if ended_at else None),
    )


def find(
    *rows: KnownPush, listed: tuple[Listed, ...] = (LISTED,), since: float = 0
) -> list[Match]:
    return matches(listed, rows, round(since * 1000), NOW)


@pytest.mark.parametrize(
    ("known", "lacks"),
    [
        ([row()], (False, False)),
        ([row(BEGAN + 2.9, ENDED - 2.9)], (False, False)),
        ([row(ended_at=None)], (False, True)),
        ([row(ended_at=ENDED + 400, ended_by=By.IDLE)], (False, True)),
        ([row(ended_at=ENDED + 90, ended_by=By.RECONCILED)], (False, True)),
        ([row(began_at=None)], (True, False)),
        ([], (True, True)),
        ([row(begun_by=By.RECONCILED, ended_at=None)], (True, True)),
        ([row(BEGAN - 3600, BEGAN - 1200), row(name="b")], (False, False)),
        ([row(BEGAN - 3600, BEGAN - 1200)], (True, True)),
    ],
    ids=[
        "whole",
        "with other times",
        "open",
        "closed as idle",
        "closed as reconciled",
        "only its interruption came",
        "nothing came",
        "opened as reconciled",
        "beside another",
        "another",
    ],
)
def test_what_the_ledger_lacks(known: list[KnownPush], lacks: tuple[bool, bool]) -> None:
    """Every time that is known for sure agrees."""
    (found,) = find(*known)
    assert (found.lacks_push, found.lacks_interruption, found.doubt) == (*lacks, None)
    assert found.is_whole == (not any(lacks))


FAR = TOLERANCE_SECONDS + 1


@pytest.mark.parametrize(
    ("known", "listed", "doubt"),
    [
        ([row(), row(name="b")], [LISTED], Doubt.AMBIGUOUS),
        ([row(ended_at=None), row(BEGAN + 1, None, "b")], [LISTED], Doubt.AMBIGUOUS),
        ([row()], [LISTED, LISTED._replace(client_ip="-")], Doubt.AMBIGUOUS),
        ([], [LISTED, LISTED._replace(began_at=BEGAN + 1)], Doubt.AMBIGUOUS),
        ([row(BEGAN + FAR)], [LISTED], Doubt.NEAR),
        ([row(ended_at=ENDED - FAR)], [LISTED], Doubt.NEAR),
        ([row(BEGAN - NEAR_SECONDS, None)], [LISTED], Doubt.NEAR),
        ([row(None, ENDED + NEAR_SECONDS)], [LISTED], Doubt.NEAR),
        ([], [LISTED._replace(ended_at=BEGAN - 1)], Doubt.STRANGE),
        ([], [LISTED._replace(ended_at=NOW - RETRY_SECONDS + 1)], Doubt.RECENT),
        ([row(ended_at=None)], [LISTED._replace(ended_at=NOW)], Doubt.RECENT),
    ],
)
def test_what_is_not_sure_is_left_out(
    known: list[KnownPush], listed: list[Listed], doubt: Doubt
) -> None:
    """None of it is to be recorded."""
    for found in find(*known, listed=tuple(listed)):
        assert (found.doubt, found.lacks_push, found.lacks_interruption) == (doubt, False, False)
    assert doubt in DOUBTS


def test_what_is_older_than_the_ledger_s_memory_is_left_out() -> None:
    """It may have been counted and forgotten, however late it ended; what is kept is certain."""
    for known in ([], [row(began_at=None)], [row(begun_by=By.RECONCILED, ended_at=None)]):
        for since in (BEGAN - TOLERANCE_SECONDS, BEGAN + 1, ENDED + 1):
            (found,) = find(*known, since=since)
            assert found.doubt is Doubt.FORGOTTEN
        (found,) = find(*known, since=BEGAN - TOLERANCE_SECONDS - 0.001)
        assert found.doubt is None
    (found,) = find(row(), since=ENDED + 1)
    assert found.is_whole
    (found,) = find(row(ended_at=None), since=ENDED + 1)
    assert (found.lacks_push, found.lacks_interruption) == (False, True)


def test_a_push_without_identities_cannot_be_completed() -> None:
    """A ledger of an earlier version did not keep them."""
    old = row(ended_at=None)._replace(interruption=None)
    (found,) = find(old)
    assert found.doubt is Doubt.STRANGE


def test_pushes_of_other_streams_are_no_matter() -> None:
    """Each stream by itself, also where a host comes back every moment."""
    back = Listed(STREAM, ENDED + 5, ENDED + 20, "203.0.113.7")
    found = find(row(), listed=(LISTED._replace(stream=OTHER), LISTED, back))
    wanted = {OTHER: [True], STREAM: [False, True]}
    for stream, lacks in wanted.items():
        assert [one.lacks_push for one in found if one.listed.stream == stream] == lacks


@pytest.mark.parametrize(
    ("known", "numbers"),
    [
        ([row()], (1, 0)),
        ([row(BEGAN + 2.9, ENDED - 2.9)], (1, 0)),
        ([row(BEGAN + FAR)], (0, 1)),
        ([row(ended_at=ENDED - FAR)], (0, 1)),
        ([row(), row(BEGAN + 600, ENDED - 600, "b")], (1, 1)),
        ([row(ended_at=None)], (0, 0)),
        ([row(began_at=None)], (0, 0)),
        ([row(BEGAN - FAR)], (0, 0)),
        ([row(ended_at=ENDED + FAR)], (0, 0)),
        ([row(BEGAN + 600, BEGAN + 659)], (0, 0)),
        ([row(BEGAN + 600, BEGAN + 660)], (0, 1)),
    ],
)
def test_how_much_of_what_was_called_back_is_listed(
    known: list[KnownPush], numbers: tuple[int, int]
) -> None:
    """Only of pushes of which all is known, and which the list must have."""
    assert agreement([LISTED], known, BEGAN, ENDED) == numbers
