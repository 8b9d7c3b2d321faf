"""Groups of postings handed over without waiting: each settled once, after its commit."""

import fcntl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import IO, NamedTuple

import pytest
from support.ledgers import Open, entry, opening, value
from support.packets import SOURCE
from support.programs import until

from exporter.ledger import (
    DELIVERIES_KEPT,
    Delivery,
    Ledger,
    LedgerUnavailable,
    Outcome,
    Posting,
    Receipt,
    Results,
)
from exporter.ledger.commits import LARGEST_COMMIT
from exporter.metrics import catalogue as c
from exporter.metrics.entries import Entry

NOW = 1790000200.0


class Group:
    """What became of a group that was handed over."""

    def __init__(self, ledger: Ledger, *entries: Entry) -> None:
        self._answers: SimpleQueue[Results] = SimpleQueue()
        ledger.submit([Posting(one, NOW) for one in entries], self._answers.put)

    @property
    def is_settled(self) -> bool:
        """Return whether it was settled."""
        return not self._answers.empty()

    def results(self) -> list[Outcome | str]:
        """Return the outcomes, or the words of failures, of a group that is settled once."""
        found = self._answers.get(timeout=60)
        assert self._answers.empty()
        return [one.outcome if isinstance(one, Receipt) else str(one) for one in found]


def recordings(first: int, count: int) -> list[Entry]:
    """Return different entries."""
    return [entry("recording", record_file_id=str(first + number)) for number in range(count)]


def test_a_group_has_a_result_for_each_posting_in_order(open_ledger: Open) -> None:
    """What each posting became depends on those before it in the same group too."""
    push, interruption = entry("push"), entry("interruption")
    group = Group(open_ledger(), interruption, push, push, *recordings(0, 1))
    assert group.results() == [
        Outcome.ACCEPTED,
        Outcome.LATE,
        Outcome.DUPLICATE,
        Outcome.ACCEPTED,
    ]


def test_a_group_is_settled_after_its_commit(open_ledger: Open) -> None:
    """Whoever is called can read what was counted."""
    ledger = open_ledger()
    counted: SimpleQueue[int] = SimpleQueue()
    ledger.submit(
        [Posting(one, NOW) for one in recordings(0, 7)],
        lambda _: counted.put(value(ledger, c.RECORDINGS, *SOURCE, "hls")),
    )
    assert counted.get(timeout=60) == 7


@pytest.mark.parametrize("count", [0, LARGEST_COMMIT, 2 * LARGEST_COMMIT + 10])
def test_a_group_of_any_size_is_settled_once(open_ledger: Open, count: int) -> None:
    """One that needs several commits is settled when all of it is committed."""
    ledger = open_ledger()
    assert Group(ledger, *recordings(0, count)).results() == [Outcome.ACCEPTED] * count
    assert value(ledger, c.RECORDINGS, *SOURCE, "hls") == count


