"""A machine's clock that jumps: nothing is forgotten by it until it has proved itself."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.ledgers import entry, value
from support.settings import default

from exporter.ledger import Limits, Outcome, open_ledger
from exporter.ledger.clock import PROOF_SECONDS
from exporter.ledger.interface import Posting
from exporter.ledger.sqlite.files import FileLock
from exporter.ledger.sqlite.store import SqliteStore
from exporter.metrics import catalogue as c

NOW = 1790000000.0
DAY = 86400
LIMITS: Limits = default(Limits)
PUSH = entry("push")


@dataclass
class Machine:
    """One machine: a ledger's file, the store of a process, and the clock."""

    path: Path
    now: float = NOW

    @contextmanager
    def process(self) -> Iterator[SqliteStore]:
        """Yield the store of a process."""
        with closing(FileLock(Path(f"{self.path}.lock"))) as lock:
            store = SqliteStore(self.path, lock, LIMITS, lambda: self.now)
            with closing(store):
                yield store

    def run(self, store: SqliteStore, seconds: int, step: int = 30) -> None:
        """Let time pass, while the ledger is tended."""
        for _ in range(0, seconds, step):
            self.now += step
            store.tend()

    def receive(self, store: SqliteStore) -> Outcome:
        """Receive the push."""
        (receipt,) = store.commit([Posting(PUSH, self.now)], (), ())
        return receipt.outcome

    def receive_recording(self, store: SqliteStore) -> Outcome:
        """Receive a recording of another stream."""
        one = entry("recording", stream_id="camera-8")
        (receipt,) = store.commit([Posting(one, self.now)], (), ())
        return receipt.outcome

    def open_pushes(self) -> int:
        """Return how many pushes are open."""
        with closing(open_ledger(f"sqlite:///{self.path}", LIMITS)) as ledger:
            return value(ledger, c.OPEN_PUSHES)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine with an empty ledger."""
    path = tmp_path / "ledger.sqlite"
    open_ledger(f"sqlite:///{path}", LIMITS).close()
    return Machine(path)


@pytest.mark.parametrize("jump", [2 * DAY, 8 * DAY, -2 * DAY])
def test_a_clock_that_jumps_and_comes_back_changes_nothing(machine: Machine, jump: int) -> None:
    """However far it was away: all identities and open pushes are there when it is right again."""
    with machine.process() as store:
        machine.run(store, 120)
        machine.receive(store)
        machine.receive_recording(store)
        machine.now += jump
        machine.run(store, 600)
        assert machine.receive_recording(store) is Outcome.DUPLICATE
        assert machine.open_pushes() == 1
        machine.now -= jump
        machine.run(store, 600)
        assert machine.receive_recording(store) is Outcome.DUPLICATE
        assert machine.receive(store) is Outcome.DUPLICATE
    assert machine.open_pushes() == 1


def test_a_new_time_proves_itself_by_running_steadily(machine: Machine) -> None:
    """After an hour it is trusted, in whichever process: then what is old by it is forgotten."""
    with machine.process() as store:
        machine.run(store, 120)
        machine.receive(store)
        machine.receive_recording(store)
        machine.now += 8 * DAY
        machine.run(store, PROOF_SECONDS // 2)
    with machine.process() as store:
        machine.run(store, PROOF_SECONDS // 2 - 120)
        assert machine.receive_recording(store) is Outcome.DUPLICATE
    assert machine.open_pushes() == 1
    with machine.process() as store:
        machine.run(store, 300)
        assert machine.receive_recording(store) is Outcome.ACCEPTED
    assert machine.open_pushes() == 0


def test_a_second_process_does_not_trust_what_the_first_doubts(machine: Machine) -> None:
    """A worker that starts after the jump finds the doubt in the ledger."""
    with machine.process() as first:
        machine.run(first, 120)
        machine.receive_recording(first)
        machine.now += 2 * DAY
        first.tend()
        with machine.process() as second:
            machine.run(second, 120)
            assert machine.receive_recording(second) is Outcome.DUPLICATE


def test_a_jump_is_logged(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """When the doubt begins, with the size of the jump, and when it ends."""
    with machine.process() as store:
        machine.run(store, 120)
        machine.now += 2 * DAY
        machine.run(store, 120)
        logged = capsys.readouterr().out
        assert logged.count("ledger.clock_doubted") == 1
        assert "jump_seconds=1728" in logged  # two days, and what passed since the last reading
        machine.run(store, PROOF_SECONDS)
    assert capsys.readouterr().out.count("ledger.clock_trusted") == 1


def test_time_that_passes_is_no_jump(machine: Machine) -> None:
    """Identities are forgotten after ``dedupe_hours`` and pushes expire, without any doubt."""
    with machine.process() as store:
        machine.receive(store)
        machine.receive_recording(store)
        machine.run(store, DAY - 600, 100)
        assert machine.receive_recording(store) is Outcome.DUPLICATE
        machine.run(store, 1200, 100)
        assert machine.receive_recording(store) is Outcome.ACCEPTED
        machine.run(store, 8 * DAY, 200)
    assert machine.open_pushes() == 0
