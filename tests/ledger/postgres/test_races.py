"""Replicas on one PostgreSQL that record at the same moment."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any, Self

import pytest
from support.ledgers import deliver, entry, value
from support.postgres import Postgres, database_of
from support.programs import until
from support.settings import LONG

from exporter.ledger import LedgerUnavailable, Outcome, open_ledger
from exporter.ledger.postgres.connection import Connection, Session
from exporter.ledger.postgres.schema import LOCKS, prepare
from exporter.ledger.postgres.tables import STRIPES
from exporter.metrics import catalogue as c
from exporter.metrics.entries import Entry

NOW = 1790009000.0
PUSH, INTERRUPTION = entry("push"), entry("interruption")


class _Hold:
    """While it lasts, transactions that have read all they want stop before their numbers."""

    def __init__(self, server: Postgres, url: str) -> None:
        self._admin = server.admin(url)

    def __enter__(self) -> Self:
        self._admin.execute("BEGIN")
        # No stripe is free, so all add to the first, whose rows are locked.
        for stripe in range(STRIPES):
            self._admin.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, stripe))
        self._admin.execute("SELECT 1 FROM css_exporter.cell FOR UPDATE")
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.execute("ROLLBACK")
        self._admin.close()

    def until_waiting(self, transactions: int) -> None:
        until(lambda: self._waiting() >= transactions, f"{transactions} wait")

    def _waiting(self) -> int:
        row = self._admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        ).fetchone()
        assert row
        return int(row[0])


@pytest.fixture
def at_once(server: Postgres, url: str) -> Iterator[Callable[..., list[Outcome]]]:
    """Return a function that has two replicas record one entry each at the same moment.

    The first one has read, and not yet committed, when the second one begins.
    """
    with ExitStack() as stack:

        def record(first: Entry, second: Entry, **limits: Any) -> list[Outcome]:
            both = [
                stack.enter_context(closing(open_ledger(url, replace(LONG, **limits))))
                for _ in range(2)
            ]
            for sample in ("push", "interruption", "subtitles"):  # so that there are numbers
                fields = {"sequence": "0", "appname": "warm"} if sample != "subtitles" else {}
                both[0].record(entry(sample, **fields), NOW)
            with ThreadPoolExecutor(2) as pool:
                with _Hold(server, url) as hold:
                    futures = [pool.submit(deliver, both[0], first, NOW)]
                    hold.until_waiting(1)
                    futures.append(pool.submit(deliver, both[1], second, NOW))
                    hold.until_waiting(2)
                return [future.result() for future in futures]

        yield record


def test_push_and_interruption_at_the_same_moment(
    at_once: Callable[..., list[Outcome]], url: str
) -> None:
    """Whichever of two replicas is first, the push does not stay open."""
    assert at_once(PUSH, INTERRUPTION) == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    others = entry("interruption", sequence="2"), entry("push", sequence="2")
    assert at_once(*others) == [Outcome.ACCEPTED, Outcome.LATE]
    with closing(open_ledger(url, LONG)) as ledger:
        assert value(ledger, c.OPEN_PUSHES) == 0
        assert value(ledger, c.ACTIVE_STREAMS, "live.test.example", "stage", "mainland") == 0


def test_one_packet_at_the_same_moment(at_once: Callable[..., list[Outcome]]) -> None:
    """Two replicas with the same packet: one accepts it."""
    assert at_once(PUSH, PUSH) == [Outcome.ACCEPTED, Outcome.DUPLICATE]


def test_two_pushes_of_a_stream_at_the_same_moment(
    at_once: Callable[..., list[Outcome]], url: str
) -> None:
    """A stream with two open pushes is active once, and no more when both are closed."""
    active = (c.ACTIVE_STREAMS, "live.test.example", "stage", "mainland")
    at_once(PUSH, entry("push", sequence="2"))
    with closing(open_ledger(url, LONG)) as ledger:
        assert value(ledger, *active) == 1
        assert value(ledger, c.OPEN_PUSHES) == 2
        at_once(INTERRUPTION, entry("interruption", sequence="2"))
        assert value(ledger, *active) == 0


def test_two_sources_for_one_place_at_the_same_moment(
    at_once: Callable[..., list[Outcome]], url: str
) -> None:
    """Replicas that admit at once do not admit more than ``max_sources``."""
    first, second = (
        entry("recording", app=f"d{number}.example", record_file_id=str(number))
        for number in range(2)
    )
    at_once(first, second, max_sources=2)  # one place is taken by what was there before
    with closing(open_ledger(url, LONG)) as ledger:
        assert value(ledger, c.SOURCES) == 2
        assert value(ledger, c.OVERFLOWED_SOURCES) == 1
        assert value(ledger, c.RECORDINGS, "d0.example", "stage", "hls") == 1
        assert value(ledger, c.RECORDINGS, "other", "other", "hls") == 1


def test_replicas_add_to_different_rows(server: Postgres, url: str) -> None:
    """A replica that is committing holds up no other, and the sum is that of both."""
    with closing(open_ledger(url, LONG)) as ledger, server.admin(url) as other:
        ledger.record(PUSH, NOW)
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(%s, 0)", (LOCKS,))
            other.execute("SELECT 1 FROM css_exporter.cell FOR UPDATE")
            ledger.record(entry("push", sequence="2"), NOW)
            assert value(ledger, c.CALLBACKS, "push") == 2
        stripes = other.execute(
            "SELECT DISTINCT stripe FROM css_exporter.cell WHERE family = %s", (c.CALLBACKS.name,)
        ).fetchall()
        assert sorted(stripes) == [(0,), (1,)]


# --- Connections


def test_a_connection_that_was_ended_is_made_anew(server: Postgres, url: str) -> None:
    """Backends that were terminated between commits cost nobody an error."""
    with closing(open_ledger(url, LONG)) as ledger, server.admin() as admin:
        for number in range(5):
            one = entry("recording", record_file_id=str(number))
            assert ledger.record(one, NOW).outcome is Outcome.ACCEPTED
            assert value(ledger, c.CALLBACKS, "recording") == number + 1
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (database_of(url),),
            )


def test_what_follows_a_commit_is_tried_again(server: Postgres, url: str) -> None:
    """A connection lost after the answer to a commit, in the same run, costs nobody an error."""
    session, attempts = Session(url, prepare), []

    def step(connection: Connection) -> None:
        with connection.together():
            connection.execute("BEGIN")
            connection.commit_now()
        attempts.append(connection)
        if len(attempts) == 1:
            with server.admin() as admin:
                own = connection.info.backend_pid
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", (own,))
        connection.execute("SELECT 1")

    session.open()
    session.run(step)
    session.close()
    assert len(attempts) == 2


def test_a_lock_is_not_waited_for_forever(server: Postgres, url: str) -> None:
    """While somebody locks a table the ledger is unavailable, and says why; then it is not."""
    with closing(open_ledger(url, LONG)) as ledger, server.admin(url) as other:
        with other.transaction():
            other.execute("LOCK TABLE css_exporter.identity")
            with pytest.raises(LedgerUnavailable, match="lock timeout"):
                ledger.record(PUSH, NOW)
            assert ledger.failure
        assert deliver(ledger, PUSH, NOW) is Outcome.ACCEPTED
        assert ledger.failure is None
