"""The embedded ledger in trouble: it refuses, waits or recovers, and never forgets."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.hammer import hammered
from support.ledgers import entry, numbers, value
from support.programs import until
from support.settings import LONG

from exporter.ledger import (
    Ledger,
    LedgerUnavailable,
    Outcome,
    UnusableLedger,
    open_ledger,
)
from exporter.ledger.interface import Posting
from exporter.ledger.sqlite.connection import connect
from exporter.ledger.sqlite.files import FileLock
from exporter.ledger.sqlite.forgetting import FORGET_STEP
from exporter.ledger.sqlite.store import SqliteStore
from exporter.metrics import catalogue as c

PUSH = entry("push")


def opened(path: Path) -> Ledger:
    """Open the ledger at a path."""
    return open_ledger(f"sqlite:///{path}", LONG)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a ledger with one open push and many series, closed."""
    path = tmp_path / "ledger.sqlite"
    ledger = opened(path)
    ledger.record(PUSH, 1790000001)
    for number in range(200):
        ledger.record(entry("recording", app=f"d{number}", record_file_id=f"{number}"), 1790000001)
    ledger.close()
    return path


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """Return that ledger, open."""
    ledger = opened(path)
    yield ledger
    ledger.close()


def _query(path: Path, statement: str) -> tuple[int, ...]:
    with closing(sqlite3.connect(path)) as connection:
        found: tuple[int, ...] = connection.execute(statement).fetchone()
        return found


def _newer(path: Path) -> None:
    _query(path, "PRAGMA user_version = 99")


def _garbage_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 100)


def _damaged_cells(path: Path) -> None:
    (root,) = _query(path, "SELECT rootpage FROM sqlite_master WHERE name = 'cell'")
    (size,) = _query(path, "PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cell (family TEXT)")


def _leftovers(path: Path) -> None:
    path.rename(path.with_name("moved"))
    Path(f"{path}-wal").write_bytes(b"committed, not yet in the file")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_newer, "schema version 99.*newer version"),
        (_garbage_header, "damaged"),
        (_damaged_cells, "damaged"),
        (_cut, "damaged"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("a shopping list\n" * 99), "damaged"),
        (_foreign, "not one of this program"),
        (_leftovers, "missing.*-wal"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be opened"),
    ],
)
def test_an_unusable_file_is_refused_and_left_alone(
    path: Path, harm: Callable[[Path], object], says: str
) -> None:
    """A ledger that is damaged, newer, foreign or half there is never replaced by a new one."""
    harm(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(UnusableLedger, match=says):
        opened(path)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_new_ledger_is_whole_or_not_there(tmp_path: Path) -> None:
    """What a crash left of a ledger that was being made is made anew."""
    path = tmp_path / "ledger.sqlite"
    Path(f"{path}.new").write_bytes(b"half")
    ledger = opened(path)
    assert ledger.record(PUSH, 1790000001).outcome is Outcome.ACCEPTED
    ledger.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"ledger.sqlite", "ledger.sqlite.lock"}


@pytest.mark.parametrize("replaced", [False, True])
def test_a_ledger_taken_away_is_unavailable_until_it_is_back(
    ledger: Ledger, path: Path, replaced: bool
) -> None:
    """Nothing is counted into a file without a name; moved back it goes on where it was."""
    ledger.record(entry("push", sequence="2"), 1790000001)
    away = path.with_name("away")
    path.rename(away)
    if replaced:
        opened_elsewhere = path.with_name("other.sqlite")
        opened(opened_elsewhere).close()
        opened_elsewhere.rename(path)
    with pytest.raises(LedgerUnavailable, match="is gone|was replaced" if replaced else "is gone"):
        ledger.record(entry("push", sequence="3"), 1790000002)
    assert ledger.failure
    with pytest.raises(LedgerUnavailable):
        ledger.check()
    if not replaced:
        with pytest.raises(LedgerUnavailable, match="gone"):
            ledger.snapshot()
        assert not path.exists()
    away.rename(path)
    until(lambda: ledger.failure is None, "the ledger is available again")
    assert ledger.record(entry("push", sequence="3"), 1790000003).outcome is Outcome.ACCEPTED
    assert value(ledger, c.OPEN_PUSHES) == 3


def test_no_new_file_takes_the_place_of_a_ledger_lost_in_trouble(
    ledger: Ledger, path: Path
) -> None:
    """A store that must connect anew does not make an empty file where the ledger was."""
    before = numbers(ledger)
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerUnavailable):
            ledger.record(entry("push", sequence="2"), 1790000002)
        away = path.with_name("away")
        path.rename(away)
        foreign.execute("ROLLBACK")
    until(lambda: "locked" not in str(ledger.failure), "the store tries anew")
    assert ledger.failure
    assert not path.exists()
    away.rename(path)
    until(lambda: ledger.failure is None, "the ledger is available again")
    assert numbers(ledger) == before


