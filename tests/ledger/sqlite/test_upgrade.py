"""Ledgers of earlier versions, and gauges that differ: what a start puts right."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.ledgers import entry, numbers, value
from support.packets import SOURCE, all_packets
from support.repository import ROOT
from support.settings import LONG

from exporter.ledger import Outcome, UnusableLedger, open_ledger
from exporter.ledger.sqlite.connection import connect
from exporter.metrics import catalogue as c

VERSION_1 = ROOT / "tests" / "data" / "ledgers" / "version-1.sqlite"
"""Written by that version: all samples, two open pushes, a redelivery, a refusal."""

VERSION_2 = VERSION_1.with_name("version-2.sqlite")
"""Written by that version: all samples, two open pushes, a redelivery."""

OTHER = ("other.example", "stage")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a ledger of version 1."""
    return Path(shutil.copy(VERSION_1, tmp_path / "ledger.sqlite"))


def test_a_ledger_of_version_1_is_upgraded(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, sources and deliveries stay; identities and open pushes are dropped."""
    with closing(open_ledger(f"sqlite:///{path}", LONG)) as ledger:
        assert "ledger.upgraded" in capsys.readouterr().out
        assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 3
        assert value(ledger, c.PUSHES, *OTHER, "overseas") == 1
        assert value(ledger, c.DUPLICATES, "recording") == 1
        assert value(ledger, c.SOURCES) == 2
        assert [one.reason for one in ledger.deliveries()] == ["expired"]
        assert value(ledger, c.OPEN_PUSHES) == 0
        assert not [key for key in numbers(ledger) if key[0] == c.ACTIVE_STREAMS.name]
        assert ledger.snapshot().oldest_open_push is None
        stored = {
            (family, labels)
            for family, labels, *_ in ledger.snapshot().cells
            if c.BY_NAME[family].sourced and labels[0] != "unknown"
            if family != c.DROPPED_STREAMS.name
        }
        assert value(ledger, c.SERIES) == len(stored)
        # And it goes on.
        assert ledger.record(entry("push"), 1790000300).outcome is Outcome.ACCEPTED
        assert ledger.record(entry("push"), 1790000300).outcome is Outcome.DUPLICATE
        assert value(ledger, c.ACTIVE_STREAMS, *SOURCE, "mainland") == 1
        ledger.record(entry("interruption"), 1790000400)
        before = numbers(ledger)
    with closing(open_ledger(f"sqlite:///{path}", LONG)) as again:
        assert numbers(again) == before
        assert "ledger.upgraded" not in capsys.readouterr().out


def test_a_ledger_of_version_2_is_upgraded(tmp_path: Path) -> None:
    """Open pushes stay open, and all that was received is recognised."""
    path = shutil.copy(VERSION_2, tmp_path / "ledger.sqlite")
    with closing(open_ledger(f"sqlite:///{path}", LONG)) as ledger:
        assert value(ledger, c.OPEN_PUSHES) == 2
        assert value(ledger, c.ACTIVE_STREAMS, *OTHER, "overseas") == 1
        for name in all_packets():
            assert ledger.record(entry(name), 1790000300).outcome is Outcome.DUPLICATE
        ended = entry("interruption", sequence="2", set_id=7)
        assert ledger.record(ended, 1790000300).outcome is Outcome.ACCEPTED
        assert ledger.record(ended, 1790000300).outcome is Outcome.DUPLICATE
        assert value(ledger, c.OPEN_PUSHES) == 1


def test_an_upgrade_that_breaks_changes_nothing(path: Path) -> None:
    """All of it or nothing: the ledger is as it was."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE cell SET labels = 'no JSON' || labels WHERE family LIKE '%pushes%'"
        )
    with pytest.raises(ValueError, match="line 1 column 1"):
        open_ledger(f"sqlite:///{path}", LONG)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(began_at) FROM open_push").fetchone() == (2,)


def test_an_old_ledger_is_upgraded_by_a_start_only(path: Path) -> None:
    """A worker that finds one put back under it says what to do, and leaves it alone."""
    with pytest.raises(UnusableLedger, match=r"version 1: start the exporter again"):
        connect(path)


def test_a_start_puts_right_gauges_that_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever made them differ from the open pushes, they do not stay wrong for ever."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with closing(open_ledger(url, LONG)) as ledger:
        ledger.record(entry("push"), 1790000001)
        ledger.record(entry("push", sequence="2", set_id=7, app="other.example"), 1790000001)
        right = numbers(ledger)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE cell SET value = value - 2 WHERE family LIKE '%active_streams'"
            " OR family LIKE '%_exporter_%' AND labels = '[]' AND cell = ''"
        )
    capsys.readouterr()
    with closing(open_ledger(url, LONG)) as again:
        assert numbers(again) == right
        assert "ledger.gauges_repaired" in capsys.readouterr().out
    with closing(open_ledger(url, LONG)) as again:
        assert numbers(again) == right
        assert "ledger.gauges_repaired" not in capsys.readouterr().out
