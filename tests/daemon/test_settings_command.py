"""What ``css-exporter settings`` prints: each setting with its source, and no secret."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporter import cli
from exporter.daemon.settings import Settings

pytestmark = pytest.mark.usefixtures("no_variables")


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Return what runs commands in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def show(runner: CliRunner, *arguments: str) -> Result:
    """Run ``css-exporter settings``."""
    return runner.invoke(cli.main, ["settings", *arguments])


def test_the_command_shows_every_setting_and_no_secret(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting is a line with source and value; of secrets only that they are set."""
    Path("c.toml").write_text('[callback_keys_by_domain]\n"x.example" = ["hidden-three"]\n')
    monkeypatch.setenv("CSS_EXPORTER_CALLBACK_KEYS", "hidden-one,hidden-two")
    shown = show(runner, "--config", "c.toml", "--metrics-token", "hidden", "--log-user-ip")
    assert shown.exit_code == 0
    lines = {line.split()[0]: line.split()[1:] for line in shown.output.splitlines()}
    assert set(lines) == set(Settings.model_fields)
    assert "hidden" not in shown.output
    assert lines["callback_keys"][0] == "environment"
    assert lines["callback_keys_by_domain"][:2] == ["file", "x.example:"]
    assert lines["metrics_token"][0] == "flag"
    assert lines["log_user_ip"] == ["flag", "true"]
    assert lines["workers"] == ["default", "1"]
    assert list(Path().iterdir()) == [Path("c.toml")]  # it makes nothing


def test_the_command_fails_on_an_invalid_setting(runner: CliRunner) -> None:
    """Every error is on standard error, and the status is 1."""
    shown = show(runner, "--workers", "0", "--max-sources", "x")
    assert shown.exit_code == 1
    assert len(shown.stderr.splitlines()) == 2
    assert "workers (flag)" in shown.stderr
    assert show(runner, "--no-such-setting", "1").exit_code == 2
