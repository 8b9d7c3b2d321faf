"""Fixtures of the tests that talk with Tencent Cloud's double."""

import os
from collections.abc import Iterator

import pytest
from support.tencent.server import Double


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
