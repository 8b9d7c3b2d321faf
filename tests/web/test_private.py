"""The private listener: metrics in two formats, health, readiness, and who may see them."""

import subprocess
from collections.abc import Iterator

import pytest
from support.daemon import Daemon, Start, request
from support.expositions import openmetrics_families, openmetrics_samples, samples
from support.packets import all_packets, packet
from support.programs import program, until

from exporter.metrics import catalogue

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SCRAPE = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}
PUSHES = (
    'tencent_css_pushes_total{app_name="stage",origin="mainland",push_domain="live.test.example"}'
)


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return one daemon that received every sample."""
    with Daemon(tmp_path_factory.mktemp("private") / "data") as daemon:
        for sample in all_packets().values():
            assert daemon.post(sample).status == 200
        yield daemon


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/html", "text/plain"),
        ("text/plain; version=0.0.4", "text/plain"),
        (OPENMETRICS, "application/openmetrics-text"),
        (f"{OPENMETRICS},text/plain;q=0.5,*/*;q=0.1", "application/openmetrics-text"),
        ("application/openmetrics-text; version=x", "text/plain"),
        ("application/openmetrics-text; version=;;q=,", "application/openmetrics-text"),
        ("\xff;", "text/plain"),
    ],
)
def test_the_format_is_negotiated(exporter: Daemon, accept: str, content_type: str) -> None:
    """OpenMetrics for who asks for it, the text format for all others, whatever they ask."""
    answer = exporter.get("/metrics", Accept=accept)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(content_type)
    assert answer.body.endswith(b"# EOF\n") is (content_type != "text/plain")


def test_both_formats_say_the_same(exporter: Daemon) -> None:
    """Every sample of the ledger is in both formats, with one value."""
    text = exporter.metrics("/metrics?collect[]=ledger")
    exposed = exporter.get("/metrics?collect[]=ledger", Accept=OPENMETRICS).body.decode()
    found = openmetrics_samples(exposed)
    own = ("tencent_css_exporter_scrape_seconds", "tencent_css_exporter_ledger_commit_seconds")
    assert {name: value for name, value in found.items() if not name.startswith(own)} == {
        name: value for name, value in text.items() if not name.startswith(own)
    }


def test_promtool_finds_nothing(exporter: Daemon) -> None:
    """The field's own linter has nothing to say of a scrape, names and helps included."""
    text = exporter.get("/metrics").body
    check = [program("promtool"), "check", "metrics"]
    checked = subprocess.run(check, input=text, capture_output=True, check=False)
    complaints = (checked.stdout + checked.stderr).decode().splitlines()
    # Those of the process itself are the client library's, spelled the same in all exporters.
    assert [line for line in complaints if "tencent_css" in line] == []
    assert checked.returncode == 0, complaints


def test_parts_can_be_collected_alone(exporter: Daemon) -> None:
    """``collect[]`` takes what all replicas share, what one process is, or both."""
    exporter.get("/metrics")
    scrapes = "tencent_css_exporter_scrape_seconds_count"
    until(lambda: scrapes in exporter.metrics(), "an earlier scrape is counted")
    ledger, process, both, everything = (
        {name.partition("{")[0] for name in exporter.metrics(f"/metrics{query}")}
        for query in (
            "?collect[]=ledger",
            "?collect[]=process",
            "?collect[]=ledger&collect[]=process",
            "",
        )
    )
    assert ledger & process == set()
    assert ledger | process == both == everything
    assert "tencent_css_callbacks_total" in ledger
    assert "tencent_css_exporter_build_info" in process
    assert "process_start_time_seconds" in process
    for query in ("?collect[]=x", "?collect[]=ledger&collect[]="):
        assert exporter.get(f"/metrics{query}").status == 400


def test_every_family_is_shown(exporter: Daemon) -> None:
    """After one packet of each event no family of the catalogue is without help and type."""
    text = exporter.get("/metrics", Accept=OPENMETRICS).body.decode()
    for name, family in catalogue.BY_NAME.items():
        base = name.removesuffix("_total")
        assert f"# TYPE {base} {family.kind}\n" in text
        assert f"# HELP {base} " in text


def test_closed_families_are_shown_from_the_start(daemon: Start) -> None:
    """Every reason and event has its series at 0 before the first callback."""
    shown = daemon().metrics()
    for family in (catalogue.CALLBACKS, catalogue.DUPLICATES, catalogue.REJECTIONS):
        [(label, values)] = family.labels.items()
        for value in values:
            assert shown[f'{family.name}{{{label}="{value}"}}'] == 0
    assert shown["tencent_css_exporter_open_pushes"] == 0
    assert "tencent_css_oldest_open_push_timestamp_seconds" not in shown


