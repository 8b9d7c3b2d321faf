"""Certificates: what cannot serve is refused at the start, what clients refuse is a warning."""

import subprocess
import time
from pathlib import Path

import pytest
from support.commands import css_exporter
from support.programs import program, until
from support.tls import make

from exporter.daemon.loading import SettingsError, load
from exporter.daemon.tls import TlsError, check


def test_a_good_pair_says_until_when(tmp_path: Path) -> None:
    """A certificate that can serve has its end, and nothing to object to."""
    found = check(*make(tmp_path, "good"))
    assert found.objection is None
    assert found.valid_until is not None
    assert 29 < (found.valid_until - time.time()) / 86400 <= 30


def test_what_cannot_serve_is_one_sentence(tmp_path: Path) -> None:
    """Of garbage, a key of another certificate, and an encrypted key, the right file is named."""
    (certificate, key), (_, other) = make(tmp_path, "one"), make(tmp_path, "other")
    garbage, locked = tmp_path / "garbage", tmp_path / "locked"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    unlock = (program("openssl"), "ec", "-in", key, "-aes256", "-passout", "pass:x")
    subprocess.run([*unlock, "-out", locked], check=True, capture_output=True)
    for files, says in (
        ((garbage, key), f"{garbage} holds no certificate"),
        ((key, key), f"{key} holds no certificate"),
        ((certificate, garbage), f"{garbage} holds no unencrypted key"),
        ((certificate, locked), f"{locked} holds no unencrypted key"),
        ((certificate, other), f"{other} is not the key of {certificate}"),
    ):
        with pytest.raises(TlsError, match=says):
            check(*files)
        with pytest.raises(SettingsError, match=says):
            load({"tls_certfile": str(files[0]), "tls_keyfile": str(files[1])})


def test_the_start_is_refused_with_the_sentence(tmp_path: Path) -> None:
    """``serve`` ends at once instead of failing for every connection."""
    (certificate, _), (_, other) = make(tmp_path, "one"), make(tmp_path, "other")
    flags = ("--tls-certfile", certificate, "--tls-keyfile", other, "--data-dir", tmp_path / "d")
    ended = css_exporter("serve", *flags)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"{other} is not the key of {certificate}" in ended.stderr
    assert not (tmp_path / "d").exists()


def test_an_expired_certificate_is_a_warning(tmp_path: Path) -> None:
    """It is said at the start, and does not prevent it: some clients do not mind."""
    certificate, key = make(tmp_path, "old")
    request = tmp_path / "request"
    openssl = program("openssl")
    for command in (
        ("req", "-new", "-key", key, "-subj", "/CN=css.example.com", "-out", request),
        # Over in the second in which it begins.
        ("x509", "-req", "-in", request, "-signkey", key, "-days", "0", "-out", certificate),
    ):
        subprocess.run([openssl, *command], check=True, capture_output=True)
    until(lambda: check(certificate, key).objection, "the certificate is over")
    assert "expired" in str(check(certificate, key).objection)
    ended = css_exporter("settings", "--tls-certfile", certificate, "--tls-keyfile", key)
    assert ended.returncode == 0
    assert "warning: clients will refuse" in ended.stderr
