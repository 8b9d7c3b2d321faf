"""Logs: one flat line a callback in the field's terms, and everybody else's in the same form."""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.daemon import Daemon, Start, request
from support.packets import all_packets, packet
from support.programs import until


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return one daemon that logs JSON to a file."""
    with Daemon(tmp_path_factory.mktemp("logs") / "data", workers=2) as daemon:
        yield daemon


def line_of(exporter: Daemon, **fields: Any) -> dict[str, Any]:
    """Return the newest line with these values."""
    return next(line for line in reversed(exporter.lines()) if fields.items() <= line.items())


@pytest.mark.parametrize("name", sorted(all_packets()))
def test_each_event_is_one_flat_line(exporter: Daemon, name: str) -> None:
    """A callback's line names event and stream; every value is plain."""
    before = len(exporter.lines())
    assert exporter.post(packet(name)).status == 200
    [line] = [line for line in exporter.lines()[before:] if line["event"][:9] == "callback."]
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line["event"] in ("callback.accepted", "callback.late")
    assert not [value for value in line.values() if isinstance(value, (dict, list))]
    assert {"event_name", "push_domain", "app_name", "stream_id"} <= set(line)


def test_an_interruption_tells_why(exporter: Daemon) -> None:
    """Errcode, cause and duration are fields; only what the host did not want is a warning."""
    for errcode, cause, level in (
        (1, "client_stop", "info"),
        (12, "client_network", "warning"),
        (21, "operator", "warning"),
        (99, "unknown", "warning"),
    ):
        sent = packet("interruption", sequence=f"e{errcode}", errcode=errcode)
        exporter.post(sent)
        line = line_of(exporter, sequence=f"e{errcode}")
        assert (line["event"], line["level"]) == ("callback.accepted", level)
        assert (line["errcode"], line["cause"]) == (errcode, cause)
        assert line["push_duration_seconds"] == 128.581
        assert line["delay_seconds"] > 0
        exporter.post(sent)
        again = line_of(exporter, sequence=f"e{errcode}")
        assert (again["event"], again["level"]) == ("callback.duplicate", "info")


def test_a_refusal_tells_why(exporter: Daemon) -> None:
    """A refusal is a warning with its reason, the field, and who sent it; no value of it."""
    exporter.post(packet("push", event_time="some-word"))
    line = line_of(exporter, event="callback.rejected", reason="bad_field")
    assert (line["level"], line["status"], line["detail"]) == ("warning", 400, "event_time")
    assert line["remote_address"] == "127.0.0.1"
    assert "some-word" not in exporter.log.read_text()


def test_everybody_logs_in_one_form(daemon: Start) -> None:
    """From the first line to the last, gunicorn's too, the log is JSON with time and level."""
    exporter = daemon(workers=2)
    request(exporter.public_port, "GET", "/nowhere?txSecret=hidden")
    assert exporter.terminate() == 0
    lines = [json.loads(line) for line in exporter.log.read_text().split("\n")[:-1]]
    assert all({"timestamp", "level", "event"} <= set(line) for line in lines)
    gunicorn = [line["event"] for line in lines if line.get("logger") == "gunicorn.error"]
    for word in ("Listening at", "Booting worker", "Shutting down"):
        assert any(word in event for event in gunicorn)
    assert "hidden" not in exporter.log.read_text()


@pytest.mark.parametrize(("log_user_ip", "told"), [("false", False), ("true", True)])
def test_the_address_of_a_host_is_told_by_setting_only(
    daemon: Start, log_user_ip: str, told: bool
) -> None:
    """``log_user_ip`` decides whether the pusher's address is in the log."""
    exporter = daemon(log_user_ip=log_user_ip)
    exporter.post(packet("push"))
    assert ("192.0.2.44" in exporter.log.read_text()) is told
    assert "192.0.2.44" not in exporter.get("/metrics").body.decode()


def test_the_level_is_a_setting(daemon: Start) -> None:
    """With ``log_level`` error an ordinary day leaves nothing in the log."""
    exporter = daemon(log_level="error")
    exporter.post(packet("push"))
    exporter.post(packet("push"), key="another")
    assert exporter.terminate() == 0
    assert exporter.log.read_text() == ""


def test_a_full_log_pipe_holds_up_nothing(daemon: Start, tmp_path: Path) -> None:
    """Callbacks are answered while nobody reads the log; afterwards it says what was lost."""
    fifo = tmp_path / "data.log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)

    def said() -> bytes:
        try:
            return os.read(reader, 65536)
        except BlockingIOError:
            return b""

    exporter = daemon()
    for number in range(40):
        assert exporter.post(packet("push", sequence=str(number))).status == 200
    while said():
        pass
    assert exporter.post(packet("interruption")).status == 200
    until(lambda: b"log.lost" in said(), "the log tells of lost lines")
    assert exporter.terminate() == 0
    os.close(reader)
