"""What events make of their fields: required ones are asked for, all are bounded."""

from typing import Any

import pytest
from support.packets import EMPTY, Packet, packet

from exporter.protocol import events
from exporter.protocol.events import wire
from exporter.protocol.refusals import Refusal


def reason(fields: Packet) -> tuple[str, str]:
    """Return the reason and detail for which a packet is refused."""
    with pytest.raises(Refusal) as raised:
        events.parse(fields)
    return raised.value.reason, raised.value.detail


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"event_type": None}, ("missing_field", "event_type")),
        *[
            ({"event_type": wrong}, ("bad_field", "event_type"))
            for wrong in ("", "push", 1.5, True, False, *EMPTY, "\N{ARABIC-INDIC DIGIT ONE}")
        ],
        *[
            ({field: None}, ("missing_field", field))
            for field in ("app", "appname", "stream_id", "sequence", "event_time")
        ],
        *[
            ({field: wrong}, ("bad_field", field))
            for field in ("app", "appname", "stream_id", "sequence")
            for wrong in ("", "a\nb", "a\x00", "\x1b[31m", "x" * 513, *EMPTY, True)
        ],
        *[
            ({"event_time": wrong}, ("bad_field", "event_time"))
            for wrong in (
                *("", "soon", "inf", "nan", "9" * 5000, True, *EMPTY),
                *(-1, -1e308, "-1e308", 1e308, 2**64),
            )
        ],
    ],
)
def test_a_required_field_is_refused_by_name(fields: Packet, expected: tuple[str, str]) -> None:
    """Of a push every field that counting needs must be usable; the refusal names it only."""
    assert reason(packet("push", **fields)) == expected


@pytest.mark.parametrize(
    ("name", "field", "missing"),
    [
        ("interruption", "errcode", "missing_field"),
        ("recording_status", "record_event", "missing_field"),
        ("recording_exception", "exception", "missing_field"),
        ("relay_taskexit", "callback_event", "missing_field"),
        ("stream_monitor", "event_name", "missing_field"),
        ("quality_control", "class", "missing_field"),
    ],
)
def test_what_a_count_depends_on_is_required(name: str, field: str, missing: str) -> None:
    """An event without its own label is refused, not counted as something else."""
    assert reason(packet(name, **{field: None})) == (missing, field)


@pytest.mark.parametrize(
    ("given", "milliseconds"),
    [
        (1790000000, 1790000000000),
        (1790000000.0004, 1790000000000),
        (1790000000.1236, 1790000000124),
        ("1790000000.123", 1790000000123),
        (1790000000123, 1790000000123),
        (1790000000123.4, 1790000000123),
        ("1790000000123", 1790000000123),
        (10**11, 10**14),
        (10**11 + 1, 10**11 + 1),
        (0, 0),
    ],
)
def test_times_are_whole_milliseconds(given: Any, milliseconds: int) -> None:
    """Whatever a time comes as, whole milliseconds are what becomes of it."""
    found = events.parse(packet("push", event_time=given)).occurred_at_ms
    assert found == milliseconds
    assert type(found) is int


def test_a_push_that_failed_says_why() -> None:
    """A push with an errcode is distinguished, with the code's meaning, and is abnormal."""
    began = events.parse(packet("push"))
    failed = events.parse(packet("push", errcode="19", errmsg="3rdparty auth failed"))
    assert isinstance(failed, events.Push)
    assert failed.failure is not None
    assert failed.failure.cause == "rejected"
    assert failed.abnormal
    assert failed.details == began.details | {
        "errmsg": "3rdparty auth failed",
        "push_failed": True,
        "errcode": 19,
        "cause": "rejected",
        "description": "Push rejected by third-party authentication",
    }


@pytest.mark.parametrize("errcode", [0, "0", None, "none", [], 2.5])
def test_a_push_without_an_errcode_began(errcode: Any) -> None:
    """Only a number that is not 0 makes a failure of a push."""
    push = events.parse(packet("push") | {"errcode": errcode})
    assert isinstance(push, events.Push)
    assert push.failure is None
    assert not push.abnormal
    assert "push_failed" not in push.details


@pytest.mark.parametrize(
    ("errmsg", "shown"),
    [
        ("recv rtmp deleteStream", "recv rtmp deleteStream"),
        ("a\nb\x1b[31m\u202e", "a\ufffdb\ufffd[31m\ufffd"),
        ("x" * 5000, "x" * 127 + "…"),
        ("no rtmp://u:p@d/a/s?txSecret=1&txTime=2 here", "no … here"),
        ("TXSECRET=1 is wrong", "… is wrong"),
        ("?" * 200, "…"),
        *((nothing, None) for nothing in ("", None, 5, *EMPTY)),
    ],
)
def test_what_the_platform_says_is_fit_to_be_shown(errmsg: Any, shown: str | None) -> None:
    """The text of errmsg is bounded and printable, and no secret of a push URL is in it."""
    assert events.parse(packet("push") | {"errmsg": errmsg}).details.get("errmsg") == shown


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        *((none, None) for none in ("http://192.0.2.1", "a" * 46, "x\n", "", None, 5, *EMPTY)),
    ],
)
def test_a_node_is_shown_by_its_address(node: Any, shown: str | None) -> None:
    """What is no address of a node is not shown."""
    assert events.parse(packet("push") | {"node": node}).details.get("node") == shown


@pytest.mark.parametrize("size", [0, -1, 2**16 + 1, "x", None, True, 1.5])
def test_a_picture_without_a_size_has_none(size: Any) -> None:
    """Width and height are said only where there is a picture."""
    assert "width" not in events.parse(packet("push") | {"width": size}).details
    assert events.parse(packet("push") | {"width": "1920"}).details["width"] == 1920


@pytest.mark.parametrize(
    ("name", "field", "most", "detail"),
    [
        ("interruption", "push_duration", wire.MOST_PUSH_MILLISECONDS, "push_duration_seconds"),
        ("recording", "duration", wire.MOST_RECORDED_SECONDS, "recorded_seconds"),
        ("recording", "file_size", wire.MOST_FILE_BYTES, "file_size_bytes"),
        ("screencapture", "file_size", wire.MOST_PICTURE_BYTES, "file_size_bytes"),
    ],
)
def test_one_packet_adds_no_more_than_can_be(
    name: str, field: str, most: int, detail: str
) -> None:
    """A size or duration that no stream can have counts as absent."""
    assert events.parse(packet(name, **{field: most})).details[detail]
    assert events.parse(packet(name, **{field: most + 1})).details[detail] is None


@pytest.mark.parametrize(
    "items",
    [
        [{"type": 6, "count": 2**53}],
        [{"type": 6, "count": "99999"}] * 5,
        [{"type": 6}] * (wire.MOST_FAULTS + 7),
    ],
)
def test_one_packet_reports_no_more_faults_than_can_be(items: list[dict[str, Any]]) -> None:
    """However a packet says it, of one fault it adds at most what an interval has room for."""
    event = events.parse(packet("push_error", abnormal_event=items))
    assert isinstance(event, events.PushError)
    assert event.counts == {"video_frame_late": wire.MOST_FAULTS}
