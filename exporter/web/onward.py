"""What a consumer behind us gets of a request, and what its answer means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from exporter.protocol.refusals import ForwardResult
from exporter.web.answers import Answer

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, and values, as they came."""

OF_THE_CONNECTION: Final = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade"),
        *(b"proxy-authenticate", b"proxy-authorization", b"transfer-encoding"),
        *(b"host", b"content-length", b"expect", b"accept-encoding"),
    )
)
"""Headers between a client and a server; each connection has its own."""

CLIMBS: Final = re.compile(r"[/\\]\.{1,2}(?=[/\\;]|$)")
"""A part of a path that leads out of it, as one server or another understands it."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """The settings of these names: which consumers there are, and what they may ask of us."""

    callback_path: str
    forward_to: str | None
    forward_to_by_event: Mapping[str, str]
    forward_timeout_seconds: float
    forward_refused: bool
    forward_most_waiting: int
    forward_ca_file: Path | None

    @property
    def pseudonym(self) -> str:
        """Return our name in ``Via``: the same in all replicas, another in another exporter."""
        own = (self.callback_path, self.forward_to, *sorted(self.forward_to_by_event.items()))
        return f"css-exporter-{blake2b(repr(own).encode(), digest_size=5).hexdigest()}"

    @property
    def consumers(self) -> set[str]:
        """Return the base URLs of all consumers."""
        return {*self.forward_to_by_event.values(), *filter(None, (self.forward_to,))}

    def consumer_of(self, event: str) -> str | None:
        """Return the base URL of an event's consumer, None if it has none."""
        return self.forward_to_by_event.get(event, self.forward_to)


@dataclass(frozen=True, slots=True)
class Head:
    """The line and the headers of a request that is to be forwarded.

    ``raw_path`` is the path as it was sent, ``path`` the same decoded.
    """

    path: str
    raw_path: bytes
    query: bytes
    headers: Headers
    remote_address: str | None

    @classmethod
    def of_scope(cls, scope: Mapping[str, Any]) -> "Head":
        """Return the head of an ASGI request."""
        client = scope["client"]
        return cls(
            scope["path"],
            scope["raw_path"],
            scope["query_string"],
            scope["headers"],
            client[0] if client else None,
        )

    def is_loop(self, pseudonym: str) -> bool:
        """Return whether the request went through us before."""
        return pseudonym.encode() in self._listed(b"via")

    def url(self, consumer: str, callback_path: str) -> str:
        """Return where a consumer gets it: with what follows the callback path, and the query.

        As they were sent, and never in the consumer's host.
        """
        below = self.raw_path.removeprefix(callback_path.encode())
        if below == self.raw_path or below[:1] not in (b"", b"/"):
            # The callback path, or the slash after it, was spelled another way.
            below = quote(self.path[len(callback_path) :]).encode()
        url = (consumer.removesuffix("/") if below else consumer) + _ascii(below)
        return f"{url}?{_ascii(self.query)}" if self.query else url

    def onward(self, pseudonym: str) -> list[tuple[str, str]]:
        """Return the headers that a consumer gets: all but those of the connection."""
        named = {word.strip().lower() for word in self._listed(b"connection").split(b",")}
        left_out = OF_THE_CONNECTION | named | {b"via", b"x-forwarded-for"}
        kept = [(name, value) for name, value in self.headers if name not in left_out]
        kept.append((b"via", self._listed(b"via", f"1.1 {pseudonym}")))
        client = self.remote_address or "unknown"
        kept.append((b"x-forwarded-for", self._listed(b"x-forwarded-for", client)))
        return [
            (name.decode("latin-1").title(), value.decode("utf-8", "surrogateescape"))
            for name, value in kept
        ]

    def _listed(self, name: bytes, *more: str) -> bytes:
        """Return all values of a header, and more, as one."""
        values = [value for found, value in self.headers if found == name]
        return b", ".join((*values, *map(str.encode, more)))


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What became of a callback at its consumer.

    ``answer`` is what the sender gets, unless something is wrong on our side.  ``status`` is the
    consumer's, None without an answer; ``detail`` then says why, for the operator.
    """

    result: ForwardResult
    seconds: float
    answer: Answer
    status: int | None = None
    detail: str = ""

    @property
    def is_taken(self) -> bool:
        """Return whether the consumer has the callback."""
        return self.result == "taken"

    def noted(self) -> tuple[str, str | None]:
        """Return reason and detail as a delivery has them."""
        why = str(self.status) if self.result == "refused" else self.detail
        return f"forward_{self.result}", why or None

    def fields(self) -> dict[str, Any]:
        """Return what a log line says of it."""
        found: dict[str, Any] = {
            "forward_result": self.result,
            "forward_seconds": round(self.seconds, 3),
        }
        if self.result == "refused":
            found["forward_status"] = self.status
        if self.detail:
            found["forward_detail"] = self.detail
        return found


def answered(status: int, content: bytes, content_type: str | None, seconds: float) -> Forwarded:
    """Return what became of a callback that the consumer answered."""
    # Whatever is not a 200 makes the platform come again, even if the consumer meant well.
    result: ForwardResult = "taken" if status == HTTPStatus.OK else "refused"
    return Forwarded(result, seconds, Answer(status, content, content_type), status)


def _ascii(raw: bytes) -> str:
    """Return bytes of a URL as text, what is no ASCII escaped."""
    return quote(raw, safe="".join(map(chr, range(0x21, 0x7F))))
