"""The doctor: what a newcomer gets wrong is a sentence that says what to do."""

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.commands import css_exporter, css_exporter_as_nobody
from support.daemon import Daemon, Start, request
from support.packets import packet, signed
from support.programs import free_port, until


class Visit:
    """One run of the doctor with some settings."""

    def __init__(self, **settings: Any) -> None:
        self.ended = css_exporter("doctor", "--json", **settings)
        self.findings = json.loads(self.ended.stdout)
        self.is_well = self.ended.returncode == 0
        assert self.is_well is not any(one["level"] == "wrong" for one in self.findings)

    def says(self, level: str, about: str, part: str) -> bool:
        """Return whether one of the findings is such."""
        return any(
            (one["level"], one["about"]) == (level, about) and part in one["sentence"]
            for one in self.findings
        )


def visit(exporter: Daemon, **others: Any) -> Visit:
    """Ask about a daemon, with its own settings or others."""
    return Visit(**exporter.settings | others)


def fresh(tmp_path: Path) -> dict[str, Any]:
    """Return settings of an exporter that was never started."""
    return {
        "data_dir": tmp_path / "data",
        "callback_listen": f"127.0.0.1:{free_port()}",
        "metrics_listen": f"127.0.0.1:{free_port()}",
    }


def test_before_the_first_start_all_is_well(tmp_path: Path) -> None:
    """Nothing is wrong, nothing is made, and it is said what a start will do."""
    found = Visit(**fresh(tmp_path))
    assert found.is_well
    assert found.says("note", "keys", "serve will make one")
    assert found.says("note", "ledger", "will be made")
    assert found.says("ok", "callback_listen", "is free")
    assert found.says("note", "exporter", "none runs")
    assert not (tmp_path / "data").exists()


def test_every_error_of_the_settings_is_a_finding(tmp_path: Path) -> None:
    """What stops a start is said here too."""
    found = Visit(**fresh(tmp_path) | {"workers": "none", "metrics_token": ""})
    assert found.says("wrong", "settings", "workers (environment)")
    assert found.says("wrong", "settings", "metrics_token (environment)")


def test_the_text_has_a_line_for_each_finding() -> None:
    """For people it is a line each, and the status says whether something is wrong."""
    ended = css_exporter("doctor", "--workers", "0", "--max-sources", "x")
    assert ended.returncode == 1
    assert [line.split()[:2] for line in ended.stdout.splitlines()] == [["wrong", "settings"]] * 2


def test_a_running_exporter_without_callbacks(daemon: Start) -> None:
    """Nothing came: that is worth knowing, and what to enter in the console."""
    exporter = daemon(metrics_token="sesame")
    found = visit(exporter)
    assert found.is_well
    for listener in ("callback_listen", "metrics_listen"):
        assert found.says("ok", listener, "a running exporter answers")
    assert found.says("ok", "exporter", "can commit")
    assert found.says("note", "callbacks", "none has come yet")
    other = visit(exporter, metrics_token="other")
    assert other.says("wrong", "exporter", "another metrics_token")


@pytest.mark.parametrize(
    ("sign", "reason", "advice"),
    [
        (lambda one: signed(one, key="another"), "bad_signature", "compare the template's key"),
        (dict, "unsigned", "template no key"),
    ],
)
def test_only_refusals_call_for_their_hint(
    daemon: Start, sign: Callable[..., dict[str, Any]], reason: str, advice: str
) -> None:
    """When each callback was refused, the hint says why; once one is taken, all is well."""
    exporter = daemon()
    body = json.dumps(sign(packet("push"))).encode()
    for _ in range(3):
        assert request(exporter.public_port, "POST", "/callback", body).status == 403
    found = visit(exporter)
    assert found.says("wrong", "callbacks", reason)
    assert found.says("wrong", "callbacks", advice)
    assert exporter.post(packet("push")).status == 200
    assert visit(exporter).says("ok", "callbacks", "1 were taken")


def test_a_ledger_that_cannot_commit(daemon: Start) -> None:
    """What /-/ready says is a finding."""
    exporter = daemon()
    (exporter.data_dir / "ledger.sqlite").rename(exporter.data_dir / "away")
    found = visit(exporter)
    assert found.says("wrong", "exporter", "cannot commit")
    (exporter.data_dir / "away").rename(exporter.data_dir / "ledger.sqlite")
    until(lambda: exporter.get("/-/ready").status == 200, "the ledger is back")
    assert visit(exporter).is_well


def test_a_ledger_of_nobody_is_opened(daemon: Start) -> None:
    """Without a running exporter the ledger itself is tried; garbage is refused."""
    exporter = daemon()
    assert exporter.terminate() == 0
    assert visit(exporter).says("ok", "ledger", "can commit")
    (exporter.data_dir / "ledger.sqlite").write_bytes(b"garbage" * 1000)
    assert visit(exporter).says("wrong", "ledger", "ledger.sqlite")


def test_ports_of_others(tmp_path: Path) -> None:
    """A port that another program holds, and an address of another machine, are named."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        taken = fresh(tmp_path) | {"callback_listen": f"127.0.0.1:{port}"}
        assert Visit(**taken).says("wrong", "callback_listen", "another program")
    foreign = fresh(tmp_path) | {"metrics_listen": "192.0.2.1:9000"}
    assert Visit(**foreign).says("wrong", "metrics_listen", "not of this machine")


def test_keys_that_the_console_cannot_have(tmp_path: Path) -> None:
    """A key with quotes around it, or two on a line, is a mistake of the file."""
    keys = tmp_path / "keys"
    keys.write_text("'quoted'\n")
    found = Visit(**fresh(tmp_path), callback_keys_file=keys)
    assert found.says("wrong", "keys", "letters and digits")
    assert "quoted" not in found.ended.stdout


def test_a_clock_that_is_behind(daemon: Start) -> None:
    """A ledger from the future says that this machine's clock is wrong."""
    exporter = daemon()
    assert exporter.terminate() == 0
    ahead = time.time() + 7200
    os.utime(exporter.data_dir / "ledger.sqlite", (ahead, ahead))
    assert visit(exporter).says("wrong", "clock", "from now")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_directory_of_somebody_else(tmp_path: Path) -> None:
    """Where this user may not write, it says who can change that."""
    ended = css_exporter_as_nobody("doctor", "--data-dir", tmp_path / "data")
    assert ended.returncode == 1
    assert "cannot be written by this user" in ended.stdout
