"""What ``css-exporter backfill`` asks for, refuses, and says when the API or the ledger fails."""

import json
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.commands import css_exporter
from support.ledgers import entry
from support.packets import packet
from support.postgres import Postgres
from support.repository import ROOT
from support.settings import LONG
from support.tencent import lies
from support.tencent.sending import entry_of
from support.tencent.server import Double
from support.tencent.world import Push, utc

from exporter.daemon.backfill import chosen
from exporter.ledger import open_ledger
from exporter.ledger.postgres.schema import VERSION
from exporter.ledger.sqlite.files import FileLock
from exporter.metrics.entries import entry_for
from exporter.protocol.events import parse
from exporter.tencent.errors import TencentError
from exporter.tencent.matching import Doubt

HOUR = 3600
EVENTS, RECORDS = "DescribeLiveStreamEventList", "DescribeCallbackRecordsList"
DENIED = "UnauthorizedOperation"

Ended = subprocess.CompletedProcess[str]
Run = Callable[..., Ended]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a ledger that knows one push domain and app name."""
    path = tmp_path / "data" / "ledger.sqlite"
    with closing(open_ledger(f"sqlite:///{path}", LONG)) as ledger:
        sample = packet("push", app="push.example.com", appname="live", event_time=time.time())
        ledger.record(entry_for(parse(sample)), time.time())
    return path


@pytest.fixture
def run(double: Double, path: Path) -> Run:
    """Return what runs the command on that ledger, over the last six hours."""

    def run(*arguments: str, start: str = utc(time.time() - 6 * HOUR), **settings: Any) -> Ended:
        given: dict[str, Any] = {"tencent_endpoint": double.endpoint, "data_dir": path.parent}
        given |= settings
        ended = css_exporter("backfill", "--from", start, *arguments, **given)
        assert "Traceback" not in ended.stderr
        return ended

    return run


@pytest.fixture
def missed(double: Double) -> Push:
    """Return a push of which nothing was called back."""
    return pushed(double)


def pushed(double: Double, name: str = "missed", app_name: str = "live") -> Push:
    push = double.world.begin(name, app_name=app_name, at=int(time.time()) - 3 * HOUR)
    double.world.end(push, at=push.began_at + HOUR)
    return push


def recorded(path: Path, push: Push) -> int:
    """Return how many pushes of a stream the ledger has."""
    with closing(open_ledger(f"sqlite:///{path}", LONG, guest=True)) as ledger:
        return len(ledger.known_pushes([push.stream]).pushes)


def moment(hours_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()


@pytest.mark.parametrize("text", ["yesterday", "2026-11-31", "1e9", "2026-11-01T08:00 Beijing"])
def test_what_is_no_time_is_refused(run: Run, text: str) -> None:
    """It is shown how to write one."""
    for ended in (run(start=text), run("--to", text)):
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
    run: Run, double: Double, start: float, end: float | None, words: str
) -> None:
    """With a sentence, before anything is asked."""
    more = () if end is None else ("--to", moment(end))
    ended = run(*more, start=moment(start))
    assert (ended.returncode, words in ended.stderr) == (2, True), ended.stderr
    assert double.calls == []


def test_a_time_without_a_zone_is_utc(run: Run, double: Double, missed: Push) -> None:
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
        ended = run("--to", texts[1], "--json", start=texts[0])
        assert json.loads(ended.stdout)["counts"]["pushes"] == pushes, (texts, ended.stderr)


def test_without_a_ledger_nothing_is_made(run: Run, tmp_path: Path) -> None:
    """The settings are others than those of serve, most likely."""
    ended = run(data_dir=tmp_path / "elsewhere")
    assert ended.returncode == 1
    assert "ledger.sqlite is gone" in ended.stderr
    assert "Give the settings that serve has" in ended.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_without_a_ledger_stays_so(run: Run, server: Postgres, url: str) -> None:
    """A mistyped name makes no tables."""
    ended = run(ledger=url)
    assert (ended.returncode, "there is no ledger in this database" in ended.stderr) == (1, True)
    with server.admin(url) as admin:
        schemas = admin.execute("SELECT FROM pg_namespace WHERE nspname = 'css_exporter'")
        assert schemas.fetchall() == []


def test_a_ledger_of_an_earlier_version_is_left_alone(
    run: Run, server: Postgres, path: Path, url: str
) -> None:
    """An exporter of that version may be running on it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {VERSION - 1}")
    ended = run()
    assert (ended.returncode, "start the exporter again to upgrade" in ended.stderr) == (1, True)
    open_ledger(url, LONG).close()
    with server.admin(url) as admin:
        admin.execute("UPDATE css_exporter.ledger SET version = version - 1")
        ended = run(ledger=url)
        words = f"schema version {VERSION - 1}, not {VERSION}"
        assert (ended.returncode, words in ended.stderr) == (1, True)
        assert admin.execute("SELECT version FROM css_exporter.ledger").fetchone() == (
            VERSION - 1,
        )


