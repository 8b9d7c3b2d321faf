"""The parts of the demonstration: what runs, with which flags, on which ports."""

import signal
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from exporter.daemon.files import FILES
from exporter.demo.programs import HOST, Program, running

KEY: Final = "demo2026"
CHANNEL: Final = ("push.example.com", "live", "channel-1")
"""The stream that the exporter watches: on air all day, but for a minute now and then."""
RULES: Final = (FILES / "prometheus" / "rules").resolve()

Part = AbstractContextManager[Program]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts listen, all on the loopback interface."""

    callbacks: int
    metrics: int
    prometheus: int
    consumer: int | None = None
    """None: there is none behind the exporter."""
    platform: int | None = None
    """None: simulated hosts call the exporter themselves, and there is no API."""


def run_consumer(home: Path, port: int) -> Part:
    """Run a consumer that fails for a minute now and then."""
    command = [sys.executable, "-m", "exporter.demo.consumer", str(port)]
    return running("consumer", command, signal.SIGTERM, home / "consumer.log")


def run_platform(home: Path, ports: Ports) -> Part:
    """Run a platform that loses callbacks, but lists all streams in its API."""
    name = "exporter.demo.platform"
    command = [sys.executable, "-m", name, str(ports.platform), str(ports.callbacks)]
    return running("platform", command, signal.SIGTERM, home / "platform.log")


def exporter(home: Path, ports: Ports) -> Part:
    """Run the exporter on a ledger below ``home``."""
    flags = {
        "callback-listen": f"{HOST}:{ports.callbacks}",
        "metrics-listen": f"{HOST}:{ports.metrics}",
        "callback-keys": KEY,
        "data-dir": home / "data",
        "log-format": "json",
        "watched-streams": "/".join(CHANNEL),
    }
    if ports.consumer:
        flags["forward-to"] = f"http://{HOST}:{ports.consumer}/callbacks"
    if ports.platform:
        credentials = home / "credentials"
        credentials.write_text("[default]\nsecret_id = demo\nsecret_key = demo\n")
        flags["tencent-credentials-file"] = credentials
        flags["tencent-endpoint"] = f"http://{HOST}:{ports.platform}"
        flags["reconcile-seconds"] = 3
    return running("exporter", _ours("serve", flags), signal.SIGTERM, home / "exporter.log")


def prometheus(program: str, home: Path, ports: Ports) -> Part:
    """Run Prometheus with our rules; it scrapes the exporter every five seconds."""
    target = {"targets": [f"{HOST}:{ports.metrics}"]}
    configuration = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(path) for path in sorted(RULES.glob("*.yml"))],
        "scrape_configs": [{"job_name": "tencent-css", "static_configs": [target]}],
    }
    path = home / "prometheus.yml"  # JSON is YAML
    path.write_bytes(orjson.dumps(configuration))
    flags = {
        "config.file": path,
        "storage.tsdb.path": home / "prometheus",
        "web.listen-address": f"{HOST}:{ports.prometheus}",
    }
    command = [program, *_flags(flags)]
    return running("Prometheus", command, signal.SIGTERM, home / "prometheus.log")


def simulator(ports: Ports, rate: float, streams: int) -> Part:
    """Run hosts without end; at the end they compare what they sent with the metrics.

    Unless a platform stands between, which loses some of it.
    """
    flags = {
        "url": f"http://{HOST}:{ports.platform or ports.callbacks}/callback",
        "key": KEY,
        "scenario": "bad-minute",
        "watched": "/".join(CHANNEL),
        "duration": 0,
        "rate": rate,
        "streams": streams,
        # Some events have two retries only: with a consumer they must outlast its minute.
        "time-scale": 1 if ports.consumer else 20,
    }
    if not ports.platform:  # it loses what the hosts believe to have come
        flags["check"] = f"http://{HOST}:{ports.metrics}/metrics"
    return running("simulator", _ours("simulate", flags), signal.SIGINT)


def _ours(command: str, flags: dict[str, Any]) -> list[str]:
    return [sys.executable, "-m", "exporter", command, *_flags(flags)]


def _flags(flags: dict[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]
