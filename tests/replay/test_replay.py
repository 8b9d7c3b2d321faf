"""``css-exporter replay`` against a real daemon."""

import json
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from support.commands import css_exporter, started, towards
from support.daemon import Daemon, Start
from support.packets import Packet, all_packets, packet
from support.programs import free_port, until

from exporter.replay.lines import read_lines, shifted, time_of
from exporter.replay.pace import Pace, Survey


def written(path: Path, lines: Iterable[Any]) -> Path:
    """Write lines as JSON, those that are text as they are."""
    text = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    return path


def events_counted(exporter: Daemon) -> float:
    """Return how many callbacks were applied, whatever their event."""
    shown = exporter.metrics().items()
    return sum(number for name, number in shown if name.startswith("tencent_css_callbacks_total"))


def test_every_packet_is_counted_once(daemon: Start, tmp_path: Path) -> None:
    """All packets of a log count; replayed again they are redeliveries."""
    exporter = daemon()
    packets = all_packets()
    log = written(tmp_path / "log.jsonl", packets.values())
    ran = css_exporter("replay", log, *towards(exporter))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout == f"accepted {len(packets)} of {len(packets)}; bad lines 0; not sent 0\n"
    assert events_counted(exporter) == len(packets)
    again = css_exporter("replay", log, *towards(exporter), "--connections", 1)
    assert again.returncode == 0
    assert events_counted(exporter) == len(packets)
    duplicates = 'tencent_css_callback_duplicates_total{event="push"}'
    assert exporter.metrics()[duplicates] == 1


def test_bad_lines_are_reported_by_number_and_skipped(daemon: Start, tmp_path: Path) -> None:
    """Wrapped packets are found, bad lines are named, and the status says so."""
    exporter = daemon()
    log = written(
        tmp_path / "log.jsonl",
        [
            {"time": "2026-01-01", "body": json.dumps(packet("push"))},
            "",
            "{cut off",
            {"request": packet("interruption")},
            "[1, 2]",
            {"no": "event"},
            {"body": "{cut off"},
            {"packet": packet("recording")},
            packet("interruption", sequence="another", errcode=None),
        ],
    )
    ran = css_exporter("replay", log, *towards(exporter))
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "line 3: no JSON",
        "line 5: no JSON object",
        "line 6: no packet: event_type is missing",
        "line 7: no JSON in body",
        "line 9: missing_field",
    ]
    assert "accepted 3 of 4; bad lines 4; not sent 0" in ran.stdout
    assert events_counted(exporter) == 3


def test_a_wrong_key_comes_with_a_hint(daemon: Start, tmp_path: Path) -> None:
    """A refusal is not tried again; it comes with what to look at."""
    exporter = daemon()
    log = written(tmp_path / "log.jsonl", [packet("push")] * 3)
    url = f"http://127.0.0.1:{exporter.public_port}/callback"
    ran = css_exporter("replay", log, "--url", url, "--key", "another")
    assert ran.returncode == 1
    assert "line 2: bad_signature (does the key equal the exporter's callback key?)" in ran.stderr
    assert "not accepted: bad_signature 3" in ran.stdout


def test_standard_input(daemon: Start, tmp_path: Path) -> None:
    """A pipe is replayed too."""
    exporter = daemon()
    sending = started("replay", "-", *towards(exporter), stdin=True)
    outcome, errors = sending.communicate(json.dumps(packet("push")), timeout=60)
    assert sending.returncode == 0, errors
    assert "accepted 1 of 1" in outcome


def test_an_exporter_that_starts_later(daemon: Start, tmp_path: Path) -> None:
    """What is not answered is sent again, until the exporter is back."""
    exporter = daemon()
    exporter.kill()
    log = written(tmp_path / "log.jsonl", [packet("push")])
    sending = started("replay", log, *towards(exporter))
    time.sleep(1)
    exporter.start()
    outcome, errors = sending.communicate(timeout=60)
    assert sending.returncode == 0, outcome + errors
    assert events_counted(exporter) == 1


def test_pace_and_ctrl_c(daemon: Start, tmp_path: Path) -> None:
    """At speed 1 a log takes as long as it took; Ctrl-C ends it and says what is left."""
    exporter = daemon()
    began_at = 1_700_000_000
    lines = [packet("push", sequence=str(n), event_time=began_at + 3600 * n) for n in range(3)]
    log = written(tmp_path / "log.jsonl", lines)
    sending = started("replay", log, *towards(exporter), "--speed", 1)
    until(lambda: events_counted(exporter) == 1, "the first packet is counted")
    sending.send_signal(signal.SIGINT)
    outcome, errors = sending.communicate(timeout=60)
    assert sending.returncode == 1, errors
    assert "accepted 1 of 3; bad lines 0; not sent 2" in outcome


def test_shifted_to_now(daemon: Start, tmp_path: Path) -> None:
    """With --shift the last event happens now, so delays are those of a live sender."""
    exporter = daemon()
    log = written(
        tmp_path / "log.jsonl",
        [
            packet("push", event_time=1_700_000_000),
            packet("interruption", event_time=1_700_000_009),
        ],
    )
    assert css_exporter("replay", log, *towards(exporter), "--shift").returncode == 0
    delays = exporter.metrics()
    assert delays['tencent_css_callback_delay_seconds_sum{event="interruption"}'] < 60
    push = delays['tencent_css_callback_delay_seconds_sum{event="push"}']
    interruption = delays['tencent_css_callback_delay_seconds_sum{event="interruption"}']
    assert 8 < push - interruption < 12


@pytest.mark.parametrize("name", all_packets())
def test_all_times_move_together(name: str) -> None:
    """Every time of every packet moves by the same seconds, and nothing else changes."""
    before, after = packet(name), shifted(packet(name), 1000)
    at = time_of(before)
    if at is not None:
        assert time_of(after) == pytest.approx(at + 1000)

    def differences(one: Any, other: Any) -> set[float]:
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            return set().union(*(differences(one[key], other[key]) for key in one))
        if isinstance(one, list):
            return set().union(*map(differences, one, other))
        return {float(other) - float(one)} if one != other else set()

    assert differences(before, after) <= {1000, 1_000_000}


@pytest.mark.parametrize("speed", [0, 0.5, 1, 10])
def test_nothing_is_shifted_into_the_future(speed: float, tmp_path: Path) -> None:
    """Whatever the speed, no event lies in the future when it is sent, and the nearest is now."""
    now = 1_800_000_000.0
    times = [1_700_000_000 + 60 * number for number in range(20)]
    log = written(tmp_path / "log.jsonl", [packet("push", event_time=at) for at in times])
    with log.open("rb") as file:
        survey = Survey.of(file)
        file.seek(0)
        packets: list[Packet] = [line.packet for line in read_lines(file)]
    pace = Pace.of(survey, speed, now, shift=True)
    ages = [now + pace.due(one) - pace.moved(one)["event_time"] for one in packets]
    assert min(ages) >= 0
    assert min(ages) < 1
    kept = Pace.of(survey, speed, now, shift=False)
    assert [kept.moved(one) for one in packets] == packets


def test_nobody_there(tmp_path: Path) -> None:
    """Without --url there is nowhere to send; a file that is missing is named."""
    log = written(tmp_path / "log.jsonl", [packet("push")])
    assert "give --url" in css_exporter("replay", log).stderr
    url = f"http://127.0.0.1:{free_port()}/"
    assert "No such file" in css_exporter("replay", tmp_path / "none", "--url", url).stderr
