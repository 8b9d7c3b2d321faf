"""The verbs of Tencent Cloud's live API about streams: what is online, what ended, what was sent.

Each answers in full or raises ``TencentError``: a list of which a part is missing is none.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, TypeVar

from exporter.protocol.api_errors import BAD_ANSWER
from exporter.protocol.events.wire import is_stream
from exporter.protocol.vocabulary import Stream
from exporter.tencent import reading
from exporter.tencent.calling import Caller, Fields
from exporter.tencent.errors import ApiError
from exporter.tencent.pages import Page, Partial, whole
from exporter.tencent.reading import Listed, OnlineState, Pair, Record
from exporter.tencent.templates import Site
from exporter.tencent.times import utc
from exporter.tencent.words import plain

T = TypeVar("T", bound=Hashable)

ONLINE_PAGE: Final[dict[Site, int]] = {"mainland": 20_000, "international": 100}
"""Streams on a page: on the mainland site all that an account may have, else the API's most."""

CALLBACK_RECORDS: Final = "DescribeCallbackRecordsList"
"""Missing on the international site."""

EVENT_PAGE: Final = 100
RECORD_PAGE: Final = 100

MOST_EVENTS: Final = 10_000
"""The event list gives no more of one span of time, and does not say that there are more."""

_PAIR: Final = ("DomainName", "AppName")
_STREAM: Final = (*_PAIR, "StreamName")


class StreamClient:
    """Asks about the streams of an account."""

    def __init__(
        self, caller: Caller, site: Site, say: Callable[[str], None] = lambda _: None
    ) -> None:
        """``say`` is called with a sentence for whoever waits for a long list."""
        self._caller = caller
        self._site = site
        self._say = say

    def online(self, pair: Pair) -> Mapping[Stream, tuple[int, ...]]:
        """Return all streams of a pair that are online.

        With each when its pushes began, in Unix milliseconds, as far as that is known.  One whose
        names no packet can have is left out.
        """
        action = "DescribeLiveStreamOnlineList"
        fields = {**_named(_PAIR, pair), "PageSize": ONLINE_PAGE[self._site]}
        items = self._pages(action, fields, "OnlineInfo", reading.online_stream)
        return {
            one.stream: one.began_at_ms
            for one in items
            if one.stream[:2] == pair and is_stream(one.stream)
        }

    def state(self, stream: Stream) -> OnlineState:
        """Return whether a stream is online."""
        fields = _named(_STREAM, stream)
        return self._caller.read("DescribeLiveStreamState", fields, reading.state_of)

    def ended(self, pair: Pair, start: int, end: int) -> list[Listed]:
        """Return the pushes of a pair in the event list, of at most 30 days.

        From one Unix second to another, both included; whether it is the beginning of a push
        that counts, or its end, is not documented.
        """
        action = "DescribeLiveStreamEventList"
        fields = {
            **_named(_PAIR, pair),
            "StartTime": utc(start),
            "EndTime": utc(end),
            "PageSize": EVENT_PAGE,
            "IsFilter": 1,
            "IsAsc": 1,
        }
        try:
            items = self._pages(action, fields, "EventList", reading.read_listed, most=MOST_EVENTS)
        except _TooMany:
            if start == end:
                raise ApiError(action, BAD_ANSWER, "too many pushes in one second") from None
            middle = (start + end) // 2
            halves = (self.ended(pair, start, middle), self.ended(pair, middle + 1, end))
            return list(dict.fromkeys((*halves[0], *halves[1])))
        return [one for one in items if one.stream[:2] == pair]

    def records(self, stream_id: str, event_type: int, start: int, end: int) -> list[Record]:
        """Return the callbacks of one type about a stream name, whatever its push domain.

        From one Unix second to another, at most a day.
        """
        fields = {
            "StreamName": stream_id,
            "EventType": event_type,
            "StartTime": utc(start),
            "EndTime": utc(end),
            "PageSize": RECORD_PAGE,
        }
        return self._pages(CALLBACK_RECORDS, fields, "DataInfoList", reading.record)

    def _pages(
        self,
        action: str,
        fields: Fields,
        name: str,
        read: Callable[[Any], T],
        most: int | None = None,
    ) -> list[T]:
        def ask(number: int) -> Page[tuple[T, int]]:
            page = self._caller.read(
                action,
                {**fields, "PageNum": number},
                lambda answer: reading.page_in(answer, name, number, read),
            )
            if most is not None and page.total >= most:
                raise _TooMany
            if page.total > fields["PageSize"]:
                self._say(f"{action}: page {number} of {-(-page.total // fields['PageSize'])}")
            return page

        try:
            return [item for item, _ in whole(ask)]
        except Partial as partial:
            raise ApiError(action, BAD_ANSWER, plain(partial)) from None


class _TooMany(Exception):  # noqa: N818 - a state of the answer, no error yet
    """There may be more items than the API gives."""


def _named(names: tuple[str, ...], values: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(names, values, strict=True))
