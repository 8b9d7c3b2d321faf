"""Fixtures of tests that send hostile input to a daemon."""

from collections.abc import Iterator

import pytest
from support.tail import Tail, tailing


@pytest.fixture(scope="module", params=["json", "console"])
def tail(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tail]:
    """Return the log of one daemon in each format; each must be well when all was sent."""
    with tailing(tmp_path_factory.mktemp("tail"), request.param) as tail:
        yield tail
