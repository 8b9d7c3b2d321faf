"""A real Prometheus scrapes a real exporter: every expression is asked and has an answer."""

import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import traffic
from support.boards import (
    VARIABLES,
    Asked,
    alerts,
    asked_by_board,
    boards,
    quick_rules,
    rules,
    substituted,
)
from support.consumer import Consumer
from support.daemon import Daemon
from support.expositions import samples
from support.packets import packet
from support.programs import program, until
from support.prometheus import Prometheus
from support.promql import selectors
from support.repository import ROOT
from support.tencent import lies
from support.tencent.server import Double

pytestmark = pytest.mark.long

SINGLE = {"tencent-css": "/metrics"}
REPLICAS = {
    "tencent-css-ledger": "/metrics?collect[]=ledger",
    "tencent-css-process": "/metrics?collect[]=process",
}
"""Scrape jobs of prometheus.yml that have a target, and what they scrape."""

STACKS = {
    "prometheus": ("prometheus", SINGLE),
    "prometheus-2.53-replicas": ("prometheus-2.53", REPLICAS),
}

HISTORY = (*range(25 * 3600, 23 * 3600, -300), *range(8 * 3600, 600, -300))
"""Ages in seconds of the samples from before this test: those that windows and offsets reach."""

SETTINGS = VARIABLES | {"__rate_interval": "15m"}
"""Three of the history's intervals, as Grafana would choose."""

MAY_BE_EMPTY = {
    "TencentCSSExporterDown": "the exporter is up",
    "TencentCSSReplicaDown": "the exporter is up",
    "TencentCSSNoCallbacks": "callbacks come",
    "TencentCSSWatchedStreamDown": "those watched are live",
    "TencentCSSStreamsNotBack": "few streams dropped",
    "TencentCSSConsumerRefuses": "the consumer takes nearly all callbacks",
    "TencentCSSConsumerSlow": "the consumer is quick",
    "TencentCSSReconciliationStalled": "the API has answered once",
    "TencentCSSReconciliationDrift": "few callbacks were lost",
    "TencentCSSReconciliationWithheld": "nothing was withheld",
    "TencentCSSBadSignatures": "more callbacks are accepted than are refused",
    "TencentCSSCallbackRefusals": "a few callbacks are refused",
    "TencentCSSLedgerNotCommitting": "the ledger commits",
    "TencentCSSStaleOpenPushes": "no push is two days old",
    "TencentCSSSeriesNearLimit": "there are few series",
    "TencentCSSRecordingsMissing": "recordings come",
    "TencentCSSScreencapturesMissing": "screencaptures come",
    "TencentCSSModerationBlocks": "about as many are blocked as it takes",
    "TencentCSSMassDisconnect": "no more streams go away than come",
    "TencentCSSOriginTrouble": "about as many push domains are hit as it takes",
}
"""Alerts that this traffic need not wake; promtool shows that each of them can be."""

EXPECTED_ZERO = {
    "TencentCSSReconciliationWithheld": "nothing was withheld",
    "job_push_domain:tencent_css_streams_stopped:net10m": "as many push again as stop",
}
"""Answers that are 0 in this traffic; any other must have a value that is not."""

ABSENT = {'up{job="tencent-css-process"}': "one exporter is no replica"}
"""Selectors that find nothing where there is one exporter."""


def asked_by_rules() -> Iterator[Asked]:
    """Yield what recording rules ask, and what each selector of an alert does."""
    for rule in rules():
        if "record" in rule:
            yield Asked(f"{rule['file']}: {rule['record']}", str(rule["expr"]))
    for alert in alerts():
        for found in dict.fromkeys(selectors(alert["expr"])):
            matchers = ",".join(f'{name}{op}"{value}"' for name, op, value in found.matchers)
            selector = f"{found.name}{{{matchers}}}"
            yield Asked(f"{alert['file']}: {alert['alert']} {selector}", selector)


