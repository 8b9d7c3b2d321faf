"""What the daemon makes of its default settings, for tests that run a part of it."""

from typing import Any

from exporter.daemon.settings import Settings
from exporter.ledger import Limits


def default(kind: type, **fields: Any) -> Any:
    """Return a part's settings, ``Limits``, ``Policy`` or ``View``, with fields replaced."""
    return Settings().part(kind, **fields)


LONG: Limits = default(Limits, dedupe_seconds=1e9, push_idle_seconds=1e9)
"""Limits for samples, which have times of their own: never too old, whenever tests run."""