def test_a_server_that_is_away_is_said(run: Run) -> None:
    """A sentence, and nothing secret."""
    ended = run("--json", ledger="postgresql://css:secret@127.0.0.1:1/css")
    assert ended.returncode == 1
    assert "the ledger cannot be used" in json.loads(ended.stdout)["error"]
    assert "secret" not in ended.stderr + ended.stdout


def test_a_ledger_that_knows_no_push_domain_needs_a_name(
    run: Run, double: Double, tmp_path: Path, missed: Push
) -> None:
    """Before its first callback, or after an outage from the very beginning."""
    path = tmp_path / "new" / "ledger.sqlite"
    with closing(open_ledger(f"sqlite:///{path}", LONG)) as ledger:
        ledger.record(entry("recording"), time.time())
    ended = run(data_dir=path.parent)
    assert (ended.returncode, "name it with --domain" in ended.stderr) == (1, True)
    ended = run("--domain", missed.push_domain, "--apply", data_dir=path.parent)
    assert (ended.returncode, recorded(path, missed)) == (0, 1), ended.stderr


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
    assert chosen(reversed(KNOWN), domains, app_names) == pairs


def test_an_app_name_that_nobody_knows_needs_a_domain() -> None:
    """The list must be asked for both."""
    with pytest.raises(TencentError, match="--domain"):
        chosen(KNOWN, (), ("other",))


def test_the_app_names_of_the_ledger_are_asked_for(
    run: Run, double: Double, path: Path, missed: Push
) -> None:
    """Of each a list of its own; those of unsigned packets are nobody's."""
    other = pushed(double, "other", app_name="show")
    with closing(open_ledger(f"sqlite:///{path}", LONG)) as ledger:
        known = Push("push.example.com", "show", "x", "7", time.time())
        ledger.record(entry_of(known, "push"), time.time())
        forged = packet("push", app="forged.example", sequence="8")
        ledger.record(entry_for(parse(forged), signed=False), time.time())
    ended = run("--apply", "--no-packets")
    assert ended.returncode == 0, ended.stderr
    asked = [(call.fields["DomainName"], call.fields["AppName"]) for call in double.calls]
    assert asked == [("push.example.com", "live"), ("push.example.com", "show")]
    assert [recorded(path, push) for push in (missed, other)] == [1, 1]


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (lies.refuse(DENIED), f"Allow live:{EVENTS}"),
        (lies.refuse("AuthFailure.SignatureExpire"), "clock"),
        (lies.refuse("FailedOperation.Novel"), "FailedOperation.Novel"),
    ],
)
def test_errors_of_the_api_become_sentences(
    run: Run, double: Double, path: Path, missed: Push, lie: lies.Lie, words: str
) -> None:
    """Status 1, and nothing is recorded."""
    double.lie(lie, EVENTS, times=4)
    ended = run("--apply", "--json")
    assert (ended.returncode, words in ended.stderr) == (1, True), ended.stderr
    assert words in json.loads(ended.stdout)["error"]
    assert recorded(path, missed) == 0


def test_a_part_of_a_list_is_none(run: Run, double: Double, path: Path, missed: Push) -> None:
    """Whatever else the list has: nobody knows what is missing of it."""
    pushed(double, "other")
    double.lie(lies.short("EventList"), EVENTS, times=8)
    ended = run("--apply")
    assert (ended.returncode, f"{EVENTS} failed" in ended.stderr) == (1, True), ended.stderr
    assert recorded(path, missed) == 0


