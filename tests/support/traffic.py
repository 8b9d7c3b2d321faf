"""A compressed life of every event type, posted to a real daemon."""

import time
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

from exporter.protocol.errcodes import ERRCODES
from exporter.protocol.vocabulary import (
    EXCEPTION_LEVELS,
    FILE_FORMATS,
    RECORDING_STATUSES,
    SUGGESTIONS,
)
from support.daemon import Daemon, request
from support.packets import Packet, all_packets, packet

EPOCH = 1_790_000_000
"""When the sample packets happened; seconds after it are kept in packets made anew."""

SOURCES = (("live.test.example", "stage"), ("live.test.example", "studio"), ("show.test", "a"))
SET_IDS = (2, 20, None)
_IDENTITIES = ("sequence", "seq", "session_id", "record_file_id", "file_id", "request_id")
_ADDRESSES = ("pic_full_url", "img")


def live(exporter: Daemon, *, lives: int = 12, since: int = 0) -> None:
    """Post packets of every event type, a few of them twice, and some to be refused.

    ``since`` numbers the first life: two lives of one number are redeliveries.
    """
    for number in range(since, since + lives):
        for name, sample in varied(number).items():
            assert exporter.post(sample).status == 200, name
    for sample in islice(varied(since).values(), 5):
        assert exporter.post(sample).status == 200
    refusals(exporter)


def varied(number: int) -> dict[str, Packet]:
    """Return every sample packet with an identity, source and kind of its own, as of now."""
    return {name: _vary(name, sample, number) for name, sample in all_packets().items()}


def interruptions(
    count: int, errcodes: tuple[int, ...], since: int = 0, **fields: Any
) -> Iterator[Packet]:
    """Yield pushes that began a minute ago, each with its interruption."""
    began = int(time.time()) - 60
    for number, errcode in zip(range(since, since + count), cycle(errcodes), strict=False):
        own = {"sequence": f"77{number:016}", "stream_id": f"host-{number}"} | fields
        yield packet("push", event_time=began, **own)
        yield packet("interruption", event_time=began + 59, errcode=errcode, **own)


def every_errcode(exporter: Daemon) -> None:
    """Interrupt a push by every documented errcode, and by one that is not."""
    codes = tuple(int(one.code) if one.code.isdigit() else 999 for one in ERRCODES)
    for one in interruptions(len(codes), codes):
        assert exporter.post(one).status == 200


def refusals(exporter: Daemon) -> None:
    """Post what is refused: forged, unsigned, no JSON, to a path that is not ours."""
    port = exporter.public_port
    assert exporter.post(packet("push"), key="forged").status == 403
    assert request(port, "POST", "/callback", b'{"event_type": 1}').status == 403
    assert request(port, "POST", "/callback", b"{").status == 400
    assert request(port, "GET", "/favicon.ico").status == 404


def _vary(name: str, sample: Packet, number: int) -> Packet:
    push_domain, app_name = SOURCES[number % len(SOURCES)]
    own: Packet = _now(sample, int(time.time()) - 200 - EPOCH)
    for field, value in (
        *((one, push_domain) for one in ("app", "domain")),
        *((one, app_name) for one in ("appname", "path")),
        *((one, f"camera-{number}") for one in ("stream_id", "streamId", "channel_id")),
        *((one, f"{own.get(one)}{number:04}") for one in _IDENTITIES),
        *((one, f"{own.get(one)}?{number}") for one in _ADDRESSES),
        ("suggestion", SUGGESTIONS[number % 3]),
        ("file_format", FILE_FORMATS[number % 4]),
        ("record_event", RECORDING_STATUSES[number % 6]),
        ("exception_level", EXCEPTION_LEVELS[number % 4]),
        ("set_id", SET_IDS[number % 3]),
    ):
        if field in own:
            own[field] = value
    if name == "push" and number % 2:
        # Its interruption was for another sequence: this one stays open.
        own["sequence"] += "1"
    return {field: value for field, value in own.items() if value is not None}


def _now(value: Any, later: int) -> Any:
    """Return a packet with every time in it moved by so many seconds."""
    if isinstance(value, dict):
        return {key: _now(item, later) for key, item in value.items()}
    if isinstance(value, list):
        return [_now(item, later) for item in value]
    if isinstance(value, str) and value.isdigit():
        return str(_now(int(value), later))
    if isinstance(value, int) and 0 <= value - EPOCH < 10_000:
        return value + later
    if isinstance(value, int) and 0 <= value - EPOCH * 1000 < 10_000_000:
        return value + later * 1000
    return value
