"""Where the value of each setting comes from.

A setting is a flag of ``serve``, an environment variable ``CSS_EXPORTER_<NAME>`` or a key
of a TOML file; flag beats environment beats file.  ``load`` finds every error at once.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from exporter.daemon import checks
from exporter.daemon.settings import NEVER_EMPTY, Settings

ENV_PREFIX: Final = "CSS_EXPORTER_"
CONFIG_VARIABLE: Final = f"{ENV_PREFIX}CONFIG"


class SettingsError(Exception):
    """Every error of the settings, one sentence each."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class Loaded(NamedTuple):
    """Settings, the source of each that is not a default, and what is doubtful about them."""

    settings: Settings
    sources: Mapping[str, str]
    warnings: Sequence[str]


def load(flags: Mapping[str, Any], config: Path | None = None) -> Loaded:
    """Read and check all sources.  Raises ``SettingsError``.

    ``flags`` holds only the flags that were given; ``config`` is the TOML file, by default
    that of ``CSS_EXPORTER_CONFIG``.
    """
    errors: list[str] = []
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for origin, found in (
        ("file", _from_file(config, errors)),
        ("environment", _from_environment(errors)),
        ("flag", flags),
    ):
        values |= found
        sources |= dict.fromkeys(found, origin)
    if ("tls_certfile" in values) != ("tls_keyfile" in values):
        errors.append("tls_certfile and tls_keyfile go together: give both or neither")
    settings = None
    try:
        settings = Settings(**values)
    except ValidationError as error:
        errors += [_sentence(details, sources) for details in error.errors()]
    warnings: list[str] = []
    if settings:
        wrong, warnings = checks.of(settings)
        errors += wrong
    if errors or settings is None:
        raise SettingsError(errors)
    return Loaded(settings, sources, warnings)


def _from_file(config: Path | None, errors: list[str]) -> dict[str, Any]:
    path = config or os.environ.get(CONFIG_VARIABLE)
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        errors.append(f"configuration file {path}: {error}")
        return {}


def _from_environment(errors: list[str]) -> dict[str, str]:
    """Return the variables that are ours; an empty one is not given, unless it must not be."""
    found = {}
    for variable, text in sorted(os.environ.items()):
        name = variable.removeprefix(ENV_PREFIX).lower()
        if not variable.startswith(ENV_PREFIX) or variable == CONFIG_VARIABLE:
            continue
        if name not in Settings.model_fields:
            errors.append(f"unknown environment variable {variable}")
        elif text or NEVER_EMPTY in Settings.model_fields[name].metadata:
            found[name] = text
    return found


def _sentence(details: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    name = str(details["loc"][0])
    origin = sources.get(name, "default")
    if details["type"] == "extra_forbidden":
        return f"unknown setting {name} ({origin})"
    # Never the value: it may be a key that stands in the wrong place.
    return f"{name} ({origin}): {details['msg'].removeprefix('Value error, ')}"
