"""The parts of the demonstration: what runs, with which flags, on which ports."""

import signal
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from exporter.demo.programs import HOST, Program, running

KEY: Final = "demo2026"
CHANNEL: Final = ("push.example.com", "live", "channel-1")
"""The stream that the exporter watches: on air all day, but for a minute now and then."""
RULES: Final = Path(__file__).parents[2] / "prometheus" / "rules"

Part = AbstractContextManager[Program]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts listen, all on the loopback interface."""

    callbacks: int
    metrics: int
    prometheus: int
    consumer: int | None = None
    """None: there is none behind the exporter."""


def consumer(home: Path, port: int) -> Part:
    """Run a consumer that fails for a minute now and then."""
    command = [sys.executable, "-m", "exporter.demo.consumer", str(port)]
    return running("consumer", command, signal.SIGTERM, home / "consumer.log")


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
    """Run hosts without end; at the end they compare what they sent with the metrics."""
    command = _ours(
        "simulate",
        {
            "url": f"http://{HOST}:{ports.callbacks}/callback",
            "key": KEY,
            "check": f"http://{HOST}:{ports.metrics}/metrics",
            "scenario": "bad-minute",
            "watched": "/".join(CHANNEL),
            "duration": 0,
            "rate": rate,
            "streams": streams,
            # Some events have two retries only: with a consumer they must outlast its minute.
            "time-scale": 1 if ports.consumer else 20,
        },
    )
    return running("simulator", command, signal.SIGINT)


def _ours(command: str, flags: dict[str, Any]) -> list[str]:
    return [sys.executable, "-m", "exporter", command, *_flags(flags)]


def _flags(flags: dict[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]
