"""The systemd unit: nothing in it unknown, hardened, and started with settings that we have."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.daemon import Daemon
from support.nginx import replaced
from support.packets import packet
from support.programs import program
from support.repository import ROOT

from exporter.daemon.loading import CONFIG_VARIABLE, ENV_PREFIX
from exporter.daemon.server import GRACEFUL_SECONDS
from exporter.daemon.settings import Settings

UNIT = ROOT / "deploy" / "systemd" / "css-exporter.service"
COMMAND = "/opt/css-exporter/bin/css-exporter"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return a copy whose program exists on this machine."""
    ours = Path(sys.executable).with_name("css-exporter")
    path = tmp_path / UNIT.name
    path.write_text(replaced(UNIT.read_text(), {COMMAND: str(ours)}))
    return path


def test_systemd_finds_no_fault(unit: Path) -> None:
    """It only warns of what it does not know, with status 0: any line is a failure."""
    done = subprocess.run(
        [program("systemd-analyze"), "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_unit_is_hardened(unit: Path) -> None:
    """What the unit can reach is rated at most 2.0, of 10.0 without any protection."""
    done = subprocess.run(
        [
            *(program("systemd-analyze"), "security", "--offline=true", "--no-pager"),
            *("--threshold=20", unit),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def test_filter_lets_the_exporter_live(tmp_path: Path) -> None:
    """Whatever the exporter calls, from start to stop, the unit's filter allows."""
    trace = tmp_path / "trace"
    exporter = Daemon(tmp_path / "data")
    exporter.under = (program("strace"), "-f", "-qq", "-o", str(trace))
    with exporter:
        assert exporter.post(packet("push")).status == 200
        for path in ("/", "/metrics", "/deliveries", "/-/ready"):
            assert exporter.get(path).status == 200
        (master,) = exporter.workers()  # of strace
        os.kill(master, signal.SIGTERM)
        assert exporter.process
        assert exporter.process.wait(60) == 0
    called = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    assert {"execve", "fdatasync"} <= called
    allowed, *refused = re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert [line[0] for line in refused] == ["~"]
    names = calls(*allowed.split()) - calls(*refused[0][1:].split()) | calls("@default")
    # SQLite gives its files their owner back, but only as root.
    assert called - names <= {"fchown"}


def calls(*groups: str) -> set[str]:
    """Return the system calls of groups as systemd defines them."""
    listed = subprocess.run(
        [program("systemd-analyze"), "syscall-filter", *groups],
        capture_output=True,
        text=True,
        check=True,
    )
    # The name of a group, then its members, set in.
    members = {line.strip() for line in listed.stdout.splitlines() if line.startswith(" ")}
    nested = [name for name in members if name.startswith("@")]
    names = {name for name in members if name[:1].isalnum()}
    return names | calls(*nested) if nested else names


def test_settings_are_known() -> None:
    """Every variable names a setting; keys come as a credential, never in the environment."""
    text = UNIT.read_text()
    names = re.findall(rf"^Environment=({ENV_PREFIX}\w+)=", text, re.MULTILINE)
    assert len(names) == 3
    for name in names:
        known = name.removeprefix(ENV_PREFIX).lower() in Settings.model_fields
        assert known or name == CONFIG_VARIABLE
    assert f"{ENV_PREFIX}CALLBACK_KEYS=" not in text
    assert f"{ENV_PREFIX}CALLBACK_KEYS_FILE=%d/callback-keys" in text
    assert "LoadCredential=callback-keys:" in text


def test_stop_waits_for_callbacks() -> None:
    """Systemd waits longer than gunicorn for callbacks under way, and signals only the master."""
    text = UNIT.read_text()
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)s$", text, re.MULTILINE)
    assert int(seconds) > GRACEFUL_SECONDS
    assert "KillMode=mixed" in text.splitlines()
