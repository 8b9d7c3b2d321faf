"""The first start without configuration: safe, and it says once what to enter."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import css_exporter, css_exporter_as_nobody
from support.daemon import Start
from support.packets import packet
from support.programs import free_port

pytestmark = pytest.mark.usefixtures("fresh_interpreters")


def test_a_key_is_made_kept_and_shown_once(daemon: Start) -> None:
    """Without a key one is made: 32 letters and digits, for the owner alone, shown once."""
    exporter = daemon(callback_keys=None, callback_path="/callback/word")
    file = exporter.data_dir / "callback-key"
    key = file.read_text().strip()
    assert re.fullmatch(r"[A-Za-z0-9]{32}", key)
    assert file.stat().st_mode & 0o777 == 0o600
    log = exporter.log.read_text()
    assert log.count(key) == 1
    assert f":{exporter.public_port}/callback/word" in log
    assert exporter.post(packet("push"), "/callback/word", key=key).status == 200
    assert exporter.post(packet("push"), "/callback/word", key="another").status == 403

    assert exporter.terminate() == 0
    exporter.start()
    assert file.read_text().strip() == key
    assert exporter.log.read_text().count(key) == 1
    assert exporter.post(packet("push"), "/callback/word", key=key).status == 200
    assert exporter.metrics()["tencent_css_exporter_callback_keys"] == 1


def test_no_key_is_made_for_a_template_without_one(daemon: Start) -> None:
    """``accept_unsigned = all`` takes packets as they come, signed or not, and makes no key."""
    exporter = daemon(callback_keys=None, accept_unsigned="all")
    assert not (exporter.data_dir / "callback-key").exists()
    assert exporter.post(packet("push"), key="whatever").status == 200
    assert exporter.metrics()["tencent_css_exporter_callback_keys"] == 0


def test_several_keys_and_keys_of_domains(daemon: Start, tmp_path: Path) -> None:
    """Keys of the variable, of a file and of domains sign as they should, by any spelling."""
    keys = tmp_path / "keys"
    keys.write_text("fromfile\n\n  spaced  \n")
    config = tmp_path / "config.toml"
    config.write_text('[callback_keys_by_domain]\n"Special.Example" = ["own"]\n')
    exporter = daemon(callback_keys="one, two", callback_keys_file=keys, config=config)
    plain, special = packet("push"), packet("push", app="SPECIAL.example", sequence="2")
    for key in ("one", "two", "fromfile", "spaced"):
        assert exporter.post(plain, key=key).status == 200
        assert exporter.post(special, key=key).status == 403
    assert exporter.post(special, key="own").status == 200
    assert exporter.post(plain, key="own").status == 403
    assert exporter.post(packet("subtitles"), key="own").status == 200


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_text(""), "Not a directory|File exists"),
        (lambda path: (path.mkdir(), (path / "callback-key").write_text("\n")), "is empty"),
        (lambda path: (path.mkdir(), (path / "ledger.sqlite").write_text("")), "is empty"),
        (lambda path: (path.mkdir(), (path / "ledger.sqlite").mkdir()), "cannot be opened"),
        (lambda path: (path.mkdir(), (path / "ledger.sqlite.lock").mkdir()), "Is a directory"),
    ],
)
def test_a_start_that_cannot_be_is_one_sentence(
    tmp_path: Path, make: Callable[[Path], object], says: str
) -> None:
    """What is wrong with the data directory is said without a traceback, with status 1."""
    data = tmp_path / "data"
    make(data)
    ended = css_exporter(
        "serve",
        data_dir=data,
        callback_listen=f"127.0.0.1:{free_port()}",
        metrics_listen=f"127.0.0.1:{free_port()}",
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr + ended.stdout
    assert re.search(says, ended.stderr)
    assert str(data) in ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_directory_of_somebody_else_is_one_sentence(tmp_path: Path) -> None:
    """A directory that may not be written is named in the error."""
    ended = css_exporter_as_nobody("serve", "--data-dir", tmp_path / "data")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "Permission denied" in ended.stderr
    assert str(tmp_path / "data") in ended.stderr
