"""Logs: one flat line a callback in the field's terms, and everybody else's in the same form."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.daemon import Daemon, Start, request
from support.packets import all_packets, packet
from support.programs import until

from exporter.daemon import logs
from exporter.daemon.log_output import LONGEST_LINE


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return one daemon that logs JSON to a file."""
    with Daemon(tmp_path_factory.mktemp("logs") / "data", workers=2) as daemon:
        yield daemon


@pytest.mark.parametrize("name", sorted(all_packets()))
def test_each_event_is_one_flat_line(exporter: Daemon, name: str) -> None:
    """A callback's line names event and stream; every value is plain."""
    before = len(exporter.lines())
    assert exporter.post(packet(name)).status == 200

    def its_lines() -> list[dict[str, Any]]:
        return [line for line in exporter.lines()[before:] if line["event"][:9] == "callback."]

    until(its_lines, "its line is written")
    [line] = its_lines()
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line["event"] in ("callback.accepted", "callback.late")
    assert not [value for value in line.values() if isinstance(value, (dict, list))]
    assert {"event_name", "push_domain", "app_name", "stream_id"} <= set(line)


def test_an_interruption_says_why(exporter: Daemon) -> None:
    """Errcode, cause and duration are fields; only what the host did not want is a warning."""
    for errcode, cause, level in (
        (1, "client_stop", "info"),
        (12, "client_network", "warning"),
        (21, "operator", "warning"),
        (99, "unknown", "warning"),
    ):
        sent = packet("interruption", sequence=f"e{errcode}", errcode=errcode)
        exporter.post(sent)
        line = exporter.line(sequence=f"e{errcode}")
        assert (line["event"], line["level"]) == ("callback.accepted", level)
        assert (line["errcode"], line["cause"]) == (errcode, cause)
        assert line["push_duration_seconds"] == 128.581
        assert line["delay_seconds"] > 0
        exporter.post(sent)
        assert exporter.line(sequence=f"e{errcode}", event="callback.duplicate")["level"] == "info"


def test_a_refusal_says_why(exporter: Daemon) -> None:
    """A refusal is a warning with its reason, the field, and who sent it; no value of it."""
    exporter.post(packet("push", event_time="some-word"))
    line = exporter.line(event="callback.rejected", reason="bad_field")
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


@pytest.mark.parametrize(("log_user_ip", "logged"), [("false", False), ("true", True)])
def test_the_address_of_a_host_is_logged_by_setting_only(
    daemon: Start, log_user_ip: str, logged: bool
) -> None:
    """``log_user_ip`` decides whether the pusher's address is in the log."""
    exporter = daemon(log_user_ip=log_user_ip)
    exporter.post(packet("push"))
    exporter.line(event="callback.accepted")
    assert ("192.0.2.44" in exporter.log.read_text()) is logged
    assert "192.0.2.44" not in exporter.get("/metrics").body.decode()


def test_the_level_is_a_setting(daemon: Start) -> None:
    """With ``log_level`` error an ordinary day leaves nothing in the log."""
    exporter = daemon(log_level="error")
    exporter.post(packet("push"))
    exporter.post(packet("push"), key="another")
    assert exporter.terminate() == 0
    assert exporter.log.read_text() == ""


NASTY: dict[str, Any] = {
    "wide": "\N{GRINNING FACE}" * 512,
    "control": "\x01" * 5000,
    "surrogate": "\udcff" * 600,
    "large": 2**70,
    "object": [object()] * 500,
}


@pytest.mark.parametrize("form", [logs._json, logs._Console()])
@pytest.mark.parametrize("fields", [*({name: NASTY[name]} for name in NASTY), NASTY])
def test_every_line_is_bounded(form: Any, fields: dict[str, Any]) -> None:
    """Whatever values are, the line has its head, is one line, and is within its bytes."""
    render = logs._Renderer(form, 0)
    many = {f"{name}{number}": fields[name] for name in fields for number in range(9)}
    for some in (
        fields,
        many,
        {"exception": "x" * 9999, **many},
        {f"f{n}": n for n in range(999)},
    ):
        line = render(None, "warning", {"event": "thing.happened", **some})
        assert len(line) <= LONGEST_LINE
        traceback = b"x" * 99 in line and form is not logs._json
        assert line.count(b"\n") == 1 + traceback
        assert b"thing.happened" in line
        if form is logs._json:
            assert list(json.loads(line))[:3] == ["timestamp", "level", "event"]


def test_the_end_of_a_traceback_is_kept() -> None:
    """The frames where it happened and the error are worth more than those on the way there."""

    def fail() -> None:
        raise RuntimeError("word " * 2000 + "the cause")

    render = logs._Renderer(logs._json, 0)
    try:
        fail()
    except RuntimeError:
        line = render(None, "error", {"event": "ledger.failed", "exc_info": True})
    assert 2000 < len(line) <= LONGEST_LINE
    assert json.loads(line)["exception"].endswith("the cause")


SAY_TWICE = """
import sys
import structlog
from exporter.daemon import logs
logs.configure(sys.argv[1], "info")
log, lines = structlog.get_logger(), []
for number in range(300):
    fields = {"stream_id": f"s{number}\\n", "number": number, "none": None, "wide": "w" * number}
    log.info("callback.accepted", **fields)
    log.debug("callback.hidden", **fields)
    lines += [("info", "callback.accepted", fields), ("debug", "hidden", fields)]
logs.write(lines)
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_many_lines_at_once_are_as_one_by_one(log_format: str) -> None:
    """``write`` gives the lines that structlog gives, all of them, in order, by level."""
    ended = subprocess.run(
        [sys.executable, "-c", SAY_TWICE, log_format],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    written = [re.sub(r"\d+-\d+-\d+T[\d:.]+Z", "TIME", line) for line in ended.stdout.splitlines()]
    assert len(written) == 600
    assert written[:300] == written[300:]


def test_a_test_sees_what_is_written_at_once() -> None:
    """Without a configuration of ours ``write`` logs as structlog does."""
    with capture_logs() as lines:
        logs.write([("info", "callback.accepted", {"number": 1})])
    assert lines == [{"event": "callback.accepted", "log_level": "info", "number": 1}]
