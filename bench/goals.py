"""What was to be reached, and why where it is not.  Pure."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final, NamedTuple

from bench.load import Outcome

Tables = Mapping[str, Any]
"""The raw tables, by the names of their measures."""

_VIEW: Final = "bare Flask view"
_OURS: Final = "exporter, SQLite"
_POSTGRES: Final = "exporter, PostgreSQL"
_32: Final = "captures, 32 connections kept alive"
_256: Final = "captures, 256 connections kept alive"
_PUSHES: Final = "pushes, 32 connections kept alive"


class Goal(NamedTuple):
    """A figure that was to be at least, or at most, some number."""

    words: str
    figure: Callable[[Tables], float]
    number: float
    at_most: bool = False
    why: str = ""
    """What stands in the way."""

    def line(self, tables: Tables) -> str | None:
        """Return a row of the table of goals, None if its figure was not measured."""
        try:
            figure = self.figure(tables)
        except KeyError:
            return None
        sign = "≤" if self.at_most else "≥"
        met = figure <= self.number if self.at_most else figure >= self.number
        verdict = "met" if met else f"missed: {self.why}" if self.why else "missed"
        return f"| {self.words} | {sign} {self.number:g} | {figure:.2f} | {verdict} |"


def lines(tables: Tables) -> list[str]:
    """Return the table of goals."""
    rows = [line for goal in GOALS if (line := goal.line(tables))]
    return ["| goal | | reached | |", "|---|---|---|---|", *rows]


def _runs(tables: Tables, table: str, row: str, column: str) -> Sequence[Outcome]:
    return [Outcome._make(run) for run in tables[table]["rows"][row][column]]


def _rate(
    row: str, column: str, *, to: str = _VIEW, table: str = "rates"
) -> Callable[[Tables], float]:
    """Return the rate of a row as a ratio to another's: the median of each round's own."""

    def figure(tables: Tables) -> float:
        own, base = _runs(tables, table, row, column), _runs(tables, table, to, column)
        return median(one.rate / other.rate for one, other in zip(own, base, strict=True))

    return figure


def _p99(column: str) -> Callable[[Tables], float]:
    """Return the 99th percentile as a ratio to the view's."""

    def figure(tables: Tables) -> float:
        own, base = (_runs(tables, "rates", row, column) for row in (_OURS, _VIEW))
        return median(one.p99 for one in own) / median(one.p99 for one in base)

    return figure


def _number(tables: Tables, table: str, row: str, column: int) -> float:
    for name, values in tables[table]["numbers"]:
        if name.startswith(row):
            return float(values[column].removeprefix("p99 ").split()[0])
    raise KeyError(row)


def _scrape_time(tables: Tables) -> float:
    ours, theirs = "exporter, 10,000 series", "MultiProcessCollector"
    return _number(tables, "scrapes", ours, 0) / _number(tables, "scrapes", theirs, 0)


def _beside_scrapes(tables: Tables) -> float:
    row = "exporter, 10,000 series"
    return _number(tables, "scrapes", row, 3) / _number(tables, "scrapes", row, 2)


def _growth(tables: Tables) -> float:
    return _number(tables, "life", "after", 2) / _number(tables, "life", "after", 1)


GOALS: Final = (
    Goal("captures, 32 connections, to the view", _rate(_OURS, _32), 2.0),
    Goal("captures, 256 connections, to the view", _rate(_OURS, _256), 2.7),
    Goal(
        "pushes, to the view",
        _rate(_OURS, _PUSHES),
        1.4,
        why="a push is a row of its own in two indexes, at random places; its commit takes twice"
        " that of a capture",
    ),
    Goal(
        "a new connection each, to the view",
        _rate(_OURS, "captures, a new connection each"),
        1.3,
    ),
    Goal(
        "clients that close late, to the view",
        _rate(_OURS, "captures, 256 clients that close 20 ms late"),
        1.3,
    ),
    Goal(
        "captures, 256 connections, not pinned, to the view",
        _rate(_OURS, _256, table="unpinned"),
        3,
    ),
    Goal("p99, 32 connections, to the view's", _p99(_32), 0.6, at_most=True),
    Goal("p99, 256 connections, to the view's", _p99(_256), 0.6, at_most=True),
    Goal(
        "flushes 5 ms longer, 256 connections, to those without",
        _rate("+5 ms", _256, to="+0 ms", table="slow-disk"),
        0.9,
        why="each of the 256 waits 5 ms longer for its answer before it sends again, and the"
        " less the rest takes, the more that is",
    ),
    Goal(
        "PostgreSQL, 256 connections, to SQLite",
        _rate(_POSTGRES, _256, to=_OURS),
        0.7,
    ),
    Goal(
        "PostgreSQL, 32 connections, to SQLite",
        _rate(_POSTGRES, _32, to=_OURS),
        0.7,
        why="a commit is three round trips to a server, and with 32 connections few callbacks"
        " share one",
    ),
    Goal(
        "PostgreSQL, 256 connections, two workers to one",
        _rate(f"{_POSTGRES}, 2 workers", _256, to=_POSTGRES, table="unpinned"),
        1.2,
    ),
    Goal(
        "captures on a full ledger, to an empty one",
        _rate("and 100,000 open pushes", _32, to="empty", table="full-ledgers"),
        0.9,
    ),
    Goal(
        "pushes on a full ledger, to an empty one",
        _rate("and 100,000 open pushes", _PUSHES, to="empty", table="full-ledgers"),
        0.9,
    ),
    Goal("a scrape of 10,000 series, to MultiProcessCollector's", _scrape_time, 0.3, at_most=True),
    Goal("p99 beside a scrape a second, to without", _beside_scrapes, 2, at_most=True),
    Goal("memory after 1,000,000 callbacks, to the start's", _growth, 1.5, at_most=True),
)
