"""A full disk costs nothing but time: 503, the reason, recovery by itself, exact counts."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemon import Daemon, Start
from support.packets import packet
from support.programs import missing, until

UNLIMITED = resource.RLIM_INFINITY
PUSHES = (
    'tencent_css_pushes_total{app_name="stage",origin="mainland",push_domain="live.test.example"}'
)


def push(number: int) -> dict[str, object]:
    """Return one of many pushes, with a name long enough to fill pages."""
    return packet("push", sequence=f"s{number}", stream_id=f"camera-{number}-{'x' * 400}")


def deliver(exporter: Daemon, numbers: range) -> list[int]:
    """Send pushes and return those that were not acknowledged; each is answered in time."""
    refused = []
    for number in numbers:
        answer = exporter.post(push(number), timeout=10)
        if answer.status != 200:
            assert (answer.status, answer.json["reason"]) == (503, "ledger_unavailable")
            refused.append(number)
    return refused


def assert_recovers(
    exporter: Daemon, refused: list[int], total: int, refused_before_a_crash: int = 0
) -> None:
    """Send what was refused, and all else once more, and see each push counted once.

    What was refused before a crash may be counted or not: that count waited for a commit.
    """
    until(lambda: exporter.get("/-/ready").status == 200, "the daemon recovers", 30)
    assert deliver(exporter, range(total)) == []
    assert exporter.metrics()[PUSHES] == total
    assert exporter.metrics()["tencent_css_exporter_open_pushes"] == total
    assert exporter.metrics()["tencent_css_exporter_ledger_up"] == 1
    rejections = 'tencent_css_callback_rejections_total{reason="ledger_unavailable"}'
    found = exporter.metrics()[rejections]
    assert len(refused) <= found <= len(refused) + refused_before_a_crash


def assert_it_says_so(exporter: Daemon, reason: str) -> None:
    """See that the daemon lives, says why it is not ready, and still shows what it counted."""
    until(lambda: exporter.get("/-/ready").status == 503, "the daemon is not ready")
    assert reason in exporter.get("/-/ready").body.decode()
    assert exporter.get("/-/healthy").status == 200
    assert exporter.metrics()["tencent_css_exporter_ledger_up"] == 0
    assert exporter.metrics()[PUSHES] > 0


def test_no_file_may_grow(daemon: Start) -> None:
    """A limit on file sizes, its log file's too, is survived by a running daemon."""
    exporter = daemon()
    assert deliver(exporter, range(5)) == []
    assert exporter.metrics()[PUSHES] == 5  # a first reader makes a small file
    for worker in exporter.workers():
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, UNLIMITED))
    refused = deliver(exporter, range(5, 20))
    assert refused
    assert_it_says_so(exporter, "disk I/O error")
    for worker in exporter.workers():
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))
    assert_recovers(exporter, refused, 20)
    assert exporter.terminate() == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a directory on a file system of 8 MiB; skip the test if none may be mounted."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(directory)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        missing("no right to mount a file system; a limit on file sizes was tested instead")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(directory: Path) -> Path:
    """Take all the space that is left."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue
    return filler


@pytest.mark.parametrize("crashes", [False, True])
def test_a_disk_is_full(daemon: Start, small_disk: Path, crashes: bool) -> None:
    """A real full disk is survived, also by a daemon that is killed and started meanwhile."""
    exporter = daemon(small_disk)
    assert deliver(exporter, range(5)) == []
    filler = fill(small_disk)
    refused = deliver(exporter, range(5, 60))
    assert refused
    assert_it_says_so(exporter, "full")
    before = 0
    if crashes:
        before = len(refused)
        exporter.kill()
        exporter.start()
        refused = deliver(exporter, range(5, 60))
        assert_it_says_so(exporter, "full")
    filler.unlink()
    assert_recovers(exporter, refused, 60, before)
    assert exporter.terminate() == 0
