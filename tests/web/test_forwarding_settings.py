"""What settings make of forwarding: to whom, what is refused too, and a consumer that is away."""

import json
from pathlib import Path

import pytest
from support.consumer import Consumer, counted
from support.daemon import Daemon, Shell, request
from support.packets import packet

both = pytest.mark.parametrize("shell", [Daemon, Shell], ids=["loop", "wsgi"])


@both
def test_a_consumer_that_is_away(tmp_path: Path, shell: type[Daemon]) -> None:
    """Refused connections are a 502 at once; when it is back, the platform's retry arrives."""
    consumer = Consumer(tmp_path / "consumer")
    with shell(tmp_path / "data", forward_to=consumer.url) as exporter:
        answer = exporter.post(packet("push"))
        assert (answer.status, answer.json["reason"]) == (502, "forward_unreachable")
        counted(exporter, "push", "unreachable", 1)
        assert exporter.metrics()['tencent_css_callbacks_total{event="push"}'] == 1
        with consumer:
            assert exporter.post(packet("push")).status == 200
            consumer.stop()
            consumer.start()  # the connections that were kept are gone
            assert exporter.post(packet("push")).status == 200
    assert len(consumer.arrivals()) == 2


@both
def test_what_fails_verification_can_be_passed_on(
    tmp_path: Path, consumer: Consumer, shell: type[Daemon]
) -> None:
    """With forward_refused a wrong key costs counts alone: the consumer has its say."""
    settings = {"forward_to": consumer.url, "forward_refused": "true", "max_body_bytes": 4096}
    with shell(tmp_path / "data", **settings) as exporter:
        consumer.behave(status=418, text="mine")
        before = len(consumer.arrivals())
        assert exporter.post(packet("push"), key="forged").body == b"mine"
        consumer.behave()
        port = exporter.public_port
        for body in (b"{", b"[]", json.dumps(packet("recording")).encode()):
            assert request(port, "POST", "/callback/x", body).status == 200
            assert consumer.arrival().body == body
        assert len(consumer.arrivals()) == before + 4
        assert request(port, "POST", "/callback", b" " * 5000).status == 413
        assert request(port, "POST", "/elsewhere", b"{}").status == 404
        assert request(port, "PUT", "/callback", b"{}").status == 405
        assert len(consumer.arrivals()) == before + 4
        counted(exporter, "push", "refused", 1)
        counted(exporter, "other", "taken", 2)
        counted(exporter, "recording", "taken", 1)
        rejections = "tencent_css_callback_rejections_total"
        shown = exporter.metrics()
        assert shown[f'{rejections}{{reason="bad_signature"}}'] == 1
        assert shown[f'{rejections}{{reason="malformed_json"}}'] == 1
        assert shown['tencent_css_callbacks_total{event="push"}'] == 0


@both
def test_an_event_can_have_a_consumer_of_its_own(
    tmp_path: Path, consumer: Consumer, shell: type[Daemon]
) -> None:
    """Events of the table go to their consumers; without forward_to others go to nobody."""
    table = json.dumps({"push": f"{consumer.url}/pushes/", "other": f"{consumer.url}/rest"})
    with shell(tmp_path / "data", forward_to_by_event=table) as exporter:
        assert exporter.post(packet("push")).json["from"] == "consumer"
        assert consumer.arrival().target == "/hooks/pushes/"
        assert exporter.post(packet("push"), "/callback/a?b").status == 200
        assert consumer.arrival().target == "/hooks/pushes/a?b"
        assert exporter.post({"event_type": 4711}).status == 200
        assert consumer.arrival().target == "/hooks/rest"
        before = len(consumer.arrivals())
        assert exporter.post(packet("recording")).body == b'{"code":0}'
        assert len(consumer.arrivals()) == before
        assert "forward_result" not in exporter.line(event_name="recording")
