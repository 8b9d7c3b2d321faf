"""Every page in each size and scheme: without barriers, and no wider than its window."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.browser import DESKTOP, PHONE, Browser
from support.daemon import Daemon
from support.packets import LONG_NAME, ODD_NAME
from support.pages import address, push, send_of_everything, send_streams, stream
from support.programs import until

from exporter.metrics.catalogue import CALLBACKS, DUPLICATES, LAST_CALLBACK, REJECTIONS

pytestmark = pytest.mark.long

OLD = "old"
_YEARS_SECONDS = 4 * 365 * 86400
_TEN_DIGITS = 1234567890
PATHS = (
    *("/", "/streams", "/streams?state=dropped", "/deliveries", "/deliveries?class=refused"),
    *("/deliveries?outcome=bad_signature", "/deliveries?stream=no"),
    *(stream(ODD_NAME), stream(LONG_NAME), stream(OLD)),
)
NOT_FOUND = ("/streams?state=lost", stream("nobody"))
LOOKS = [(size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a daemon whose figures have ten digits more, and whose ages are years."""
    with Daemon(tmp_path_factory.mktemp("full") / "data") as exporter:
        send_of_everything(exporter)
        send_streams(exporter)
        began_at = int(time.time()) - _YEARS_SECONDS
        assert exporter.post(push(99, stream_id=OLD, event_time=began_at)).status == 200
        until(lambda: b"not_found" in exporter.get("/").body, "refusals are committed")
        exporter.terminate()
        _grow(exporter.data_dir / "ledger.sqlite")
        exporter.start()
        yield exporter


@pytest.fixture(scope="module")
def empty_exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a daemon that was sent nothing."""
    with Daemon(tmp_path_factory.mktemp("empty") / "data") as exporter:
        yield exporter


def _grow(ledger: Path) -> None:
    """Make what is counted large, and the newest callback of each event old."""
    counted = [family.name for family in (CALLBACKS, DUPLICATES, REJECTIONS)]
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.executemany(
            f"UPDATE cell SET value = value * {_TEN_DIGITS} WHERE family = ?",
            [(name,) for name in counted],
        )
        earlier = _YEARS_SECONDS * LAST_CALLBACK.scale
        own = (earlier, LAST_CALLBACK.name)
        connection.execute("UPDATE cell SET value = value - ? WHERE family = ?", own)


def see(browser: Browser, exporter: Daemon, path: str) -> None:
    """Open a page and look for all that is in anybody's way, in each size and colour scheme.

    In the dark only colours are other ones.
    """
    browser.driver.get(address(exporter, path))
    for size, scheme in LOOKS:
        browser.look(size, scheme)
        dark = browser.run("return matchMedia('(prefers-color-scheme: dark)').matches")
        assert dark is (scheme == "dark")
        assert browser.sticking_out() == [], (path, size)
        assert browser.barriers(only_colours=dark) == [], (path, size)
        assert browser.run(
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )


def test_full_pages(exporter: Daemon, browser: Browser) -> None:
    """However long names and figures are."""
    for path in PATHS:
        see(browser, exporter, path)
    browser.driver.get(address(exporter))
    assert f"{_TEN_DIGITS:,}" in browser.text("#live-figures")
    assert "1460 d" in browser.text("#live-figures")
    for path in NOT_FOUND:
        see(browser, exporter, path)
        until(browser.complaints, "the browser has said that the status is an error")
        browser.driver.get("about:blank")  # what it refreshed until then is not found either
        browser.complaints()


def test_empty_pages(empty_exporter: Daemon, browser: Browser) -> None:
    """Before the first callback."""
    for path in ("/", "/streams", "/deliveries"):
        see(browser, empty_exporter, path)


@pytest.mark.parametrize(
    "damage",
    [
        "document.querySelector('h2').append('x'.repeat(300))",
        "document.querySelector('.figures').style.width = '110%'",
        "document.querySelector('nav').append('figures'.repeat(20))",
        "document.querySelector('section').style.marginLeft = '-2rem'",
    ],
)
def test_what_sticks_out_would_be_found(exporter: Daemon, browser: Browser, damage: str) -> None:
    """The search is none that finds nothing."""
    browser.look(PHONE)
    browser.driver.get(address(exporter))
    browser.run(damage)
    assert browser.sticking_out()


@pytest.mark.parametrize("only_colours", [False, True])
def test_barriers_would_be_found(
    empty_exporter: Daemon, browser: Browser, only_colours: bool
) -> None:
    """Nor is that for barriers."""
    browser.driver.get(address(empty_exporter, "/deliveries"))
    browser.run(
        "for (const label of document.querySelectorAll('label'))"
        " label.replaceWith(...label.childNodes)"
    )
    browser.run("document.querySelector('h1').style.color = 'silver'")
    found = {barrier.split(":")[0] for barrier in browser.barriers(only_colours=only_colours)}
    assert "color-contrast" in found
    assert only_colours or "label" in found
