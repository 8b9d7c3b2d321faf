"""Every packet of the wire becomes the right event."""

import json
from typing import Any

import pytest
from support.packets import Packet, all_packets, packet

from exporter.protocol import events, vocabulary

SAMPLES = all_packets()

# Of each sample: class, (push_domain, app_name, stream_id), own time in milliseconds, details.
CAMERA = ("live.test.example", "stage", "camera-7")
SEQUENCE = {"sequence": "3310464508206700777", "origin": "mainland", "node": "192.0.2.1"}
EXPECTED: dict[str, tuple[type[events.Event], tuple[Any, ...], int | None, dict[str, Any]]] = {
    "push": (events.Push, CAMERA, 1790000000000, SEQUENCE | {"errmsg": "ok"}),
    "interruption": (
        events.Interruption,
        CAMERA,
        1790000128000,
        SEQUENCE
        | {
            "errmsg": "The push client actively stopped the push",
            "width": 1280,
            "height": 720,
            "errcode": 1,
            "cause": "client_stop",
            "description": "Push client stopped the push (RTMP deleteStream)",
            "push_duration_seconds": 128.581,
        },
    ),
    "recording": (
        events.Recording,
        CAMERA,
        1790000153000,
        {"file_format": "hls", "recorded_seconds": 154, "file_size_bytes": 277941079},
    ),
    "screencapture": (events.Screencapture, CAMERA, 1790000060000, {"file_size_bytes": 30670}),
    "porn_detection": (
        events.PornDetection,
        CAMERA,
        1790000060000,
        {"label": "Porn", "suggestion": "Block"},
    ),
    "audio_moderation": (
        events.AudioModeration,
        CAMERA,
        None,
        {"label": "Ad", "suggestion": "Block"},
    ),
    "push_error": (
        events.PushError,
        CAMERA,
        1790000074971,
        {"errors": "audio_frame_late:1,video_frame_late:2"},
    ),
    "recording_status": (
        events.RecordingStatus,
        CAMERA,
        1790000130000,
        {"status": "record_ended"},
    ),
    "recording_exception": (
        events.RecordingException,
        CAMERA,
        1790000140000,
        {"recording_exception": "video_ts_uneven", "exception_level": "info"},
    ),
    "relay_taskexit": (events.Relay, (None, None, None), None, {"relay_event": "TaskExit"}),
    "relay_vodsourcefilestart": (
        events.Relay,
        (None, None, "film-7"),
        1790000000000,
        {"relay_event": "VodSourceFileStart"},
    ),
    "stream_monitor": (
        events.StreamMonitor,
        (None, None, "camera-7"),
        1790000000123,
        {"class": "StreamBroken"},
    ),
    "subtitles": (events.Subtitles, (None, None, "camera-7"), None, {}),
    "quality_control": (events.QualityControl, CAMERA, 1790000000000, {"class": "Blur"}),
    "quality_threshold": (events.QualityThreshold, CAMERA, 1790000000000, {"class": "VMAF"}),
    "quality_average": (events.QualityAverage, CAMERA, 1790000060000, {"class": "VMAF"}),
    "smart_erase": (events.SmartErase, (None, None, "camera-7"), None, {}),
    "summary": (events.Summary, CAMERA, 1790000300000, {}),
    "highlight": (events.Highlight, CAMERA, None, {}),
}


def test_there_is_a_sample_of_every_event() -> None:
    """No event is without a sample, no sample without an expectation."""
    assert set(SAMPLES) == set(EXPECTED)
    assert {type(events.parse(fields)) for fields in SAMPLES.values()} == set(events.EVENTS)


