"""The image: the unmodified Dockerfile, built and run with no right that it does not need."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.expositions import samples
from support.images import Builder, Container, need_an_image_builder
from support.packets import KEY, packet, signed
from support.postgres import Postgres, database_of
from support.programs import until
from support.repository import ROOT

from exporter.daemon.settings import Settings

pytestmark = pytest.mark.long

DOCKERFILE = (ROOT / "Dockerfile").read_text()
PUBLIC, PRIVATE = 8080, 10063
UID = 10001


class Image(NamedTuple):
    """A built image: what it says, and its files."""

    configuration: dict[str, Any]
    root: Path


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    need_an_image_builder()
    directory = Path(tempfile.mkdtemp(prefix="image-"))
    base = re.search(r"^ARG BASE_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base
    builder = Builder(directory, base[1])
    try:
        builder.build("css-exporter")
        yield Image(builder.configuration("css-exporter"), builder.mount("css-exporter"))
    finally:
        builder.close()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def volume(image: Image, tmp_path: Path) -> Path:
    """Make a volume for /data: like Docker's, with the owner and mode of the image's directory."""
    inside = (image.root / "data").stat()
    made = tmp_path / "volume"
    made.mkdir()
    made.chmod(stat.S_IMODE(inside.st_mode))
    shutil.chown(made, inside.st_uid, inside.st_gid)
    return made


def start(image: Image, volume: Path, **env: str) -> Container:
    log = volume.with_name(f"{volume.name}.log")
    container = Container(image.root, image.configuration, volume, log, **env)
    try:
        until(lambda: answers(container), "the container answers", 60)
    except BaseException:
        container.kill()
        raise
    return container


def answers(container: Container) -> bool:
    if container.process.poll() is not None:
        raise RuntimeError(f"the container ended: {container.log.read_text()}")
    try:
        return container.request(PUBLIC, "GET", "/-/healthy").status == 200
    except OSError:
        return False


def test_callback_in_a_container(image: Image, volume: Path) -> None:
    """A signed callback counts, on a read-only root, as the fixed user, without capabilities."""
    container = start(image, volume, CSS_EXPORTER_CALLBACK_KEYS=KEY)
    try:
        body = json.dumps(signed(packet("push")))
        assert container.request(PUBLIC, "POST", "/callback", body).status == 200
        page = container.request(PRIVATE, "GET", "/metrics").body.decode()
        assert samples(page)['tencent_css_callbacks_total{event="push"}'] == 1

        status = Path(f"/proc/{container.process_one()}/status").read_text()
        assert re.search(r"^Uid:(\s+10001){4}$", status, re.MULTILINE), status
        assert re.search(r"^Gid:(\s+10001){4}$", status, re.MULTILINE), status
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), status
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE), status
        written = container.run("python3", "-c", "open('/tmp/file', 'w')")
        assert "Read-only file system" in written.stderr
        assert container.stop() == 0
    finally:
        container.kill()


def test_health_check(image: Image, volume: Path) -> None:
    """The image's own health check passes while the daemon serves, and only then."""
    kind, *command = image.configuration["Healthcheck"]["Test"]
    assert kind == "CMD"
    container = start(image, volume, CSS_EXPORTER_CALLBACK_KEYS=KEY)
    try:
        assert container.run(*command).returncode == 0
        moved = [word.replace(f":{PUBLIC}", ":9") for word in command]
        assert moved != command
        assert container.run(*moved).returncode != 0
    finally:
        container.kill()


def test_volume_outlives_the_container(image: Image, volume: Path) -> None:
    """The generated key and the counts are on the volume: a new container goes on with them."""
    first = start(image, volume)
    try:
        key = (volume / "callback-key").read_text().strip()
        assert key in first.log.read_text()
        body = json.dumps(signed(packet("push"), key=key))
        assert first.request(PUBLIC, "POST", "/callback", body).status == 200
        assert first.stop() == 0
    finally:
        first.kill()
    second = start(image, volume)
    try:
        again = json.dumps(signed(packet("push"), key=key))
        assert second.request(PUBLIC, "POST", "/callback", again).status == 200
        found = samples(second.request(PRIVATE, "GET", "/metrics").body.decode())
        assert found['tencent_css_callbacks_total{event="push"}'] == 1
        assert found['tencent_css_callback_duplicates_total{event="push"}'] == 1
    finally:
        second.kill()


