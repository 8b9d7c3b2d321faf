"""The unmodified Dockerfile, built and run without a container engine.

No registry is asked: the base is a stand-in made of the machine's own Debian, tagged with the
base image's name.  What runs is what the image says, isolated as ``docker run --read-only
--cap-drop ALL --security-opt no-new-privileges --network none`` would.
"""

import ctypes
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from support.daemon import Answer, request
from support.programs import cache_directory, missing, program
from support.repository import ROOT

_PROGRAMS = ("buildah", "mmdebstrap", "unshare", "nsenter", "setpriv", "ip")
_PACKAGES = ("ca-certificates", "python3", "python3-venv")

_RUN = """
root=$1 data=$2; shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
touch "$root/dev/null" && mount --bind /dev/null "$root/dev/null"
mkdir "$root/dev/shm" && mount -t tmpfs -o mode=1777,size=64m shm "$root/dev/shm"
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root"
ip link set lo up
exec env -i "$@"
"""


def need_an_image_builder() -> None:
    """Skip the test where no image can be built."""
    for name in _PROGRAMS:
        program(name)
    if os.geteuid() != 0:
        missing("an image can be built only by root")
    if not Path("/etc/debian_version").exists():
        missing("an image's stand-in base can be made only on Debian")


class Builder:
    """Builds on the stand-in of a base image, into a storage of its own."""

    def __init__(self, directory: Path, base: str) -> None:
        self._directory = directory
        self._storage = _Storage(directory / "storage", _storage_with_base(base))

    def build(self, tag: str) -> None:
        """Build the Dockerfile."""
        _build(self._storage, self._directory, f"--tag={tag}")

    def configuration(self, tag: str) -> dict[str, Any]:
        """Return what the image says about running it."""
        inspected = _buildah(self._storage, "inspect", "--type=image", tag)
        found: dict[str, Any] = json.loads(inspected)["Docker"]["config"]
        return found

    def mount(self, tag: str) -> Path:
        """Return the root directory of a new container."""
        container = _buildah(self._storage, "from", "--pull-never", tag).strip()
        return Path(_buildah(self._storage, "mount", container).strip())

    def close(self) -> None:
        """Unmount and remove the containers."""
        _buildah(self._storage, "rm", "--all")


class Container:
    """One running container, with a network of its own."""

    def __init__(
        self, root: Path, configuration: dict[str, Any], data: Path, log: Path, **env: str
    ) -> None:
        self._root = root
        self._user, self._group = configuration["User"].split(":")
        self._env = [*configuration["Env"], *(f"{name}={value}" for name, value in env.items())]
        self._stop_signal = signal.Signals[configuration["StopSignal"]]
        self.log = log
        command = self._confined(*configuration["Entrypoint"], *configuration["Cmd"])
        namespaces = ("--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child")
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                ["unshare", *namespaces, "sh", "-euc", _RUN, "sh", root, data, *command],
                stdout=file,
                stderr=file,
            )

    def request(self, port: int, method: str, path: str, body: str = "") -> Answer:
        """Send a request from inside the container's network."""

        def asked() -> Answer:
            self._enter_network()
            return request(port, method, path, body.encode())

        with ThreadPoolExecutor(1) as inside:
            return inside.submit(asked).result()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run another command in the image, as ``docker exec`` would."""
        spaces = f"/proc/{self.process.pid}/ns"
        return subprocess.run(
            [
                *("nsenter", f"--net={spaces}/net", f"--mount={spaces}/mnt"),
                *("env", "-i", *self._confined(*command)),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def process_one(self) -> int:
        """Return the number, outside, of the container's process 1."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())

    def stop(self) -> int:
        """Send the image's stop signal and return the exit status."""
        os.kill(self.process_one(), self._stop_signal)
        return self.process.wait(40)

    def kill(self) -> None:
        """End whatever still runs."""
        if self.process.poll() is None:
            # Not unshare alone: --kill-child is forgotten when the child changes its user.
            with suppress(OSError, ValueError):
                os.kill(self.process_one(), signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    def _confined(self, *command: str) -> list[str]:
        user = (f"--reuid={self._user}", f"--regid={self._group}", "--clear-groups")
        powers = ("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
        return [*self._env, "chroot", str(self._root), "setpriv", *user, *powers, *command]

    def _enter_network(self) -> None:
        """Let the thread that calls this be in the container's network."""
        with Path(f"/proc/{self.process.pid}/ns/net").open() as space:
            if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), 0):
                raise OSError(ctypes.get_errno(), "setns")


class _Storage(NamedTuple):
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


def _storage_with_base(base: str) -> Path:
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
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase"),
            '--aptopt=Acquire::Check-Valid-Until "false"',
            f"--include={','.join(recipe.packages)}",
            *(recipe.suite, str(work / "base.tar"), *recipe.sources),
        ],
        check=True,
    )
    (work / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n")
    storage = _Storage(work / "storage")
    options = ("--isolation=chroot", "--format=docker", "--layers=false", f"--tag={recipe.base}")
    _buildah(storage, "build-using-dockerfile", *options, str(work))
    if _keeps_layers():
        _build(storage, work, "--target=builder")


def _build(storage: _Storage, directory: Path, *options: str) -> None:
    volumes = [f"--volume={path}:{path}:ro" for path in _pip_paths()]
    configuration = directory / "pip.conf"
    configuration.write_text(_pip_configuration())
    _buildah(
        storage,
        *("build-using-dockerfile", "--pull-never", "--isolation=chroot", "--format=docker"),
        *(f"--layers={str(_keeps_layers()).lower()}", *options, *volumes),
        *(f"--volume={configuration}:/etc/pip.conf:ro", str(ROOT)),
    )


def _keeps_layers() -> bool:
    return _driver() == "overlay"  # with vfs each would be a copy of all files


def _buildah(storage: _Storage, *arguments: str) -> str:
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
        options = _Storage(Path(directory)).options("overlay")
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


def _pip_configuration() -> str:
    lines = (f"{name} = {value}" for name, value in _pip_settings().items())
    return "\n".join(["[global]", *lines, ""])


def _pip_paths() -> list[Path]:
    found = re.findall(r"(?:^|\s|file://)(/\S+)", " ".join(_pip_settings().values()))
    paths = {Path(path) for path in found if Path(path).exists()}
    paths |= {path.parent for path in paths if path.name == "simple"}  # links lead beside it
    return sorted(path for path in paths if not set(path.parents) & paths)
