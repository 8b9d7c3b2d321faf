"""The official package is an extra: nothing but the command that needs it misses it."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import css_exporter
from support.daemon import Daemon, request


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
    for arguments in (("settings",), ("template", "--help"), ("template", "apply", "--help")):
        assert css_exporter(*arguments, variables=without).returncode == 0


def test_the_command_says_what_is_missing(without: dict[str, str]) -> None:
    """A sentence and status 1, no traceback."""
    ended = css_exporter("template", "list", variables=without)
    assert ended.returncode == 1
    assert "pip install 'tencent-css-exporter[tencentcloud]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_is_not_imported_before_it_is_needed() -> None:
    """It costs a start nothing."""
    code = "import sys, exporter.daemon.templates; print('tencentcloud' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "False\n"