def each_expression() -> list[Any]:
    asked = [one for board in boards().values() for one in asked_by_board(board)]
    asked += asked_by_rules()
    return [pytest.param(*one, id=one.where) for one in asked]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Prometheus]]:
    """Return two Prometheus with a day of history that scrape a daemon with traffic."""
    home = tmp_path_factory.mktemp("stacks")
    consumer = Consumer(home / "consumer")
    platform = Double()
    exporter = Daemon(
        home / "data",
        new_series_zero_seconds=0,
        max_sources=2,
        forward_to=consumer.url,
        watched_streams="*/*/*",
        max_watched_streams=3,
        return_grace_seconds=0,
        tencent_endpoint=platform.endpoint,
        tencent_credentials_file=_credentials(platform, home / "credentials"),
        reconcile_seconds=1,
    )
    target = f"127.0.0.1:{exporter.private_port}"
    rule_files = quick_rules(home / "rules", wait="1s")
    found = {
        stack: Prometheus(home / stack, _configuration(jobs, target, rule_files), name)
        for stack, (name, jobs) in STACKS.items()
    }
    with ExitStack() as started:
        started.callback(consumer.stop)
        started.callback(platform.__exit__)
        consumer.start()
        _leave_behind_an_idle_push(exporter)
        started.enter_context(exporter)
        _refuse(exporter, consumer)
        _reconcile(exporter, platform)
        traffic.live(exporter)
        traffic.every_errcode(exporter)
        for stack, (_, jobs) in STACKS.items():
            _write_history(exporter, jobs, home / stack, target)
            started.enter_context(found[stack])
        for prometheus in found.values():
            prometheus.until_up()
        _open_by_list(exporter, platform, 2)
        traffic.live(exporter, since=100)
        _refuse(exporter, consumer)
        # The second burst is what rates see: the series is there since the first.
        _burst(exporter, found.values(), since=1000, until_at_least=14)
        _burst(exporter, found.values(), since=2000, until_at_least=28)
        _refuse(exporter, consumer)
        exporter.terminate()
        exporter.start()
        traffic.live(exporter, since=200)
        yield found


@pytest.fixture(params=STACKS)
def server(request: pytest.FixtureRequest, servers: Mapping[str, Prometheus]) -> Prometheus:
    """Return one of the two."""
    return servers[request.param]


def _credentials(platform: Double, path: Path) -> Path:
    secret = platform.secret
    path.write_text(
        f"[default]\nsecret_id = {secret.secret_id}\nsecret_key = {secret.secret_key}\n"
    )
    return path


def _reconcile(exporter: Daemon, platform: Double) -> None:
    """Let the API tell of a stream, and never say of any that it is gone."""
    platform.__enter__()
    platform.lie(lies.refuse("UnauthorizedOperation"), "DescribeLiveStreamState", times=100_000)
    push_domain, app_name = traffic.SOURCES[0]
    assert exporter.post(packet("push", app=push_domain, appname=app_name)).status == 200
    _open_by_list(exporter, platform, 1)


def _open_by_list(exporter: Daemon, platform: Double, number: int) -> None:
    """Let a stream begin of which only the API tells."""
    platform.world.begin(f"only-listed-{number}", *traffic.SOURCES[0])
    opened = f'tencent_css_reconciliation_pushes_total{{change="opened"}} {number}.0\n'.encode()
    until(lambda: opened in exporter.get("/metrics").body, "a stream is opened", 60)


def _configuration(jobs: Mapping[str, str], target: str, rule_files: str) -> str:
    """Return our prometheus.yml, only faster, with targets for some of its jobs."""
    config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "2s", "evaluation_interval": "2s"}
    config["rule_files"] = [rule_files]
    del config["alerting"]
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [target] if job["job_name"] in jobs else []}]
    return str(yaml.safe_dump(config))


