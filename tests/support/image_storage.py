"""Where images are kept and built, and the stand-in of their base image.

No registry is asked: the base is made of the machine's own Debian, of its packages as they are,
and tagged with the base image's name.
"""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

from support.programs import cache_directory
from support.repository import ROOT

# What the Dockerfile and a container's start call, and Python.
_PACKAGES = (
    *("base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "libc-bin"),
    *("login", "passwd", "python3", "python3-venv", "util-linux"),
)
# What the packages' own scripts would do that matters here; they take a minute for all.
_CONFIGURE = """
set -e
cd "$1"
for file in passwd group; do cp usr/share/base-passwd/$file.master etc/$file; done
cat usr/share/ca-certificates/mozilla/*.crt >etc/ssl/certs/ca-certificates.crt
chroot . sh -c 'python3 -m compileall -q /usr/lib/python3*'
"""


class Storage(NamedTuple):
    """Where images are kept, and where those that they are built on are found."""

    directory: Path
    base: Path | None = None

    def options(self, driver: str) -> list[str]:
        paths = (f"--root={self.directory}/root", f"--runroot={self.directory}/run")
        found = [f"--storage-opt={driver}.imagestore={self.base}/root"] if self.base else []
        return [f"--storage-driver={driver}", *paths, *found]


class _Recipe(NamedTuple):
    driver: str
    base: str
    suite: str
    sources: tuple[str, ...]
    locked: str
    packages: tuple[str, ...] = _PACKAGES
    configure: str = _CONFIGURE


def storage_with_base(base: str) -> Path:
    """Return a storage holding the stand-in of a base image; made once, then kept.

    It also has the layers of the builder, as an engine would keep them: those that are still
    what the Dockerfile says, such as all dependencies, need not be made again.
    """
    suite = re.search(
        r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE
    )
    assert suite
    candidates = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources")
    sources = tuple(path for path in candidates if Path(path).exists())
    locked = (ROOT / "requirements.lock").read_text()
    recipe = _Recipe(_driver(), base, suite[1], sources, locked)
    cache = cache_directory()
    made = cache / f"base-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}"
    if made.exists():
        return made
    work = cache / f"making-{os.getpid()}"
    try:
        _make_base(work, recipe)
        try:
            (work / "storage").rename(made)
        except OSError:  # another run was faster
            if not made.exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return made


def _make_base(work: Path, recipe: _Recipe) -> None:
    work.mkdir()
    storage = Storage(work / "storage")
    container = buildah(storage, "from", "scratch").strip()
    root = buildah(storage, "mount", container).strip()
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=extract"),
            '--aptopt=Acquire::Check-Valid-Until "false"',
            f"--include={','.join(recipe.packages)}",
            f"--customize-hook={recipe.configure}",
            *(recipe.suite, root, *recipe.sources),
        ],
        check=True,
    )
    buildah(storage, "commit", "--quiet", "--rm", "--format=docker", container, recipe.base)
    if _keeps_layers():
        build(storage, work, "--target=builder")


def build(storage: Storage, directory: Path, *options: str) -> None:
    """Build the Dockerfile, with pip set up as on this machine."""
    settings = _pip_settings() | _locked_files(directory)
    configuration = directory / "pip.conf"
    lines = (f"{name} = {value}" for name, value in settings.items())
    configuration.write_text("\n".join(["[global]", *lines, ""]))
    volumes = [f"--volume={path}:{path}:ro" for path in _paths(settings)]
    buildah(
        storage,
        *("build-using-dockerfile", "--pull-never", "--isolation=chroot", "--format=docker"),
        *(f"--layers={str(_keeps_layers()).lower()}", *options, *volumes),
        *(f"--volume={configuration}:/etc/pip.conf:ro", str(ROOT)),
    )


def _keeps_layers() -> bool:
    return _driver() == "overlay"  # with vfs each would be a copy of all files


def buildah(storage: Storage, *arguments: str) -> str:
    """Return what buildah prints; raise RuntimeError with it where it fails."""
    done = _try_buildah(*storage.options(_driver()), *arguments)
    if done.returncode:
        raise RuntimeError(f"{done.args}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


@functools.cache
def _driver() -> str:
    """Return the storage driver: vfs, the slowest, where there cannot be an overlay."""
    return "overlay" if all(map(_can_overlay, (cache_directory(), None))) else "vfs"


def _can_overlay(place: Path | None) -> bool:
    with tempfile.TemporaryDirectory(dir=place) as directory:
        options = Storage(Path(directory)).options("overlay")
        return _try_buildah(*options, "info").returncode == 0


def _try_buildah(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=False)


@functools.cache
def _pip_settings() -> dict[str, str]:
    """Return how pip is set up on this machine, which the build needs to be told."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    settings = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = value.strip("'").replace("\\n", " ")
    return settings


def _locked_files(directory: Path) -> dict[str, str]:
    """Return settings that tell pip where the locked files are: it takes long to look for them.

    They are none where uv, which knows some of pip's settings only, does not find them.
    """
    settings = {"SYSTEM_CERTS": "1", "DEFAULT_INDEX": _pip_settings().get("index-url", "")}
    lock = directory / "pylock.toml"
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("uv"), "--quiet", "pip", "compile", "--no-deps"),
            *(ROOT / "requirements.lock", "--output-file", lock),
        ],
        env=os.environ | {f"UV_{name}": value for name, value in settings.items()},
        check=False,
    )
    if done.returncode:
        return {}
    files = (
        file
        for package in tomllib.loads(lock.read_text())["packages"]
        for file in (package.get("sdist"), *package.get("wheels", ()))
        if file
    )
    links = directory / "locked.html"
    links.write_text("".join(f'<a href="{file["url"]}">' for file in files))
    return {"no-index": "true", "find-links": str(links)}


def _paths(settings: dict[str, str]) -> list[Path]:
    found = re.findall(r"(?:^|\s|file://)(/\S+)", " ".join(settings.values()))
    paths = {Path(path) for path in found if Path(path).exists()}
    paths |= {path.parent for path in paths if path.name == "simple"}  # links lead beside it
    return sorted(path for path in paths if not set(path.parents) & paths)