def test_a_foreign_lock_is_answered_in_time(ledger: Ledger, path: Path) -> None:
    """While a backup holds SQLite's lock the answer comes in time; after it all is well."""
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with pytest.raises(LedgerUnavailable, match="locked"):
            ledger.record(entry("push", sequence="2"), 1790000002)
        assert time.monotonic() - began < 10
        with pytest.raises(LedgerUnavailable, match="locked"):
            ledger.check()
        assert value(ledger, c.OPEN_PUSHES) == 1  # reading goes on
        foreign.execute("ROLLBACK")
    until(lambda: ledger.failure is None, "the ledger is available again")
    assert ledger.record(entry("push", sequence="2"), 1790000003).outcome is Outcome.ACCEPTED


def test_a_lock_at_the_start_is_waited_out(path: Path) -> None:
    """A ledger that is locked while a daemon starts is unavailable, then well by itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("PRAGMA locking_mode = EXCLUSIVE")
        foreign.execute("BEGIN EXCLUSIVE")
        foreign.execute("CREATE TABLE held (x)")
        ledger = opened(path)
        with pytest.raises(LedgerUnavailable, match="locked"):
            ledger.record(entry("push", sequence="2"), 1790000002)
    until(lambda: ledger.failure is None, "the ledger is available again")
    assert ledger.record(entry("push", sequence="2"), 1790000003).outcome is Outcome.ACCEPTED
    ledger.close()


def test_whoever_gave_up_waiting_is_not_counted_twice(ledger: Ledger, path: Path) -> None:
    """Callers behind a process that hangs get an answer; what they send again counts once."""
    one_each = [entry("push", sequence=f"s{number}") for number in range(12)]

    def deliver(number: int) -> str:
        try:
            return ledger.record(one_each[number], 1790000002).outcome
        except LedgerUnavailable as error:
            return str(error)

    with Path(f"{path}.lock").open() as hanging, ThreadPoolExecutor(12) as pool:
        fcntl.flock(hanging, fcntl.LOCK_EX)
        began = time.monotonic()
        first = [pool.submit(deliver, 0)]
        time.sleep(0.1)  # the others wait for the commit after the one that hangs
        first += [pool.submit(deliver, number) for number in range(1, 12)]
        answers = {future.result() for future in first}
        assert time.monotonic() - began < 15  # 8, and time for a busy machine
    assert all("no commit within" in answer for answer in answers)
    until(lambda: deliver(0) in (*Outcome,), "commits go on")
    for number in range(12):
        assert deliver(number) in (*Outcome,)
    assert value(ledger, c.PUSHES, "live.test.example", "stage", "mainland") == 13
    assert value(ledger, c.OPEN_PUSHES) == 13


def test_old_identities_are_forgotten_in_small_steps(tmp_path: Path) -> None:
    """Each step deletes a bounded number of identities, oldest first, and says if more is due."""
    path = tmp_path / "ledger.sqlite"
    opened(path).close()
    lock = FileLock(Path(f"{path}.lock"))
    clock = iter([1790000500.0] * 100)
    store = SqliteStore(path, lock, replace(LONG, dedupe_seconds=100), lambda: next(clock))
    count = 2 * FORGET_STEP + 10
    for begin in range(0, count, 1000):
        postings = [
            Posting(entry("recording", record_file_id=str(number)), 1790000000.0)
            for number in range(begin, min(begin + 1000, count))
        ]
        store.commit(postings, [], [])
    store.commit([Posting(entry("summary"), 1790000500)], [], [])
    left = []
    more = True
    while more:
        more = store.tend()
        left.append(_query(path, "SELECT count(*) FROM identity")[0])
    assert left == [count + 1 - FORGET_STEP, count + 1 - 2 * FORGET_STEP, 1]
    store.close()
    lock.close()


def test_processes_share_a_file_fairly_and_exactly(tmp_path: Path) -> None:
    """Two busy processes both make progress, and together count what each had accepted."""
    path = tmp_path / "ledger.sqlite"
    first = opened(path)
    first.record(entry("recording"), 1790000200)  # the one that all have in common
    counts = hammered(f"sqlite:///{path}", ("one", "other"), seconds=3)
    assert min(counts) > 0
    assert min(counts) / max(counts) > 0.2, counts
    assert value(first, c.CALLBACKS, "recording") == sum(counts) + 1
    assert value(first, c.DUPLICATES, "recording") == sum(counts)
    first.close()
    connect(path).close()  # whole: this checks it
