"""Sources that nobody needs give their places back, by a command."""

import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.commands import css_exporter
from support.daemon import Daemon
from support.ledgers import KINDS, entry, numbers, postgres_server, value
from support.packets import packet
from support.settings import LONG

from exporter.ledger import Outcome, UnusableLedger, forget_sources, open_ledger
from exporter.metrics import catalogue as c

NOW = 1790000200.0
KEPT = ("live.test.example", "stage")


@pytest.fixture(params=sorted(name for name, kind in KINDS.items() if kind.durable))
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty ledger of each kind that a command can reach."""
    if request.param == "postgres":
        return postgres_server().database()
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def _forget(url: str, *names: str) -> subprocess.CompletedProcess[str]:
    return css_exporter("forget-source", *names, ledger=url)


def test_sources_that_are_forgotten_give_their_places_back(ledger_url: str) -> None:
    """Their series and open pushes are gone, all else is as it was, and others take the places."""
    with closing(open_ledger(ledger_url, LONG)) as ledger:
        ledger.record(entry("push"), NOW)
        ledger.record(entry("recording"), NOW)
        before = numbers(ledger)
        for number in range(3):
            fields = {"app": f"d{number}.made.up", "appname": "x", "sequence": f"s{number}"}
            ledger.record(entry("push", **fields), NOW)
            ledger.record(entry("screencapture", **fields, pic_full_url=f"{number}"), NOW)
    done = _forget(ledger_url, "*.made.up", "x")
    assert done.returncode == 0, done.stderr
    assert "Forgot 3 sources, 12 series and 3 open pushes." in done.stdout
    with closing(open_ledger(ledger_url, LONG)) as ledger:
        of_sources = {key for key in before if key[1:3] == KEPT or key[0].endswith("_series")}
        of_sources |= {(c.OPEN_PUSHES.name, ""), (c.SOURCES.name, "")}
        found = numbers(ledger)
        assert {key: found[key] for key in of_sources} == {key: before[key] for key in of_sources}
        assert not [key for key in found if "made.up" in "".join(key)]
        # Redeliveries stay known; the interruption of a push that is forgotten closes nothing.
        again = entry("push", app="d1.made.up", appname="x", sequence="s1")
        assert ledger.record(again, NOW).outcome is Outcome.DUPLICATE
        ended = entry("interruption", app="d1.made.up", appname="x", sequence="s1")
        assert ledger.record(ended, NOW).outcome is Outcome.ACCEPTED
        assert value(ledger, c.OPEN_PUSHES) == 1
        assert value(ledger, c.SOURCES) == 2


def test_a_source_that_is_not_there_is_no_error(ledger_url: str) -> None:
    """Names are patterns with ``*`` alone: a dot is a dot, and nothing is forgotten by half."""
    with closing(open_ledger(ledger_url, LONG)) as ledger:
        ledger.record(entry("push"), NOW)
        before = numbers(ledger)
    for names in (("live_test.example", "stage"), ("live.test.example", "stag"), ("live", "*")):
        assert forget_sources(ledger_url, *names) == (0, 0, 0)
    with closing(open_ledger(ledger_url, LONG)) as ledger:
        assert numbers(ledger) == before


def test_nothing_is_forgotten_beside_a_running_exporter(
    daemon: Callable[..., Daemon], ledger_url: str
) -> None:
    """It would go on counting into what is gone: it must be stopped first."""
    exporter = daemon(ledger=ledger_url)
    exporter.post(packet("push"))
    refused = _forget(ledger_url, "*", "*")
    assert refused.returncode == 1
    assert "stop" in refused.stderr
    assert "Nothing was forgotten" in refused.stderr
    exporter.terminate()
    assert _forget(ledger_url, "*", "*").returncode == 0


def test_there_is_nothing_to_forget_without_a_ledger(tmp_path: Path) -> None:
    """A file that is not there is not made."""
    with pytest.raises(UnusableLedger, match="there is no ledger"):
        forget_sources(f"sqlite:///{tmp_path / 'none.sqlite'}", "*", "*")
    assert list(tmp_path.iterdir()) == []
