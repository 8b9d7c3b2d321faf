"""Whatever is sent, signed or not: an answer from the table, bounded labels, no secret shown.

In one process: the real application on a real ledger, so that thousands can be tried.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs
from support.expositions import openmetrics_samples, samples
from support.hostile import SECRET, objects, packets, values
from support.packets import KEY, Packet, body_of, packet, signed
from support.settings import default
from werkzeug.test import Client

from exporter.daemon import logs
from exporter.ledger import Limits, open_ledger
from exporter.metrics import catalogue
from exporter.protocol.refusals import STATUS
from exporter.protocol.signature import Keyring
from exporter.web import private as exposition
from exporter.web import public
from exporter.web.private import View
from exporter.web.receiver import Policy, Receiver

MAX_SOURCES = 5
ANSWERS = {(200, None), *((status, reason) for reason, status in STATUS.items())}


class Exporter(NamedTuple):
    """Both applications on one ledger."""

    public: Client
    private: FlaskClient

    def post(self, body: bytes) -> tuple[int, str | None]:
        """Send a body and return status and reason; nothing secret may have been logged."""
        with capture_logs() as lines:
            answer = self.public.post("/callback", data=body)
        assert SECRET not in str(lines)
        assert SECRET not in answer.text
        if answer.status_code == 200:
            assert answer.json == {"code": 0}
        return answer.status_code, (answer.json or {}).get("reason")


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Return what all examples of this module are sent to."""
    path = tmp_path_factory.mktemp("hostile") / "ledger.sqlite"
    ledger = open_ledger(f"sqlite:///{path}", default(Limits, max_sources=MAX_SOURCES))
    policy = default(Policy, accept_unsigned=("relay",), max_body_bytes=65536)
    receiver = Receiver(ledger, Keyring((KEY.encode(),)), policy, logs.write)
    application = Client(public.create_app(receiver))
    view = default(View, callback_keys=1)
    yield Exporter(application, exposition.create_app(ledger, view).test_client())
    ledger.close()


@settings(max_examples=250, deadline=None)
@given(packets())
@example(packet("push", event_time=2**53, sequence="\ufffd" * 500))
@example(packet("interruption", push_duration=2**46, errcode=-(2**53)))
@example(packet("recording", file_size=2**46, duration=2**46))
@example(packet("push_error", abnormal_event=[{"type": 6, "count": 2**32}] * 50))
@example(packet("push_error", abnormal_event={"type": 1}))
@example(packet("quality_threshold", average_score=[]))
def test_a_signed_packet_has_an_answer(exporter: Exporter, hostile: Packet) -> None:
    """A properly signed packet with any contents is taken or refused, never an error."""
    answer = exporter.post(body_of(hostile))
    assert answer in ANSWERS
    assert answer[0] in (200, 400)


@settings(max_examples=150, deadline=None)
@given(st.one_of(objects, objects.map(signed), values))
def test_any_json_has_an_answer(exporter: Exporter, body: Any) -> None:
    """Any JSON value, an object with or without signature or none at all, has an answer."""
    assert exporter.post(json.dumps(body).encode()) in ANSWERS


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=100), st.text(max_size=100).map(str.encode)))
@example(b"\xef\xbb\xbf{}")
@example(b'{"event_type":1' + b"0" * 5000 + b"}")
@example(b'{"a":' * 5000)
@example(b'{"event_type":1,"event_type":2}')
def test_any_bytes_have_an_answer(exporter: Exporter, body: bytes) -> None:
    """Bytes that are no JSON are refused as such."""
    assert exporter.post(body) in ANSWERS


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", "X"]),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.text(max_size=20),
    st.dictionaries(
        st.sampled_from(["Accept", "Host", "Cookie", "Range", "Content-Type", "Authorization"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
    ),
)
@example("GET", "/::", "", {})
@example("GET", "/[", "", {})
@example("POST", "/host/callback", "", {})
def test_any_request_has_an_answer(
    exporter: Exporter, method: str, path: str, query: str, headers: dict[str, str]
) -> None:
    """Any method, path, query and header is answered without an error, on both listeners."""
    with capture_logs():
        for client in (exporter.public, exporter.private):
            for prefix in ("/", "/callback/", "/metrics", "/-/"):
                answer = client.open(
                    method=method,
                    environ_overrides=_asking_for(prefix + path),
                    query_string={"collect[]": query, "x": path},
                    headers=headers,
                )
                assert answer.status_code < 500


def _asking_for(path: str) -> dict[str, str]:
    """Return what a server says of a path, in which the client would look for a host."""
    raw = quote(path)
    # As WSGI has it: bytes, each a character.
    return {"PATH_INFO": path.encode().decode("latin-1"), "RAW_URI": raw, "REQUEST_URI": raw}


def test_what_was_sent_left_bounded_labels(exporter: Exporter) -> None:
    """After all that, sources are within the limit, every label is of its closed set."""
    for number in range(50):
        body = signed(packet("push", app=f"d{number}.example", sequence=f"s{number}"))
        assert exporter.post(json.dumps(body).encode()) == (200, None)
    sources = set()
    text = exporter.private.get("/metrics?collect[]=ledger").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            own = dict(sample.labels)
            if "push_domain" in own:
                sources.add((own.pop("push_domain"), own.pop("app_name")))
            own.pop("le", None)
            name = sample.name
            declared = catalogue.BY_NAME.get(name) or catalogue.BY_NAME.get(name.rsplit("_", 1)[0])
            assert declared
            for label, value in own.items():
                assert value in declared.labels[label]
            assert sample.value >= 0
    assert len(sources - {("other", "other"), ("unknown", "unknown")}) <= MAX_SOURCES
    assert ("other", "other") in sources


def test_what_was_sent_left_a_readable_exposition(exporter: Exporter) -> None:
    """Both formats still parse, hold the same series, and no secret."""
    text = exporter.private.get("/metrics?collect[]=ledger").text
    header = {"Accept": "application/openmetrics-text; version=1.0.0"}
    exposed = exporter.private.get("/metrics?collect[]=ledger", headers=header).text
    own = "tencent_css_exporter_scrape"
    first, second = (
        {series for series in found if not series.startswith(own)}
        for found in (samples(text), openmetrics_samples(exposed))
    )
    assert first == second
    assert SECRET not in text + exposed
    assert KEY not in text + exposed
