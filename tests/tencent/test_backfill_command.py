"""What ``css-exporter backfill`` takes, refuses, asks for and shows."""

import json
import re
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from support.ledgers import entry
from support.packets import packet
from support.postgres import Postgres
from support.repository import ROOT
from support.settings import LONG
from support.tencent.filling import Filling
from support.tencent.sending import entry_of
from support.tencent.server import Double
from support.tencent.world import Push

from exporter.daemon.backfill import pairs_to_ask
from exporter.ledger import open_ledger
from exporter.ledger.postgres.schema import VERSION
from exporter.metrics.entries import entry_for
from exporter.protocol.events import parse
from exporter.tencent.errors import TencentError
from exporter.tencent.matching import Doubt


def moment(hours_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()


@pytest.mark.parametrize("text", ["yesterday", "2026-11-31", "1e9", "2026-11-01T08:00 Beijing"])
def test_what_is_no_time_is_refused(filling: Filling, text: str) -> None:
    """It is shown how to write one."""
    for ended in (filling(start=text), filling("--to", text)):
        assert ended.returncode == 2
        assert f"{text!r} is no time; write 2026-11-01T08:00 (UTC)" in ended.stderr


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (-24, None, "--from is in the future"),
        (2, -1, "--to is in the future"),
        (1, 2, "--to must be later than --from"),
        (61 * 24, 59 * 24, "--from is more than 60 days ago"),
    ],
)
def test_spans_that_cannot_be_are_refused(
    filling: Filling, double: Double, start: float, end: float | None, words: str
) -> None:
    """With a sentence, before anything is asked."""
    more = () if end is None else ("--to", moment(end))
    ended = filling(*more, start=moment(start))
    assert (ended.returncode, words in ended.stderr) == (2, True), ended.stderr
    assert double.calls == []


def test_a_time_without_a_zone_is_utc(filling: Filling, double: Double, missed: Push) -> None:
    """And one with a zone is the same moment; the span decides what is looked at."""
    ended_at = datetime.fromtimestamp(missed.ended_at or 0, UTC)
    in_beijing = ended_at.astimezone(timezone(timedelta(hours=8)))
    spans = {
        (ended_at - timedelta(seconds=1), in_beijing): 1,
        (ended_at, ended_at + timedelta(seconds=1)): 1,
        (in_beijing + timedelta(seconds=1), ended_at + timedelta(seconds=2)): 0,
    }
    for (start, end), pushes in spans.items():
        texts = [str(one).removesuffix("+00:00") for one in (start, end)]
        ended = filling("--to", texts[1], "--json", start=texts[0])
        assert json.loads(ended.stdout)["counts"]["pushes"] == pushes, (texts, ended.stderr)


def test_without_a_ledger_nothing_is_made(filling: Filling, tmp_path: Path) -> None:
    """The settings are others than those of serve, most likely."""
    ended = filling(data_dir=tmp_path / "elsewhere")
    assert ended.returncode == 1
    assert "ledger.sqlite is gone" in ended.stderr
    assert "Give the settings that serve has" in ended.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_without_a_ledger_stays_so(
    filling: Filling, server: Postgres, url: str
) -> None:
    """A mistyped name makes no tables."""
    ended = filling(ledger=url)
    assert (ended.returncode, "there is no ledger in this database" in ended.stderr) == (1, True)
    with server.admin(url) as admin:
        schemas = admin.execute("SELECT FROM pg_namespace WHERE nspname = 'css_exporter'")
        assert schemas.fetchall() == []


