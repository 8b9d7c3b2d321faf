"""What every ledger knows of pushes, and since when it has forgotten none."""

import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.commands import css_exporter
from support.ledgers import Open, entry
from support.postgres import Postgres
from support.programs import until
from support.repository import ROOT
from support.settings import LONG

from exporter.ledger import Ledger
from exporter.ledger import open_ledger as open_by_url
from exporter.ledger.commits import TEND_SECONDS
from exporter.ledger.history import By, KnownPush, KnownPushes
from exporter.ledger.postgres.reader import STREAMS_STEP
from exporter.protocol.vocabulary import Stream

STREAM = ("live.test.example", "stage", "camera-7")
OTHER = ("live.test.example", "stage", "camera-8")
EVER = 36500.0
"""Days: nothing of the samples' time is pruned."""


def known(ledger: Ledger, *streams: Stream) -> dict[Stream, KnownPushes]:
    """Return what is known of each stream, asked for together."""
    pushes, since_ms = ledger.known_pushes(streams)
    return {
        stream: KnownPushes([one for one in pushes if one.stream == stream], since_ms)
        for stream in streams
    }


def test_every_row_of_the_streams_is_known(open_ledger: Open) -> None:
    """With how its beginning and its end are known, and both identities."""
    ledger = open_ledger(push_history_days=EVER)
    push, interruption = entry("push"), entry("interruption")
    assert push.report
    late = entry("interruption", sequence="2", push_duration="1500")
    for one in (push, late, entry("push", sequence="3", stream_id=OTHER[2], set_id=7)):
        ledger.record(one, 1790000100)
    assert late.report
    assert late.occurred_at_ms
    found = known(ledger, STREAM, OTHER)
    of_push = KnownPush(
        push.identity, STREAM, "mainland", 1790000000000, By.PUSH, None, None,
        push.report.interruption,
    )  # fmt: skip
    of_late = KnownPush(
        late.report.push, STREAM, "mainland", late.occurred_at_ms - 1500, None,
        late.occurred_at_ms, By.INTERRUPTION, late.identity,
    )  # fmt: skip
    assert set(found[STREAM].pushes) == {of_push, of_late}
    (other,) = found[OTHER].pushes
    assert (other.origin, other.begun_by, other.ended_by) == ("overseas", By.PUSH, None)
    assert found[STREAM].complete_since_ms == 0
    ledger.record(interruption, 1790000200)
    assert of_push._replace(
        ended_at_ms=interruption.occurred_at_ms, ended_by=By.INTERRUPTION
    ) in known(ledger, STREAM)[STREAM].pushes  # fmt: skip
    assert ledger.known_pushes([]) == KnownPushes([], 0)


def test_an_idle_push_is_known_as_such(open_ledger: Open) -> None:
    """Nobody knows when it ended."""
    ledger = open_ledger(push_idle_seconds=1, push_history_days=EVER)
    ledger.record(entry("push"), time.time() - 5)

    def is_closed() -> bool:
        ledger.record(entry("push", sequence="2", stream_id=OTHER[2]), time.time())
        return known(ledger, STREAM)[STREAM].pushes[0].ended_by is By.IDLE

    until(is_closed, "the idle push is closed")


def test_streams_of_any_number_are_asked_for(open_ledger: Open) -> None:
    """More than a store reads at a time, most of them not there."""
    ledger = open_ledger(push_history_days=EVER)
    ledger.record(entry("push"), 1790000100)
    names = [f"camera-{number}" for number in range(STREAMS_STEP + 10)]
    asked = [("live.test.example", "stage", name) for name in names]
    (push,) = ledger.known_pushes(asked).pushes
    assert push.stream == STREAM
    ledger.record(entry("push", sequence="2", stream_id=names[-1]), 1790000100)
    assert {one.stream for one in ledger.known_pushes(asked).pushes} == {STREAM, asked[-1]}


