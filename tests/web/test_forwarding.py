"""In front of a consumer: what it gets, what it answers, and what is counted, in both shells."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support import raw
from support.consumer import Consumer, counted, forwards
from support.daemon import Answer, Daemon, Shell, request
from support.packets import all_packets, packet, signed
from support.programs import until

PATH = "/callback/unguessable"


@pytest.fixture(scope="module", params=[Daemon, Shell], ids=["loop", "wsgi"])
def exporter(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    one_consumer: Consumer,
) -> Iterator[Daemon]:
    """Return one exporter in front of the consumer; tests count differences."""
    directory = tmp_path_factory.mktemp("forwarding")
    settings = {"callback_path": PATH, "forward_to": one_consumer.url}
    with request.param(directory / "data", **settings) as daemon:
        yield daemon


def send(exporter: Daemon, body: bytes, below: str = "", **headers: str) -> Answer:
    """Post a body below the callback path."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(exporter.public_port, "POST", f"{PATH}{below}", body, named)


def body_of(name: str = "push", **fields: Any) -> bytes:
    """Return a signed body that no serialiser would write just so."""
    return json.dumps(signed(packet(name, **fields)), indent=3).encode() + b"\n \n"


@pytest.mark.parametrize("name", sorted(all_packets()))
def test_every_event_arrives_as_it_was_sent(
    exporter: Daemon, consumer: Consumer, name: str
) -> None:
    """Body bytes, path, query and headers are the sender's; the answer is the consumer's."""
    body = body_of(name)
    answer = send(
        exporter,
        body,
        "/pu%2fsh/%E4%B8%AD?a=%20b&a=2",
        Content_Type="text/plain; charset=gbk",
        X_Own="kept",
        User_Agent="sender/1",
    )
    assert (answer.status, answer.json) == (200, {"code": 0, "from": "consumer"})
    assert answer.headers["Content-Type"] == "application/json"
    arrival = consumer.arrival()
    assert (arrival.method, arrival.body) == ("POST", body)
    assert arrival.target == "/hooks/pu%2fsh/%E4%B8%AD?a=%20b&a=2"
    kept = {"Content-Type": "text/plain; charset=gbk", "X-Own": "kept", "User-Agent": "sender/1"}
    assert kept.items() <= arrival.headers.items()


def test_headers_of_the_connection_stay_here(exporter: Daemon, consumer: Consumer) -> None:
    """Hop-by-hop headers are ours; Via and X-Forwarded-For grow by us and by the sender."""
    headers = {
        "Connection": "keep-alive, X-Secret",
        "X-Secret": "of this connection",
        "TE": "trailers",
        "Proxy-Authorization": "Basic eA==",
        "Accept-Encoding": "gzip",
        "Via": "1.1 balancer",
        "X-Forwarded-For": "203.0.113.9",
    }
    assert request(exporter.public_port, "POST", PATH, body_of(), headers).status == 200
    arrival = consumer.arrival()
    assert arrival.target == "/hooks"
    for name in ("X-Secret", "Te", "Proxy-Authorization", "Accept-Encoding"):
        assert name not in arrival.headers
    via = arrival.headers["Via"]
    assert via.startswith("1.1 balancer, 1.1 css-exporter-")
    assert arrival.headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert arrival.headers["Host"] == f"127.0.0.1:{consumer.port}"


def test_a_callback_without_content_type_stays_so(exporter: Daemon, consumer: Consumer) -> None:
    """What the sender did not say is not said for it."""
    sent = raw.answer(raw.send(exporter.public_port, raw.post(PATH, body_of())))
    assert sent.status == 200
    assert not {"Content-Type", "User-Agent", "Accept"} & consumer.arrival().headers.keys()


def test_a_redelivery_is_forwarded_again(exporter: Daemon, consumer: Consumer) -> None:
    """Whether the consumer took it the last time is not known; so is a push that comes late."""
    fields = {"sequence": "late", "stream_id": "late"}
    before = len(consumer.arrivals())
    bodies = [body_of("interruption", **fields), *[body_of("push", **fields)] * 2]
    assert [send(exporter, body).status for body in bodies] == [200] * 3
    assert [one.body for one in consumer.arrivals()[before:]] == bodies
    assert exporter.line(event="callback.late", sequence="late")["forward_result"] == "taken"
    assert exporter.line(event="callback.duplicate", sequence="late")["forward_result"] == "taken"


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        ({"status": 500, "text": "oh no", "headers": {"Content-Type": "text/x"}}, 500),
        ({"status": 404, "text": ""}, 404),
        ({"status": 204, "text": ""}, 204),
        ({"status": 201, "text": "made"}, 201),
    ],
)
def test_a_refusal_of_the_consumer_is_passed_on(
    exporter: Daemon, consumer: Consumer, behaviour: dict[str, Any], status: int
) -> None:
    """The platform gets the consumer's answer, so that it comes again; we have recorded it."""
    before = forwards(exporter, "push", "refused")
    consumer.behave(**behaviour)
    own = f"refused-{status}"
    answer = send(exporter, body_of(sequence=own))
    assert (answer.status, answer.body) == (status, behaviour["text"].encode())
    if "headers" in behaviour:
        assert answer.headers["Content-Type"] == "text/x"
    line = exporter.line(event="callback.accepted", sequence=own)
    assert (line["level"], line["forward_result"]) == ("warning", "refused")
    assert line["forward_status"] == status
    consumer.behave()
    assert send(exporter, body_of(sequence=own)).status == 200
    assert exporter.line(event="callback.duplicate", sequence=own)["forward_result"] == "taken"
    counted(exporter, "push", "refused", before + 1)


