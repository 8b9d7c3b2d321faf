"""The lock that writers of a file take turns by, and a ledger that must not be made."""

from pathlib import Path

import pytest
from support.settings import LONG

from exporter.ledger import LedgerUnavailable, open_ledger
from exporter.ledger.sqlite.files import FileLock


def test_a_lock_whose_file_was_removed_still_excludes(tmp_path: Path) -> None:
    """Whoever waited on a removed file locks the new one."""
    path = tmp_path / "ledger.lock"
    first, second = FileLock(path), FileLock(path)
    with first:
        pass
    path.unlink()
    with second, pytest.raises(TimeoutError), first.within(0.1):
        pass
    with first.within(1):
        pass


def test_a_start_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that cannot have the lock says so."""
    monkeypatch.setattr("exporter.ledger.sqlite._START_SECONDS", 0.2)
    path = tmp_path / "ledger.sqlite"
    open_ledger(f"sqlite:///{path}", LONG).close()
    with FileLock(Path(f"{path}.lock")), pytest.raises(TimeoutError, match="held by others"):
        open_ledger(f"sqlite:///{path}", LONG)


def test_without_making_a_ledger_is_unavailable(tmp_path: Path) -> None:
    """A ledger that must not be made is waited for."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/gone/ledger.sqlite", LONG, make=False)
    with pytest.raises(LedgerUnavailable):
        ledger.check()
    with pytest.raises(LedgerUnavailable):
        ledger.snapshot()
    ledger.close()
    assert not (tmp_path / "gone").exists()
