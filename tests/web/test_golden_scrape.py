"""The whole scrape of the ledger after every sample, against committed files.

``make golden`` rewrites them; the difference is then read in review.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from support.packets import all_packets
from support.repository import ROOT
from support.settings import LONG, default

from exporter.ledger import Ledger, open_ledger
from exporter.metrics import catalogue
from exporter.metrics.entries import entry_for
from exporter.protocol.events import parse
from exporter.web import private as exposition
from exporter.web.private import View

GOLDEN = ROOT / "tests" / "data" / "golden"
NOW = 1790000500.0
FORMATS = {
    "scrape.txt": "",
    "scrape.openmetrics.txt": "application/openmetrics-text; version=1.0.0",
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return a real ledger that received every sample, two again, one late, and refusals."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", LONG)
    samples = all_packets()
    # The push comes after its interruption; another stays open.
    open_push = samples["push"] | {"sequence": "2", "stream_id": "camera-8", "set_id": 7}
    undocumented = samples["interruption"] | {"sequence": "3", "errcode": 99}
    failed = samples["push"] | {"sequence": "4", "errcode": 19}
    again = [samples["push"], samples["recording"]]
    for packet in (*samples.values(), open_push, undocumented, failed, *again):
        ledger.record(entry_for(parse(packet)), NOW)
    ledger.tally([catalogue.REJECTIONS.add("bad_signature")])
    ledger.record(entry_for(parse({"event_type": 999})), NOW)
    yield ledger
    ledger.close()


def scrape(client: FlaskClient, accept: str) -> str:
    """Return the ledger's part of a scrape, without how long its own work took."""
    answer = client.get("/metrics?collect[]=ledger", headers={"Accept": accept})
    assert answer.status_code == 200
    own = ("tencent_css_exporter_ledger_commit_seconds", "tencent_css_exporter_scrape_seconds")
    lines = answer.text.splitlines(keepends=True)
    return "".join(line for line in lines if line[:1] == "#" or not line.startswith(own))


@pytest.mark.parametrize("name", FORMATS)
def test_scrape_is_the_committed_one(ledger: Ledger, name: str) -> None:
    """Every line of the ledger's families is as it was committed, in both formats."""
    app = exposition.create_app(ledger, default(View, callback_keys=0), clock=lambda: NOW)
    found = scrape(app.test_client(), FORMATS[name])
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_a_first_scrape_begins_at_zero(ledger: Ledger) -> None:
    """To a scrape each counter of the committed page is 0, each gauge what it is."""
    app = exposition.create_app(ledger, default(View, callback_keys=0), clock=lambda: NOW)
    header = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}
    answer = app.test_client().get("/metrics?collect[]=ledger", headers=header)
    gauges = {family.name for family in catalogue.LEDGER_FAMILIES if family.kind == "gauge"}
    # Tallies are as old as the machine's clock says, not the test's.
    tallied = (catalogue.REJECTIONS.name, catalogue.COMMIT_SECONDS.name)
    shown = [line for line in answer.text.splitlines() if line[:1] != "#"]
    above = {line.partition("{")[0].partition(" ")[0] for line in shown if line[-4:] != " 0.0"}
    assert {name for name in above if not name.startswith(tallied)} <= gauges
    assert "tencent_css_active_streams" in above
