"""From hosts that drop to the pager: exporter, Prometheus, Alertmanager and a receiver."""

import fcntl
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from support import traffic
from support.boards import quick_rules
from support.daemon import Start, request
from support.packets import ODD_NAME, packet
from support.pages import text_of
from support.programs import free_port, program, stop, until
from support.prometheus import Prometheus
from support.repository import ROOT

from grafana.variables import EXPORTER

pytestmark = pytest.mark.long

Told = list[tuple[str, dict[str, Any]]]
"""Path that was posted to, and the notification."""

SENDER_GIVES_UP_SECONDS = 600
"""Of screencaptures; other callbacks are sent again a little longer."""

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
  - job_name: tencent-css
    static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
"""


@contextmanager
def receiver(told: Told) -> Iterator[int]:
    """Take notifications on a port, as a pager would."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@contextmanager
def alertmanager(home: Path, receiver_port: int) -> Iterator[int]:
    """Run Alertmanager with the example, only faster and with our receiver."""
    config = yaml.safe_load((ROOT / "prometheus" / "alertmanager.yml").read_text())
    config["route"]["group_wait"] = "3s"
    for route in config["route"]["routes"]:
        route.pop("group_wait", None)
    for one in config["receivers"]:
        (address,) = one["webhook_configs"]
        address["url"] = f"http://127.0.0.1:{receiver_port}/{one['name']}"
    home.mkdir()
    path = home / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    port = free_port()
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus-alertmanager"),
                f"--config.file={path}",
                f"--storage.path={home / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )

    def ready() -> bool:
        assert process.poll() is None, (home / "log").read_text()
        try:
            return request(port, "GET", "/-/ready").status == 200
        except OSError:
            return False

    try:
        until(ready, "Alertmanager is ready", 60)
        yield port
    finally:
        stop(process)


def test_an_interruption_spike_reaches_the_pager(daemon: Start, tmp_path: Path) -> None:
    """Thirty hosts drop by an errcode never seen before: one page, its detail held back."""
    # Long enough for a scrape to see the zero, also on a busy machine.
    exporter = daemon(new_series_zero_seconds=15)
    told: Told = []
    with (
        receiver(told) as receiver_port,
        alertmanager(tmp_path / "alertmanager", receiver_port) as alertmanager_port,
        Prometheus(
            tmp_path / "prometheus",
            CONFIG.format(
                rules=quick_rules(tmp_path / "rules", wait="1s"),
                alertmanager=alertmanager_port,
                exporter=exporter.private_port,
            ),
        ) as prometheus,
    ):
        prometheus.until_up()
        for one in traffic.interruptions(30, (12,), set_id=None):
            assert exporter.post(one).status == 200
        until(lambda: told, "a notification", 90)
        firing = 'ALERTS{alertstate="firing", alertname="TencentCSSErrcodeSurge"}'
        until(lambda: prometheus.query(firing), "the detail fires too", 60)
        held = f"http://127.0.0.1:{alertmanager_port}"
        until(lambda: _inhibited(alertmanager_port), f"{held} holds the detail back", 60)

    (path, notification) = told[0]
    assert path == "/pager"
    assert notification["groupLabels"] == {
        "job": "tencent-css",
        "push_domain": "live.test.example",
    }
    (alert,) = notification["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"] == {
        "alertname": "TencentCSSInterruptionSpike",
        "job": "tencent-css",
        "push_domain": "live.test.example",
        "severity": "page",
    }
    assert alert["annotations"]["summary"] == (
        "Hosts of live.test.example are being interrupted far more than usual."
    )
    assert alert["annotations"]["dashboard_url"].endswith("?var-push_domain=live.test.example")
    names = {one["labels"]["alertname"] for _, sent in told for one in sent["alerts"]}
    assert "TencentCSSErrcodeSurge" not in names


def test_a_dark_channel_leads_to_its_page(daemon: Start, tmp_path: Path) -> None:
    """The link of its alert is that of its page, also where its name has to be escaped."""
    own = {"stream_id": ODD_NAME, "event_time": int(time.time())}
    exporter = daemon(watched_streams=f"live.test.example/stage/{ODD_NAME}")
    assert exporter.post(packet("push", **own)).status == 200
    assert exporter.post(packet("interruption", errcode=12, **own)).status == 200
    config = CONFIG.format(
        rules=quick_rules(tmp_path / "rules", wait="1s"),
        alertmanager=free_port(),
        exporter=exporter.private_port,
    )
    with Prometheus(tmp_path / "prometheus", config) as prometheus:

        def firing() -> list[dict[str, Any]]:
            return [
                one["annotations"]
                for one in prometheus.alerts()
                if one["labels"]["alertname"] == "TencentCSSWatchedStreamDown"
                and one["state"] == "firing"
            ]

        until(firing, "the alert fires", 60)
        (notes,) = firing()
    address = notes["streams_url"].removeprefix(EXPORTER)
    page = exporter.get(address)
    assert page.status == 200
    assert f"Stream {ODD_NAME}" in text_of(page)
    assert "errcode 12, client_network" in text_of(page)


def test_a_ledger_that_hangs_reaches_the_pager(daemon: Start, tmp_path: Path) -> None:
    """A lock that another process never gives back pages, with its rules as they are shipped."""
    exporter = daemon()
    told: Told = []
    with (
        (exporter.data_dir / "ledger.sqlite.lock").open() as lock,
        receiver(told) as receiver_port,
        alertmanager(tmp_path / "alertmanager", receiver_port) as alertmanager_port,
        Prometheus(
            tmp_path / "prometheus",
            CONFIG.format(
                rules=quick_rules(tmp_path / "rules"),
                alertmanager=alertmanager_port,
                exporter=exporter.private_port,
            ),
        ) as prometheus,
    ):
        prometheus.until_up()
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        until(lambda: told, "a notification", SENDER_GIVES_UP_SECONDS / 2)
        assert time.monotonic() - began < SENDER_GIVES_UP_SECONDS / 2
        refused = 'tencent_css_exporter_uncommitted_rejections{reason="ledger_unavailable"}'
        assert exporter.post(packet("push")).status == 503
        until(lambda: prometheus.value(refused) == 1, "what could not be committed is seen")
    path, notification = told[0]
    assert path == "/pager"
    (alert,) = notification["alerts"]
    assert alert["labels"]["alertname"] == "TencentCSSLedgerNotCommitting"


def _inhibited(port: int) -> list[str]:
    """Return the alerts that Alertmanager holds back."""
    found = json.loads(request(port, "GET", "/api/v2/alerts?inhibited=true").body)
    return [
        one["labels"]["alertname"]
        for one in found
        if one["status"]["inhibitedBy"] and one["labels"].get("errcode") == "12"
    ]
