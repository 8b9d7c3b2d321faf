"""A shared ledger of an earlier version, and gauges that differ: what a start puts right."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from support.ledgers import entry, numbers, value
from support.packets import SOURCE
from support.postgres import Postgres
from support.repository import ROOT
from support.settings import LONG

from exporter.ledger import Outcome, UnusableLedger, open_ledger
from exporter.metrics import catalogue as c

VERSION_1, VERSION_2 = (
    (ROOT / "tests" / "data" / "ledgers" / f"version-{number}.sql").read_text("utf-8")
    for number in (1, 2)
)


@pytest.fixture
def old_url(server: Postgres, url: str) -> str:
    """Return the URL of a ledger of version 1."""
    with server.admin(url.rpartition("/")[2]) as admin:
        admin.execute("SET ROLE css")
        admin.execute(VERSION_1)
    return url


def test_a_shared_ledger_of_version_1_is_upgraded(old_url: str) -> None:
    """Counts and sources stay, identities and open pushes are dropped, whoever comes first."""
    with ThreadPoolExecutor(4) as pool:  # replicas that start together
        for ledger in pool.map(lambda _: open_ledger(old_url, LONG), range(4)):
            ledger.close()
    with closing(open_ledger(old_url, LONG)) as ledger:
        assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 7
        assert value(ledger, c.OPEN_PUSHES) == 0
        assert not [key for key in numbers(ledger) if key[0] == c.ACTIVE_STREAMS.name]
        assert value(ledger, c.SOURCES) == 1
        assert value(ledger, c.SERIES) == 4
        assert ledger.record(entry("push"), 1790000300).outcome is Outcome.ACCEPTED
        assert ledger.record(entry("push"), 1790000300).outcome is Outcome.DUPLICATE
        assert value(ledger, c.ACTIVE_STREAMS, *SOURCE, "mainland") == 1
        assert value(ledger, c.SERIES) == 4


def test_a_shared_ledger_of_version_2_is_upgraded(server: Postgres, url: str) -> None:
    """Open pushes stay open, and all that was received is recognised."""
    with server.admin(url.rpartition("/")[2]) as admin:
        admin.execute("SET ROLE css")
        admin.execute(VERSION_2)
    with closing(open_ledger(url, LONG)) as ledger:
        assert value(ledger, c.OPEN_PUSHES) == 1
        assert value(ledger, c.ACTIVE_STREAMS, *SOURCE, "mainland") == 1
        again = (entry("push"), entry("push", sequence="2"), entry("interruption", sequence="2"))
        for one in again:
            assert ledger.record(one, 1790000300).outcome is Outcome.DUPLICATE
        assert ledger.record(entry("interruption"), 1790000300).outcome is Outcome.ACCEPTED
        assert value(ledger, c.OPEN_PUSHES) == 0


def test_an_upgrade_of_a_shared_ledger_that_breaks_changes_nothing(
    server: Postgres, old_url: str
) -> None:
    """All of it or nothing: the ledger is as it was."""
    with server.admin(old_url.rpartition("/")[2]) as admin:
        admin.execute("CREATE VIEW mine AS SELECT began_at FROM css_exporter.open_push")
        with closing(open_ledger(old_url, LONG)) as ledger:
            assert "mine" not in str(ledger.failure)
        assert admin.execute("SELECT version FROM css_exporter.ledger").fetchone() == (1,)
        assert admin.execute("SELECT count(*) FROM mine").fetchone() == (1,)
        admin.execute("DROP VIEW mine")
    with closing(open_ledger(old_url, LONG)) as ledger:
        assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 7


def test_a_start_puts_right_shared_gauges_that_differ(
    server: Postgres, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever made them differ from the open pushes, in whichever stripe."""
    with closing(open_ledger(url, LONG)) as ledger:
        ledger.record(entry("push"), 1790000001)
        ledger.record(entry("push", sequence="2", set_id=7, app="other.example"), 1790000001)
        right = numbers(ledger)
    with server.admin(url.rpartition("/")[2]) as admin:
        admin.execute(
            "INSERT INTO css_exporter.cell SELECT key, 9, family, labels, cell, -2, created_at"
            " FROM css_exporter.cell WHERE stripe = 0 AND (family LIKE '%active_streams'"
            " OR family IN ('tencent_css_exporter_series', 'tencent_css_exporter_sources'))"
        )
    capsys.readouterr()
    for repaired in (True, False):
        with closing(open_ledger(url, LONG)) as again:
            assert numbers(again) == right
        assert ("ledger.gauges_repaired" in capsys.readouterr().out) is repaired


def test_a_ledger_that_is_newer_stays_refused(server: Postgres, url: str) -> None:
    """An upgrade goes one way only."""
    open_ledger(url, LONG).close()
    with server.admin(url.rpartition("/")[2]) as admin:
        admin.execute("UPDATE css_exporter.ledger SET version = 99")
    with pytest.raises(UnusableLedger, match="version 99"):
        open_ledger(url, LONG)
