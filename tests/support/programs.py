"""Real programs that tests run; where one is missing the test says so."""

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from support.repository import ROOT

_PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-2.53": "prometheus of Debian 13",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "initdb": "postgresql",
    "pg_ctl": "postgresql",
    "pgbouncer": "pgbouncer",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ip": "iproute2",
    "nginx": "nginx-light",
    "sqlite3": "sqlite3",
    "openssl": "openssl",
    "systemd-analyze": "systemd",
}


def program(name: str) -> str:
    """Return the path of a program; skip the test without it."""
    # Debian keeps PostgreSQL's own programs off PATH.
    off_path = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = shutil.which(name) or next(map(str, off_path), None)
    if path is None:
        missing(f"{name} is missing: install the Debian package {_PACKAGES.get(name, name)}")
    return path


def missing(reason: str) -> NoReturn:
    """Skip the test for want of something; under CI=true it fails."""
    pytest.skip(reason)


def environment(**settings: Any) -> dict[str, str]:
    """Return the environment of a new process: this one's, its settings replaced by these.

    None is a setting that is not given.
    """
    ours = {name: value for name, value in os.environ.items() if name[:13] != "CSS_EXPORTER_"}
    given = {name: value for name, value in settings.items() if value is not None}
    return ours | {f"CSS_EXPORTER_{name.upper()}": str(given[name]) for name in given}


def python_path() -> str:
    """Return where a new process finds the commands of tests, beside what this one was given."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(filter(None, (str(ROOT), str(ROOT / "tests"), *given)))


def cache_directory() -> Path:
    """Return where tests keep what is costly to make, outside the tree."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = home / "css-exporter-tests"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _ports() -> Iterator[int]:
    """Yield ports that nobody else takes, also while who listens there is away for a moment.

    They lie below those that the kernel hands out, and each test process has its own.
    """
    first = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    ports = range(10_240 + first, 32_768, 16)
    yield from random.Random(os.getpid()).sample(ports, len(ports))


_PORTS = _ports()


def free_port() -> int:
    """Return a port on the loopback interface that nobody listens on."""
    for port in _PORTS:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("all ports were given out")


def until(condition: Callable[..., object], what: str, seconds: float = 20) -> None:
    """Wait until a condition holds; raise if it does not within ``seconds``."""
    began = now = time.monotonic()
    while not condition():
        looked, now = now, time.monotonic()
        if now > began + seconds:
            raise TimeoutError(f"{what}: not within {seconds} s")
        # Whoever looks is in the way of what is to happen, and whoever waits long waits easily.
        time.sleep(min(0.2, max(0.02, now - looked, (now - began) / 20)))
        now = time.monotonic()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, gently first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
