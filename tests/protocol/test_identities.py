"""Redeliveries have the identity of the first delivery; ``t`` and ``sign`` are no part of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.packets import Packet, all_packets, packet, signed

from exporter.metrics.entries import entry_for
from exporter.protocol import events

SAMPLES = all_packets()


def identity(fields: Packet) -> bytes:
    return events.parse(fields).identity


@pytest.mark.parametrize("name", SAMPLES)
def test_identity_outlives_a_new_signature(name: str) -> None:
    """A redelivery with fresh ``t`` and ``sign``, its fields in another order, is recognised."""
    first = events.parse(signed(SAMPLES[name], t=1))
    again = events.parse(signed(dict(reversed(SAMPLES[name].items())), t=2))
    assert first.identity == again.identity == events.parse(SAMPLES[name]).identity
    assert len(first.identity) == 16


def test_different_events_have_different_identities() -> None:
    """No two samples share an identity."""
    identities = {events.parse(fields).identity for fields in SAMPLES.values()}
    assert len(identities) == len(SAMPLES)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("push", {"sequence": "2"}),
        ("push", {"appid": 8}),
        ("push", {"errcode": 19}),
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
        ("recording_exception", {"file_format": "mp4"}),
        ("quality_control", {"class": "Mosaic"}),
        ("quality_threshold", {"event_time": 1790000001}),
        ("quality_average", {"stream_id": "camera-8"}),
        *(
            (name, {"transcode_template_id": 654321})
            for name in ("quality_control", "quality_threshold", "quality_average")
        ),
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
    """Each field in which events differ changes the identity."""
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


NAMES_A_DOMAIN = sorted(
    name for name, fields in SAMPLES.items() if events.parse(fields).push_domain
)


@pytest.mark.parametrize("name", NAMES_A_DOMAIN)
def test_no_packet_has_the_identity_of_another_domain(name: str) -> None:
    """A sender of one push domain cannot make an event that is another domain's."""
    field = "app" if "app" in SAMPLES[name] else "domain"
    theirs = packet(name, **{field: "other.example"})
    assert identity(theirs) != identity(SAMPLES[name])
    assert identity(packet(name, **{field: "LIVE.Test.Example"})) == identity(SAMPLES[name])


def test_an_interruption_closes_no_push_of_another_domain() -> None:
    """Neither does an interruption close, nor keep closed, a push of another domain."""
    ours, theirs = (
        entry_for(events.parse(SAMPLES["push"])),
        packet("interruption", app="b.example"),
    )
    interruption = entry_for(events.parse(theirs))
    assert ours.report is not None
    assert interruption.report is not None
    assert interruption.report.push != ours.identity
    assert interruption.identity != ours.report.interruption


def test_a_push_that_failed_opens_nothing_and_takes_nobodys_identity() -> None:
    """A failure is its own event: the push of its sequence may begin before or after it."""
    failed = entry_for(events.parse(packet("push", errcode=19)))
    assert failed.report is None
    assert failed.identity != identity(SAMPLES["push"])
    assert failed.identity != identity(packet("push", errcode=18))
    assert failed.identity == identity(packet("push", errcode="19", event_time=1790000009))


# Samples whose identity is that of their whole body, since what their keys are made of is missing.
WITHOUT_A_KEY: dict[str, Packet] = {
    "a relay without a time": SAMPLES["relay_taskexit"],
    "a relay without a task": packet("relay_vodsourcefilestart", task_id=None),
    "a picture without a stream": packet("porn_detection", streamId=None),
    "a picture without a URL": packet("porn_detection", img=None),
    "quality without a template": packet("quality_control", transcode_template_id=None),
    "quality without a time": packet("quality_threshold", event_time=None),
    "an average without a template": packet("quality_average", transcode_template_id=None),
    "an exception without a format": packet("recording_exception", file_format=None),
    "no known event": {"event_type": 999, "domain": "live.test.example", "x": {"y": [1, 2]}},
}
SCALARS = st.none() | st.booleans() | st.integers(0, 10**6) | st.text(max_size=8)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=4), SCALARS)


def shuffled(draw: st.DrawFn, value: Any) -> Any:
    """Return JSON with the fields of each object in another order."""
    if isinstance(value, list):
        return [shuffled(draw, item) for item in value]
    if not isinstance(value, dict):
        return value
    return {field: shuffled(draw, value[field]) for field in draw(st.permutations(list(value)))}


@pytest.mark.parametrize("case", WITHOUT_A_KEY)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_redelivery_is_known_by_its_body(case: str, data: st.DataObject) -> None:
    """Another t, sign, sendTime and order of fields is the same event; anything else another."""
    sample = WITHOUT_A_KEY[case] | {"extra": data.draw(VALUES)}
    anew = {field: data.draw(VALUES) for field in ("t", "sign", "sendTime")}
    again = data.draw(st.composite(shuffled)(sample | anew))
    assert identity(again) == identity(sample)
    other = data.draw(VALUES.filter(lambda value: value != sample["extra"]))
    assert identity(again | {"extra": other}) != identity(sample)


TEMPLATED = ("quality_control", "quality_threshold", "quality_average")
KEYS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    **{
        name: {
            "transcode_template_id": st.integers(0, 5),
            "class": st.sampled_from(("VMAF", "PSNR")),
            "event_time": st.integers(1790000000, 1790000003),
            "stream_id": st.sampled_from(("camera-7", "camera-8")),
        }
        for name in TEMPLATED
    },
    "recording_exception": {
        "file_format": st.sampled_from(("flv", "ts", "mp4")),
        "session_id": st.sampled_from(("1", "2")),
        "timestamp": st.integers(1790000000, 1790000003),
    },
    "relay_vodsourcefilestart": {
        "event_time": st.integers(1790000000, 1790000003).map(str),
        "task_id": st.sampled_from(("1", "2")),
        "msg": st.sampled_from(('{"index":0}', '{"index":1}')),
    },
    "porn_detection": {
        "streamId": st.sampled_from(("camera-7", "camera-8")),
        "img": st.sampled_from(("u1", "u2")),
    },
}


@pytest.mark.parametrize("name", KEYS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_key_differs_where_its_fields_do(name: str, data: st.DataObject) -> None:
    """Two packets are one event if and only if every field of the key is the same."""
    fields = st.fixed_dictionaries(KEYS[name])
    one, other = data.draw(fields), data.draw(fields)
    delivered = {"t": data.draw(VALUES), "sign": data.draw(VALUES), "sendTime": data.draw(VALUES)}
    again = data.draw(st.composite(shuffled)(SAMPLES[name] | other | delivered))
    assert (identity(SAMPLES[name] | one) == identity(again)) is (one == other)
