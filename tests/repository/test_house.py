"""The house: imports run one way, importing does nothing, files stay short."""

import ast
import functools
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from support.repository import ROOT

import exporter

PACKAGE = ROOT / "exporter"

MODULES = sorted(PACKAGE.rglob("*.py"))

ROOMS = tuple(re.findall(r"^``(\w+)`` {2,}", exporter.__doc__ or "", re.MULTILINE))
"""The layers, which are folders, in the order of the package's introduction: a room imports from
itself and from those before it. What stands beside them (``cli``, ``__main__``) may import from
all."""

IMPURE = {
    *("time", "datetime", "os", "sys", "io", "pathlib", "logging", "structlog", "warnings"),
    *("socket", "http", "urllib", "sqlite3", "psycopg", "subprocess", "signal", "threading"),
    *("asyncio", "random", "secrets", "tempfile", "flask", "werkzeug", "gunicorn", "click"),
}

IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}

HARMLESS = {"urllib.parse"}
"""Modules of impure packages that only look at text."""


def name_of(path: Path) -> str:
    """Return the dotted name of a module's file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return what a module's file says."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted name of each module that a file imports, wherever in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            assert node.module
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in NAMES else node.module


def room_of(name: str) -> str:
    """Return the room that a module stands in, "" for one that stands outside them all."""
    parts = name.split(".")
    return parts[1] if parts[1:] and (PACKAGE / parts[1]).is_dir() else ""


def test_every_folder_is_a_layer() -> None:
    """No room is without its place in the order."""
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == set(ROOMS)
    assert len(ROOMS) == len(set(ROOMS))


def allowed_in(room: str) -> set[str]:
    """Return the rooms that a room may import from: itself and those before it."""
    if room in ("sending", "simulator"):
        # What the simulator expects must not come from what it checks.
        return {*ROOMS[: ROOMS.index("ledger")], "sending", "simulator"}
    return set(ROOMS[: ROOMS.index(room) + 1])


def test_imports_run_one_way() -> None:
    """A room imports from itself and rooms before it; those that send need only the core."""
    wrong = {}
    for path in MODULES:
        room = room_of(name_of(path))
        rooms = {room_of(name) for name in imports_of(path) if name.startswith("exporter.")} - {""}
        if room and (others := rooms - allowed_in(room)):
            wrong[name_of(path)] = others
    assert wrong == {}


def says_pure(path: Path) -> bool:
    """Return whether a module's introduction promises that it is pure: the word, in upper case."""
    return bool(re.search(r"\bPure\b", ast.get_docstring(tree_of(path)) or ""))


def is_pure(path: Path) -> bool:
    """Return whether a module is promised to be pure, by itself or by a package that it is in."""
    packages = (one / "__init__.py" for one in path.parents if one.is_relative_to(PACKAGE))
    return says_pure(path) or any(map(says_pure, packages))


@functools.cache
def pure() -> list[Path]:
    """Return the modules that are promised to be pure."""
    return list(filter(is_pure, MODULES))


def test_the_introduction_names_the_pure_rooms() -> None:
    """A room is called pure there if it says so itself, and none of what decides is left out."""
    named = re.findall(r"^``(\w+)`` {2,}.*; pure$", exporter.__doc__ or "", re.MULTILINE)
    assert named == [room for room in ROOMS if (PACKAGE / room / "__init__.py") in pure()]
    assert {room_of(name_of(path)) for path in pure()} >= {"ledger", "web", "tencent", "simulator"}


def test_what_is_called_pure_is() -> None:
    """What decides and what describes needs no clock, no environment, no log and no I/O."""
    assert {name_of(path): found for path in pure() if (found := set(impure_in(path)))} == {}


def impure_in(path: Path) -> Iterator[str]:
    """Yield what a pure module may neither import nor call.

    The simulator may draw from the seeded generators that it is given.
    """
    imported = {name.split(".")[0] for name in imports_of(path) if name not in HARMLESS}
    if room_of(name_of(path)) == "simulator" and draws_from_a_seed(tree_of(path)):
        imported.discard("random")
    yield from imported & IMPURE
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Call(func=ast.Name(name)) if name in IMPURE_CALLS:
                yield name


def draws_from_a_seed(tree: ast.Module) -> bool:
    """Return whether a module has only the generator of ``random``, and gives it a seed."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names) if any(alias.name == "random" for alias in names):
                return False
            case ast.ImportFrom(module="random", names=names) if {"Random"} != {
                alias.name for alias in names
            }:
                return False
            case ast.Call(func=ast.Name("Random"), args=[], keywords=[]):
                return False
    return True


def test_one_name_has_one_meaning() -> None:
    """No public class or type alias is named like another, but for those of stores laid out alike.

    The tables of ``sqlite`` and ``postgres`` answer the same questions under the same names.
    """
    stores = {PACKAGE / "ledger" / name for name in ("sqlite", "postgres")}
    found = defaultdict(list)
    for path in MODULES:
        for name in types_in(path):
            found[name].append(path)
    assert {
        name: list(map(name_of, paths))
        for name, paths in found.items()
        if len(paths) > 1 and {path.parent for path in paths} != stores
    } == {}


def types_in(path: Path) -> Iterator[str]:
    """Yield the public classes and type aliases that a module defines: names like ``Entry``."""
    for node in tree_of(path).body:
        match node:
            case (
                ast.ClassDef(name)
                | ast.Assign(targets=[ast.Name(name)])
                | ast.AnnAssign(target=ast.Name(name))
            ):
                if name[0].isupper() and not name.isupper():
                    yield name


CHECKED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]
EVERY = sorted(path for folder in CHECKED for path in (ROOT / folder).rglob("*.py"))
"""Modules of the package and of what is around it: those whose types are checked."""


def test_modules_are_short_and_introduce_themselves() -> None:
    """Every module begins with a docstring and stays under 300 lines."""
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in EVERY}
    assert {name: count for name, count in lines.items() if count >= 300} == {}
    assert [name_of(path) for path in EVERY if not ast.get_docstring(tree_of(path))] == []
