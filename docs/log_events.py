"""What the exporter logs, found in its source: each event with its levels and fields.

A log event is the first argument of ``log.<level>(...)``, the second part of a ``LogLine`` that a
function returns, or what a dictionary has under ``event``.  A name that cannot be read from the
source is an error: no line of the log stays without its row in the reference.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.ledger import Outcome

LEVELS: Final = {
    **{level: level for level in ("debug", "info", "warning", "error")},
    "exception": "error",
}
"""Method of the logger -> level of its line."""

NAME: Final = re.compile(r"[a-z]+\.[a-z_]+")


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event of the log: its name, and the levels and fields of its lines."""

    name: str
    levels: frozenset[str]
    fields: tuple[str, ...]

    def __or__(self, other: "LogEvent") -> "LogEvent":
        """Return what both places that log the event write."""
        fields = dict.fromkeys((*self.fields, *other.fields))
        return LogEvent(self.name, self.levels | other.levels, tuple(fields))


def log_events(package: Path) -> dict[str, LogEvent]:
    """Return every log event of a package by its name.  Raises ``ValueError`` for a riddle."""
    modules: list[_Module] = []
    for path in sorted(package.rglob("*.py")):
        modules.append(_Module(ast.parse(path.read_text("utf-8")), modules))
    found: dict[str, LogEvent] = {}
    for module in modules:
        for event in module.events():
            found[event.name] = found.get(event.name, event) | event
    return dict(sorted(found.items()))


class _Module:
    """The source of one module, among those of its package."""

    def __init__(self, tree: ast.Module, package: "Sequence[_Module]") -> None:
        self._package = package
        self.nodes: list[ast.AST] = [tree]
        self._parents: dict[ast.AST, ast.AST] = {}
        for node in self.nodes:  # of which there are more with each
            children = list(ast.iter_child_nodes(node))
            self._parents.update(dict.fromkeys(children, node))
            self.nodes += children

    def events(self) -> Iterator[LogEvent]:
        for node in self.nodes:
            if isinstance(node, ast.Call) and node.args:
                yield from self._logged_by(node)
            elif isinstance(node, ast.Return):
                yield from self._returned(node)
            elif isinstance(node, ast.Dict):
                yield from self._spelled_out(node)

    def _logged_by(self, call: ast.Call) -> Iterator[LogEvent]:
        match call.func:
            case ast.Attribute(value=ast.Name("log"), attr=method) if method in LEVELS:
                fields = [str(keyword.arg) for keyword in call.keywords]
                fields += ["exception"] if method == "exception" else []
                for name in self._names(call.args[0]):
                    yield LogEvent(name, frozenset((LEVELS[method],)), tuple(fields))

    def _returned(self, line: ast.Return) -> Iterator[LogEvent]:
        match self._function_around(line).returns, line.value:
            case ast.Name("LogLine"), ast.Tuple([_, name, ast.Name(fields)]):
                levels, keys = self._levels_around(line), tuple(self._collected(line, fields))
                for event in self._names(name):
                    yield LogEvent(event, levels, keys)

    def _spelled_out(self, line: ast.Dict) -> Iterator[LogEvent]:
        for key, value in zip(line.keys, line.values, strict=True):
            match key, value:
                case ast.Constant("event"), ast.Constant(str(name)) if NAME.fullmatch(name):
                    fields = [field for field in _keys(line) if field != "event"]
                    yield LogEvent(name, self._levels_around(line), tuple(fields))

    def _names(self, argument: ast.expr) -> list[str]:
        match argument:
            case ast.Constant(str(name)):
                return [name]
            case ast.JoinedStr([ast.Constant(str(prefix)), ast.FormattedValue(value)]) if (
                isinstance(value, ast.Attribute) and value.attr == "outcome"
            ):
                return [f"{prefix}{outcome}" for outcome in Outcome]
            case ast.Attribute(value=ast.Name("self"), attr=attribute):
                return list(self._given(argument, attribute))
        raise ValueError(f"{ast.unparse(argument)}: this log event has no name to be read")

    def _given(self, node: ast.AST, attribute: str) -> Iterator[str]:
        """Yield the names that a class is made with, as it keeps them in an attribute."""
        owner = self._class_around(node)
        kept = next(
            assigned.value
            for assigned in ast.walk(owner)
            if isinstance(assigned, ast.Assign)
            and ast.unparse(assigned.targets[0]) == f"self.{attribute}"
        )
        suffix = "".join(
            part.value
            for part in ast.walk(kept)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        )
        for call in (node for module in self._package for node in module.nodes):
            match call:
                case ast.Call(func=ast.Name(name), args=[ast.Constant(str(given)), *_]) if (
                    name == owner.name
                ):
                    yield f"{given}{suffix}"

    def _levels_around(self, node: ast.AST) -> frozenset[str]:
        """Return the levels that are named in the function around a node."""
        words = (
            inner.value
            for inner in ast.walk(self._function_around(node))
            if isinstance(inner, ast.Constant)
        )
        return frozenset(LEVELS.values()) & {word for word in words if isinstance(word, str)}

    def _collected(self, line: ast.AST, name: str) -> Iterator[str]:
        """Yield the fields that a dictionary of the function around a line is given."""
        for node in ast.walk(self._function_around(line)):
            match node:
                case ast.AnnAssign(target=ast.Name(target), value=ast.Dict() as value) if (
                    target == name
                ):
                    yield from _keys(value)
                case ast.Assign(
                    targets=[ast.Subscript(value=ast.Name(target), slice=ast.Constant(str(key)))]
                ) if target == name:
                    yield key

    def _function_around(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef:
        while not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node = self._parents[node]
        return node

    def _class_around(self, node: ast.AST) -> ast.ClassDef:
        while not isinstance(node, ast.ClassDef):
            node = self._parents[node]
        return node


def _keys(line: ast.Dict) -> Iterator[str]:
    for key in line.keys:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value
