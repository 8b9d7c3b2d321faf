"""The official package is an extra: nothing but the command that needs it misses it."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.commands import css_exporter
from support.daemon import Daemon, request
from support.settings import LONG

from exporter.ledger import open_ledger


@pytest.fixture
def without(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which the package cannot be imported."""
    module = tmp_path / "hidden" / "tencentcloud.py"
    module.parent.mkdir()
    module.write_text("raise ModuleNotFoundError(name=__name__)\n", encoding="utf-8")
    return {"PYTHONPATH": str(module.parent)}


def test_the_exporter_starts_and_counts(
    without: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon works without it."""
    for name, value in without.items():
        monkeypatch.setenv(name, value)
    with Daemon(tmp_path / "data") as exporter:
        assert request(exporter.public_port, "GET", "/-/healthy").status == 200


def test_other_commands_work(without: dict[str, str]) -> None:
    """So does the help of those that need it."""
    helps = (("template", "--help"), ("template", "apply", "--help"), ("backfill", "--help"))
    for arguments in (("settings",), *helps):
        assert css_exporter(*arguments, variables=without).returncode == 0


def test_the_commands_say_what_is_missing(without: dict[str, str], tmp_path: Path) -> None:
    """A sentence and status 1, no traceback."""
    open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", LONG).close()
    start = datetime.now(UTC) - timedelta(hours=1)
    fill = ("backfill", "--from", start.isoformat(), "--domain", "push.example.com")
    for arguments in (("template", "list"), fill):
        ended = css_exporter(*arguments, variables=without, data_dir=tmp_path)
        assert ended.returncode == 1
        assert "pip install 'tencent-css-exporter[tencentcloud]'" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_it_is_not_imported_before_it_is_needed() -> None:
    """It costs a start nothing."""
    modules = "exporter.daemon.templates, exporter.daemon.backfill"
    code = f"import sys, {modules}; print('tencentcloud' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "False\n"
