"""``css-exporter backfill`` as a program, beside an exporter that runs on the same ledger."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.commands import css_exporter
from support.daemon import Daemon, Start
from support.programs import until
from support.tencent import lies
from support.tencent.sending import packet_of
from support.tencent.server import Double
from support.tencent.world import Push, Sent, utc

HOUR = 3600
DOMAIN = "push.example.com"
EVENTS = "DescribeLiveStreamEventList"


@pytest.fixture(params=["sqlite", "postgres"])
def exporter(request: pytest.FixtureRequest, daemon: Start) -> Daemon:
    """Return a running exporter, on a ledger of either kind."""
    ledger = request.getfixturevalue("url") if request.param == "postgres" else None
    return daemon(ledger=ledger, tencent_site="mainland", workers="2")


class Run:
    """Runs of the command with the settings of an exporter."""

    def __init__(self, exporter: Daemon, double: Double) -> None:
        self._settings = {**exporter.settings, "tencent_endpoint": double.endpoint}

    def __call__(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> str:
        """Run it over the last six hours and return what it prints."""
        start = utc(time.time() - 6 * HOUR)
        ended = css_exporter("backfill", "--from", start, *arguments, **self._settings)
        assert ended.returncode in statuses, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stdout

    def document(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> Any:
        """Return its document."""
        return json.loads(self(*arguments, "--json", statuses=statuses))


def pushed(double: Double, name: str, ended_ago: float = HOUR, lasted: float = HOUR) -> Push:
    """Return a push of a host; nobody has sent its callbacks yet."""
    began_at = int(time.time() - ended_ago - lasted)
    push = double.world.begin(name, at=began_at)
    double.world.end(push, at=began_at + lasted)
    return push


def counted(exporter: Daemon) -> dict[str, float]:
    """Return how many pushes, interruptions and callbacks are counted, and active streams."""
    found: dict[str, float] = {}
    for series, number in exporter.metrics().items():
        family = series.partition("{")[0].removeprefix("tencent_css_")
        names = ("pushes_total", "interruptions_total", "callbacks_total", "active_streams")
        if family in names and number:
            found[family] = found.get(family, 0) + number
    return found


def test_an_outage_is_filled(exporter: Daemon, double: Double) -> None:
    """Shown first, then recorded once; what comes late after all is recognised."""
    run = Run(exporter, double)
    whole, half, missed = (pushed(double, name) for name in ("whole", "half", "missed"))
    pushed(double, "recent", ended_ago=60)
    for push, kind in ((whole, "push"), (whole, "interruption"), (half, "push")):
        assert exporter.post(packet_of(push, kind)).status == 200
    before = {"pushes_total": 2, "interruptions_total": 1, "callbacks_total": 3}
    until(lambda: counted(exporter) == before | {"active_streams": 1}, "all is counted")
    shown = run("--no-packets")
    assert f"{DOMAIN}/live/half    interruption\n" in shown
    assert f"{DOMAIN}/live/missed  push, interruption\n" in shown
    assert f"{DOMAIN}/live/recent  left out: recent\n" in shown
    assert "whole" not in shown
    assert "Nothing was recorded; --apply does it." in shown
    assert counted(exporter) == before | {"active_streams": 1}
    assert "3 entries were recorded." in run("--no-packets", "--apply")
    after = {"pushes_total": 3, "interruptions_total": 3, "callbacks_total": 3}
    until(lambda: counted(exporter) == after, "what was recorded is shown")
    assert exporter.post(packet_of(half, "interruption")).status == 200
    until(
        lambda: exporter.metrics()['tencent_css_callback_duplicates_total{event="interruption"}'],
        "the late callback is recognised",
    )
    assert counted(exporter) == after
    again = run.document("--no-packets", "--apply")
    assert (again["recorded"], again["counts"]["known"]) == (None, 3)
    assert again["counts"]["left_out"] == {"recent": 1}
    state = exporter.get(
        f"/stream.json?push_domain={DOMAIN}&app_name=live&stream_id={missed.stream_id}"
    ).json
    assert [one["duration_seconds"] for one in state["pushes"]] == [HOUR]
    assert state["cause"] == "unknown"


def test_packets_of_the_list_of_callbacks_are_recorded(exporter: Daemon, double: Double) -> None:
    """With their own errcodes and identities; all of it in the document."""
    run = Run(exporter, double)
    push = pushed(double, "missed")
    for number, kind in enumerate(("interruption", "push")):
        text = json.dumps(packet_of(push, kind))
        at = push.began_at if kind == "push" else push.ended_at or 0
        double.world.sent.append(Sent(push.stream_id, number, at + 1, text, result_code=503))
    found = run.document("--domain", DOMAIN.upper(), "--apply")
    assert found["asked"] == [{"push_domain": DOMAIN, "app_name": "live"}]
    assert found["recorded"] == {"new": 2, "known": 0, "failure": None}
    (row,) = found["pushes"]
    assert (row["record"], row["as_packets"]) == (
        ["push", "interruption"],
        ["interruption", "push"],
    )
    for kind in ("push", "interruption"):
        assert exporter.post(packet_of(push, kind)).status == 200
    expected = {"pushes_total": 1.0, "interruptions_total": 1.0}
    until(lambda: counted(exporter) == expected, "what was recorded is shown, once")


def test_callbacks_go_on_meanwhile(exporter: Daemon, double: Double) -> None:
    """While hundreds of pushes are recorded, each callback is taken and counted."""
    run = Run(exporter, double)
    pushes = [pushed(double, f"camera-{number}") for number in range(600)]
    live = [pushed(double, f"live-{number}", ended_ago=30) for number in range(100)]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run.document, "--domain", DOMAIN, "--no-packets", "--apply")
        for push in live:
            assert exporter.post(packet_of(push, "push")).status == 200
        assert running.result()["recorded"]["new"] == 2 * len(pushes)
    wanted = len(pushes) + len(live)
    until(lambda: counted(exporter).get("pushes_total") == wanted, "all is counted")
    assert counted(exporter)["active_streams"] == len(live)


def test_two_runs_at_once_count_once(exporter: Daemon, double: Double) -> None:
    """One of them has to wait, and says so; run again it finds all of it recorded."""
    run = Run(exporter, double)
    for number in range(300):
        pushed(double, f"camera-{number}")
    arguments = ("--domain", DOMAIN, "--no-packets", "--apply")
    double.lie(lies.travelling(hang_seconds=2), EVENTS)  # both are there by then
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: run.document(*arguments, statuses=(0, 1)), range(2)))
    refused, done = sorted(found, key=lambda one: "error" not in one)
    assert "another backfill is recording" in refused["error"]
    assert done["recorded"]["new"] == 600
    assert run.document(*arguments)["recorded"] is None
    expected = {"pushes_total": 300.0, "interruptions_total": 300.0}
    until(lambda: counted(exporter) == expected, "all is counted, once")
