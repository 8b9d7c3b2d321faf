"""How an answer goes wrong; each function returns a lie to give to the server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support.tencent.signing import ApiFault


@dataclass
class Reply:
    """An answer on its way: what it says, and how it travels."""

    action: str
    asked: dict[str, Any]
    perform: Callable[[dict[str, Any]], dict[str, Any]]
    """Answers the same action with other fields."""
    response: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    content_type: str = "application/json"
    body: bytes | None = None
    hang_seconds: float = 0
    drip_seconds: float = 0
    cut_after: int | None = None


@dataclass
class Lie:
    """One way to answer wrongly: ``before`` anything is done, or to what is answered ``after``."""

    after: Callable[[Reply], None] = lambda reply: None
    before: Callable[[], None] = lambda: None


def refuse(code: str, message: str = "") -> Lie:
    """Do nothing, and answer with an error."""

    def raise_it() -> None:
        raise ApiFault(code, message)

    return Lie(before=raise_it)


def fail(code: str) -> Lie:
    """Do what was asked for, and answer with an error."""

    def replace(reply: Reply) -> None:
        reply.response = {"Error": {"Code": code, "Message": "the double says so"}}

    return Lie(replace)


def error_with_charset(code: str) -> Lie:
    """Answer with an error whose content type names a charset: the package overlooks it."""

    def replace(reply: Reply) -> None:
        reply.response = {"Error": {"Code": code, "Message": "the double says so"}}
        reply.content_type = "application/json; charset=utf-8"

    return Lie(replace)


def fields(**changes: Any) -> Lie:
    """Answer some fields otherwise, with null for instance."""
    return Lie(lambda reply: reply.response.update(changes))


def without(*names: str) -> Lie:
    """Leave out some fields."""

    def remove(reply: Reply) -> None:
        reply.response = {
            name: value for name, value in reply.response.items() if name not in names
        }

    return Lie(remove)


def short(name: str, by: int = 1) -> Lie:
    """Leave out the last items of a list."""
    return Lie(lambda reply: reply.response.update({name: reply.response[name][:-by]}))


def repeated() -> Lie:
    """Answer with the page before once more."""

    def replace(reply: Reply) -> None:
        page = max(1, reply.asked.get("PageNum", 1) - 1)
        reply.response |= reply.perform(reply.asked | {"PageNum": page})

    return Lie(replace)


def shifted(name: str, by: int = 1) -> Lie:
    """Begin a page some items earlier, as if some had been put before it."""

    def replace(reply: Reply) -> None:
        page = reply.asked.get("PageNum", 1)
        if page > 1:
            before = reply.perform(reply.asked | {"PageNum": page - 1})[name]
            reply.response[name] = (before[-by:] + reply.response[name])[: len(before)]

    return Lie(replace)


def travelling(**changes: Any) -> Lie:
    """Let an answer travel badly.

    It has another ``status``, ``content_type`` or ``body``, hangs for ``hang_seconds``, comes a
    byte every ``drip_seconds``, or breaks off after ``cut_after`` bytes.
    """

    def change(reply: Reply) -> None:
        for name, value in changes.items():
            setattr(reply, name, value)

    return Lie(change)
