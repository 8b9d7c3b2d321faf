"""The public listener on an event loop: callbacks in a fast lane, the rest to Flask.

A callback is read, verified and parsed on the loop, waits there for its commit without a
thread, and is answered.  All that wait are handed to the ledger at once, and the loop is woken
once for a whole commit.  One that has a consumer is forwarded meanwhile, and waits for both.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from exporter.ledger import LedgerUnavailable, Receipt
from exporter.protocol.refusals import Refusal
from exporter.web.answers import Answer
from exporter.web.onward import Forwarded, Head
from exporter.web.receiver import NOTHING, Committed, Receiver, Refused, Request, Verified

if TYPE_CHECKING:
    from exporter.web.forwarding import Forwarder

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application, version 3."""

Results = Sequence[Receipt | LedgerUnavailable]
Forwards = asyncio.Future[Forwarded] | None
"""What becomes of a callback at its consumer, if it has one."""

PATIENCE_SECONDS: Final = 1.0
"""How long callbacks wait for the commit before theirs until they queue for their own."""


class _Waiting(NamedTuple):
    callback: Verified
    forwards: Forwards
    answer: asyncio.Future[Answer]


class Gathering:
    """Callbacks that wait for their commit, on one event loop."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._groups = 0
        self._due = False

    async def answer(self, callback: Verified, forwards: Forwards = None) -> Answer:
        """Return the answer to a callback after its commit, and after its consumer's."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting.append(_Waiting(callback, forwards, future))
        if not self._due and not self._groups:
            self._due = True
            self._loop.call_soon(self._hand_over)
        return await future

    def _hand_over(self) -> None:
        """Give all that wait to the ledger, as one group."""
        self._due = False
        if not self._waiting:
            return
        group, self._waiting = self._waiting, []
        self._groups += 1
        # Who comes during a commit that takes so long has a time of their own to wait.
        timer = self._loop.call_later(PATIENCE_SECONDS, self._hand_over)

        def settled(results: Results) -> None:
            """Wake the loop, from whatever thread."""
            self._loop.call_soon_threadsafe(self._settle, group, timer, results)

        self._receiver.ledger.submit([one.callback.posting for one in group], settled)

    def _settle(self, group: list[_Waiting], timer: asyncio.TimerHandle, results: Results) -> None:
        timer.cancel()
        self._groups -= 1
        ready: list[_Waiting] = []
        committed: list[Committed] = []
        for one, result in zip(group, results, strict=True):
            callback, forwards, _ = one
            if forwards is None:
                committed.append(Committed(callback, result))
            elif forwards.done():
                committed.append(Committed(callback, result, forwards.result()))
            else:
                forwards.add_done_callback(partial(self._settle_late, one, result))
                continue
            ready.append(one)
        self._answer(ready, committed)
        # Answer first, and read once what has come meanwhile, so that it shares the next commit.
        if not self._due and not self._groups:
            self._due = True
            self._loop.call_soon(self._loop.call_soon, self._hand_over)

    def _settle_late(
        self,
        one: _Waiting,
        result: Receipt | LedgerUnavailable,
        forwards: asyncio.Future[Forwarded],
    ) -> None:
        """Answer a callback that was committed before its consumer answered."""
        self._answer([one], [Committed(one.callback, result, forwards.result())])

    def _answer(self, waiting: Sequence[_Waiting], committed: Sequence[Committed]) -> None:
        answers = self._receiver.settle(committed)
        for (_, _, future), answer in zip(waiting, answers, strict=True):
            if not future.cancelled():
                future.set_result(answer)


class Lane:
    """The ASGI application of the public listener."""

    def __init__(
        self, receiver: Receiver, rest: Application, forwarder: "Forwarder | None" = None
    ) -> None:
        """``rest`` gets what is no POST of the callback path."""
        self._receiver = receiver
        self._rest = rest
        self._forwarder = forwarder
        self._gathering = Gathering(receiver)
        self._longest = receiver.policy.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST" or not self._receiver.takes(scope["path"]):
            await self._rest(scope, receive, send)
            return
        client = scope["client"]
        address = client[0] if client else None
        head = Head.of_scope(scope) if self._forwarder else None
        try:
            if self._forwarder and head and head.is_loop(self._forwarder.pseudonym):
                raise Refusal("loop")  # noqa: TRY301 - refused like a body
            body = await _read(scope, receive, self._longest)
        except Refusal as refusal:
            answer = self._receiver.refuse(refusal, address, NOTHING)
        else:
            answer = await self._answer(Request(body, address), head)
        await _send(send, answer)

    async def _answer(self, request: Request, head: Head | None) -> Answer:
        taken = self._receiver.take(request)
        forwards = None
        if self._forwarder and head:
            forwards = self._forwarder.start(taken, head, request.body)
        if isinstance(taken, Refused):
            return (await forwards).answer if forwards else taken.answer
        return await self._gathering.answer(taken, forwards)


async def _read(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return the body; raise a ``Refusal``, as soon as it is known to be longer than ``limit``."""
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise Refusal("too_large")
    pieces: list[bytes] = []
    length = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal("malformed_json", "the body broke off")
        pieces.append(message["body"])
        length += len(message["body"])
        if length > limit:
            raise Refusal("too_large")
        more = message["more_body"]
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _send(send: Send, answer: Answer) -> None:
    start = {"status": answer.status, "headers": answer.raw_headers}
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": answer.content})
