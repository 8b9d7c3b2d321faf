"""The documented backup of a running exporter's ledger, and its restoration."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.daemon import Start
from support.expositions import DUPLICATES, PUSHES
from support.packets import packet
from support.programs import program
from support.repository import ROOT

GUIDE = (ROOT / "docs" / "deployment.md").read_text()


def in_shell(ledger: Path, copy: Path) -> list[str]:
    program("sqlite3")
    (command,) = re.findall(r"^    (sqlite3 .*)$", GUIDE, re.MULTILINE)
    return ["sh", "-c", placed(command, ledger, "/backup/ledger.sqlite", copy)]


def in_python(ledger: Path, copy: Path) -> list[str]:
    (script,) = re.findall(r'^    docker .* python3 -c "(.*)"$', GUIDE, re.MULTILINE)
    return [sys.executable, "-c", placed(script, ledger, "/data/backup.sqlite", copy)]


def placed(command: str, ledger: Path, documented_copy: str, copy: Path) -> str:
    """Return a documented command for the files of this test."""
    assert documented_copy in command
    command = command.replace(documented_copy, str(copy))
    return re.sub(r"file:[^?]*\?", f"file:{ledger}?", command)


@pytest.mark.parametrize("way", [in_shell, in_python])
def test_backup_of_a_running_ledger(
    daemon: Start, tmp_path: Path, way: Callable[[Path, Path], list[str]]
) -> None:
    """A copy made under load is whole; restored and sent everything again, it counts exactly."""
    exporter, copy = daemon(), tmp_path / "copy.sqlite"
    enough = threading.Event()
    accepted: list[str] = []

    def send() -> None:
        while not enough.is_set():
            sequence = str(len(accepted))
            assert exporter.post(packet("push", sequence=sequence)).status == 200
            accepted.append(sequence)

    for number in range(1000, 1050):
        exporter.post(packet("push", sequence=str(number)))
    sender = threading.Thread(target=send)
    sender.start()
    try:
        command = way(exporter.data_dir / "ledger.sqlite", copy)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        enough.set()
        sender.join()
    assert done.returncode == 0, done.stderr
    assert exporter.metrics()[PUSHES] == 50 + len(accepted)
    assert exporter.terminate() == 0

    for left in exporter.data_dir.glob("ledger.sqlite*"):
        left.unlink()
    copy.rename(exporter.data_dir / "ledger.sqlite")
    exporter.start()
    restored = exporter.metrics()[PUSHES]
    assert restored >= 50
    for sequence in accepted:
        exporter.post(packet("push", sequence=sequence))
    after = exporter.metrics()
    assert after[PUSHES] == 50 + len(accepted)
    assert after[DUPLICATES] == restored - 50
