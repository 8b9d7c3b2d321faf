"""``css-exporter simulate`` against a real daemon: what each scenario expects is shown."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import css_exporter, metrics_url, started, towards
from support.daemon import Daemon, Start
from support.packets import packet
from support.programs import free_port, until

from exporter.simulator.scenarios import SCENARIOS
from exporter.web.streams import address_of

pytestmark = pytest.mark.long

SHORT = ("--duration", 2, "--rate", 200, "--streams", 40, "--time-scale", 120, "--seed", 7)
WATCHED = "tencent_css_watched_stream_active{"
WATCHED_CHANNEL = f'{WATCHED}app_name="live",push_domain="push.example.com",stream_id="channel"}}'
BRIEF = ("--duration", 1, "--rate", 100, "--time-scale", 1000)


def check(exporter: Daemon) -> tuple[str, str]:
    """Return the flags that compare with a daemon's metrics."""
    return ("--check", metrics_url(exporter))


def report_of(path: Path) -> dict[str, Any]:
    """Return the callbacks of a report."""
    found: dict[str, Any] = json.loads(path.read_text())["callbacks"]
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_is_shown_exactly(daemon: Start, tmp_path: Path, scenario: str) -> None:
    """What a scenario sent and the exporter accepted is what its metrics grew by.

    Each on an exporter of its own: streams that one drops would count as dropped in the next.
    """
    exporter = daemon()
    exporter.post(packet("push"))  # counted before: only growth is compared
    report = tmp_path / "run.json"
    ran = css_exporter(
        *("simulate", *towards(exporter), *SHORT, *check(exporter)),
        *("--scenario", scenario, "--report", report),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"check: all [\d,]+ samples are exactly what was sent", ran.stdout)
    callbacks = report_of(report)
    assert callbacks["accepted"] == callbacks["made"] > 100
    assert callbacks["redelivered"] > 0
    assert (callbacks["retries"] > 0) == (scenario == "receiver-outage")
    assert (callbacks["forged"] > 0) == (scenario == "forged")