def test_what_is_throttled_is_asked_for_again(
    run: Run, double: Double, path: Path, missed: Push
) -> None:
    """Whoever waits is told."""
    for action in (EVENTS, RECORDS):
        double.lie(lies.refuse("RequestLimitExceeded"), action)
    ended = run("--apply")
    assert ended.returncode == 0
    for action in (EVENTS, RECORDS):
        assert f"{action}: RequestLimitExceeded; again in 1 s" in ended.stderr
    assert recorded(path, missed) == 1


def test_where_there_is_no_list_of_callbacks_the_event_list_does(
    run: Run, double: Double, path: Path, missed: Push
) -> None:
    """It is said why; the international site has none."""
    double.lie(lies.refuse("InvalidAction"), RECORDS)
    ended = run("--apply")
    assert ended.returncode == 0, ended.stderr
    assert f"The list of callbacks could not be asked: {RECORDS} failed." in ended.stdout
    assert recorded(path, missed) == 1


def test_a_list_of_callbacks_that_fails_decides_nothing(
    run: Run, double: Double, path: Path, missed: Push
) -> None:
    """It may give the packets the next time; who does not want to wait can say so."""
    double.lie(lies.fields(DataInfoList=None), RECORDS, times=4)
    ended = run("--apply")
    assert (ended.returncode, "Or do without: --no-packets." in ended.stderr) == (1, True)
    assert recorded(path, missed) == 0
    assert run("--apply", "--no-packets").returncode == 0
    assert recorded(path, missed) == 1


def test_a_ledger_that_cannot_commit_is_said(
    run: Run, double: Double, path: Path, missed: Push
) -> None:
    """Here another process keeps its lock; the next run goes on."""
    with closing(FileLock(Path(f"{path}.lock"))) as lock, lock.within(5):
        ended = run("--apply", "--no-packets")
    assert ended.returncode == 1
    assert "0 entries were recorded; then the ledger failed" in ended.stdout
    assert "Run it again." in ended.stdout
    assert run("--apply", "--no-packets").returncode == 0
    assert recorded(path, missed) == 1


def test_credentials_that_are_missing_are_said(run: Run, tmp_path: Path) -> None:
    """As for template."""
    file = tmp_path / "credentials"
    file.write_text("[default]\nsecret_id = AKID\n")
    ended = run(tencent_credentials_file=file)
    assert (ended.returncode, "no usable secret_key" in ended.stderr) == (1, True)


def test_names_of_others_cannot_steer_a_terminal(run: Run, double: Double, path: Path) -> None:
    """What no callback could name is left out; the others are shown, and not for ever."""
    strange = pushed(double, "\x1b[31mred")
    names = [f"camera-{number}\u202e" for number in range(120)]
    for name in names:
        pushed(double, name)
    ended = run("--no-packets", "--apply")
    assert ended.returncode == 0, ended.stderr
    assert not set(ended.stdout) & {"\x1b", "\u202e"}
    assert "... and 21 more; --json has all" in ended.stdout
    assert "pushes of push.example.com/live that ended until" in ended.stderr
    found = json.loads(run("--no-packets", "--json").stdout)
    assert found["counts"]["left_out"] == {"strange": 1}
    assert recorded(path, strange) == 0


def test_every_doubt_is_documented() -> None:
    """The table has all words of the command, and no other."""
    page = (ROOT / "docs" / "tencent-cloud.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| left out as \|.*?\n\n", page, re.MULTILINE | re.DOTALL)
    assert re.findall(r"^\| `(\w+)` ", table, re.MULTILINE) == list(Doubt)


@pytest.mark.parametrize("arguments", [(), ("--no-packets",)])
def test_the_documented_policy_has_what_is_needed_and_no_more(
    run: Run, double: Double, path: Path, missed: Push, arguments: tuple[str, ...]
) -> None:
    """With it the command works, and every action of it is called."""
    page = (ROOT / "docs" / "tencent-cloud.md").read_text(encoding="utf-8")
    command = " ".join(("backfill", *arguments))
    (row,) = re.findall(rf"^\| `{command}` \| (.*) \|$", page, re.MULTILINE)
    double.allowed = set(re.findall(r"`(\w+)`", row))
    ended = run(*arguments, "--apply")
    assert (ended.returncode, "Allow live:" in ended.stdout + ended.stderr) == (0, False)
    assert set(double.actions()) == double.allowed
    assert recorded(path, missed) == 1
