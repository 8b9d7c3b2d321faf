"""The README says what the code does."""

import os
import re

import pytest
from support.readme import TABLES
from support.repository import ROOT

from exporter.daemon.settings import Settings

README = ROOT / "README.md"


@pytest.mark.parametrize("name", TABLES)
def test_table_is_current(name: str) -> None:
    """A reference table equals what the code declares; UPDATE_GOLDEN=1 rewrites it."""
    text = README.read_text(encoding="utf-8")
    marker = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- end -->)", re.DOTALL)
    expected = f"\n{TABLES[name]()}\n\n"
    if os.environ.get("UPDATE_GOLDEN"):
        text = marker.sub(lambda found: f"{found[1]}{expected}{found[3]}", text)
        README.write_text(text, encoding="utf-8")
    found = marker.search(text)
    assert found is not None
    assert found[2] == expected


def test_links_lead_somewhere() -> None:
    """Every relative link of README and docs names a file."""
    root = README.parent
    broken = [
        (page.name, link)
        for page in [README, *root.glob("docs/**/*.md")]
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert broken == []


def test_settings_named_in_docs_exist() -> None:
    """Every CSS_EXPORTER_ variable that a document names is a setting."""
    root = README.parent
    names = {
        name.lower()
        for page in [README, *root.glob("docs/**/*.md")]
        for name in re.findall(r"CSS_EXPORTER_([A-Z_]+[A-Z])", page.read_text(encoding="utf-8"))
    }
    assert names <= {*Settings.model_fields, "config"}
