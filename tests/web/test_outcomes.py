"""The public listener's table of outcomes, row by row, over real HTTP."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support import raw
from support.daemon import Answer, Daemon, Shell, request
from support.packets import KEY, Packet, all_packets, body_of, packet, signed

from exporter.protocol.refusals import STATUS

BODY_LIMIT = 4096
PATH = "/callback/unguessable"


on_the_loop = pytest.mark.parametrize("exporter", [Daemon], indirect=True, ids=["loop"])
"""For what is the server's business: connections, and paths as they were sent."""


@pytest.fixture(scope="module", params=[Daemon, Shell], ids=["loop", "wsgi"])
def exporter(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """Return one exporter for all of these tests, which therefore count differences."""
    directory = tmp_path_factory.mktemp("outcomes")
    settings = {
        "callback_path": PATH,
        "max_body_bytes": BODY_LIMIT,
        "signature_tolerance_seconds": 60,
        "accept_unsigned": "relay,stream_monitor",
    }
    with request.param(directory / "data", **settings) as daemon:
        yield daemon


def post(exporter: Daemon, body: bytes | Packet, path: str = PATH, **headers: str) -> Answer:
    """Send a body, a packet as it is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(exporter.public_port, "POST", path, content, headers)


def rejected(exporter: Daemon) -> dict[str, float]:
    """Return how many callbacks were refused, by reason."""
    exporter.post(packet("push"), PATH)  # a commit for the tallies to ride with
    shown = exporter.metrics("/metrics?collect[]=ledger")
    family = "tencent_css_callback_rejections_total"
    return {reason: shown[f'{family}{{reason="{reason}"}}'] for reason in STATUS}


def assert_refused(
    exporter: Daemon, answer: Answer, reason: str, before: dict[str, float]
) -> None:
    """See that a refusal is answered by its word alone, and counted under it once."""
    assert answer.status == STATUS[reason]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {"code": STATUS[reason], "reason": reason}
    assert rejected(exporter) == before | {reason: before[reason] + 1}


@pytest.mark.parametrize("name", sorted(all_packets()))
def test_every_event_is_accepted_and_again(exporter: Daemon, name: str) -> None:
    """A signed packet of every event is answered 200 {"code":0}, and so is its redelivery."""
    for _ in range(2):
        answer = exporter.post(packet(name), PATH)
        assert (answer.status, answer.body) == (200, b'{"code":0}')
        assert answer.headers["Content-Type"] == "application/json"


def test_receipts_are_remembered_by_event(exporter: Daemon) -> None:
    """Accepted, duplicate, late and unknown events each count where they should."""

    def numbers() -> tuple[float, ...]:
        shown = exporter.metrics()
        return tuple(
            shown[f'tencent_css_callback{name}_total{{event="{event}"}}']
            for name, event in (("s", "push"), ("_duplicates", "push"), ("s", "other"))
        )

    before = numbers()
    fields = {"sequence": "77", "stream_id": "late-stream"}
    assert exporter.post(packet("interruption", **fields), PATH).status == 200
    assert exporter.post(packet("push", **fields), PATH).status == 200
    assert exporter.post(packet("push", **fields), PATH).status == 200
    assert exporter.post({"event_type": 4711, "x": "new"}, PATH).json == {"code": 0}
    assert [after - then for after, then in zip(numbers(), before, strict=True)] == [1, 1, 1]
    late = exporter.line(event="callback.late", sequence="77")
    assert (late["level"], late["event_name"]) == ("info", "push")


def test_a_push_that_failed_is_taken_and_counted(exporter: Daemon) -> None:
    """A push event with an errcode is accepted, and a warning says why the push failed."""
    failed = packet("push", sequence="78", errcode=19, errmsg="3rdparty auth failed")
    assert exporter.post(failed, PATH).json == {"code": 0}
    line = exporter.line(event="callback.accepted", sequence="78")
    assert (line["level"], line["push_failed"], line["errcode"]) == ("warning", True, 19)
    assert (line["cause"], line["errmsg"]) == ("rejected", "3rdparty auth failed")
    assert (line["node"], "width" in line) == ("192.0.2.1", False)


def _signed_with(t: Any, **fields: Any) -> Packet:
    return signed(packet("push", **fields), t=t)


def _in(seconds: float) -> int:
    return int(time.time() + seconds)


BODIES: dict[str, tuple[bytes | Packet, str]] = {
    "no body": (b"", "malformed_json"),
    "no JSON": (b"event_type=1&t=5", "malformed_json"),
    "half JSON": (b'{"event_type": 1', "malformed_json"),
    "not UTF-8": (b'{"event_type": "\xff"}', "malformed_json"),
    "a lone surrogate": (b'{"event_type": "\\ud800"}', "malformed_json"),
    "NaN": (b'{"event_type": NaN}', "malformed_json"),
    "nested without end": (b"[" * 4000, "malformed_json"),
    "an array": (b"[]", "not_an_object"),
    "a string": (b'"{}"', "not_an_object"),
    "a number": (b"1", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "an empty object": ({}, "missing_field"),
    "no event type": (signed({"x": 1}), "missing_field"),
    "a wrong event type": (signed({"event_type": "one"}), "bad_field"),
    "a missing field": (signed(packet("push", sequence=None)), "missing_field"),
    "a bad field": (signed(packet("push", event_time="soon")), "bad_field"),
    "a bad t": (packet("push") | {"t": [], "sign": "x"}, "bad_field"),
    "a bad sign": (packet("push") | {"t": 1, "sign": 5}, "bad_field"),
    "no signature": (packet("push"), "unsigned"),
    "an empty signature": (packet("push") | {"t": 1, "sign": ""}, "unsigned"),
    "t alone": (packet("push") | {"t": 1}, "unsigned"),
    "another key": (signed(packet("push"), key="another"), "bad_signature"),
    "sign that is no ASCII": (packet("push") | {"t": 1, "sign": "\u2603"}, "bad_signature"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_no_callback_is_refused(exporter: Daemon, case: str) -> None:
    """Each wrong body has its reason, answered and counted."""
    body, reason = BODIES[case]
    before = rejected(exporter)
    assert_refused(exporter, post(exporter, body), reason, before)


@pytest.mark.parametrize(("ahead", "reason"), [(-3600, "expired"), (600 + 3600, "not_yet_valid")])
def test_a_signature_out_of_its_time_is_refused(
    exporter: Daemon, ahead: float, reason: str
) -> None:
    """Past ``t``, or further ahead than any sender signs, authentic or not is not enough."""
    before = rejected(exporter)
    assert_refused(exporter, post(exporter, _signed_with(_in(ahead))), reason, before)


@pytest.mark.parametrize("ahead", [-30, 630])
def test_a_signature_within_the_tolerance_is_taken(exporter: Daemon, ahead: float) -> None:
    """The setting's seconds are granted on both sides."""
    assert post(exporter, _signed_with(_in(ahead), sequence=str(ahead))).status == 200


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        *(
            (method, PATH, "bad_method")
            for method in ("GET", "PUT", "DELETE", "OPTIONS", "PROPFIND")
        ),
        ("GET", f"{PATH}/push", "bad_method"),
        ("POST", "/-/healthy", "bad_method"),
        *(
            ("POST", path, "not_found")
            for path in ("/", "/callback", f"{PATH}x", f"/x{PATH}", "/-/ready", "/%2F")
        ),
        *(("GET", path, "not_found") for path in ("/", "/metrics", "/deliveries", "/-/ready")),
        ("GET", "/-//healthy?echo", "not_found"),  # no redirect to what it means
    ],
)
def test_another_path_or_method_is_refused(
    exporter: Daemon, method: str, path: str, reason: str
) -> None:
    """Only POST, only at the callback path and below; and health."""
    before = rejected(exporter)
    answer = request(exporter.public_port, method, path)
    assert_refused(exporter, answer, reason, before)
    if reason == "bad_method":
        assert answer.headers["Allow"]


