"""Fixtures of all tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.daemon import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Return a function that starts a real daemon with settings; all end with the test."""
    with ExitStack() as stack:

        def start(name: str = "data", **settings: Any) -> Daemon:
            return stack.enter_context(Daemon(tmp_path / name, **settings))

        yield start
