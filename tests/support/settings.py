"""Settings for tests: what the daemon makes of its defaults, and what it makes of a text."""

from pathlib import Path
from typing import Any

import pytest

from exporter.daemon.loading import SettingsError, load
from exporter.daemon.settings import Settings
from exporter.ledger import Limits

FILES = tuple(name for name in Settings.model_fields if name.endswith("file"))
SECRETS = ("callback_keys", "callback_keys_by_domain", "metrics_token", "ledger")


def default(kind: type, **fields: Any) -> Any:
    """Return a part's settings, ``Limits``, ``Policy`` or ``View``, with fields replaced."""
    return Settings().part(kind, **fields)


LONG: Limits = default(Limits, dedupe_seconds=1e9, push_idle_seconds=1e9)
"""Limits for samples, which have times of their own: never too old, whenever tests run."""


def plain(value: Any) -> Any:
    """Return a value with its secrets uncovered."""
    if hasattr(value, "get_secret_value"):
        return value.get_secret_value()
    if isinstance(value, tuple) and value and hasattr(value[0], "get_secret_value"):
        return [plain(item) for item in value]
    return value


def errors(flags: dict[str, str] | None = None, config: Path | None = None) -> list[str]:
    """Return the sentences with which settings are refused."""
    with pytest.raises(SettingsError) as raised:
        load(flags or {}, config)
    return raised.value.errors


def toml(path: Path, text: str) -> Path:
    """Write a configuration file."""
    path.write_text(text, encoding="utf-8")
    return path
