"""The embedded ledger moves to PostgreSQL and goes on counting there."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.commands import css_exporter
from support.daemon import Start
from support.ledgers import entry, numbers, postgres_server, value
from support.packets import all_packets, packet
from support.postgres import Postgres
from support.programs import until
from support.settings import LONG

from exporter.ledger import Delivery, Outcome, UnusableLedger, mark_used, open_ledger
from exporter.ledger.sqlite.files import used_by_nobody
from exporter.metrics import catalogue as c
from exporter.metrics.entries import entry_for
from exporter.protocol.events import parse


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Return the file of a ledger with a bit of everything."""
    path = tmp_path / "ledger.sqlite"
    with closing(open_ledger(f"sqlite:///{path}", LONG)) as ledger:
        for sample in all_packets().values():
            ledger.record(entry_for(parse(sample)), 1790000200)
        for number in range(2500):
            ledger.tally([c.REJECTIONS.add("expired")])
            if number % 500 == 0:
                ledger.record(entry("push", sequence=f"open{number}"), 1790000300)
        ledger.note(Delivery(1790000200.5, "refused", reason="expired", stream_id="相机"))
    return path


def test_a_copy_is_the_same_ledger(filled: Path, url: str) -> None:
    """Numbers, their first events, open pushes, sources, identities, deliveries: all is there."""
    done = css_exporter("copy-ledger", filled, ledger=url)
    assert done.returncode == 0, done.stderr
    assert "Copied" in done.stdout
    with (
        closing(open_ledger(f"sqlite:///{filled}", LONG)) as old,
        closing(open_ledger(url, LONG)) as new,
    ):
        assert numbers(new) == numbers(old)
        assert value(new, c.REJECTIONS, "expired") == 2500
        before, after = old.snapshot(), new.snapshot()
        assert after.oldest_open_push == before.oldest_open_push == 1790000000
        of_callbacks = {cell for cell in before.cells if cell.family == c.CALLBACKS.name}
        assert of_callbacks <= set(after.cells)
        assert list(new.deliveries()) == list(old.deliveries())
        for sample in all_packets().values():
            one = entry_for(parse(sample))
            assert new.record(one, 1790000400).outcome is Outcome.DUPLICATE
        assert value(new, c.OPEN_PUSHES) == 5
        assert new.record(entry("interruption", sequence="open500"), 1790000400).outcome
        assert value(new, c.OPEN_PUSHES) == 4
        # A new number, a new source, a new delivery: nothing that was copied is in the way.
        new.record(entry("push", sequence="new", app="new.example"), 1790000400)
        new.note(Delivery(1790000401.0, "accepted"))
        assert value(new, c.SOURCES) == value(old, c.SOURCES) + 1


def test_many_rows_are_copied(tmp_path: Path, server: Postgres, url: str) -> None:
    """More rows than one step of the progress bar."""
    path = tmp_path / "ledger.sqlite"
    open_ledger(f"sqlite:///{path}", LONG).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO identity (identity, seen_at) VALUES (?, ?)",
            [(number.to_bytes(16), int(time.time())) for number in range(20_500)],
        )
    assert css_exporter("copy-ledger", f"sqlite:///{path}", url).returncode == 0
    with server.admin(url) as admin:
        assert admin.execute("SELECT count(*) FROM css_exporter.identity").fetchone() == (20_500,)


def test_a_target_that_was_used_is_refused(filled: Path, url: str) -> None:
    """What is in the target stays, and nothing comes to it: the second copy is refused."""
    assert css_exporter("copy-ledger", filled, url).returncode == 0
    with closing(open_ledger(url, LONG)) as ledger:
        before = numbers(ledger)
    again = css_exporter("copy-ledger", filled, url)
    assert again.returncode == 1
    assert "not empty" in again.stderr
    assert "Nothing was copied" in again.stderr
    assert "pass" not in again.stderr
    with closing(open_ledger(url, LONG)) as ledger:
        assert numbers(ledger) == before


def test_all_or_nothing(filled: Path, server: Postgres, url: str) -> None:
    """A copy that breaks in the middle leaves an empty target, fit for the next one."""
    open_ledger(url, LONG).close()
    with server.admin(url) as admin:
        admin.execute("TRUNCATE css_exporter.cell, css_exporter.delivery")
        admin.execute("ALTER TABLE css_exporter.delivery ADD CHECK (outcome <> 'refused')")
        broken = css_exporter("copy-ledger", filled, url)
        assert broken.returncode == 1
        assert "delivery" in broken.stderr
        assert admin.execute("SELECT count(*) FROM css_exporter.cell").fetchone() == (0,)
        admin.execute("ALTER TABLE css_exporter.delivery DROP CONSTRAINT delivery_outcome_check")
    assert css_exporter("copy-ledger", filled, url).returncode == 0


