"""Hostile names in packets: one line of the log each, none forged, no flood."""

import http.client
import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from support.daemon import Start
from support.hostile import NASTY, SECRET, packets
from support.packets import KEY, Packet, body_of, packet
from support.programs import until
from support.tail import Tail

TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z)?"
CONSOLE_LINE = re.compile(TIME + r" \[(info|warning) +\] (callback|ledger|Listening|Starting)?\S*")


def assert_one_line(tail: Tail, *, or_none: bool) -> None:
    """See that one callback wrote one line, of our making, and nothing secret."""
    lines = [line for line in tail.lines() if "_suppressed" not in line]
    assert len(lines) == 1 or (or_none and not lines)
    for line in lines:
        assert SECRET not in line
        assert KEY not in line
        if tail.exporter.settings["log_format"] == "json":
            assert json.loads(line)["event"].startswith("callback.")
            assert not re.search(r"[\x00-\x1f\x7f]", line)
        else:
            assert CONSOLE_LINE.match(line)
            assert line.isprintable()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(packets())
def test_a_packet_writes_one_line(tail: Tail, hostile: Packet) -> None:
    """Whatever a signed packet holds, it is one line of the log, and forges none."""
    answer = tail.exporter.post(hostile)
    assert answer.status in (200, 400)
    assert_one_line(tail, or_none=answer.status != 200)


@pytest.mark.parametrize("text", NASTY)
def test_a_nasty_name_forges_nothing(tail: Tail, text: str) -> None:
    """A name is refused or shown harmlessly: never a line, a field or a command of its own."""
    fields = {"stream_id": f"s{text}", "app": f"d{text}", "errmsg": text, "sequence": f"q{text}"}
    answer = tail.exporter.post(packet("push", **fields))
    assert answer.status in (200, 400)
    assert_one_line(tail, or_none=answer.status == 400)
    exposed = tail.exporter.metrics()  # it parses
    assert not any("\n" in name for name in exposed)


def test_a_flood_of_forgeries_is_counted_not_logged(daemon: Start) -> None:
    """Of thousands of forged packets few lines are logged; of the rest only the number."""
    exporter = daemon(log_format="json")
    body = body_of(packet("push"), key="another")
    connection = http.client.HTTPConnection("127.0.0.1", exporter.public_port, timeout=20)
    total = 3000
    began = time.monotonic()
    for number in range(total):
        connection.request("POST", "/callback", body if number % 3 else b"no JSON")
        response = connection.getresponse()
        response.read()
        assert response.status in (400, 403)
    windows = 1 + (time.monotonic() - began) // 10
    connection.close()
    expected = {"bad_signature": total * 2 / 3, "malformed_json": total / 3}
    family = "tencent_css_callback_rejections_total"
    for reason, count in expected.items():
        name = f'{family}{{reason="{reason}"}}'
        until(lambda n=name, c=count: exporter.metrics()[n] == c, f"{reason} is counted")
    assert exporter.terminate() == 0  # what is not logged yet is logged now
    for reason, count in expected.items():
        lines = [line for line in exporter.lines() if line.get("reason") == reason]
        logged = [line for line in lines if line["event"] == "callback.rejected"]
        left_out = [line for line in lines if line["event"] == "callback.rejected_suppressed"]
        assert 0 < len(logged) <= 10 * (windows + 1)
        assert len(logged) + sum(line["count"] for line in left_out) == count
        assert {line["level"] for line in lines} == {"warning"}
