"""The answers that a sender of callbacks gets: complete, made once."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import orjson

from exporter.protocol.refusals import REASONS

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``allow`` names the methods that a 405 is about.

    A consumer's may have no ``content_type``.
    """

    status: int
    content: bytes
    content_type: str | None = JSON
    allow: str | None = None

    headers: list[tuple[str, str]] = field(init=False)
    """What describes the content, as WSGI wants it."""

    raw_head: bytes = field(init=False)
    """The same, as it is written."""

    def __post_init__(self) -> None:
        headers = [("Content-Type", self.content_type)] if self.content_type else []
        if self.status != HTTPStatus.NO_CONTENT:
            headers.append(("Content-Length", str(len(self.content))))
        if self.allow is not None:
            headers.append(("Allow", self.allow))
        raw = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers)
        object.__setattr__(self, "headers", headers)
        object.__setattr__(self, "raw_head", raw.encode("latin-1"))


ACCEPTED: Final = Answer(200, orjson.dumps({"code": 0}))

REFUSALS: Final = {
    word: Answer(
        reason.status,
        orjson.dumps({"code": reason.status, "reason": word}),
        allow="POST" if reason.status == HTTPStatus.METHOD_NOT_ALLOWED else None,
    )
    for word, reason in REASONS.items()
}
"""A reason's word -> answer."""