def _refuse(exporter: Daemon, consumer: Consumer) -> None:
    """Let the consumer refuse one callback."""
    consumer.behave(status=500)
    assert exporter.post(packet("push")).status == 500
    consumer.behave()


def _burst(
    exporter: Daemon, servers: Iterable[Prometheus], *, since: int, until_at_least: int
) -> None:
    for ending in traffic.interruptions(42, (8, 13, 18), since, set_id=20):
        assert exporter.post(ending).status == 200
    series = 'tencent_css_interruptions_total{errcode="13", origin="overseas"}'
    for one in servers:
        until(lambda one=one: one.query(f"{series} >= {until_at_least}"), "a burst is scraped", 90)


def _leave_behind_an_idle_push(exporter: Daemon) -> None:
    settings = dict(exporter.settings)
    exporter.settings["push_idle_days"] = 1 / 86400
    with exporter:
        for one in traffic.interruptions(1, (1,), since=9000):
            if one["event_type"] == 1:
                exporter.post(one)

        def expired() -> bool:
            exporter.post(packet("subtitles", task_id=str(time.time())))
            return any("expired_pushes" in name for name in exporter.metrics())

        until(expired, "the idle push expires", 60)
    exporter.settings = settings


def _write_history(exporter: Daemon, jobs: Mapping[str, str], home: Path, target: str) -> None:
    """Write a block, or two, in which all counters grew evenly to what they are now.

    In blocks of two hours promtool would read all that it is given again for each.
    """
    now = time.time()
    home.mkdir()
    text = home / "history.txt"
    with text.open("w") as lines:
        for job, path in jobs.items():
            for series, value in samples(exporter.get(path).body.decode()).items():
                name, _, labels = series.rstrip("}").partition("{")
                labels = ",".join(filter(None, (labels, f'job="{job}",instance="{target}"')))
                grows = re.search(r"_(total|bucket|count|sum)$", name)
                for age in HISTORY:
                    grown = value * (1 - age / HISTORY[0]) if grows else value
                    lines.write(f"{name}{{{labels}}} {grown} {now - age:.3f}\n")
        lines.write("# EOF\n")
    create = (program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet")
    subprocess.run([*create, "--max-block-duration=162h", text, home / "tsdb"], check=True)


@pytest.mark.parametrize(("where", "expr"), each_expression())
def test_expression_returns_data(server: Prometheus, where: str, expr: str) -> None:
    """Of every panel, variable, annotation and recording rule, and each selector of alerts."""
    expr = substituted(expr, SETTINGS)
    if expr in ABSENT and not server.query("up{job=~'.+-ledger'}"):
        assert server.query(expr) == []
        return

    if " unless on " in expr:  # beyond the series that rank highest there is little, or nothing
        assert all(isfinite(one.value) for one in server.query(expr))
        return

    def answered() -> bool:
        values = [one.value for one in server.query(expr)]
        return any(isfinite(value) and (value or may_be_zero) for value in values)

    may_be_zero = any(name in where for name in EXPECTED_ZERO)
    until(answered, f"{expr} has an answer", 120)


@pytest.mark.parametrize("alert", [pytest.param(one, id=one["alert"]) for one in alerts()])
def test_alert_can_be_asked(server: Prometheus, alert: dict[str, Any]) -> None:
    """Without an error, such as two series on both sides that match."""
    woken = server.query(alert["expr"])
    if not woken and alert["alert"] not in MAY_BE_EMPTY:
        until(lambda: server.query(alert["expr"]), f"{alert['alert']} is woken", 45)


def test_rules_are_evaluated(server: Prometheus) -> None:
    """Not one rule failed, and what should fire does."""
    firing = 'ALERTS{alertname="TencentCSSSourcesOverflowed", alertstate="firing"}'
    until(lambda: server.query(firing), "an alert fires", 45)
    health = {
        (rule["name"], rule["health"], rule.get("lastError"))
        for group in server.groups()
        for rule in group["rules"]
    }
    assert {one for one in health if one[1] == "err"} == set()