def test_a_new_series_begins_at_zero_for_a_scrape(daemon: Start) -> None:
    """To Prometheus a counter begins at 0, and a gauge does not; others see the truth at once."""
    exporter = daemon(new_series_zero_seconds=5)
    exporter.post(packet("interruption"))
    exporter.post(packet("push", sequence="2"))
    active = PUSHES.replace("pushes_total", "active_streams")
    duration = PUSHES.replace("pushes_total", "push_duration_seconds_count")
    true, scraped = exporter.metrics(), exporter.metrics(**SCRAPE)
    assert (true[PUSHES], true[duration], true[active]) == (1, 1, 1)
    assert (scraped[PUSHES], scraped[duration], scraped[active]) == (0, 0, 1)
    until(lambda: exporter.metrics(**SCRAPE)[PUSHES] == 1, "the series is old enough")
    exporter.post(packet("push", sequence="3"))
    assert exporter.metrics(**SCRAPE)[PUSHES] == 2


def test_created_lines_come_only_by_setting(daemon: Start) -> None:
    """With ``created_series`` OpenMetrics says each series' beginning once, even shown at 0."""
    exporter = daemon(created_series="true")
    exporter.post(packet("interruption"))
    body = exporter.get("/metrics", Accept=OPENMETRICS, **SCRAPE).body.decode()
    created = [
        sample
        for family in openmetrics_families(body)
        if family.name.startswith("tencent_css") and not family.name.startswith("tencent_css_exp")
        for sample in family.samples
        if sample.name.endswith("_created")
    ]
    names = {sample.name for sample in created}
    assert "tencent_css_interruptions_created" in names
    assert "tencent_css_push_duration_seconds_created" in names
    assert "tencent_css_active_streams_created" not in names
    assert len({(sample.name, *sample.labels.values()) for sample in created}) == len(created)
    text = exporter.metrics()
    assert not [name for name in text if "_created" in name and name.startswith("tencent_css")]
    process_start = text["process_start_time_seconds"]
    assert all(sample.value > process_start - 5 for sample in created)


def test_a_token_is_needed_where_one_is_set(daemon: Start) -> None:
    """With ``metrics_token`` only health goes without it."""
    exporter = daemon(metrics_token="sesame")
    for path in ("/metrics", "/", "/nowhere", "/-/healthy/"):
        for given in ({}, {"Authorization": "Bearer x"}, {"Authorization": "sesame\xff"}):
            answer = exporter.get(path, **given)
            assert (answer.status, b"tencent_css" in answer.body) == (401, False)
            assert answer.headers["Www-Authenticate"] == "Bearer"
    assert exporter.get("/metrics", Authorization="Bearer sesame").status == 200
    assert exporter.get("/-/healthy").status == 200
    assert exporter.get("/-/ready").status == 200
    assert "sesame" not in exporter.log.read_text()


def test_a_ledger_that_cannot_be_read_is_no_empty_page(daemon: Start) -> None:
    """Without its ledger the daemon answers 503 to a scrape, and shows itself as down."""
    exporter = daemon()
    ledger = exporter.data_dir / "ledger.sqlite"
    away = exporter.data_dir / "away"
    ledger.rename(away)
    assert exporter.post(packet("push")).status == 503
    assert exporter.get("/metrics").status == 503
    assert exporter.get("/-/ready").status == 503
    assert b"is gone" in exporter.get("/-/ready").body
    assert exporter.metrics("/metrics?collect[]=process")["tencent_css_exporter_ledger_up"] == 0
    away.rename(ledger)
    until(lambda: exporter.get("/-/ready").status == 200, "the ledger is back")
    assert exporter.post(packet("push")).status == 200
    assert exporter.metrics()[PUSHES] == 1
    exporter.line(event="ledger.available")
    logged = [line for line in exporter.lines() if line["event"].startswith("ledger.")]
    _created, lost, back = logged
    assert (lost["event"], lost["level"]) == ("ledger.unavailable", "error")
    assert (back["event"], back["level"]) == ("ledger.available", "info")


def test_the_socket_decides_on_the_listener(exporter: Daemon) -> None:
    """The private listener serves metrics even to who names the public one."""
    host = {"Host": f"127.0.0.1:{exporter.public_port}"}
    answer = request(exporter.private_port, "GET", "/metrics", headers=host)
    assert PUSHES in samples(answer.body.decode())
    assert request(exporter.private_port, "POST", "/metrics").status == 405
    assert request(exporter.private_port, "HEAD", "/metrics").status == 200
