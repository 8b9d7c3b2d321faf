"""Who we are to Tencent Cloud: a file, the environment, a role of the machine."""

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tencent.desk import HASTY, client, template
from support.tencent.server import Double
from support.tencent.signing import Secret

from exporter.tencent.credentials import credential_for
from exporter.tencent.errors import TencentError


@pytest.fixture(autouse=True)
def elsewhere(double: Double, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Take the environment's credentials away; the double is the proxy to a machine's role."""
    monkeypatch.delenv("TENCENTCLOUD_SECRET_ID")
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", double.endpoint)
    urllib.request.install_opener(None)  # it remembers the proxy of its first use
    yield
    urllib.request.install_opener(None)


def written(path: Path, text: str) -> Path:
    """Write a file of credentials."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_our_own(double: Double, tmp_path: Path) -> None:
    """Quotes do not count, and a token makes the key a temporary one."""
    double.secret = Secret("AKIDfile", "of-a-file", "for-an-hour")
    text = '[default]\nsecret_id = "AKIDfile"\nsecret_key = of-a-file\ntoken = for-an-hour\n'
    path = written(tmp_path / "credentials.ini", text)
    result = template(double, "list", tencent_credentials_file=str(path))
    assert result.exit_code == 0, result.output


def test_the_packages_own_file(double: Double, tmp_path: Path) -> None:
    """The file of the package's other tools is found in the home directory."""
    text = f"[default]\nsecret_id = {double.secret.secret_id}\nsecret_key = test-secret-key\n"
    written(tmp_path / ".tencentcloud" / "credentials", text)
    assert client(double).templates() == []


def test_the_role_of_a_machine(double: Double) -> None:
    """Its credentials are temporary; their token is sent."""
    double.role = "exporter"
    double.secret = Secret("AKIDrole", "of-a-role", "for-an-hour")
    assert client(double).templates() == []


def test_no_credentials(double: Double) -> None:
    """The sentence says what to set."""
    result = template(double, "list")
    assert result.exit_code == 1
    assert "set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY" in result.stderr


def test_a_machine_that_does_not_answer(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package would wait for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(TencentError, match="took too long"):
            credential_for(None, HASTY.read_seconds)


@pytest.mark.parametrize(
    "text",
    [
        "hush-hush",
        "[other]\nsecret_id = hush\nsecret_key = hush\n",
        "[default]\nsecret_id = hush\n",
        "[default]\nsecret_id = hush\nsecret_key = hush hush\n",
        "[default]\nsecret_id = hush\nsecret_key = hush\nsecret_key = hush\n",
        "[default\nsecret_id = hush\nsecret_key = h\xfcsh\n",
    ],
)
def test_a_bad_file_shows_nothing_of_itself(double: Double, tmp_path: Path, text: str) -> None:
    """Neither ours nor the package's: what cannot be read may be a secret all the same."""
    own = written(tmp_path / "credentials.ini", text)
    ours = template(double, "list", tencent_credentials_file=str(own))
    written(tmp_path / ".tencentcloud" / "credentials", text)
    theirs = template(double, "list")
    for result in (ours, theirs):
        assert result.exit_code == 1
        assert "secret" in result.stderr.lower() or "section [default]" in result.stderr
        assert "hush" not in result.output.replace(str(tmp_path), "")
