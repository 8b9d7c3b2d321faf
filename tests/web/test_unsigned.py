"""Packets that nobody signed: counted, but under no name that they bring with them."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from support.daemon import Daemon, Shell, request
from support.ledgers import postgres_server
from support.packets import KEY, Packet, packet

CONFIG = f"""
accept_unsigned = ["stream_monitor", "recording"]
max_sources = 2
callback_keys = ["{KEY}"]
[callback_keys_by_domain]
"own.example" = ["keyofitsown"]
"""
RECORDED = "tencent_css_recordings_total"
OVERFLOWED = "tencent_css_overflowed_sources_total"


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest) -> str | None:
    """Return the address of a ledger of each kind."""
    return None if request.param == "sqlite" else postgres_server().only_database()


@pytest.fixture(params=[Daemon, Shell], ids=["loop", "wsgi"])
def exporter(
    request: pytest.FixtureRequest, ledger: str | None, tmp_path: Path
) -> Iterator[Daemon]:
    """Return an exporter that takes some events unsigned and has keys all the same."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    settings = {"callback_keys": None, "config": config, "ledger": ledger}
    with request.param(tmp_path / "data", **settings) as daemon:
        yield daemon


def send(exporter: Daemon, unsigned: Packet) -> tuple[int, str | None]:
    """Send a packet as it is, and return the status and the reason of a refusal."""
    answer = request(exporter.public_port, "POST", "/callback", orjson.dumps(unsigned))
    return answer.status, answer.json.get("reason")


def recordings(exporter: Daemon) -> dict[str, float]:
    """Return the recordings by push domain."""
    found: dict[str, float] = {}
    for name, value in exporter.metrics().items():
        if name.startswith(RECORDED) and value:
            domain = name.split('push_domain="')[1].split('"')[0]
            found[domain] = found.get(domain, 0) + value
    return found


def test_unsigned_packets_take_no_place_of_a_source(exporter: Daemon) -> None:
    """Whatever they name they count under ``unknown``, and leave the places to signed ones."""
    for number in range(5):
        named = {"file_id": f"f{number}", "record_file_id": f"f{number}"}
        unsigned = packet("recording", app=f"d{number}.example", **named)
        assert send(exporter, unsigned) == (200, None)
    assert recordings(exporter) == {"unknown": 5}
    assert exporter.post(packet("recording", app="signed.example")).status == 200
    shown = exporter.metrics()
    assert recordings(exporter) == {"unknown": 5, "signed.example": 1}
    assert shown[OVERFLOWED] == 0


def test_unsigned_packets_name_no_domain_with_keys(exporter: Daemon) -> None:
    """A domain that has keys of its own is only spoken of by who signs with one of them."""
    for number, domain in enumerate(("own.example", "OWN.Example"), 1):
        named = packet("recording", app=domain, record_file_id=f"f{number}")
        assert send(exporter, named) == (403, "unsigned")
        assert exporter.post(named, key="keyofitsown").status == 200
        assert recordings(exporter) == {"own.example": number}


def test_without_any_key_names_are_labels(tmp_path: Path) -> None:
    """With ``accept_unsigned = all`` and no key all packets are trusted alike."""
    with Daemon(tmp_path / "data", callback_keys=None, accept_unsigned="all") as exporter:
        assert send(exporter, packet("recording", app="any.example")) == (200, None)
        assert recordings(exporter) == {"any.example": 1}


def test_with_a_key_all_is_not_trusted(tmp_path: Path) -> None:
    """With ``accept_unsigned = all`` beside a key only what is signed has names."""
    with Daemon(tmp_path / "data", accept_unsigned="all") as exporter:
        assert send(exporter, packet("recording", app="any.example")) == (200, None)
        assert recordings(exporter) == {"unknown": 1}
