"""What is measured: receivers, each started as a program of its own."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.applications import KEY

START_SECONDS: Final = 60.0

_GUNICORN: Final = ("-m", "gunicorn", "-k", "gthread", "--threads", "32", "--keep-alive", "75")
_EXPORTER: Final = ("-m", "exporter", "serve")


@dataclass(frozen=True)
class Contender:
    """One receiver: how it is started.

    ``database``: the exporter on PostgreSQL, in a database made for it.
    """

    name: str
    arguments: tuple[str, ...]
    path: str = "/callback"
    workers: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    database: bool = False

    @property
    def is_ours(self) -> bool:
        """Return whether it is the exporter."""
        return self.arguments == _EXPORTER


def flask_view(workers: int = 1) -> Contender:
    """Return the bare Flask view that all are compared with."""
    name = "bare Flask view" if workers == 1 else f"bare Flask view, {workers} workers"
    return Contender(name, (*_GUNICORN, "bench.applications:view"), workers=workers)


def ours(workers: int = 1, *, database: bool = False, **environment: str) -> Contender:
    """Return the exporter."""
    store = "PostgreSQL" if database else "SQLite"
    name = f"exporter, {store}" + (f", {workers} workers" if workers > 1 else "")
    return Contender(name, _EXPORTER, "/callback", workers, environment, database)


BARE: Final = Contender("bare WSGI callable", (*_GUNICORN, "bench.applications:bare"))
NAIVE: Final = Contender(
    "naive: Flask, MD5, prometheus_client; nothing durable",
    (*_GUNICORN, "bench.applications:naive"),
    environment={"BENCH_NAIVE": "1"},
)
PUSHGATEWAY: Final = Contender(
    "Pushgateway", ("prometheus-pushgateway",), path="/metrics/job/bench"
)


@dataclass
class Running:
    """A contender that answers; ``cores`` it is pinned to, if any."""

    contender: Contender
    port: int
    metrics_port: int
    process: subprocess.Popen[bytes]

    @property
    def pids(self) -> list[int]:
        """Return the process and its workers."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [pid, *map(int, children.split())]

    def cpu_seconds(self) -> float:
        """Return the processor time that all its processes have used."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Return the resident memory of its largest process."""
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids]
        return max(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(
    contender: Contender,
    home: Path,
    *,
    cores: str | None = "0",
    url: str | None = None,
    **environment: str,
) -> Iterator[Running]:
    """Run a contender on free ports until the block ends; ``home`` is its own directory."""
    home.mkdir(parents=True, exist_ok=True)
    port, metrics_port = free_port(), free_port()
    command = [sys.executable, *contender.arguments]
    own = {**os.environ, **contender.environment, **environment}
    own["PROMETHEUS_MULTIPROC_DIR"] = str(home)
    if contender.is_ours:
        own |= {
            "CSS_EXPORTER_CALLBACK_KEYS": KEY,
            "CSS_EXPORTER_CALLBACK_LISTEN": f"127.0.0.1:{port}",
            "CSS_EXPORTER_METRICS_LISTEN": f"127.0.0.1:{metrics_port}",
            "CSS_EXPORTER_DATA_DIR": str(home),
            "CSS_EXPORTER_WORKERS": str(contender.workers),
            "CSS_EXPORTER_LEDGER": url or "sqlite",
        }
    elif contender is PUSHGATEWAY:
        command = [*contender.arguments, f"--web.listen-address=127.0.0.1:{port}"]
    else:
        command += ["-b", f"127.0.0.1:{port}", "-w", str(contender.workers)]
    pinned = ["taskset", "-c", cores] if cores else []
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*pinned, *command], env=own, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _await(port, process, home / "log")
        yield Running(contender, port, metrics_port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Contest(ExitStack):
    """Contenders that run side by side until it ends; ``running`` has them with their names."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.running: list[tuple[str, Running]] = []
        self._home = home

    def start(
        self,
        name: str,
        contender: Contender,
        prepare: Callable[[Path], object] = Path.mkdir,
        /,
        **more: Any,
    ) -> Running:
        """Start one in a directory of its own, which ``prepare`` makes."""
        home = self._home / f"{len(list(self._home.iterdir()))}"
        prepare(home)
        one = self.enter_context(running(contender, home, **more))
        self.running.append((name, one))
        return one


def new_run() -> str:
    """Return a name that no run before had, so that its packets are new."""
    return str(secrets.randbelow(10**8))


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(0.5)  # all its workers
                return
        time.sleep(0.05)
    raise RuntimeError(f"it does not start: {log.read_text()[-2000:]}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
