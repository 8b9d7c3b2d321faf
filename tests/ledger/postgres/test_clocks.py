"""Replicas whose clocks differ, and a server whose clock jumps."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest
from support.ledgers import entry, value
from support.postgres import Postgres
from support.programs import until
from support.settings import default

from exporter.ledger import Ledger, Limits, Outcome, open_ledger
from exporter.ledger.interface import Posting
from exporter.ledger.postgres.store import PostgresStore
from exporter.metrics import catalogue as c

LIMITS: Limits = replace(default(Limits), dedupe_seconds=3600)
HOURS = 3600
PUSH, RECORDING = entry("push"), entry("recording", stream_id="camera-8")


@pytest.fixture
def two(url: str) -> Iterator[tuple[Ledger, Ledger]]:
    """Return the ledgers of two replicas."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(closing(open_ledger(url, LIMITS))) for _ in range(2))
        yield first, second


@pytest.mark.parametrize("ahead", [2 * HOURS, -2 * HOURS, 9 * 24 * HOURS])
def test_a_replica_with_a_wrong_clock_is_like_the_others(
    two: tuple[Ledger, Ledger], server: Postgres, url: str, ahead: int
) -> None:
    """What it received is remembered as long, its pushes stay open, its series have their time."""
    wrong, right = two
    for one in (PUSH, RECORDING):
        wrong.record(one, time.time() + ahead)
    with server.admin(url.rpartition("/")[2]) as admin:
        (off,) = admin.execute(
            "SELECT max(abs(seen_at - extract(epoch FROM now()))) FROM css_exporter.identity"
        ).fetchone() or (HOURS,)
        assert off < HOURS / 2
    time.sleep(3)  # both tend
    for one in (PUSH, RECORDING):
        assert right.record(one, time.time()).outcome is Outcome.DUPLICATE
    assert value(right, c.OPEN_PUSHES) == 1
    series = [cell for cell in right.snapshot().cells if cell.family == c.PUSHES.name]
    assert abs(series[0].created_at - time.time()) < HOURS / 2


def test_identities_from_the_future_are_forgotten(server: Postgres, url: str) -> None:
    """What a server's clock that was wrong has left does not stay for ever."""
    with closing(open_ledger(url, LIMITS)) as ledger:
        ledger.record(RECORDING, time.time())
        with server.admin(url.rpartition("/")[2]) as admin:
            admin.execute("UPDATE css_exporter.identity SET seen_at = seen_at + 100 * 86400")
        until(
            lambda: ledger.record(RECORDING, time.time()).outcome is Outcome.ACCEPTED,
            "it is forgotten",
        )


def test_a_server_whose_clock_has_jumped_is_doubted(server: Postgres, url: str) -> None:
    """Nothing is forgotten and no push is closed, until the new time has run steadily."""
    store = PostgresStore(url, LIMITS)
    store.open()
    with closing(store), server.admin(url.rpartition("/")[2]) as admin:
        store.tend()
        store.commit([Posting(PUSH, 0), Posting(RECORDING, 0)], (), ())
        # As if all had been two weeks ago by this clock.
        admin.execute("UPDATE css_exporter.ledger SET read_at = read_at - 14 * 86400")
        admin.execute("UPDATE css_exporter.identity SET seen_at = seen_at - 14 * 86400")
        admin.execute("UPDATE css_exporter.push SET heard_at_ms = heard_at_ms - 1209600000")
        for _ in range(3):
            store.tend()
        (receipt,) = store.commit([Posting(RECORDING, 0)], (), ())
        assert receipt.outcome is Outcome.DUPLICATE
        admin.execute("UPDATE css_exporter.ledger SET doubted_for = 0")
        store.tend()
        (receipt,) = store.commit([Posting(RECORDING, 0)], (), ())
        assert receipt.outcome is Outcome.ACCEPTED
        with closing(open_ledger(url, LIMITS)) as ledger:
            assert value(ledger, c.EXPIRED_PUSHES, "live.test.example", "stage", "idle") == 1
            assert value(ledger, c.OPEN_PUSHES) == 0
