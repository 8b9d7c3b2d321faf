"""Fixtures of the tests that talk with Tencent Cloud's double."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tencent.filling import Filling
from support.tencent.server import Double
from support.tencent.world import Push


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """Return a double whose credentials stand in the environment, beside nothing else."""
    for name in os.environ:
        if name.startswith(("CSS_EXPORTER_", "TENCENTCLOUD_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with Double() as one:
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", one.secret.secret_id)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", one.secret.secret_key)
        yield one


@pytest.fixture
def filling(double: Double, tmp_path: Path) -> Filling:
    """Return what runs backfill on a ledger."""
    return Filling(double, tmp_path / "data" / "ledger.sqlite")


@pytest.fixture
def missed(filling: Filling) -> Push:
    """Return a push of which nothing was called back."""
    return filling.push()