def test_groups_from_many_threads_are_each_settled_once(open_ledger: Open) -> None:
    """However they share commits, one of each identity is accepted."""
    ledger = open_ledger()
    groups: SimpleQueue[Group] = SimpleQueue()

    def hand_over() -> None:
        for first in range(0, 60, 4):
            groups.put(Group(ledger, *recordings(first, 1 + first % 7)))

    threads = [threading.Thread(target=hand_over) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Counter(outcome for _ in range(8 * 15) for outcome in groups.get().results())
    distinct = {first + number for first in range(0, 60, 4) for number in range(1 + first % 7)}
    assert found[Outcome.ACCEPTED] == len(distinct)
    assert found[Outcome.DUPLICATE] == 8 * sum(1 + first % 7 for first in range(0, 60, 4)) - len(
        distinct
    )
    assert value(ledger, c.RECORDINGS, *SOURCE, "hls") == len(distinct)


def test_an_error_of_whoever_waits_stops_nobody_else(open_durable: Open) -> None:
    """Commits go on after a ``settled`` that raises, as one does whose loop is gone."""
    ledger = open_durable()

    def fail(_: Results) -> None:
        raise RuntimeError

    ledger.submit([Posting(entry("push"), NOW)], fail)
    assert Group(ledger, entry("push")).results() == [Outcome.DUPLICATE]


def test_a_closed_ledger_settles_at_once(open_durable: Open) -> None:
    """After the end nobody is left waiting."""
    ledger = open_durable()
    ledger.close()
    group = Group(ledger, *recordings(0, 2))
    assert group.is_settled
    assert group.results() == ["shutting down"] * 2


def test_a_tally_waits_until_it_is_committed(open_ledger: Open) -> None:
    """What is not committed yet can be seen in the process that tallied it."""
    ledger = open_ledger()
    forged = c.REJECTIONS.add("bad_signature")
    for _ in range(3):
        ledger.tally([forged])
    waiting = sum(one.amount for one in ledger.waiting_tallies() if one.family == forged.family)
    assert waiting in (0, 3)  # 0: it is committed by now
    until(lambda: value(ledger, c.REJECTIONS, "bad_signature") == 3, "the tally arrives")
    until(
        lambda: all(one.family != forged.family for one in ledger.waiting_tallies()),
        "nothing waits",
    )


class Slow(NamedTuple):
    """A delivery that is made when it is wanted; ``made`` counts how often."""

    number: int
    made: list[int]
    outcome: str = "accepted"
    event: str | None = "push"

    def delivery(self) -> Delivery:
        """Make it."""
        self.made.append(self.number)
        return Delivery(NOW + self.number, self.outcome, event=self.event)


def test_only_the_newest_deliveries_are_made(open_ledger: Open) -> None:
    """Of thousands that come between two commits those are made that will be kept."""
    ledger = open_ledger()
    count, made = 20 * DELIVERIES_KEPT, list[int]()
    for number in range(count):
        ledger.note(Slow(number, made))
    shown = ledger.deliveries()
    assert [one.received_at - NOW for one in shown] == list(
        range(count - 1, count - 1 - DELIVERIES_KEPT, -1)
    )
    assert len(set(made)) < count


# --- A commit that hangs


class Hanging:
    """An embedded ledger, and the lock between its processes, which can be held."""

    def __init__(self, ledger: Ledger, path: Path) -> None:
        self.ledger = ledger
        self._path = path
        self._holding: IO[str] | None = None

    def hang(self) -> None:
        """Let no commit end."""
        self._holding = self._path.open()
        fcntl.flock(self._holding, fcntl.LOCK_EX)

    def go_on(self) -> None:
        """Let commits end again."""
        if self._holding is not None:
            self._holding.close()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Hanging]:
    """Return a ledger whose commits can be made to hang."""
    with opening("sqlite", tmp_path) as open_it:
        ledger = open_it()
        found = Hanging(ledger, tmp_path / "ledger.sqlite.lock")
        yield found
        found.go_on()


def test_a_commit_that_hangs_is_a_failure(hanging: Hanging) -> None:
    """While it still hangs: all who wait are settled, and the ledger says what is wrong."""
    ledger = hanging.ledger
    hanging.hang()
    began = time.monotonic()
    begun = Group(ledger, *recordings(0, 3))
    time.sleep(1)  # its commit runs; the others wait for the next one
    ledger.tally([c.REJECTIONS.add("expired")])
    waits = [Group(ledger, *recordings(100 + number, 1)) for number in range(5)]
    for group in (begun, *waits):
        assert set(group.results()) == {"no commit within 8 s"}
    assert time.monotonic() - began >= 8
    assert ledger.failure == "a commit has been running for 8 s"
    assert c.REJECTIONS.add("expired") in ledger.waiting_tallies()
    with pytest.raises(LedgerUnavailable, match="running"):
        ledger.check()
    late = Group(ledger, *recordings(200, 1))
    assert late.is_settled
    assert late.results() == ["a commit has been running for 8 s"]

    hanging.go_on()
    until(lambda: ledger.failure is None, "the ledger is available again")
    ledger.check()
    # Those whose commit had begun are counted, those who only waited are not.
    assert value(ledger, c.RECORDINGS, *SOURCE, "hls") == 3
    again = Group(ledger, *recordings(0, 3), *recordings(100, 5))
    assert again.results() == [Outcome.DUPLICATE] * 3 + [Outcome.ACCEPTED] * 5
    until(lambda: value(ledger, c.REJECTIONS, "expired") == 1, "the tally arrives, once")


def test_what_waits_is_settled_when_a_hanging_ledger_is_closed(hanging: Hanging) -> None:
    """A shutdown waits no longer for a commit that hangs than anybody else."""
    hanging.hang()
    begun = Group(hanging.ledger, *recordings(0, 1))
    time.sleep(1)
    waits = Group(hanging.ledger, *recordings(1, 1))
    hanging.ledger.close()
    for group in (begun, waits):
        assert group.is_settled
        assert len(group.results()) == 1
