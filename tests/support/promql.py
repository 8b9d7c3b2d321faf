"""What an expression asks for: its selectors, numbers and functions, without a server."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import promql_parser


class Selector(NamedTuple):
    """One selector of an expression."""

    name: str | None
    matchers: tuple[tuple[str, str, str], ...]
    function: str | None

    def values(self, label: str) -> list[str]:
        """Return the operators and values that a label is matched with."""
        return [f"{operator}{value}" for name, operator, value in self.matchers if name == label]


_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_CHILDREN = ("lhs", "rhs", "expr", "param")


def nodes(expr: str) -> Iterator[tuple[Any, str | None]]:
    """Yield every node of an expression, each with the name of the function around it."""
    stack: list[tuple[Any, str | None]] = [(promql_parser.parse(expr), None)]
    while stack:
        node, function = stack.pop()
        yield node, function
        if isinstance(node, promql_parser.Call):
            stack += [(argument, node.func.name) for argument in node.args]
        else:
            children = (getattr(node, name, None) for name in _CHILDREN)
            stack += [(child, function) for child in children if child is not None]


def selectors(expr: str) -> Iterator[Selector]:
    """Yield every selector of an expression."""
    for node, function in nodes(expr):
        vector = getattr(node, "vector_selector", node)
        if isinstance(vector, promql_parser.VectorSelector):
            matchers = tuple(
                (one.name, _OPERATORS[str(one.op).removeprefix("MatchOp.")], one.value)
                for one in vector.matchers.matchers
            )
            yield Selector(vector.name, matchers, function)


def numbers(expr: str) -> Iterator[float]:
    """Yield every number that an expression spells out."""
    for node, _ in nodes(expr):
        if isinstance(node, promql_parser.NumberLiteral):
            yield node.val


def names(selector: Selector, known: Mapping[str, Any]) -> list[str]:
    """Return the metrics that a selector may find: its own, or what its pattern fits."""
    if selector.name:
        return [selector.name]
    (pattern,) = selector.values("__name__")
    return [name for name in known if re.fullmatch(pattern.removeprefix("=~"), name)]
