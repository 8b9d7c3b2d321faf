"""Fixtures of tests of the daemon: without the machine's settings, and under hostile input."""

import os
from collections.abc import Iterator

import pytest
from support.tail import Tail, tailing


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's own settings away."""
    for name in os.environ:
        if name.startswith("CSS_EXPORTER_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module", params=["json", "console"])
def tail(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tail]:
    """Return the log of one daemon in each format; each must be well when all was sent."""
    with tailing(tmp_path_factory.mktemp("tail"), request.param) as tail:
        yield tail
