"""How a page of streams is asked for in SQL, the same for every store.  Pure.

Two statements, each along an index: of open pushes by beginning, of others by end.  What
follows a page begins at its last row, so late pages cost what the first does.
"""

import re
from typing import Any, Final, NamedTuple

import orjson

from exporter.ledger.history import KeptPush, StreamQuery, searched
from exporter.protocol.errcodes import ERRCODES
from exporter.protocol.vocabulary import OTHER

COLUMNS: Final = ", ".join(KeptPush._fields)

Statement = tuple[str, list[Any]]


class Dialect(NamedTuple):
    """What differs between stores.

    ``mark`` stands for a value, ``find`` is the function of the place of one text in another,
    ``newline`` a text of one newline, ``lower`` turns ASCII letters of a text into small ones.
    Conditions on the stream of ``last``: ``begins`` with a value of a ``length``, is ``like`` a
    pattern with ASCII letters of any case, has an open push (``open_one``), has a newer push
    that is open (``newer_open``) or has ended (``newer``).
    """

    table: str
    mark: str
    find: str
    newline: str
    lower: str
    begins: str
    like: str
    open_one: str
    newer_open: str
    newer: str
    unintended: str


def statements(query: StreamQuery, window_ms: tuple[int, int], to: Dialect) -> list[Statement]:
    """Return statements that find the pushes of a page and one more, of either kind."""
    found = []
    if query.state in ("", "active") and not query.cause:
        own = _Where(to, "last.ended_at_ms IS NULL")
        _filter(own, query)
        own.add(f"NOT {to.newer_open}")
        found.append(own.statement("last.began_at_ms", query))
    if query.state != "active":
        own = _Where(to, "last.ended_at_ms IS NOT NULL")
        _filter(own, query)
        if query.state == "dropped":
            own.add(f"last.ended_at_ms BETWEEN {to.mark} AND {to.mark}", *window_ms)
            own.add(to.unintended)
        elif query.state == "ended":
            own.add(
                f"(last.ended_at_ms BETWEEN {to.mark} AND {to.mark} AND {to.unintended})"
                " IS NOT TRUE",
                *window_ms,
            )
        own.add(f"NOT {to.open_one} AND NOT {to.newer}")
        found.append(own.statement("last.ended_at_ms", query))
    return found


class _Where:
    """Conditions and their values, in order."""

    def __init__(self, to: Dialect, first: str) -> None:
        self.to = to
        self._conditions = [first]
        self._values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self._values += values

    def statement(self, by: str, query: StreamQuery) -> Statement:
        mark = self.to.mark
        if query.before:
            at_ms, identity = query.before
            # The first condition is implied by the second; an index knows only the first.
            self.add(f"{by} <= {mark}", at_ms)
            self.add(f"({by}, last.identity) < ({mark}, {mark})", at_ms, identity)
        sql = (
            f"SELECT {COLUMNS} FROM {self.to.table} AS last"  # noqa: S608 - our own conditions
            f" WHERE {' AND '.join(self._conditions)}"
            f" ORDER BY {by} DESC, last.identity DESC LIMIT {mark}"
        )
        return sql, [*self._values, query.limit + 1]


def _filter(where: _Where, query: StreamQuery) -> None:
    mark, lower = where.to.mark, where.to.lower
    if query.push_domain:
        beginning = orjson.dumps([query.push_domain]).decode()[:-1] + ","
        where.add(where.to.begins.format(length=len(beginning)), beginning)
    if query.origin:
        where.add(f"last.origin = {mark}", query.origin)
    if query.cause:
        where.add(f"last.errcode IS NOT NULL AND last.errcode {_codes(query.cause)}")
    if query.q:
        find, newline = where.to.find, where.to.newline
        # First what is quickly said of most rows: nowhere behind the push domain.
        where.add(where.to.like, f'%","%{_literally(searched(query.q))}%')
        # Of ["domain","app","stream"]: app and stream, a newline between, which JSON never has.
        rest = f"""substr(last.stream, {find}(last.stream, '","') + 3)"""
        names = f"""replace(substr({rest}, 1, length({rest}) - 2), '","', {newline})"""
        where.add(f"{find}({lower.format(names)}, {mark}) > 0", searched(query.q))


def _literally(text: str) -> str:
    """Return a pattern of LIKE that only the text itself is like."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _codes(cause: str) -> str:
    """Return which errcodes have a cause; undocumented ones have that of ``other``."""
    has_others = any(one.code == OTHER and one.cause == cause for one in ERRCODES)
    codes = [
        one.code for one in ERRCODES if one.code != OTHER and (one.cause == cause) != has_others
    ]
    return f"{'NOT ' if has_others else ''}IN ({', '.join(codes)})"