@pytest.mark.parametrize("scenario", ["channel-dark", "bad-minute"])
def test_a_named_channel_goes_dark_and_returns(
    daemon: Start, tmp_path: Path, scenario: str
) -> None:
    """The report says of a watched channel whether it is active, and since when."""
    exporter = daemon(watched_streams="push.example.com/live/channel/1")
    report = tmp_path / "run.json"
    ran = css_exporter(
        *("simulate", *towards(exporter), *SHORT, *check(exporter), "--report", report),
        *("--scenario", scenario, "--watched", "push.example.com/live/channel/1"),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    document = json.loads(report.read_text())
    (watched,) = document["watched"]
    assert watched["stream_id"] == "channel/1"
    assert watched["active"]
    # It came back after the incident, which ends three fifths into the run.
    run = document["run"]
    assert run["watched"] == ["push.example.com/live/channel/1"]
    # Packets have whole seconds.
    assert watched["changed_at"] >= int(run["began_at"] + 0.5 * run["duration"])
    page = address_of(("push.example.com", "live", "channel/1"), "/stream.json")
    stream = exporter.get(page).json
    assert stream["state"] == "active"
    newest, dark, *_ = stream["pushes"]
    assert newest["ended_at"] is None
    assert dark["cause"] == "client_network"


def test_settings_of_the_exporter_can_be_given(daemon: Start, tmp_path: Path) -> None:
    """Dropped streams count by its settings; what others watch is not compared."""
    exporter = daemon(
        return_grace_seconds=0,
        dropped_stream_minutes=600,
        watched_streams="*/*/*,push.example.com/live/channel",
    )
    report = tmp_path / "run.json"
    ran = css_exporter(
        *("simulate", *towards(exporter), *SHORT, *check(exporter), "--report", report),
        *("--scenario", "bad-minute", "--watched", "push.example.com/live/channel"),
        *("--return-grace-seconds", 0, "--dropped-stream-minutes", 600),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert exporter.metrics()[WATCHED_CHANNEL] == 1
    assert sum(name.startswith(WATCHED) for name in exporter.metrics()) > 10
    without = css_exporter("simulate", *check(exporter), "--report", report)
    assert without.returncode == 1
    differences = without.stdout.splitlines()
    assert differences
    assert all(one.startswith("tencent_css_dropped_streams{") for one in differences)


def test_receiver_outage_with_a_crash_is_shown_exactly(daemon: Start, tmp_path: Path) -> None:
    """With kill -9 in the middle of an outage every callback still counts exactly once."""
    exporter = daemon()
    report = tmp_path / "run.json"
    sending = started(
        *("simulate", *towards(exporter), *check(exporter), "--scenario", "receiver-outage"),
        *("--duration", 8, "--rate", 200, "--streams", 40, "--time-scale", 20),
        *("--report", report),
    )

    def accepted() -> float:
        shown = exporter.metrics("/metrics?collect[]=ledger").items()
        return sum(value for name, value in shown if name.startswith("tencent_css_callbacks_"))

    for least in (50, 700):  # at the beginning; and with the retries after the outage
        until(lambda least=least: accepted() > least, "callbacks arrive")
        exporter.kill()
        exporter.start()
    outcome, errors = sending.communicate(timeout=120)
    assert sending.returncode == 0, outcome + errors
    callbacks = report_of(report)
    assert callbacks["retries"] > 0
    # Where it takes very long to start again, these are given up: the sender has few attempts.
    lost = callbacks["not_delivered"]
    assert set(lost) <= {"subtitles", "smart_erase", "screencapture"}
    assert callbacks["accepted"] == callbacks["made"] - sum(lost.values()) > 1000
    samples = json.loads(report.read_text())["samples"]
    doubtful = {
        name for name, lines in samples.items() if any("value" not in line for line in lines)
    }
    # Whether an answer that was lost was a 200 or a refusal nobody knows; all else is exact.
    assert lost or doubtful <= {
        "tencent_css_callback_duplicates_total",
        "tencent_css_callback_rejections_total",
    }


def test_a_difference_is_printed_and_ends_with_status_1(daemon: Start, tmp_path: Path) -> None:
    """A callback that the simulator did not send is named as the difference that it makes."""
    exporter = daemon()
    report = tmp_path / "run.json"
    css_exporter("simulate", *towards(exporter), *BRIEF, "--report", report)
    again = css_exporter("simulate", *check(exporter), "--report", report)
    assert again.returncode == 0, again.stdout + again.stderr
    exporter.post(packet("push"))
    differing = css_exporter("simulate", *check(exporter), "--report", report)
    assert differing.returncode == 1
    assert (
        'tencent_css_pushes_total{app_name="stage",origin="mainland",'
        'push_domain="live.test.example"}: sent 0, shown 1'
    ) in differing.stdout


def test_ctrl_c_ends_with_the_report(daemon: Start, tmp_path: Path) -> None:
    """Ctrl-C ends a run without end; what was accepted until then is checked and exact."""
    exporter = daemon()
    report = tmp_path / "run.json"
    sending = started(
        *("simulate", *towards(exporter), *check(exporter)),
        *("--duration", 0, "--rate", 100, "--report", report),
    )
    until(lambda: len(exporter.lines("callback.accepted")) > 50, "callbacks arrive")
    sending.send_signal(signal.SIGINT)
    outcome, errors = sending.communicate(timeout=60)
    assert sending.returncode == 0, outcome + errors
    assert "exactly what was sent" in outcome
    assert report_of(report)["accepted"] > 50


def test_a_wrong_key_comes_with_a_hint(daemon: Start) -> None:
    """Where nothing is accepted, the summary says why and what to look at, with status 1."""
    exporter = daemon()
    url = f"http://127.0.0.1:{exporter.public_port}/callback"
    ran = css_exporter(
        *("simulate", "--url", url, "--key", "another", *check(exporter)),
        *BRIEF,
    )
    assert ran.returncode == 1
    assert "does the key equal the exporter's callback key?" in ran.stdout
    assert "exactly what was sent" in ran.stdout  # all those refusals are counted too
    assert "nothing was accepted" in ran.stderr


def test_without_a_receiver(daemon: Start) -> None:
    """A receiver that is not there is tried again as the platform would, then reported."""
    ran = css_exporter(
        *("simulate", "--url", f"http://127.0.0.1:{free_port()}/callback", "--key", "k"),
        *("--duration", 0.5, "--time-scale", 10000),
    )
    assert ran.returncode == 1
    assert "Connection refused" in ran.stdout
    assert "is the exporter running" in ran.stdout


def test_key_from_the_file_that_serve_makes(daemon: Start, tmp_path: Path) -> None:
    """The generated key is found in its file."""
    exporter = daemon(callback_keys=None)
    ran = css_exporter(
        *("simulate", "--url", f"http://127.0.0.1:{exporter.public_port}/callback"),
        *("--key-file", exporter.data_dir / "callback-key", *BRIEF, *check(exporter)),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_without_a_key_nothing_is_signed(daemon: Start) -> None:
    """A template without a key, and an exporter that accepts that."""
    exporter = daemon(callback_keys=None, accept_unsigned="all")
    ran = css_exporter(
        *("simulate", "--url", f"http://127.0.0.1:{exporter.public_port}/callback"),
        *(*BRIEF, *check(exporter)),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_metrics_behind_a_token(daemon: Start) -> None:
    """--check shows the exporter's token."""
    exporter = daemon(metrics_token="let-me-in")
    flags = ("simulate", *towards(exporter), *check(exporter), *BRIEF)
    refused = css_exporter(*flags)
    assert refused.returncode == 1
    assert "401" in refused.stderr
    ran = css_exporter(*flags, "--metrics-token", "let-me-in")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_bar_on_a_terminal(daemon: Start) -> None:
    """On a terminal a bar runs to its end; elsewhere there is none."""
    exporter = daemon()
    ours, theirs = pty.openpty()
    flags = (*towards(exporter), "--duration", "1", "--time-scale", "1000")
    with subprocess.Popen(
        [sys.executable, "-m", "exporter", "simulate", *flags],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read_or_end(ours), b"")).decode()
    os.close(ours)
    assert process.returncode == 0, shown
    assert "[####" in shown
    assert "100%" in shown
    assert re.search(r"\d+ active streams", shown)
    plain = css_exporter("simulate", *flags)
    assert "[#" not in plain.stderr + plain.stdout


def read_or_end(terminal: int) -> bytes:
    """Read from a terminal; its end is an error on Linux."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give --url to send, or --check and --report to compare"),
        (("--url", "localhost:8080"), "is no address like http://127.0.0.1:8080/callback"),
        (("--url", "http://h/", "--key", "k", "--key-file", __file__), "not both"),
        (("--url", "http://h/", "--watched", "channel-1"), "channel-1 is no stream like"),
        (("--url", "http://h/", "--scenario", "forged"), "nothing can be forged without a key"),
        (("--check", "http://127.0.0.1:1/metrics", "--report", __file__), "no report"),
        (("--check", "localhost", "--report", __file__), "is no address like http://127.0.0.1"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    """Flags that make no sense together are refused with a sentence."""
    ran = css_exporter("simulate", *arguments)
    assert ran.returncode in (1, 2)
    assert sentence in " ".join(ran.stderr.split())
