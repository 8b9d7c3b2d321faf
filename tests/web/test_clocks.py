"""A series that was shown with its value is never shown at 0 again, whatever clocks say."""

import time

from support.expositions import samples
from support.ledgers import Open, entry, value
from support.programs import until
from support.settings import default

from exporter.ledger import Ledger
from exporter.metrics import catalogue
from exporter.web import private

ZERO_SECONDS = 75
PUSHES = (
    'tencent_css_pushes_total{app_name="stage",origin="mainland",push_domain="live.test.example"}'
)
SCRAPE = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}


def scraped(ledger: Ledger, ahead: float) -> float:
    """Return the pushes that a scrape sees whose exporter's clock is so many seconds ahead."""
    view = default(
        private.View, callback_keys=1, new_series_zero_seconds=ZERO_SECONDS, metrics_hosts=()
    )
    app = private.create_app(ledger, view, lambda: time.time() + ahead)
    return samples(app.test_client().get("/metrics", headers=SCRAPE).text)[PUSHES]


def pushed(ledger: Ledger) -> None:
    """Record the first push of its series, now."""
    ledger.record(entry("push"), time.time())


def last_scrape(ledger: Ledger) -> float:
    """Return up to when the ledger knows series to have been seen, in Unix seconds."""
    return value(ledger, catalogue.LAST_SCRAPE) / catalogue.LAST_SCRAPE.scale


def test_a_restart_with_an_earlier_clock_hides_nothing(open_durable: Open) -> None:
    """A clock that was set back while the exporter was down takes no value away."""
    ledger = open_durable()
    pushed(ledger)
    assert scraped(ledger, 0) == 0
    assert scraped(ledger, 100) == 1
    assert scraped(ledger, 10) == 1  # before a commit, too
    ledger.close()
    ledger = open_durable()
    for ahead in (10, -10, -1000, 0):
        assert scraped(ledger, ahead) == 1
    ledger.close()


def test_a_replica_whose_clock_is_behind_hides_nothing(open_durable: Open) -> None:
    """Of two replicas that Prometheus asks in turn the slower clock decides nothing."""
    fast, slow = open_durable(), open_durable()
    pushed(fast)
    assert (scraped(fast, 0), scraped(slow, 0)) == (0, 0)
    assert scraped(fast, 100) == 1
    until(lambda: last_scrape(slow) > time.time(), "the other replica can know")
    for ahead in (10, 0, -100):
        assert scraped(slow, ahead) == 1


def test_a_series_from_the_future_is_shown_for_good(open_durable: Open) -> None:
    """To a clock that is behind a series has not begun: it is shown, and not hidden later."""
    ledger = open_durable()
    pushed(ledger)
    assert scraped(ledger, -1000) == 1
    for ahead in (0, 10, -1000, 0):
        assert scraped(ledger, ahead) == 1
