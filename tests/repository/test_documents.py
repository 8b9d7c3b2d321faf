"""The documents say what is so: generated parts, links, names of settings, tests and paths."""

import ast
import re
from pathlib import Path

import pytest
from support.packets import all_packets
from support.repository import ROOT

from docs.build import pages, parts_of, written
from docs.tables import TABLES, details
from exporter.daemon.settings import Settings
from exporter.protocol.events import parse

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]
README_LINES = 250


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors_of(page: Path) -> set[str]:
    """Return the names under which a page's headings can be linked."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    }


@pytest.mark.parametrize("page", PAGES)
def test_generated_parts_are_current(page: Path) -> None:
    """``make generated`` would change nothing."""
    assert text_of(page) == written(text_of(page))


def test_every_table_is_shown_once() -> None:
    """No generated part is left out, none stands in two places."""
    assert sorted(part for page in pages() for part in parts_of(text_of(page))) == sorted(TABLES)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file, and a heading of it where it names one."""
    for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text_of(page)):
        target = page.parent / link if link else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), f"{link}#{anchor}"


@pytest.mark.parametrize("page", PAGES)
def test_settings_that_are_named_exist(page: Path) -> None:
    """Every CSS_EXPORTER_ variable that a page names is a setting."""
    names = {name.lower() for name in re.findall(r"CSS_EXPORTER_([A-Z_]+[A-Z])", text_of(page))}
    assert names <= {*Settings.model_fields, "config"}


def test_the_readme_is_for_the_first_day() -> None:
    """It stays short: tables of everything are in the reference."""
    assert len(text_of(ROOT / "README.md").splitlines()) <= README_LINES


def test_every_address_is_in_the_reference() -> None:
    """What the private listener serves, and nothing else, has a row."""
    routes = {
        decorator.args[0].value
        for module in (ROOT / "exporter" / "web").glob("*.py")
        for function in ast.walk(ast.parse(text_of(module)))
        if isinstance(function, ast.FunctionDef)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in ("get", "route")
        and isinstance(decorator.args[0], ast.Constant)
    }
    section = text_of(ROOT / "docs" / "reference.md").split("\n## Addresses\n")[1]
    rows = re.findall(r"^\| (`/.*?) \|", section.split("\n## ")[0], re.MULTILINE)
    assert {path for row in rows for path in re.findall(r"`([^`]+)`", row)} == routes


@pytest.mark.parametrize("sample", all_packets())
def test_fields_of_log_lines_are_in_the_reference(sample: str) -> None:
    """Every field that a sample's line has stands in the row of its event."""
    event = parse(all_packets()[sample])
    (row,) = re.findall(rf"^.*\| `{event.name}` \|(.*)\|$", details(), re.MULTILINE)
    assert event.details.keys() <= set(re.findall(r"`(\w+)`", row))


def test_every_threat_has_tests_that_exist() -> None:
    """Each row of the list names at least one test, and each test is there."""
    found = {
        function.name
        for module in (ROOT / "tests").rglob("test_*.py")
        for function in ast.walk(ast.parse(text_of(module)))
        if isinstance(function, ast.FunctionDef)
    }
    page = text_of(ROOT / "docs" / "security.md")
    rows = [
        line for line in page.splitlines() if line.startswith("| ") and "| tests |" not in line
    ]
    assert rows
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.split(" | ")[-1])
        assert named, row
        assert set(named) <= found, row
