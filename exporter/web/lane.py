"""The public listener on an event loop: callbacks in a fast lane, the rest to Flask.

A callback is verified and parsed on the loop, waits there for its commit without a thread or a
task, and is answered.  All that wait are handed to the ledger at once, and the loop is woken
once for a whole commit.  One that has a consumer is forwarded meanwhile, and waits for both.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from exporter.ledger import LedgerUnavailable, Receipt, Results
from exporter.protocol.refusals import Refusal
from exporter.web.answers import Answer
from exporter.web.onward import Forwarded, Head
from exporter.web.receiver import NO_PACKET, Committed, Receiver, Request, Verified

if TYPE_CHECKING:
    from exporter.web.forwarding import Forwarder

Scope = Mapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
"""An ASGI application, version 3."""

Forwards = asyncio.Future[Forwarded] | None
"""What becomes of a callback at its consumer, if it has one."""

PATIENCE_SECONDS: Final = 1.0
"""How long callbacks wait for the commit before theirs until they queue for their own."""


Reply = Callable[[Answer], None]
"""Answers a request; does nothing if nobody waits for that any more."""


class _Waiting(NamedTuple):
    callback: Verified
    forwards: Forwards
    reply: Reply


class Gathering:
    """Callbacks that wait for their commit, on one event loop."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._groups = 0
        self._due = False

    def add(self, callback: Verified, forwards: Forwards, reply: Reply) -> None:
        """Answer a callback after its commit, and after its consumer's answer."""
        self._waiting.append(_Waiting(callback, forwards, reply))
        if not self._due and not self._groups:
            self._due = True
            self._loop.call_soon(self._hand_over)

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
        for (_, _, reply), answer in zip(waiting, answers, strict=True):
            reply(answer)


class Lane:
    """What the public listener does with requests, whoever reads them."""

    def __init__(
        self, receiver: Receiver, rest: Application, forwarder: "Forwarder | None" = None
    ) -> None:
        """``rest`` is for what is no POST of the callback path."""
        self.rest: Final = rest
        self.path: Final = receiver.policy.callback_path
        self.target: Final = self.path.encode()
        """How nearly all requests name the callback path."""
        self.longest: Final = receiver.policy.max_body_bytes
        self._receiver = receiver
        self._forwarder = forwarder
        self._gathering = Gathering(receiver)

    def takes(self, scope: Scope) -> bool:
        """Return whether a request is a callback."""
        return scope["method"] == "POST" and self._receiver.takes(scope["path"])

    def refusal_of_head(self, scope: Scope) -> Answer | None:
        """Return the answer to a callback that is refused before its body is read, if it is."""
        if self._forwarder and Head.of_scope(scope).is_loop(self._forwarder.pseudonym):
            return self._refuse(scope, Refusal("loop"))
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self.longest:
                return self.refuse_too_large(scope)
        return None

    def refuse_too_large(self, scope: Scope) -> Answer:
        """Return the answer to a body that is longer than ``longest``."""
        return self._refuse(scope, Refusal("too_large"))

    def refuse_broken(self, scope: Scope) -> None:
        """Count a callback whose body broke off: there is nobody to answer."""
        self._refuse(scope, Refusal("malformed_json", "the body broke off"))

    def take(self, scope: Scope, body: bytes, reply: Reply) -> None:
        """Take a callback that came whole, and answer it, perhaps later."""
        taken = self._receiver.take(Request(body, _address(scope)))
        forwards = None
        if self._forwarder:
            forwards = self._forwarder.start(taken, Head.of_scope(scope), body)
        if isinstance(taken, Verified):
            self._gathering.add(taken, forwards, reply)
        elif forwards:
            forwards.add_done_callback(lambda done: reply(done.result().answer))
        else:
            reply(taken.answer)

    def _refuse(self, scope: Scope, refusal: Refusal) -> Answer:
        return self._receiver.refuse(refusal, _address(scope), NO_PACKET)


def _address(scope: Scope) -> str | None:
    client = scope["client"]
    return client[0] if client else None
