"""What the package carries: the repository's own files, in an installed package too."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.commands import css_exporter
from support.repository import ROOT

EXPECTED = {
    *ROOT.glob("grafana/dashboards/*.json"),
    *ROOT.glob("grafana/provisioning/*/*.yml"),
    *ROOT.glob("prometheus/*.yml"),
    *ROOT.glob("prometheus/rules/*.yml"),
    *(path for kind in ("nginx", "systemd") for path in ROOT.glob(f"deploy/{kind}/*.*")),
    *ROOT.glob("deploy/kubernetes/**/*.yaml"),
}


def test_the_list_names_every_file() -> None:
    """Without a directory the command lists dashboards, rules and examples, and writes nothing."""
    listed = css_exporter("files").stdout.splitlines()
    assert listed == sorted(str(path.relative_to(ROOT)) for path in EXPECTED)


def test_they_are_written_as_they_are(tmp_path: Path) -> None:
    """The files stand in folders like the repository's; again it changes nothing."""
    for _ in range(2):
        assert css_exporter("files", tmp_path / "new").returncode == 0
    written = {path for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path / "new") for path in written} == {
        path.relative_to(ROOT) for path in EXPECTED
    }
    for path in written:
        assert path.read_bytes() == (ROOT / path.relative_to(tmp_path / "new")).read_bytes()


def test_what_was_changed_is_not_written_over(tmp_path: Path) -> None:
    """A threshold that somebody changed stays, and nothing else is written, unless asked for."""
    mine = tmp_path / "prometheus" / "rules" / "streams.yml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    refused = css_exporter("files", tmp_path)
    assert refused.returncode == 1
    assert "prometheus/rules/streams.yml" in refused.stderr
    assert mine.read_text() == "mine"
    assert not (tmp_path / "grafana").exists()
    assert css_exporter("files", tmp_path, "--replace").returncode == 0
    assert mine.read_text() != "mine"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that is built from the source distribution."""
    directory = tmp_path_factory.mktemp("wheel")
    script = """
import os, sys, tarfile
from setuptools import build_meta
directory = sys.argv[1]
packed = build_meta.build_sdist(directory)
tarfile.open(f"{directory}/{packed}").extractall(directory)
os.chdir(f"{directory}/{packed.removesuffix('.tar.gz')}")
build_meta.build_wheel(directory)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, directory], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    [built] = directory.glob("*.whl")
    return built


def test_the_wheel_has_them(wheel: Path) -> None:
    """Neither links nor the repository are needed where the package is installed."""
    with zipfile.ZipFile(wheel) as packed:
        for path in EXPECTED:
            assert packed.read(f"exporter/files/{path.relative_to(ROOT)}") == path.read_bytes()
        carried = [name for name in packed.namelist() if name.startswith("exporter/files/")]
    assert len(carried) == len(EXPECTED)