@pytest.mark.parametrize("limit", [{"push_history_days": 1}, {"push_history_rows": 1}])
def test_what_was_pruned_is_said(open_ledger: Open, limit: dict[str, float]) -> None:
    """The end of the newest push that is gone; it stays though an older one comes late."""
    ledger = open_ledger(**{"push_history_days": EVER} | limit)
    now = int(time.time())
    ends = [now - 2 * 86400, now - 3 * 86400, now - 60]
    for number, ended_at in enumerate(ends):
        one = entry("interruption", sequence=f"{number}", event_time=ended_at)
        ledger.record(one, time.time())

    def since_ms() -> int:
        ledger.record(entry("recording"), time.time())
        return ledger.known_pushes([STREAM]).complete_since_ms

    until(lambda: since_ms() == ends[0] * 1000, "the old pushes are pruned")
    (left,) = ledger.known_pushes([STREAM]).pushes
    assert left.ended_at_ms == ends[2] * 1000
    older = entry("interruption", sequence="late", event_time=ends[1] - 60)
    ledger.record(older, time.time())
    assert since_ms() == ends[0] * 1000


def test_a_time_far_ahead_says_no_more_than_now(open_durable: Open) -> None:
    """Whoever sends one cannot make the ledger incomplete for ever."""
    ledger = open_durable(push_history_days=1)
    ahead = int(time.time()) + 10 * 86400
    ledger.record(entry("interruption", event_time=ahead), time.time())
    until(lambda: not ledger.known_pushes([STREAM]).pushes, "it is pruned")
    since_ms = ledger.known_pushes([STREAM]).complete_since_ms
    assert 0 < since_ms <= time.time() * 1000 + 1000


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_guest_forgets_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Its limits may be others than those of the exporter."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    if kind == "postgres":
        url = request.getfixturevalue("url")
    strict = replace(LONG, push_history_days=0)
    open_by_url(url, LONG).close()
    with closing(open_by_url(url, strict, guest=True)) as guest:
        guest.record(entry("interruption"), time.time())
        time.sleep(3 * TEND_SECONDS)
        guest.record(entry("push"), time.time())
        assert len(guest.known_pushes([STREAM]).pushes) == 1
        with closing(open_by_url(url, strict)) as owner:
            until(lambda: not owner.known_pushes([STREAM]).pushes, "the owner prunes it")


def test_a_copy_knows_what_was_pruned(tmp_path: Path, url: str) -> None:
    """It is as incomplete as the ledger that it was copied from."""
    path = tmp_path / "ledger.sqlite"
    open_by_url(f"sqlite:///{path}", LONG).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO pruned VALUES (1, 1790000000123)")
    assert css_exporter("copy-ledger", path, url).returncode == 0
    with closing(open_by_url(url, LONG)) as ledger:
        assert ledger.known_pushes([STREAM]).complete_since_ms == 1790000000123


def test_an_upgraded_ledger_knows_nothing_of_before(tmp_path: Path) -> None:
    """Nobody noted what the earlier version forgot: all that began before may be counted."""
    path = tmp_path / "ledger.sqlite"
    with closing(open_by_url(f"sqlite:///{path}", LONG)) as ledger:
        ledger.record(entry("push"), 1790000001)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("DROP TABLE pruned; PRAGMA user_version = 3;")
    before = time.time()
    with closing(open_by_url(f"sqlite:///{path}", LONG)) as ledger:
        pushes, since_ms = ledger.known_pushes([STREAM])
    assert before * 1000 <= since_ms
    assert len(pushes) == 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_ledger_of_an_old_version_knows_nothing_of_before(tmp_path: Path, version: int) -> None:
    """Those kept no push that ended."""
    old = ROOT / "tests" / "data" / "ledgers" / f"version-{version}.sqlite"
    path = shutil.copy(old, tmp_path / "ledger.sqlite")
    before = time.time()
    with closing(open_by_url(f"sqlite:///{path}", LONG)) as ledger:
        assert ledger.known_pushes([STREAM]).complete_since_ms >= before * 1000


def test_an_upgraded_shared_ledger_knows_nothing_of_before(server: Postgres, url: str) -> None:
    """The same, by the server's clock."""
    with closing(open_by_url(url, LONG)) as ledger:
        ledger.record(entry("push"), 1790000001)
    with server.admin(url) as admin:
        admin.execute("DROP TABLE css_exporter.pruned")
        admin.execute("UPDATE css_exporter.ledger SET version = 3")
    before = time.time()
    with closing(open_by_url(url, LONG)) as ledger:
        pushes, since_ms = ledger.known_pushes([STREAM])
    assert before * 1000 <= since_ms
    assert len(pushes) == 1
