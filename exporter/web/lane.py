"""The public listener on an event loop: callbacks in a fast lane, the rest to Flask.

A callback is read, verified and parsed on the loop, waits there for its commit without a
thread, and is answered.  All that wait are handed to the ledger at once, and the loop is woken
once for a whole commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from exporter.ledger import LedgerUnavailable, Receipt
from exporter.protocol.refusals import Refusal
from exporter.web.answers import Answer
from exporter.web.receiver import NOTHING, Receiver, Request, Verified

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application, version 3."""

Results = Sequence[Receipt | LedgerUnavailable]
_Waiting = tuple[Verified, asyncio.Future[Answer]]

PATIENCE_SECONDS: Final = 1.0
"""How long callbacks wait for the commit before theirs until they queue for their own."""


class Gathering:
    """Callbacks that wait for their commit, on one event loop."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._groups = 0
        self._due = False

    async def answer(self, callback: Verified) -> Answer:
        """Return the answer to a callback after its commit."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting.append((callback, future))
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

        self._receiver.ledger.submit([callback.posting for callback, _ in group], settled)

    def _settle(
        self, group: "list[_Waiting]", timer: asyncio.TimerHandle, results: Results
    ) -> None:
        timer.cancel()
        self._groups -= 1
        answers = self._receiver.settle([callback for callback, _ in group], results)
        for (_, future), answer in zip(group, answers, strict=True):
            if not future.cancelled():
                future.set_result(answer)
        # Answer first, and read once what has come meanwhile, so that it shares the next commit.
        if not self._due and not self._groups:
            self._due = True
            self._loop.call_soon(self._loop.call_soon, self._hand_over)


class Lane:
    """The ASGI application of the public listener."""

    def __init__(self, receiver: Receiver, rest: Application) -> None:
        """``rest`` gets what is no POST of the callback path."""
        self._receiver = receiver
        self._rest = rest
        self._gathering = Gathering(receiver)
        self._longest = receiver.policy.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST" or not self._receiver.takes(scope["path"]):
            await self._rest(scope, receive, send)
            return
        client = scope["client"]
        address = client[0] if client else None
        try:
            body = await _read(scope, receive, self._longest)
        except Refusal as refusal:
            answer = self._receiver.refuse(refusal, address, NOTHING)
        else:
            taken = self._receiver.take(Request(body, address))
            answer = taken if isinstance(taken, Answer) else await self._gathering.answer(taken)
        await _send(send, answer)


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