def test_every_event_has_a_name_of_its_own() -> None:
    """No class shares its name or event_type with another, and none is called ``other``."""
    assert len(set(events.EVENT_NAMES)) == len(events.EVENT_NAMES) == len(events.EVENTS) + 1
    assert len({event.event_type for event in events.EVENTS}) == len(events.EVENTS)
    assert events.EVENT_NAMES[-1] == vocabulary.OTHER
    unsigned = [name for name in events.EVENT_NAMES if events.comes_unsigned(name)]
    assert unsigned == ["relay", "stream_monitor"]


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_becomes_its_event(name: str) -> None:
    """A sample packet becomes its class, with stream, time and details."""
    event = events.parse(SAMPLES[name])
    kind, stream, occurred_at_ms, details = EXPECTED[name]
    assert type(event) is kind
    assert event.stream == stream
    assert event.occurred_at_ms == occurred_at_ms
    assert event.details == details


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("push", {"event_type": "1", "event_time": "1790000000", "set_id": "2"}),
        ("push", {"event_time": 1790000000000}),
        ("push", {"event_time": "1790000000000"}),
        ("push", {"event_time": None, "update_time": 1790000000}),
        ("push", {"app": None, "domain": "live.test.example"}),
        ("push", {"app": "LIVE.Test.Example"}),
        ("push", {"appname": None, "path": "stage"}),
        ("push", {"stream_id": None, "streamId": "camera-7"}),
        ("push", {"sequence": 3310464508206700777}),
        ("push", {"set_id": 2.0}),
        ("interruption", {"event_type": "0"}),
        ("interruption", {"event_type": 0.0}),
        ("interruption", {"errcode": "1", "push_duration": 128581}),
        ("recording", {"file_size": "277941079", "duration": "154", "file_format": "HLS"}),
        ("recording", {"end_time": "1790000153", "callback_ext": None}),
        ("recording_status", {"event_type": "332", "record_detail": '{"broken'}),
        ("recording_exception", {"exception": '{"type":"-201"}'}),
        ("recording_exception", {"exception": {"type": "-201"}, "timestamp": "1790000140"}),
        ("recording_exception", {"exception_level": "INFO"}),
        ("screencapture", {"file_size": "30670", "create_time": 1790000060000}),
        ("porn_detection", {"streamId": None, "stream_id": "camera-7"}),
        ("porn_detection", {"label": None}),
        ("porn_detection", {"label": None, "type": "1"}),
        ("porn_detection", {"label": None, "type": 1}),
        ("audio_moderation", {"task_id": "36881", "data": None}),
        ("push_error", {"data_time": "1790000074971"}),
        (
            "push_error",
            {"abnormal_event": [{"type": "6", "count": "2"}, {"type": 7}, None, 5, {"count": 1}]},
        ),
        ("relay_vodsourcefilestart", {"event_time": 1790000000, "appid": None, "appId": 13}),
        ("relay_taskexit", {"source_urls": None}),
        ("stream_monitor", {"event_time": "1790000000123"}),
        ("quality_average", {"event_type": 344}),
        ("quality_average", {"frames": None}),
        ("subtitles", {"data": '{"subtitle_tmp_res": null}'}),
        ("smart_erase", {"data": None}),
        ("summary", {"key_words": None, "end_time": "1790000300"}),
        ("highlight", {"items": None}),
    ],
)
def test_dialects_of_the_wire_end_here(name: str, fields: Packet) -> None:
    """A tolerated spelling gives the same event as the sample."""
    packet_ = packet(name) | fields  # null stays null here
    event = events.parse(packet_)
    kind, stream, occurred_at_ms, details = EXPECTED[name]
    assert type(event) is kind
    assert event.stream == stream
    assert event.occurred_at_ms == occurred_at_ms
    assert event.details == details
    assert json.dumps(packet_)  # the case can come as JSON


@pytest.mark.parametrize("event_type", [329, 330, 411, -1, 2**40, "999"])
def test_an_unknown_event_type_is_an_event(event_type: Any) -> None:
    """An unknown type becomes ``other``; its identity is that of its whole body."""
    one = events.parse({"event_type": event_type, "x": 1})
    assert one.name == vocabulary.OTHER
    assert one.identity == events.parse({"x": 1, "event_type": event_type, "t": 5}).identity
    assert one.identity != events.parse({"event_type": event_type, "x": 2}).identity
