"""``make demo``: exporter, simulated hosts and, where it is installed, Prometheus, together.

Everything listens on the loopback interface, lives in a temporary directory and ends with
Ctrl-C, checked one last time.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote

import click
import orjson

from exporter.daemon.settings import ENV_PREFIX
from exporter.simulator.progress import interrupt_on

HOST: Final = "127.0.0.1"
KEY: Final = "demo2026"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 30.0
RULES: Final = Path(__file__).parents[1] / "prometheus" / "rules"

_LOOK_SECONDS: Final = 0.2


Part = AbstractContextManager[subprocess.Popen[bytes]]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts of the demonstration listen."""

    callbacks: int
    metrics: int
    prometheus: int


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--callback-port", default=8080, show_default=True, help="For callbacks.")
@click.option("--metrics-port", default=10063, show_default=True, help="For metrics and pages.")
@click.option("--prometheus-port", default=9090, show_default=True, help="For Prometheus.")
@click.option("--rate", default=25.0, show_default=True, help="Callbacks a second.")
@click.option("--streams", default=60, show_default=True, help="Hosts.")
def main(
    callback_port: int, metrics_port: int, prometheus_port: int, rate: float, streams: int
) -> None:
    """Run exporter, simulator and Prometheus together until Ctrl-C."""
    interrupt_on(signal.SIGINT, signal.SIGTERM)
    ports = Ports(callback_port, metrics_port, prometheus_port)
    prometheus = shutil.which("prometheus")
    for port, option in (
        (ports.callbacks, "--callback-port"),
        (ports.metrics, "--metrics-port"),
        *([(ports.prometheus, "--prometheus-port")] if prometheus else []),
    ):
        _refuse_taken(port, option)
    try:
        with ExitStack() as stack:
            home = Path(stack.enter_context(TemporaryDirectory(prefix="css-exporter-demo-")))
            parts = {"exporter": stack.enter_context(_exporter(home, ports))}
            _await(parts["exporter"], ports.callbacks, "/-/healthy", home / "exporter.log")
            if prometheus:
                parts["Prometheus"] = stack.enter_context(_prometheus(prometheus, home, ports))
                _await(parts["Prometheus"], ports.prometheus, "/-/ready", home / "prometheus.log")
            click.echo(_guide(ports, has_prometheus=prometheus is not None))
            parts["simulator"] = stack.enter_context(_simulator(ports, rate, streams))
            _watch(parts, home)
    except KeyboardInterrupt:
        click.echo("stopped")


def _refuse_taken(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} cannot be used ({error.strerror}): end what uses it, or choose"
                f' another: make demo DEMO="{option} PORT"'
            ) from None


@contextmanager
def _running(
    command: list[str], log: Path | None, ending: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; at the end ask it to end with a signal, and wait."""
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else None
        # In a process group of its own: Ctrl-C is for us, who end the parts in order.
        process = subprocess.Popen(  # noqa: S603 - our own words, no shell
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env={k: v for k, v in os.environ.items() if not k.startswith(ENV_PREFIX)},
            process_group=0,
        )
        try:
            yield process
        finally:
            _end(process, ending)


def _end(process: subprocess.Popen[bytes], ending: int) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    if process.poll() is None:
        process.send_signal(ending)
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()


def _exporter(home: Path, ports: Ports) -> Part:
    options = {
        "callback-listen": f"{HOST}:{ports.callbacks}",
        "metrics-listen": f"{HOST}:{ports.metrics}",
        "callback-keys": KEY,
        "data-dir": home / "data",
        "log-format": "json",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "exporter", "serve", *flags]
    return _running(command, home / "exporter.log", signal.SIGTERM)


def _prometheus(program: str, home: Path, ports: Ports) -> Part:
    rules = [str(path) for path in sorted(RULES.glob("*.yml"))]
    configuration = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": rules,
        "scrape_configs": [
            {
                "job_name": "tencent-css",
                "static_configs": [{"targets": [f"{HOST}:{ports.metrics}"]}],
            }
        ],
    }
    path = home / "prometheus.yml"  # JSON is YAML
    path.write_bytes(orjson.dumps(configuration))
    flags = {
        "config.file": path,
        "storage.tsdb.path": home / "prometheus",
        "web.listen-address": f"{HOST}:{ports.prometheus}",
    }
    command = [program, *(f"--{name}={value}" for name, value in flags.items())]
    return _running(command, home / "prometheus.log", signal.SIGTERM)


def _simulator(ports: Ports, rate: float, streams: int) -> Part:
    flags = {
        "url": f"http://{HOST}:{ports.callbacks}/callback",
        "key": KEY,
        "check": f"http://{HOST}:{ports.metrics}/metrics",
        "scenario": "errcode-spike",
        "duration": 0,
        "rate": rate,
        "streams": streams,
        "time-scale": 20,
    }
    options = [f"--{name}={value}" for name, value in flags.items()]
    command = [sys.executable, "-m", "exporter", "simulate", *options]
    return _running(command, None, signal.SIGINT)


def _await(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Wait until a part answers; raise ``ClickException`` with its log's end if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port, path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise click.ClickException(f"{log.stem} does not start:\n{_tail(log)}")
        time.sleep(_LOOK_SECONDS)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _watch(parts: dict[str, subprocess.Popen[bytes]], home: Path) -> None:
    """Wait for Ctrl-C; raise ``ClickException`` when a part ends by itself."""
    while True:
        for name, process in parts.items():
            if process.poll() is not None:
                log = home / f"{name.lower()}.log"
                end = f":\n{_tail(log)}" if log.exists() else ""
                raise click.ClickException(f"{name} ended by itself{end}")
        time.sleep(_LOOK_SECONDS)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])


def _guide(ports: Ports, *, has_prometheus: bool) -> str:
    private = f"http://{HOST}:{ports.metrics}"
    lines = [
        ("What arrived last, active streams", f"{private}/"),
        ("Each of the newest callbacks", f"{private}/deliveries"),
        ("Metrics", f"{private}/metrics"),
    ]
    if has_prometheus:
        server = f"http://{HOST}:{ports.prometheus}"
        graph = f"{server}/graph?g0.range_input=15m&g0.tab=0&g0.expr="
        by_cause = quote("sum by (cause) (rate(tencent_css_interruptions_total[1m]))")
        lines += [
            ("Active streams in Prometheus", f"{graph}tencent_css_active_streams"),
            ("Interruptions by cause", f"{graph}{by_cause}"),
            ("Alerts", f"{server}/alerts"),
        ]
    else:
        lines.append(("Prometheus", "not installed (Debian package prometheus), left out"))
    width = max(len(name) for name, _ in lines)
    table = "\n".join(f"  {name:{width}}  {address}" for name, address in lines)
    return f"""
{table}

  After two minutes, and then every five, the platform drops pushes for a minute: look at
  interruptions with cause="platform". Ctrl-C ends all of it; before that the simulator
  compares what it sent with what the metrics show.
"""


if __name__ == "__main__":
    main()