def test_a_ledger_of_an_earlier_version_is_left_alone(
    filling: Filling, server: Postgres, url: str
) -> None:
    """An exporter of that version may be running on it."""
    with closing(sqlite3.connect(filling.path)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {VERSION - 1}")
    ended = filling()
    assert (ended.returncode, "start the exporter again to upgrade" in ended.stderr) == (1, True)
    open_ledger(url, LONG).close()
    with server.admin(url) as admin:
        admin.execute("UPDATE css_exporter.ledger SET version = version - 1")
        ended = filling(ledger=url)
        words = f"schema version {VERSION - 1}, not {VERSION}"
        assert (ended.returncode, words in ended.stderr) == (1, True)
        assert admin.execute("SELECT version FROM css_exporter.ledger").fetchone() == (
            VERSION - 1,
        )


def test_a_server_that_is_away_is_said(filling: Filling) -> None:
    """A sentence, and nothing secret."""
    ended = filling("--json", ledger="postgresql://css:secret@127.0.0.1:1/css")
    assert ended.returncode == 1
    assert "the ledger cannot be used" in json.loads(ended.stdout)["error"]
    assert "secret" not in ended.stderr + ended.stdout


def test_a_ledger_that_knows_no_push_domain_needs_a_name(
    filling: Filling, tmp_path: Path, missed: Push
) -> None:
    """Before its first callback, or after an outage from the very beginning."""
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    with closing(open_ledger(url, LONG)) as ledger:
        ledger.record(entry("recording"), time.time())
    ended = filling(ledger=url)
    assert (ended.returncode, "name it with --domain" in ended.stderr) == (1, True)
    ended = filling("--domain", missed.push_domain, "--apply", ledger=url)
    assert (ended.returncode, "2 entries were recorded." in ended.stdout) == (0, True)


KNOWN = [("a.example", "live"), ("a.example", "show"), ("b.example", "live")]


@pytest.mark.parametrize(
    ("domains", "app_names", "pairs"),
    [
        ((), (), KNOWN),
        ((), ("live",), [KNOWN[0], KNOWN[2]]),
        (("A.example",), (), KNOWN[:2]),
        (("a.example", "a.example"), ("other",), [("a.example", "other")]),
        (("c.example", "b.example"), (), [("c.example", "live"), ("b.example", "live")]),
    ],
)
def test_what_is_asked_for(
    domains: tuple[str, ...], app_names: tuple[str, ...], pairs: list[tuple[str, str]]
) -> None:
    """What is named, else what the ledger knows."""
    assert pairs_to_ask(reversed(KNOWN), domains, app_names) == pairs


def test_an_app_name_that_nobody_knows_needs_a_domain() -> None:
    """The list must be asked for both."""
    with pytest.raises(TencentError, match="--domain"):
        pairs_to_ask(KNOWN, (), ("other",))


def test_the_app_names_of_the_ledger_are_asked_for(
    filling: Filling, double: Double, missed: Push
) -> None:
    """Of each a list of its own; those of unsigned packets are nobody's."""
    other = filling.push("other", app_name="show")
    with closing(open_ledger(f"sqlite:///{filling.path}", LONG)) as ledger:
        known = Push("push.example.com", "show", "x", "7", time.time())
        ledger.record(entry_of(known, "push"), time.time())
        forged = packet("push", app="forged.example", sequence="8")
        ledger.record(entry_for(parse(forged), signed=False), time.time())
    ended = filling("--apply", "--no-packets")
    assert ended.returncode == 0, ended.stderr
    asked = [(call.fields["DomainName"], call.fields["AppName"]) for call in double.calls]
    assert asked == [("push.example.com", "live"), ("push.example.com", "show")]
    assert [filling.recorded(push) for push in (missed, other)] == [1, 1]


def test_names_of_others_cannot_steer_a_terminal(filling: Filling) -> None:
    """What no callback could name is left out; the others are shown, and not for ever."""
    strange = filling.push("\x1b[31mred")
    names = [f"camera-{number}\u202e" for number in range(120)]
    for name in names:
        filling.push(name)
    ended = filling("--no-packets", "--apply")
    assert ended.returncode == 0, ended.stderr
    assert not set(ended.stdout) & {"\x1b", "\u202e"}
    assert "... and 21 more; --json has all" in ended.stdout
    assert "pushes of push.example.com/live that ended until" in ended.stderr
    found = json.loads(filling("--no-packets", "--json").stdout)
    assert found["counts"]["left_out"] == {"strange": 1}
    assert filling.recorded(strange) == 0


def test_every_doubt_is_documented() -> None:
    """The table has all words of the command, and no other."""
    page = (ROOT / "docs" / "tencent-cloud.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| left out as \|.*?\n\n", page, re.MULTILINE | re.DOTALL)
    assert re.findall(r"^\| `(\w+)` ", table, re.MULTILINE) == list(Doubt)


@pytest.mark.parametrize("arguments", [(), ("--no-packets",)])
def test_the_documented_policy_has_what_is_needed_and_no_more(
    filling: Filling, double: Double, missed: Push, arguments: tuple[str, ...]
) -> None:
    """With it the command works, and every action of it is called."""
    page = (ROOT / "docs" / "tencent-cloud.md").read_text(encoding="utf-8")
    command = " ".join(("backfill", *arguments))
    (row,) = re.findall(rf"^\| `{command}` \| (.*) \|$", page, re.MULTILINE)
    double.allowed = set(re.findall(r"`(\w+)`", row))
    ended = filling(*arguments, "--apply")
    assert (ended.returncode, "Allow live:" in ended.stdout + ended.stderr) == (0, False)
    assert set(double.actions()) == double.allowed
    assert filling.recorded(missed) == 1
