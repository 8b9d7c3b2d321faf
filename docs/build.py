"""Write the generated parts of the README and of the pages in ``docs``.

Each stands between ``<!-- name -->`` and ``<!-- end -->``; the name is one of ``TABLES``.
"""

import re
from pathlib import Path
from typing import Final

from docs.repository import ROOT
from docs.tables import TABLES

PART: Final = re.compile(r"(<!-- ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Return every page: the README and those in ``docs``."""
    return [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]


def parts_of(text: str) -> list[str]:
    """Return the names of a page's generated parts."""
    return [found[2] for found in PART.finditer(text)]


def written(text: str) -> str:
    """Return a page with its generated parts written anew."""
    return PART.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", text)


def files() -> dict[Path, str]:
    """Return the text of every page."""
    return {path: written(path.read_text(encoding="utf-8")) for path in pages()}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
