"""The public listener's HTTP: callbacks go into their lane without a task each.

Parsing, limits, keep-alive and pipelining are those of every connection (``protocol``).  What
differs: a callback is handed over as soon as it is whole, from within the parser, and its
answer is written at once, head and body together.
"""

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from exporter.daemon.protocol import Connections, HttpProtocol
from exporter.web.answers import Answer

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

    from exporter.web.lane import Lane

NOBODY: Final = asyncio.Event()
"""What is set when a body has more for a task: a callback has none."""

FAILED: Final = Answer(500, b"Internal Server Error", "text/plain; charset=utf-8")


class CallbackCycle(RequestResponseCycle):
    """A request of the callback path, with only what its connection needs of it."""

    message_event = NOBODY
    disconnected = False
    more_body = True
    response_complete = False

    def __init__(  # a third of what a whole one takes
        self, scope: "HTTPScope", *, keep_alive: bool, expect_100_continue: bool
    ) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expect_100_continue
        self.body = bytearray()


class CallbackProtocol(HttpProtocol):
    """One connection of the public listener."""

    def __init__(
        self, config: Config, server_state: ServerState, lane: "Lane", connections: Connections
    ) -> None:
        super().__init__(config, server_state, lane.rest, connections)
        self._lane = lane
        self._callback: RequestResponseCycle | None = None
        """The callback whose body is on its way."""

    def on_headers_complete(self) -> None:
        """Begin with a plain callback at once; any other request goes the usual way."""
        parser, waiting = self.parser, self.cycle
        if (
            self.url != self._lane.target
            or parser.get_method() != b"POST"
            or (waiting is not None and not waiting.response_complete)
        ):
            super().on_headers_complete()
            return
        self._head_bytes = None
        scope = self.scope
        scope["method"] = "POST"
        scope["path"] = scope["root_path"] + self._lane.path
        scope["raw_path"] = self.url
        scope["query_string"] = b""
        self.cycle = CallbackCycle(
            scope,
            keep_alive=not self._ending
            and parser.get_http_version() != "1.0"
            and parser.should_keep_alive(),
            expect_100_continue=self.expect_100_continue,
        )
        self._begin(self.cycle)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin with a request, when those before it are answered."""
        if not self._lane.takes(cycle.scope):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._begin(cycle)
        else:  # it came whole behind another one, and so may thousands: none within the other
            self.loop.call_soon(self._begin, cycle)

    def _begin(self, cycle: RequestResponseCycle) -> None:
        if answer := self._lane.refusal_of_head(cycle.scope):
            self._reply(cycle, answer)
        elif len(cycle.body) > self._lane.longest:
            self._reply(cycle, self._lane.refuse_too_large(cycle.scope))
        elif cycle.more_body:
            self._callback = cycle
            if cycle.waiting_for_100_continue:
                cycle.waiting_for_100_continue = False
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        else:
            self._take(cycle)

    def on_body(self, body: bytes) -> None:
        """Collect a piece of the body, as long as that may be."""
        cycle = self._callback
        if cycle is None or cycle is not self.cycle:
            super().on_body(body)
            return
        cycle.body += body  # and reads on: we have a limit of our own
        if len(cycle.body) > self._lane.longest:
            self._callback = None
            self._reply(cycle, self._lane.refuse_too_large(cycle.scope))

    def on_message_complete(self) -> None:
        """Hand a callback over."""
        cycle = self._callback
        if cycle is None or cycle is not self.cycle:
            super().on_message_complete()
            return
        cycle.more_body = False
        self.deadline = inf
        self._take(cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; a callback that is not whole is refused, though nobody gets the answer."""
        super().connection_lost(exc)
        if self._callback:
            self._lane.refuse_broken(self._callback.scope)
            self._callback = None

    def _take(self, cycle: RequestResponseCycle) -> None:
        self._callback = None
        try:
            body = bytes(cycle.body)
            self._lane.take(cycle.scope, body, lambda answer: self._reply(cycle, answer))
        except Exception:
            self.logger.exception("Exception in a callback")
            self._reply(cycle, FAILED)

    def _reply(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """Answer a request, and go on with the next one of the connection."""
        if cycle.disconnected or self.transport.is_closing():
            return
        if self.flow.write_paused:  # nothing more before what was written is read
            task = self.loop.create_task(self._reply_later(cycle, answer))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            return
        content = [STATUS_LINE[answer.status]]
        for name, value in self.server_state.default_headers:
            content += (name, b": ", value, b"\r\n")
        content += (answer.raw_head, b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        self.transport.write(b"".join((*content, answer.content)))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    async def _reply_later(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        await self.flow.drain()
        self._reply(cycle, answer)
