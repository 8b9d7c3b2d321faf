"""Where settings come from beside flags, and what an error of one says."""

import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any


def of_file(path: Path, errors: list[str]) -> dict[str, Any]:
    """Return what a TOML file holds; add to ``errors`` why it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        errors.append(f"configuration file {path}: {error}")
        return {}


def of_environment(
    prefix: str, names: Mapping[str, Collection[Any]], never_empty: str, errors: list[str]
) -> dict[str, str]:
    """Return the variables that are ours; an empty one is not given, unless it must not be.

    ``names`` maps each setting to its marks, of which ``never_empty`` may be one.
    """
    found = {}
    for variable, text in sorted(os.environ.items()):
        name = variable.removeprefix(prefix).lower()
        if not variable.startswith(prefix):
            continue
        if name not in names:
            errors.append(f"unknown environment variable {variable}")
        elif text or never_empty in names[name]:
            found[name] = text
    return found


def sentence(details: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    """Return an error of pydantic's as a sentence, with the setting's source."""
    name = str(details["loc"][0])
    origin = sources.get(name, "default")
    if details["type"] == "extra_forbidden":
        return f"unknown setting {name} ({origin})"
    # Never the value: it may be a key that stands in the wrong place.
    return f"{name} ({origin}): {details['msg'].removeprefix('Value error, ')}"
