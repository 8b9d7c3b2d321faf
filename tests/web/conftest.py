"""Fixtures of tests that look at the pages, in a browser or without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from support.programs import cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.browser import Browser


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> None:
    """Compile each template once, not in each of hundreds of applications."""
    directory = cache_directory() / "templates"
    directory.mkdir(exist_ok=True)
    Flask.jinja_options["bytecode_cache"] = FileSystemBytecodeCache(str(directory))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser of a module's own."""
    from support.browser import browsing  # noqa: PLC0415 - only where a browser is wanted

    with browsing(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Return the browser; at the end of each test its console must have been silent."""
    chromium.look()
    chromium.complaints()
    yield chromium
    complaints = chromium.complaints()
    chromium.driver.get("about:blank")
    assert complaints == []