@pytest.mark.parametrize("size", [40_000, 65_536, 300_000])
def test_a_long_answer_is_passed_on_up_to_its_limit(
    exporter: Daemon, consumer: Consumer, size: int
) -> None:
    """64 KiB of the consumer's answer arrive, and the next callback is not disturbed."""
    consumer.behave(text="x" * size)
    assert send(exporter, body_of()).body == b"x" * min(size, 65_536)
    consumer.behave()
    assert send(exporter, body_of()).json == {"code": 0, "from": "consumer"}


def test_a_redirect_is_not_followed(exporter: Daemon, consumer: Consumer) -> None:
    """No answer of a consumer makes us ask another address."""
    elsewhere = f"http://127.0.0.1:{consumer.port}/hooks/elsewhere"
    consumer.behave(status=301, headers={"Location": elsewhere})
    before = len(consumer.arrivals())
    answer = send(exporter, body_of(sequence="redirect"))
    assert (answer.status, answer.json["reason"]) == (502, "forward_unreachable")
    assert len(consumer.arrivals()) == before + 1
    line = exporter.line(event="callback.accepted", sequence="redirect")
    assert line["forward_result"] == "unreachable"
    assert "301" in line["forward_detail"]


def test_what_is_refused_here_is_not_forwarded(exporter: Daemon, consumer: Consumer) -> None:
    """Without forward_refused the consumer is behind our verification."""
    before = len(consumer.arrivals())
    assert send(exporter, json.dumps(packet("push")).encode()).status == 403
    assert send(exporter, b"{").status == 400
    assert request(exporter.public_port, "POST", "/elsewhere", body_of()).status == 404
    assert request(exporter.public_port, "GET", PATH).status == 405
    assert len(consumer.arrivals()) == before


@pytest.mark.parametrize(
    "below", ["/..", "/../../hooks", "/%2e%2e/x", "/..%2fx", "/x/..;/y", "/x/..%5c..%5cy", "/."]
)
def test_no_path_climbs_out(exporter: Daemon, consumer: Consumer, below: str) -> None:
    """A path below the callback path stays below the consumer's."""
    before = len(consumer.arrivals())
    sent = raw.answer(raw.send(exporter.public_port, raw.post(f"{PATH}{below}", body_of())))
    assert (sent.status, sent.json["reason"]) == (404, "not_found")
    assert len(consumer.arrivals()) == before


@pytest.mark.parametrize("below", ["%2F.evil.example/x", "%2Fx%3Fy"])
def test_no_path_changes_the_host(exporter: Daemon, consumer: Consumer, below: str) -> None:
    """A slash that is escaped does not become part of the consumer's name."""
    sent = raw.answer(raw.send(exporter.public_port, raw.post(f"{PATH}{below}", body_of())))
    assert sent.status == 200
    assert consumer.arrival().target.startswith("/hooks/")


def test_time_and_result_are_shown(exporter: Daemon, consumer: Consumer) -> None:
    """Each forward is counted by event and result, timed, and in the log."""
    before = forwards(exporter, "relay", "taken")
    consumer.behave(seconds=0.3)
    assert send(exporter, body_of("relay_taskexit")).status == 200
    counted(exporter, "relay", "taken", before + 1)
    shown = exporter.metrics()
    assert shown['tencent_css_forward_seconds_count{event="relay"}'] == before + 1
    assert shown['tencent_css_forward_seconds_sum{event="relay"}'] >= 0.3
    assert exporter.line(event_name="relay")["forward_seconds"] >= 0.3


def test_deliveries_say_what_the_consumer_did(exporter: Daemon, consumer: Consumer) -> None:
    """Each delivery has the consumer's result, and a hint if it did not take the callback."""

    def newest() -> dict[str, Any]:
        shown = exporter.get("/deliveries.json?stream=looked-at").json["deliveries"]
        return shown[0] if shown else {}

    consumer.behave(status=500)
    assert send(exporter, body_of(stream_id="looked-at", sequence="looked-at")).status == 500
    assert (newest()["outcome"], newest()["forward_result"]) == ("accepted", "refused")
    assert newest()["meaning"] == "the consumer answered 500"
    assert "come again in a minute" in newest()["hint"]
    consumer.behave()
    assert send(exporter, body_of(stream_id="looked-at", sequence="looked-at")).status == 200
    assert (newest()["outcome"], newest()["forward_result"]) == ("duplicate", "taken")
    assert "until the consumer has" in newest()["hint"]
    page = exporter.get("/deliveries?stream=looked-at").body.decode()
    assert ">Consumer</th>" in page
    assert "the consumer answered 500" in page
    refused = exporter.get("/deliveries.json?outcome=forward_refused&stream=looked-at").json
    assert len(refused["deliveries"]) == 1


def test_a_loop_is_refused(exporter: Daemon, consumer: Consumer) -> None:
    """A request that went through us before is answered 508 and counted, whatever it says."""
    assert send(exporter, body_of()).status == 200
    via = consumer.arrival().headers["Via"]
    before = len(consumer.arrivals())
    answer = send(exporter, body_of(), Via=f"1.0 other, {via}")
    assert (answer.status, answer.json) == (508, {"code": 508, "reason": "loop"})
    loops = 'tencent_css_callback_rejections_total{reason="loop"}'
    until(lambda: exporter.metrics()[loops] >= 1, "the loop is counted")
    assert len(consumer.arrivals()) == before
    assert send(exporter, body_of(), Via="1.1 css-exporter-0000000000").status == 200
