"""Ledgers that have been in use for long."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from exporter.daemon.loading import load
from exporter.ledger import Limits, Posting, open_ledger
from exporter.metrics.entries import entry_for
from exporter.protocol.envelope import Envelope

Packets = Iterator[dict[str, Any]]

_GROUP: Final = 256


def fill(home: Path, identities: int = 0, pushes: int = 0) -> None:
    """Make a ledger that remembers so many captures and has so many open pushes."""
    now = time.time()
    _record(home, (_capture(number, now, f"live{number % 5}") for number in range(identities)))
    _record(home, (_push(number, now) for number in range(pushes)))


def many_series(home: Path, series: int) -> None:
    """Make a ledger with so many series: two for each source."""
    now = time.time()
    _record(home, (_capture(number, now, f"live{number}") for number in range(series // 2)))


def _record(home: Path, packets: Packets) -> None:
    settings = load({"data_dir": str(home), "max_sources": "100000"}).settings
    ledger = open_ledger(settings.ledger_url, settings.part(Limits))
    while group := [_posting(packet) for packet in islice(packets, _GROUP)]:
        ledger.submit(group[:-1], lambda _: None)
        ledger.record(*group[-1])  # waits, so that few groups queue
    ledger.close()


def _posting(packet: dict[str, Any]) -> Posting:
    return Posting(entry_for(Envelope.of(packet).event()), time.time())


def _capture(number: int, now: float, domain: str) -> dict[str, Any]:
    return {
        "event_type": 200,
        "app": f"{domain}.bench.example",
        "appname": "stage",
        "stream_id": f"camera-{number % 500}",
        "create_time": int(now),
        "file_size": 7520,
        "pic_full_url": f"http://pic.bench.example/filled/{number}.jpg",
    }


def _push(number: int, now: float) -> dict[str, Any]:
    return {
        "event_type": 1,
        "appid": 1300000007,
        "app": f"live{number % 5}.bench.example",
        "appname": "stage",
        "stream_id": f"filled-{number}",
        "event_time": int(now),
        "sequence": f"filled{number}",
        "errcode": 0,
        "set_id": 2,
    }
