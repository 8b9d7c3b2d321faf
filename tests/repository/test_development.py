"""What docs/development.md says of the house: its rooms, words, commands and dependencies."""

import ast
import re
import tomllib

from support.repository import ROOT

from docs.build import pages
from docs.tables import rooms

PAGE = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "exporter"


def section(heading: str) -> str:
    """Return the text below a heading, to the next one of the same level."""
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_room_is_on_the_map() -> None:
    """Each folder of the package is, and each around it that is not left out of the repository."""
    inner = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert set(re.findall(r"`exporter/(\w+)/`", rooms())) == inner
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    outer = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and path.name[0] != "."
        if not any(path.match(pattern.strip("/")) for pattern in ignored)
    }
    named = set(re.findall(r"^\| `(\w+)/` \|", section("The rooms"), re.MULTILINE))
    assert named | {PACKAGE.name} == outer


def test_words_of_the_glossary_exist() -> None:
    """Each name in its last column is defined in the room that stands before it."""
    rows = re.findall(r"\| `(\w+)`: (`.+`) \|$", section("Glossary"), re.MULTILINE)
    assert rows
    for room, names in rows:
        assert set(re.findall(r"`(\w+)`", names)) <= _defined_in(room), names


def _defined_in(room: str) -> set[str]:
    """Return what the modules of a room define at their top."""
    found = set()
    for module in (PACKAGE / room).rglob("*.py"):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            match node:
                case ast.ClassDef(name) | ast.FunctionDef(name):
                    found.add(name)
                case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                    found.add(name)
    return found


def test_make_knows_what_pages_call() -> None:
    """Every ``make`` target that a page names is one."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in pages():
        text = page.read_text(encoding="utf-8")
        called = re.findall(r"(?:^ {4}|`)make ([a-z-]+(?: [a-z-]+)*)", text, re.MULTILINE)
        assert {target for targets in called for target in targets.split()} <= targets, page.name


def test_every_dependency_has_its_reason() -> None:
    """The table names what the package requires, extras included, and nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    required = [*project["dependencies"], *(name for extra in extras for name in extra)]
    names = {re.split(r"[\[<>=]", requirement)[0] for requirement in required}
    rows = re.findall(r"^\| (`[^|]+) \|", section("Dependencies"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row)} == names
