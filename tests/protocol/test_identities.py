"""Identities tell redeliveries from other events; never ``t`` or ``sign``."""

import pytest
from support.packets import Packet, all_packets, packet, signed

from exporter.protocol import events

SAMPLES = all_packets()


@pytest.mark.parametrize("name", SAMPLES)
def test_identity_outlives_a_new_signature(name: str) -> None:
    """A redelivery with fresh ``t`` and ``sign``, its fields in another order, is recognised."""
    first = events.parse(signed(SAMPLES[name], t=1))
    again = events.parse(signed(dict(reversed(SAMPLES[name].items())), t=2))
    assert first.identity == again.identity == events.parse(SAMPLES[name]).identity
    assert len(first.identity) == 16


def test_identities_tell_events_apart() -> None:
    """No two samples share an identity."""
    identities = {events.parse(fields).identity for fields in SAMPLES.values()}
    assert len(identities) == len(SAMPLES)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("push", {"sequence": "2"}),
        ("push", {"appid": 8}),
        ("interruption", {"sequence": "2"}),
        ("recording", {"record_file_id": "2"}),
        ("recording", {"record_file_id": None, "file_id": "2"}),
        ("recording", {"record_file_id": None, "file_id": None, "video_url": "u2"}),
        ("recording_status", {"seq": "2"}),
        ("recording_exception", {"session_id": "2"}),
        ("recording_exception", {"timestamp": 1790000141}),
        ("recording_exception", {"exception": {"type": -8}}),
        ("screencapture", {"pic_full_url": "u2"}),
        ("screencapture", {"create_time": 1790000061}),
        ("porn_detection", {"img": "u2"}),
        ("porn_detection", {"streamId": "camera-8"}),
        ("audio_moderation", {"request_id": "2"}),
        ("audio_moderation", {"request_id": None, "seq": 2}),
        ("audio_moderation", {"request_id": None, "task_id": 2}),
        ("push_error", {"sequence": "2"}),
        ("push_error", {"data_time": 1790000074972}),
        ("relay_taskexit", {"msg": '{"code":-23}'}),
        ("relay_taskexit", {"callback_event": "TaskAlarm"}),
        ("relay_vodsourcefilestart", {"task_id": "2"}),
        ("relay_vodsourcefilestart", {"event_time": "1790000001"}),
        ("stream_monitor", {"event_name": "LowFps"}),
        ("stream_monitor", {"event_time": 1790000000124}),
        ("quality_control", {"class": "Mosaic"}),
        ("quality_threshold", {"event_time": 1790000001}),
        ("quality_average", {"stream_id": "camera-8"}),
        ("subtitles", {"task_id": "t-2"}),
        ("subtitles", {"data": {"subtitle_tmp_res": [{"start_pts": 1001}]}}),
        (
            "subtitles",
            {"data": {"subtitle_tmp_res": [{"start_pts": 1000, "steady_state": False}]}},
        ),
        ("smart_erase", {"task_id": "t-3"}),
        ("summary", {"begin_time": 1790000001}),
        ("highlight", {"items": [{"begin_time": 1790000001}]}),
    ],
)
def test_another_event_has_another_identity(name: str, fields: Packet) -> None:
    """Each field that tells events apart does so."""
    assert events.parse(packet(name, **fields)).identity != events.parse(packet(name)).identity


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("push", {"event_time": 1790000009, "set_id": 7}),
        ("interruption", {"event_time": 1790000009, "errcode": 12}),
        ("porn_detection", {"sendTime": 1790009999}),
        ("recording_status", {"event_time": "1790000130000"}),
        ("push_error", {"timeout": 6000}),
    ],
)
def test_a_redelivery_may_differ_in_other_fields(name: str, fields: Packet) -> None:
    """What a sender may write anew at each attempt is no part of the identity."""
    again = events.parse(packet(name, **fields))
    assert again.identity == events.parse(packet(name)).identity


def test_push_and_interruption_of_one_sequence_know_each_other() -> None:
    """A push names its interruption's identity, and the reverse."""
    push, interruption = (events.parse(SAMPLES[name]) for name in ("push", "interruption"))
    assert isinstance(push, events.Push)
    assert isinstance(interruption, events.Interruption)
    assert push.identity == interruption.push_identity
    assert interruption.identity == push.interruption_identity