def test_replica_in_a_container(image: Image, tmp_path: Path) -> None:
    """The image has PostgreSQL's client, and a replica needs no volume that it can write to."""
    with Postgres() as server:
        name = database_of(server.database())
        server.directory.chmod(0o755)  # its socket is all that the container sees of it
        url = f"postgresql://css@/{name}?host=/data&port={server.port}"
        replica = start(
            image,
            server.directory,
            CSS_EXPORTER_LEDGER=url,
            CSS_EXPORTER_CALLBACK_KEYS=KEY,
        )
        try:
            body = json.dumps(signed(packet("push")))
            assert replica.request(PUBLIC, "POST", "/callback", body).status == 200
            page = replica.request(PRIVATE, "GET", "/metrics").body.decode()
            assert samples(page)['tencent_css_callbacks_total{event="push"}'] == 1
            assert replica.request(PRIVATE, "GET", "/-/ready").status == 200
            assert replica.stop() == 0
        finally:
            replica.kill()


def test_image_says_how_to_run_it(image: Image) -> None:
    """User, ports, volume, stop signal and command are as documented."""
    said = image.configuration
    assert said["User"] == f"{UID}:{UID}"
    assert set(said["ExposedPorts"]) == {f"{PUBLIC}/tcp", f"{PRIVATE}/tcp"}
    assert set(said["Volumes"]) == {"/data"}
    assert said["StopSignal"] == "SIGTERM"
    assert (*said["Entrypoint"], *said["Cmd"]) == ("css-exporter", "serve")
    assert said["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_image_holds_only_what_runs(image: Image) -> None:
    """No installer, no tests, nothing of the tree but the package, and all of that."""
    installed = image.root / "opt/css-exporter"
    assert not (installed / "bin/pip").exists()
    packages = next(installed.glob("lib/python3*/site-packages"))
    assert not list(packages.glob("pip*"))
    assert not list(packages.glob("setuptools*"))
    assert not (image.root / "build").exists()
    theirs, ours = (
        {
            str(Path(directory, name).relative_to(top))
            for directory, _, names in os.walk(top, followlinks=True)
            for name in names
            if not name.endswith(".pyc")
        }
        for top in (packages / "exporter", ROOT / "exporter")
    )
    assert theirs == ours


def test_ports_are_the_defaults() -> None:
    """The image listens on the default ports, the private one on all interfaces."""
    assert Settings().callback_listen.port == PUBLIC
    assert Settings().metrics_listen.port == PRIVATE
    assert f"EXPOSE {PUBLIC} {PRIVATE}\n" in DOCKERFILE
    assert f"CSS_EXPORTER_METRICS_LISTEN=0.0.0.0:{PRIVATE}" in DOCKERFILE


def test_base_runs_a_supported_python() -> None:
    """The base image's Python is one that the project supports."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    version = re.search(r"python:(3)\.(\d+)-slim", DOCKERFILE)
    least = re.fullmatch(r">=(3)\.(\d+)", project["requires-python"])
    assert version
    assert least
    assert tuple(map(int, version.groups())) >= tuple(map(int, least.groups()))


def test_hadolint() -> None:
    """Hadolint finds nothing in the Dockerfile, and no rule is switched off."""
    hadolint = Path(shutil.which("hadolint", path=str(Path(sys.executable).parent)) or "")
    done = subprocess.run(
        [hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert "hadolint" not in DOCKERFILE


def test_version_is_the_projects() -> None:
    """Whatever runs the image names it by the project's version."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    named = {
        path.name: set(re.findall(r"\bcss-exporter:(\d[\w.]*)", path.read_text()))
        for path in (
            ROOT / "deploy" / "compose" / "exporter.yaml",
            ROOT / "deploy" / "kubernetes" / "base" / "deployment.yaml",
            ROOT / "docs" / "deployment.md",
        )
    }
    assert all(versions == {version} for versions in named.values()), named
