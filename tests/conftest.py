"""Fixtures of all tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.daemon import Daemon, Start
from support.ledgers import KINDS, Open, opening, postgres_server
from support.postgres import Postgres


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a real daemon with settings; all end with the test."""
    with ExitStack() as stack:

        def start(name: str | Path = "data", **settings: Any) -> Daemon:
            return stack.enter_context(Daemon(tmp_path / name, **settings))

        yield start


@pytest.fixture(params=sorted(KINDS))
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens a ledger of each kind."""
    with opening(request.param, tmp_path) as open_it:
        yield open_it


@pytest.fixture(params=sorted(name for name, kind in KINDS.items() if kind.durable))
def open_durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens a ledger of each kind that outlives its process."""
    with opening(request.param, tmp_path) as open_it:
        yield open_it


@pytest.fixture
def server() -> Postgres:
    """Return the server that all tests share; must be left running."""
    return postgres_server()


@pytest.fixture
def url(server: Postgres) -> str:
    """Return the URL of a ledger in a database of its own."""
    return server.database()