def test_a_ledger_in_use_is_refused(daemon: Start, url: str) -> None:
    """Counts of an exporter that still runs would be left behind: it must be stopped first."""
    exporter = daemon()
    exporter.post(packet("push"))
    source = exporter.data_dir / "ledger.sqlite"
    refused = css_exporter("copy-ledger", source, url)
    assert refused.returncode == 1
    assert "stop the exporter first" in refused.stderr
    assert exporter.post(packet("interruption")).status == 200
    exporter.terminate()
    assert css_exporter("copy-ledger", source, url).returncode == 0
    moved = daemon("moved", ledger=url)
    assert moved.post(packet("interruption")).status == 200
    shown = moved.metrics("/metrics?collect[]=ledger")
    assert shown['tencent_css_callback_duplicates_total{event="interruption"}'] == 1
    assert shown['tencent_css_callbacks_total{event="push"}'] == 1


def test_an_exporter_without_a_connection_is_seen(daemon: Start, url: str) -> None:
    """One that has just started, and whose workers have not opened the ledger, is refused too."""
    exporter = daemon()
    assert exporter.process
    [worker] = exporter.workers()
    os.kill(exporter.process.pid, signal.SIGSTOP)  # it makes no new worker
    os.kill(worker, signal.SIGKILL)
    source = exporter.data_dir / "ledger.sqlite"
    refused = css_exporter("copy-ledger", source, url)
    os.kill(exporter.process.pid, signal.SIGCONT)
    assert refused.returncode == 1
    assert "stop the exporter first" in refused.stderr
    until(lambda: exporter.post(packet("push")).status == 200, "a new worker")
    assert exporter.terminate() == 0
    assert css_exporter("copy-ledger", source, url).returncode == 0


def test_who_comes_during_a_copy_is_refused(filled: Path, url: str) -> None:
    """Neither another copy nor an exporter may use the source, and the copy ends as it should."""
    open_ledger(url, LONG).close()
    with postgres_server().admin(url) as admin:
        admin.execute("TRUNCATE css_exporter.cell, css_exporter.delivery")
        with admin.transaction(force_rollback=True):
            admin.execute("LOCK TABLE css_exporter.identity")
            command = (sys.executable, "-m", "exporter", "copy-ledger", str(filled), url)
            first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            until(_waits, "the copy waits for the server")
            second = css_exporter("copy-ledger", filled, postgres_server().database())
            flags = ("--ledger", f"sqlite:///{filled}", "--callback-keys", "key")
            started = css_exporter("serve", *flags)
        assert first.wait(60) == 0
    assert started.returncode == 1
    assert "held by others" in started.stderr
    assert second.returncode == 1
    assert "wait for other copies" in second.stderr
    assert "Nothing was copied" in second.stderr


def test_a_mark_comes_before_or_after_a_copy(tmp_path: Path) -> None:
    """Between its look at the ledger and its mark a start may be overtaken: it is refused."""
    path = tmp_path / "ledger.sqlite"
    with used_by_nobody(path):
        mark_used(f"sqlite:///{path}")  # nobody ever was here
    other = tmp_path / "other.sqlite"
    Path(f"{other}.used").touch()
    with used_by_nobody(other), pytest.raises(UnusableLedger, match="is being copied"):
        mark_used(f"sqlite:///{other}")
    mark_used(f"sqlite:///{other}")
    with pytest.raises(BlockingIOError), used_by_nobody(other):
        pass


def _waits() -> bool:
    """Return whether a copy waits for a lock of the server."""
    asked = (
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND application_name = 'css-exporter copy'"
    )
    with postgres_server().admin() as admin:
        return bool(admin.execute(asked).fetchall())


@pytest.mark.parametrize("target", ["sqlite:///x", "postgresql://css:se@cret@localhost/x"])
def test_a_wrong_target_is_refused(filled: Path, target: str) -> None:
    """Only to PostgreSQL, and a URL that cannot be read is not printed."""
    refused = css_exporter("copy-ledger", filled, target)
    assert refused.returncode != 0
    assert "postgresql://user:password@host" in refused.stderr
    assert "cret" not in refused.stderr


def test_no_source_is_refused(tmp_path: Path, url: str) -> None:
    """A file that is not there is not made."""
    refused = css_exporter("copy-ledger", tmp_path / "none.sqlite", url)
    assert refused.returncode == 1
    assert "there is no ledger" in refused.stderr
    assert list(tmp_path.iterdir()) == []
