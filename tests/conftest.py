"""Fixtures of all tests, which of them ``--fast`` leaves out, and what a skipped one means."""

import functools
import gc
import os
import random
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.consumer import Consumer
from support.daemon import Daemon, Start
from support.ledgers import KINDS, Open, opening, postgres_server
from support.postgres import Postgres
from support.repository import ROOT

_TESTS = ROOT / "tests"
_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 4 << 30
_PROGRAMS = re.compile(r"^(?:import subprocess|from http\.server import)\b", re.MULTILINE)
_SUPPORT = re.compile(r"^from (support[\w.]*) import (.*)", re.MULTILINE)
_TOOLS = {_TESTS / room for room in ("sending", "simulator", "replay", "demo", "fuzz")}
_START_NOTHING_UNASKED = {_TESTS / "support" / name for name in ("programs.py", "ledgers.py")}


@functools.cache
def _starts_programs(module: Path) -> bool:
    """Return whether a module, or what it needs of ``support``, starts programs or serves HTTP."""
    if module in _START_NOTHING_UNASKED or not module.is_file():
        return False
    text = module.read_text(encoding="utf-8")
    needed = (
        _TESTS.joinpath(*name.split(".")).with_suffix(".py")
        for package, names in _SUPPORT.findall(text)
        for name in (package, *(f"{package}.{name}" for name in names.split(", ")))
    )
    return bool(_PROGRAMS.search(text)) or any(map(_starts_programs, needed))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fast``."""
    parser.addoption("--fast", action="store_true", help="leave out what starts real programs")


def pytest_configure() -> None:
    """Keep what tests write in memory where there is much of it: ledgers wait for every sync."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
        tempfile.tempdir = str(_MEMORY)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a module of which nothing is asked for."""
    if collection_path.suffix != ".py":
        return None
    if config.getoption("--fast"):
        return collection_path.parent in _TOOLS or _starts_programs(collection_path) or None
    if config.getoption("-m") == "alone":
        return "pytest.mark.alone" not in collection_path.read_text(encoding="utf-8") or None
    return None


def pytest_collection_finish() -> None:
    """Look for no garbage in thousands of tests and their modules, which stay to the end."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; leave out PostgreSQL of ledgers of every kind if asked."""
    items.sort(
        key=lambda item: (not item.get_closest_marker("long"), not _starts_programs(item.path))
    )
    if config.getoption("--fast"):
        left_out = [item for item in items if "postgres" in item.nodeid]
        config.hook.pytest_deselected(items=left_out)
        kept = [item for item in items if item not in left_out]
        # Those that wait are neighbours: so they do it one by one, while others compute.
        items[:] = random.Random(0).sample(kept, len(kept))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped test fail under CI=true: there everything is installed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        *_, reason = report.longrepr if isinstance(report.longrepr, tuple) else [report.longrepr]
        report.longrepr = f"Under CI=true nothing is skipped. {reason}"
    return report


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a real daemon with settings; all end with the test."""
    with ExitStack() as stack:

        def start(name: str | Path = "data", **settings: Any) -> Daemon:
            return stack.enter_context(Daemon(tmp_path / name, **settings))

        yield start


@pytest.fixture
def fresh_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each program begin with an interpreter of its own, as a user's does."""
    monkeypatch.setenv("FRESH", "1")


@pytest.fixture(scope="module")
def one_consumer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    """Return the consumer of a module's tests."""
    with Consumer(tmp_path_factory.mktemp("consumer")) as consumer:
        yield consumer


@pytest.fixture
def consumer(one_consumer: Consumer) -> Consumer:
    """Return the consumer, behaving well."""
    one_consumer.behave()
    return one_consumer


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
