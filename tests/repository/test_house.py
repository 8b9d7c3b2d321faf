"""The house: imports run one way, importing does nothing, files stay short."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repository import ROOT

PACKAGE = ROOT / "exporter"

ROOMS = (
    *("protocol", "metrics", "ledger", "web", "tencent", "daemon"),
    *("sending", "simulator", "replay", "demo"),
)
"""The layers, which are folders, from the inside out: a room imports from itself and from those
before it. What stands beside them (``cli``, ``__main__``) may import from all."""

CORE = ("protocol", "metrics")
PURE = {
    *CORE,
    *("ledger.changes", "ledger.limits", "ledger.posting", "ledger.pushes", "ledger.reconciling"),
    *("web.exposition", "web.deliveries", "web.formatting", "web.hints", "web.overview"),
    *("tencent.applying", "tencent.checks", "tencent.errors", "tencent.pages"),
    *("tencent.backfill_words", "tencent.backfilled", "tencent.matching"),
    *("tencent.planning", "tencent.reading", "tencent.templates", "tencent.words"),
}
"""Rooms, and modules of rooms, that need no clock, no environment, no log and no I/O."""

IMPURE = {
    *("time", "datetime", "os", "sys", "io", "pathlib", "logging", "structlog", "warnings"),
    *("socket", "http", "urllib", "sqlite3", "psycopg", "subprocess", "signal", "threading"),
    *("asyncio", "random", "secrets", "tempfile", "flask", "werkzeug", "gunicorn", "click"),
}

HARMLESS = {"urllib.parse"}
"""Modules of impure packages that only look at text."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the dotted name of a module's file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted name of each module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    """A room imports from itself and rooms before it; those that send need only the core."""
    room = room_of(name_of(path))
    ours = {room_of(name) for name in imports_of(path) if name.startswith("exporter.")} - {""}
    if room in ("sending", "simulator"):
        # What the simulator expects must not come from what it checks.
        assert ours <= {*CORE, "sending", "simulator"}
    elif room:
        assert ours <= set(ROOMS[: ROOMS.index(room) + 1])


def is_pure(name: str) -> bool:
    """Return whether a module is promised to be pure."""
    inner = name.removeprefix("exporter.")
    return inner in PURE or room_of(name) in PURE


@pytest.mark.parametrize("path", [path for path in MODULES if is_pure(name_of(path))], ids=name_of)
def test_the_core_is_pure(path: Path) -> None:
    """What decides and what describes needs no clock, no environment, no log and no I/O."""
    imported = {name.split(".")[0] for name in imports_of(path) if name not in HARMLESS}
    assert not imported & IMPURE
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}


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
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case (
                ast.ClassDef(name)
                | ast.Assign(targets=[ast.Name(name)])
                | ast.AnnAssign(target=ast.Name(name))
            ):
                if name[0].isupper() and not name.isupper():
                    yield name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_short_and_introduce_themselves(path: Path) -> None:
    """Every module begins with a docstring and stays under 300 lines."""
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") < 300
    assert ast.get_docstring(ast.parse(source))
