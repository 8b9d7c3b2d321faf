"""Killed in the middle, in front of a consumer that fails: nothing is lost on either side."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.commands import css_exporter, metrics_url, started, towards
from support.consumer import Consumer
from support.daemon import Daemon
from support.ledgers import postgres_server
from support.packets import packet
from support.programs import until
from support.sender import Sender

TOTAL = 400
Start = Callable[..., Daemon]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_kill_at_any_moment(daemon: Start, tmp_path: Path, kind: str) -> None:
    """The consumer has each callback at least once, the ledger exactly once."""
    ledger = postgres_server().database() if kind == "postgres" else None
    with Consumer(tmp_path / "consumer") as consumer:
        exporter = daemon(ledger=ledger, forward_to=consumer.url)
        sent = {f"r{number}" for number in range(TOTAL)}
        sender = Sender(exporter, [packet("recording", record_file_id=one) for one in sent])
        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(sender.run, seed) for seed in range(8)]
            try:
                for _ in range(3):
                    seen = sender.acknowledged
                    until(
                        lambda seen=seen: sender.acknowledged >= seen + 80 or not sender.work,
                        "callbacks are acknowledged",
                    )
                    consumer.behave(status=random.Random(seen).choice((200, 503)))
                    exporter.kill()
                    exporter.start()
                    consumer.behave()
                for future in running:
                    future.result(120)
            finally:
                sender.stop.set()
        assert {one.packet["record_file_id"] for one in consumer.arrivals()} == sent
        shown = exporter.metrics()
        assert shown['tencent_css_callbacks_total{event="recording"}'] == TOTAL
        [recordings] = [shown[one] for one in shown if one.startswith("tencent_css_recordings_")]
        assert recordings == TOTAL


def test_the_senders_retry_is_the_queue(daemon: Start, tmp_path: Path) -> None:
    """A consumer that fails for a while gets all later; what the exporter shows is exact."""
    report = tmp_path / "run.json"
    with Consumer(tmp_path / "consumer") as consumer:
        exporter = daemon(forward_to=consumer.url)
        sending = started(
            *("simulate", *towards(exporter), "--check", metrics_url(exporter)),
            *("--duration", 6, "--rate", 60, "--streams", 20, "--time-scale", 30),
            *("--report", report),
        )
        until(lambda: len(consumer.arrivals()) > 50, "callbacks arrive")
        consumer.behave(status=500, text="oh no")
        seen = len(consumer.arrivals())
        until(lambda: len(consumer.arrivals()) > seen + 30, "callbacks are refused")
        consumer.stop()
        unreachable = "tencent_css_forwards_total"
        until(
            lambda: any(
                "unreachable" in one for one in exporter.metrics() if one.startswith(unreachable)
            ),
            "callbacks cannot be forwarded",
        )
        consumer.behave()
        consumer.start()
        outcome, errors = sending.communicate(timeout=120)
        assert sending.returncode == 0, outcome + errors
    callbacks = json.loads(report.read_text())["callbacks"]
    assert callbacks["retries"] > 0
    # Each answer of 200 says that the consumer has it, and no other does.
    expected = callbacks["deliveries"] - sum(callbacks["faults"].values())
    # What became of them there rides with a later commit.
    until(lambda: _taken(exporter) >= expected, "the last commit has all of them")
    assert _taken(exporter) == expected
    assert callbacks["accepted"] <= expected <= callbacks["accepted"] + callbacks["redelivered"]
    again = css_exporter("simulate", "--check", metrics_url(exporter), "--report", report)
    assert again.returncode == 0, again.stdout + again.stderr


def _taken(exporter: Daemon) -> float:
    """Return how many callbacks the consumer has taken."""
    return sum(
        value
        for name, value in exporter.metrics().items()
        if name.startswith("tencent_css_forwards_total") and 'result="taken"' in name
    )
