"""A network that is cut at the moment of a COMMIT: never guessed, counted once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from support.ledgers import deliver, entry, postgres_server, value
from support.programs import until
from support.proxy import Proxy
from support.settings import LONG

from exporter.ledger import Ledger, LedgerUnavailable, Outcome, open_ledger
from exporter.metrics import catalogue as c

NOW = 1790009000.0


@pytest.fixture
def cut_and_other() -> Iterator[tuple[Proxy, Ledger, Ledger]]:
    """Return a proxy, a ledger behind it, and the same ledger by another way."""
    server = postgres_server()
    url = server.database()
    with Proxy(server.port) as proxy:
        behind = server.through(proxy.port, url)
        with (
            closing(open_ledger(url, LONG)) as other,
            closing(open_ledger(behind, LONG)) as cut,
        ):
            cut.record(entry("recording"), NOW)
            proxy.writing = b"INTO css_exporter.push"
            yield proxy, cut, other


def test_the_answer_to_a_commit_is_lost(cut_and_other: tuple[Proxy, Ledger, Ledger]) -> None:
    """It was committed and nobody heard: unavailable; the redelivery is a duplicate."""
    proxy, cut, other = cut_and_other
    proxy.at_commit = "lose_answer"
    with pytest.raises(LedgerUnavailable):
        cut.record(entry("push"), NOW)
    assert value(other, c.CALLBACKS, "push") == 1
    assert deliver(cut, entry("push"), NOW) is Outcome.DUPLICATE
    assert value(other, c.CALLBACKS, "push") == value(other, c.OPEN_PUSHES) == 1


def test_what_has_no_identity_may_count_twice(
    cut_and_other: tuple[Proxy, Ledger, Ledger],
) -> None:
    """A refusal whose commit nobody knows of goes again: rather twice than not at all."""
    proxy, cut, other = cut_and_other
    proxy.at_commit = "lose_answer"
    cut.tally([c.REJECTIONS.add("expired")])
    with pytest.raises(LedgerUnavailable):
        cut.record(entry("push"), NOW)
    assert deliver(cut, entry("push"), NOW) is Outcome.DUPLICATE
    assert value(other, c.CALLBACKS, "push") == 1
    assert value(other, c.REJECTIONS, "expired") == 2


def test_a_commit_is_lost(cut_and_other: tuple[Proxy, Ledger, Ledger]) -> None:
    """It was not committed: unavailable; the redelivery is new."""
    proxy, cut, other = cut_and_other
    proxy.at_commit = "lose"
    with pytest.raises(LedgerUnavailable):
        cut.record(entry("push"), NOW)
    assert value(other, c.CALLBACKS, "push") == 0
    assert deliver(cut, entry("push"), NOW) is Outcome.ACCEPTED
    assert value(other, c.CALLBACKS, "push") == value(other, c.OPEN_PUSHES) == 1


def test_a_replica_falls_silent_in_a_transaction(
    cut_and_other: tuple[Proxy, Ledger, Ledger],
) -> None:
    """What it had locked is free again before long, and another replica takes the packet."""
    proxy, cut, other = cut_and_other
    proxy.at_commit = "swallow"
    with ThreadPoolExecutor(1) as pool:
        silent = pool.submit(cut.record, entry("push"), NOW)
        until(lambda: proxy.silent, "the transaction is begun")
        assert deliver(other, entry("push"), NOW) is Outcome.ACCEPTED
        with pytest.raises(LedgerUnavailable):
            silent.result()
    proxy.restore()
    assert deliver(cut, entry("push"), NOW) is Outcome.DUPLICATE
    assert value(other, c.CALLBACKS, "push") == value(other, c.OPEN_PUSHES) == 1