@pytest.mark.parametrize(
    "path", ["", "/", "/push", "/a/b/", "?action=streamBegin&txSecret=x", "/push?%00=%ff&a=b"]
)
def test_paths_below_and_queries_are_taken(exporter: Daemon, path: str) -> None:
    """Below the callback path any path and any query is a callback's."""
    assert post(exporter, signed(packet("push")), PATH + path).status == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "", "application/json", "text/plain; charset=gbk", "multipart/form-data", "\xff/;;"],
)
def test_any_content_type_is_taken(exporter: Daemon, content_type: str | None) -> None:
    """The body alone says what it is."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert post(exporter, signed(packet("push")), **headers).status == 200
    length = body_of(packet("push"))
    assert raw.answer(raw.send(exporter.public_port, raw.post(PATH, length))).status == 200


def test_a_body_in_chunks_is_taken(exporter: Daemon) -> None:
    """A body needs no length."""
    body = body_of(packet("push"))
    received = raw.send(exporter.public_port, raw.chunked(PATH, body[:10], body[10:]))
    assert raw.answer(received).json == {"code": 0}


@pytest.mark.parametrize("extra", [0, 1, 100_000])
def test_a_body_is_bounded(exporter: Daemon, extra: int) -> None:
    """A body of exactly the limit is read, a larger one refused, wherever its length is said."""
    body = body_of(packet("push")).ljust(BODY_LIMIT + extra)
    for sent in (raw.post(PATH, body), raw.chunked(PATH, body)):
        before = rejected(exporter)
        answer = raw.answer(raw.send(exporter.public_port, sent))
        if extra:
            assert_refused(exporter, answer, "too_large", before)
        else:
            assert answer.status == 200


def test_a_large_body_is_refused_before_it_is_sent(exporter: Daemon) -> None:
    """The announced length is enough to refuse."""
    head = raw.post(PATH, b"").replace(b"Length: 0", b"Length: 1000000000")
    assert raw.answer(raw.send(exporter.public_port, head)).json["reason"] == "too_large"


@pytest.mark.parametrize("host", ["127.0.0.1:{private}", "localhost", "", "[::1", "a b", "x:y"])
def test_metrics_are_not_public_whatever_the_host(exporter: Daemon, host: str) -> None:
    """The accepted socket decides on the listener; nothing that a client sends does."""
    host = host.format(private=exporter.private_port)
    for path in ("/metrics", "/-/ready", f"http://127.0.0.1:{exporter.private_port}/metrics"):
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {host}\r\n\r\n"
        answer = raw.answer(raw.send(exporter.public_port, head.encode()))
        assert answer.status in (400, 404)
        assert b"tencent_css" not in answer.body


def test_callbacks_are_not_taken_on_the_private_listener(exporter: Daemon) -> None:
    """A callback on the private listener is no callback."""
    body = body_of(packet("push"))
    assert request(exporter.private_port, "POST", PATH, body).status == 404


def test_health_is_public(exporter: Daemon) -> None:
    """A load balancer may ask."""
    assert request(exporter.public_port, "GET", "/-/healthy").body == b"healthy\n"


@pytest.mark.parametrize(
    ("name", "status"),
    [("relay_taskexit", 200), ("stream_monitor", 200), ("push", 403), ("quality_control", 403)],
)
def test_unsigned_events_are_taken_only_by_name(exporter: Daemon, name: str, status: int) -> None:
    """``accept_unsigned`` opens the door to the events that it names."""
    assert post(exporter, packet(name)).status == status
    # But a wrong signature is not better than none.
    assert exporter.post(packet(name), PATH, key="another").status == 403


def test_nothing_of_the_input_is_echoed(exporter: Daemon) -> None:
    """Neither a refusal's answer nor its headers hold a word of the packet."""
    fields = {"app": "echo.example", "event_time": "echo", "sequence": "echo"}
    answer = exporter.post(packet("push", **fields), f"{PATH}/echo?echo")
    assert answer.status == 400
    assert b"echo" not in answer.body
    assert "echo" not in str(answer.headers)
    assert KEY not in exporter.log.read_text()


def test_an_answer_to_head_has_no_body(exporter: Daemon) -> None:
    """A refused HEAD leaves nothing on a kept connection that the next answer would follow."""
    asked = f"HEAD {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", exporter.public_port), 20) as connection:
        connection.sendall(asked.encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 405 ")
    assert received.endswith(b"\r\n\r\n")
