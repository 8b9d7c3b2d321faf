"""Packets from JSON lines, and their times.

Pure.  A line is a packet, or an object that holds one, as an object or as JSON text, under
``packet``, ``body`` or ``request`` (what logs of receivers and proxies call it).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import orjson

from exporter.sending.requests import UnsignedPacket

WRAPPERS: Final = ("packet", "body", "request")

OWN_TIMES: Final = (
    *("event_time", "update_time", "end_time", "create_time", "screenshotTime"),
    *("timestamp", "data_time", "begin_time"),
)
"""Fields that say when a packet's event happened; the first that is there counts."""

_TIMES: Final = frozenset(
    (
        *OWN_TIMES,
        *("start_time", "sendTime", "occur_time", "start_unix_time", "end_unix_time", "time"),
    )
)
"""Fields that are shifted, wherever they stand."""

_SECONDS_FROM: Final = 5e8
"""A smaller number (before 1985) is no point in time but an offset, such as those of words."""

_MILLISECONDS_FROM: Final = 1e11


class Line(NamedTuple):
    """One line: its packet without ``t`` and ``sign``, or what is wrong with it."""

    number: int
    packet: UnsignedPacket
    fault: str = ""


def read_lines(lines: Iterable[bytes]) -> Iterator[Line]:
    """Yield every line that is not blank, numbered from 1."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found = _packet(orjson.loads(line))
            except orjson.JSONDecodeError:
                found = "no JSON"
            if isinstance(found, str):
                yield Line(number, {}, found)
            else:
                yield Line(number, _unsigned(found))


def time_of(packet: UnsignedPacket) -> float | None:
    """Return when the packet's event happened, Unix seconds, None if it does not say."""
    for field in OWN_TIMES:
        number = _number(packet.get(field))
        if number is not None:
            return number / 1000 if number > _MILLISECONDS_FROM else number
    return None


def shifted(packet: UnsignedPacket, seconds: int) -> UnsignedPacket:
    """Return a packet with every time later by so many seconds."""
    return {field: _shifted(field, value, seconds) for field, value in packet.items()}


def _shifted(field: str, value: Any, seconds: int) -> Any:
    if isinstance(value, dict):
        return shifted(value, seconds)
    if isinstance(value, list):
        return [_shifted("", item, seconds) for item in value]
    number = _number(value) if field in _TIMES else None
    if number is None:
        return value
    moved = number + seconds * (1000 if number > _MILLISECONDS_FROM else 1)
    return str(int(moved)) if isinstance(value, str) else moved


def _number(value: Any) -> int | float | None:
    """Return the time in a field, in seconds or milliseconds as sent, None if it is no time."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if value >= _SECONDS_FROM else None


def _packet(value: Any) -> UnsignedPacket | str:
    """Return the packet in a line's value, or what is wrong with it."""
    for wrapper in WRAPPERS:
        if isinstance(value, dict) and "event_type" not in value and wrapper in value:
            value = value[wrapper]
            if isinstance(value, str):
                try:
                    value = orjson.loads(value)
                except orjson.JSONDecodeError:
                    return f"no JSON in {wrapper}"
    if not isinstance(value, dict):
        return "no JSON object"
    return value if "event_type" in value else "no packet: event_type is missing"


def _unsigned(packet: UnsignedPacket) -> UnsignedPacket:
    return {field: value for field, value in packet.items() if field not in ("t", "sign")}
