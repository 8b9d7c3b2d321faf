"""Forwarding callbacks to the consumers behind us, on an event loop.

Nothing is kept and nothing sent twice on purpose: the platform's own retry is the queue.  A
consumer has a bounded number of connections, and a bounded number of callbacks waiting.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from yarl import URL

from exporter.metrics import catalogue
from exporter.metrics.families import Increment
from exporter.protocol import events
from exporter.protocol.refusals import ForwardFailure, ForwardResult
from exporter.web.answers import REFUSALS
from exporter.web.onward import Forwarded, Forwarding, Head, answered
from exporter.web.receiver import Refused, Verified

CONNECTIONS: Final = 256
"""Connections to one consumer; callbacks beyond them wait for one to be free."""

LONGEST_ANSWER: Final = 65_536
"""Bytes of a consumer's answer that are passed on."""

PATIENCE_SECONDS: Final = {events.PushError.name: 4.0}
"""What the platform waits less than others for: it gives its push errors 5 seconds."""

_REASONS: Final[Mapping[ForwardResult, ForwardFailure]] = {
    "timed_out": "forward_timed_out",
    "unreachable": "forward_unreachable",
    "overloaded": "forward_overloaded",
}


class UnusableAnswer(Exception):  # noqa: N818 - the consumer's error, not ours
    """An answer that cannot be passed on."""


class Forwarder:
    """Sends callbacks to their consumers; made, used and closed on one event loop."""

    def __init__(
        self, forwarding: Forwarding, tally: Callable[[Iterable[Increment]], None]
    ) -> None:
        """``tally`` gets what is counted.  Raises ``OSError`` for an unusable CA file."""
        self._settings = forwarding
        self._tally = tally
        self._loop = asyncio.get_running_loop()
        self._waiting: Counter[URL] = Counter()
        self.pseudonym: Final = forwarding.pseudonym
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=CONNECTIONS, ssl=_trust(forwarding)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),  # ours is one for all that an answer takes
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            trace_configs=[_reuse_traced()],
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def start(
        self, taken: Verified | Refused, head: Head, body: bytes
    ) -> asyncio.Future[Forwarded] | None:
        """Begin to forward a callback; None if no consumer is to have it."""
        if isinstance(taken, Verified):
            event = taken.event.name
        elif self._settings.forward_refused:
            event = taken.envelope.kind.name if taken.envelope.kind else events.Event.name
        else:
            return None
        consumer = self._settings.consumer_of(event)
        if consumer is None:
            return None
        url = URL(head.url(consumer, self._settings.callback_path), encoded=True)
        origin = url.origin()
        if self._waiting[origin] >= self._settings.forward_most_waiting:
            future: asyncio.Future[Forwarded] = self._loop.create_future()
            future.set_result(self._failed("overloaded", event, 0.0))
            return future
        self._waiting[origin] += 1
        task = self._loop.create_task(self._forward(event, url, head.onward(self.pseudonym), body))
        task.add_done_callback(lambda _: self._waiting.subtract((origin,)))
        return task

    async def _forward(
        self, event: str, url: URL, headers: list[tuple[str, str]], body: bytes
    ) -> Forwarded:
        patience = self._settings.forward_timeout_seconds
        patience = min(patience, PATIENCE_SECONDS.get(event, patience))
        began = self._loop.time()
        try:
            async with asyncio.timeout(patience):
                status, content, content_type = await self._answer(url, headers, body)
        except TimeoutError:
            return self._failed("timed_out", event, self._loop.time() - began)
        except (aiohttp.ClientError, UnusableAnswer, OSError, ValueError) as error:
            why = str(error) or type(error).__name__
            return self._failed("unreachable", event, self._loop.time() - began, why)
        seconds = self._loop.time() - began
        forwarded = answered(status, content, content_type, seconds)
        self._count(event, forwarded)
        return forwarded

    async def _answer(
        self, url: URL, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, bytes, str | None]:
        connection = SimpleNamespace(is_reused=False)
        try:
            return await self._ask(url, headers, body, connection)
        except aiohttp.ClientConnectionError:
            if not connection.is_reused:
                raise
        # A consumer may close a kept connection just when we begin to use it.
        return await self._ask(url, headers, body, connection)

    async def _ask(
        self, url: URL, headers: list[tuple[str, str]], body: bytes, connection: Any
    ) -> tuple[int, bytes, str | None]:
        async with self._session.post(
            url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=connection
        ) as response:
            status = response.status
            if not HTTPStatus.OK <= status < 600 or 300 <= status < 400:
                raise UnusableAnswer(f"the consumer answered {status}")
            content = b""
            while piece := await response.content.read(LONGEST_ANSWER - len(content)):
                content += piece
            return status, content, _plain(response.headers.get("Content-Type"))

    def _failed(
        self, result: ForwardResult, event: str, seconds: float, detail: str = ""
    ) -> Forwarded:
        forwarded = Forwarded(result, seconds, REFUSALS[_REASONS[result]], detail=detail)
        self._count(event, forwarded)
        return forwarded

    def _count(self, event: str, forwarded: Forwarded) -> None:
        increments = [catalogue.FORWARDS.add(event, forwarded.result)]
        if forwarded.result != "overloaded":
            increments += catalogue.FORWARD_SECONDS.observe(forwarded.seconds, event)
        self._tally(increments)


def _plain(content_type: str | None) -> str | None:
    """Return a content type, none where it is nothing that may stand in an answer of ours."""
    is_plain = content_type is not None and content_type.isascii() and content_type.isprintable()
    return content_type if is_plain else None


def _trust(forwarding: Forwarding) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if forwarding.forward_ca_file:
        context.load_verify_locations(forwarding.forward_ca_file)
    return context


def _reuse_traced() -> aiohttp.TraceConfig:
    """Return what says of a request whether its connection was used before."""

    async def reused(_session: Any, context: Any, _parameters: Any) -> None:
        context.trace_request_ctx.is_reused = True

    traced = aiohttp.TraceConfig()
    traced.on_connection_reuseconn.append(reused)
    return traced
