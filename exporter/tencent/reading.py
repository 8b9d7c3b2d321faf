"""What the API says of streams, read item by item.

Pure.  An answer that differs from what the API documents raises ``ValueError``, ``LookupError`` or
``TypeError``: then nothing is known.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeVar

from exporter.protocol.vocabulary import Stream
from exporter.tencent.pages import Page
from exporter.tencent.times import seconds_of

T = TypeVar("T", bound=Hashable)

Pair = tuple[str, str]
"""Push domain, in lower case, and app name."""

OnlineState = Literal["active", "inactive", "unknown"]

_STATES: Final[dict[Any, OnlineState]] = {"active": "active", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class OnlineStream:
    """A stream that is online, and when its pushes began, in Unix milliseconds.

    Two are equal if the stream is the same: so a page that comes twice is noticed.
    """

    stream: Stream
    began_at_ms: tuple[int, ...] = field(compare=False)


class Listed(NamedTuple):
    """A push as the event list has it; times are whole Unix seconds, 0 for an end to come."""

    stream: Stream
    began_at: int
    ended_at: int
    client_ip: str
    """Never shown: it only distinguishes two pushes of one stream."""


class Record(NamedTuple):
    """A callback that was sent, or tried, as the list of callbacks has it.

    ``request`` may hold secrets, and is never shown.
    """

    event_time: str
    event_type: int
    result_code: int
    request: str


def page_in(answer: Any, name: str, number: int, read: Callable[[Any], T]) -> Page[tuple[T, int]]:
    """Return the page of a number; equal items of one page are numbered."""
    items = answer.get(name)
    if not isinstance(items, list):
        raise ValueError(f"the answer has no list {name}")  # noqa: TRY004 - one error for all
    if answer.get("PageNum", number) != number:
        raise ValueError("the answer has another page")
    seen: Counter[T] = Counter()
    found = []
    for item in map(read, items):
        found.append((item, seen[item]))
        seen[item] += 1
    return Page(found, _number(answer, "TotalNum"))


def online_stream(item: Any) -> OnlineStream:
    """Return an item of the online list; a time that cannot be read is left out."""
    began = (seconds_of(_text(time, "PublishTime")) for time in item["PublishTimeList"] or ())
    known = (round(seconds * 1000) for seconds in began if seconds is not None)
    return OnlineStream(_stream(item), tuple(known))


def state_of(answer: Any) -> OnlineState:
    """Return the state of a stream; of one that is banned nothing is known."""
    return _STATES.get(answer["StreamState"], "unknown")


def read_listed(item: Any) -> Listed:
    """Return an item of the event list."""
    began_at = seconds_of(_text(item, "StreamStartTime"))
    goes_on = item["StreamEndTime"] in (None, "")
    ended_at = 0 if goes_on else seconds_of(_text(item, "StreamEndTime"))
    if began_at is None or ended_at is None:
        raise ValueError("a push without its times")
    return Listed(_stream(item), int(began_at), int(ended_at), str(item.get("ClientIp")))


def record(item: Any) -> Record:
    """Return an item of the list of callbacks."""
    return Record(
        event_time=_text(item, "EventTime"),
        event_type=_number(item, "EventType"),
        result_code=_number(item, "ResultCode"),
        request=_text(item, "Request"),
    )


def _stream(item: Any) -> Stream:
    domain, app_name, name = (
        _text(item, name) for name in ("DomainName", "AppName", "StreamName")
    )
    if not (domain and app_name and name):
        raise ValueError("a stream without its names")
    return domain.lower(), app_name, name


def _text(item: Any, name: str) -> str:
    value = item[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")  # noqa: TRY004 - one error for all
    return value


def _number(item: Any, name: str) -> int:
    value = item[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} is no number")
    return value
