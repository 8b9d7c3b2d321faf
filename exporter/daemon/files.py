"""The dashboards, rules and examples in the package, for those who have no repository.

They stand in the repository's own folders; ``exporter/files`` has links to them, and an
installed package the files themselves.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import exporter

FILES = Path(exporter.__file__).parent / "files"


def carried() -> list[Path]:
    """Return the path of each file, below ``FILES``, sorted."""
    found = (
        Path(directory, name).relative_to(FILES)
        for directory, _, names in os.walk(FILES, followlinks=True)
        for name in names
        if "." in name.lstrip(".") and name[0] != "."
    )
    return sorted(found)


def differing(directory: Path, names: Iterable[Path]) -> list[Path]:
    """Return which files are in a directory already, with another content."""
    return [
        name
        for name in names
        if (directory / name).exists()
        and (directory / name).read_bytes() != (FILES / name).read_bytes()
    ]


def write(directory: Path, names: Iterable[Path]) -> None:
    """Write files into a directory, in folders like the repository's.  Raises ``OSError``."""
    for name in names:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FILES / name, target)
