"""The tables of docs/benchmarks.md, from the raw results."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench import goals
from bench.load import Outcome

Raw = Mapping[str, Any]
"""Title, about, columns, rows and numbers of a table, as JSON keeps them."""


def document(tables: Mapping[str, Raw], machine: Sequence[str]) -> str:
    """Return the page: how it was measured, what was to be reached, then every table."""
    parts = [_HEAD, *(f"- {line}" for line in machine)]
    parts += ["", "## Goals", "", *goals.lines(tables)]
    for table in tables.values():
        parts += ["", f"## {table['title']}", "", table["about"], ""]
        parts += _numbers(table) if table["numbers"] else _rates(table)
    return "\n".join(parts) + "\n"


_HEAD = """\
# Benchmarks

Written by `make bench`, each table from one run; `benchmarks.json` beside this page has every
single figure. All contenders of a table run side by side, and are measured in turns: a cell is the
median of the rounds, in parentheses the ratio to the first row (the median of each round's own
ratio) and its spread. Every packet is new and signed; the exporter logs a line for each, and
answers only after its commit (SQLite: `synchronous=FULL`; PostgreSQL: `fsync` on).
"""


def _rates(table: Raw) -> list[str]:
    columns = table["columns"]
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    first = next(iter(table["rows"].values()))
    for name, row in table["rows"].items():
        cells = [_rate(row.get(column), first[column]) for column in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _rate(runs: Sequence[Sequence[float]] | None, first: Sequence[Sequence[float]]) -> str:
    if not runs:
        return ""
    own, base = [Outcome._make(run) for run in runs], [Outcome._make(run) for run in first]
    ratios = [one.rate / other.rate for one, other in zip(own, base, strict=True)]
    rate, p99 = median(one.rate for one in own), median(one.p99 for one in own)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    errors = sum(one.errors for one in own)
    failed = f", {errors} errors" if errors else ""
    ratio = f"**{median(ratios):.2f}** ({spread})" if runs is not first else "1"
    return f"{rate:,.0f}/s, {ratio}, p99 {p99 * 1000:.0f} ms{failed}"


def _numbers(table: Raw) -> list[str]:
    columns = table["columns"]
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(values) + " |" for name, values in table["numbers"]]
    return lines
