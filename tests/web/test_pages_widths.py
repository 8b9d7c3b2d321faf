"""No page is wider than its window, whatever the names and figures in it."""

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
    *(stream(ODD_NAME), stream(LONG_NAME), stream(OLD)),
)


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a daemon whose figures have ten digits more, and whose ages are years."""
    with Daemon(tmp_path_factory.mktemp("widths") / "data") as exporter:
        send_of_everything(exporter)
        send_streams(exporter)
        began_at = int(time.time()) - _YEARS_SECONDS
        assert exporter.post(push(99, stream_id=OLD, event_time=began_at)).status == 200
        until(lambda: b"not_found" in exporter.get("/").body, "refusals are committed")
        exporter.terminate()
        _grow(exporter.data_dir / "ledger.sqlite")
        exporter.start()
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_sticks_out(
    exporter: Daemon, browser: Browser, scheme: str, size: tuple[int, int]
) -> None:
    """Each element keeps to the window and to what it stands in, and axe finds nothing."""
    browser.look(size, scheme)
    for path in PATHS:
        browser.driver.get(address(exporter, path))
        assert browser.sticking_out() == [], path
        assert browser.barriers() == [], path
    browser.driver.get(address(exporter))
    assert f"{_TEN_DIGITS:,}" in browser.text("#live-figures")
    assert "1460 d" in browser.text("#live-figures")


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
