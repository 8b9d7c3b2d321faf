"""Callbacks of pushes, recordings, captures and moderation.

Pure.  ``now`` is the sender's Unix time; ``serial`` a number that no other packet has.
"""

import json
from random import Random

from exporter.metrics import catalogue
from exporter.sending.requests import Packet
from exporter.simulator import weights
from exporter.simulator.callback import Callback, PushBegun
from exporter.simulator.hosts import Host, Push
from exporter.simulator.samples import add, observe

_USER_IP = "198.51.100.23"


def push(host: Host, begun: Push) -> Callback:
    """Return the callback of a push that began."""
    packet = _of_push(host, begun, 1, begun.began_at) | {"errcode": 0, "errmsg": "ok"}
    return Callback(
        "push",
        packet | {"width": 0, "height": 0},
        (add(catalogue.PUSHES, **host.labels, origin=host.source.origin),),
        begins=PushBegun(begun.sequence, host.stream, host.source.origin, begun.began_at),
    )


def interruption(
    host: Host, ended: Push, errcode: weights.SentErrcode, milliseconds: int, now: int
) -> Callback:
    """Return the callback of a push that ended after so long."""
    origin = host.source.origin
    packet = _of_push(host, ended, 0, now) | {
        "push_duration": str(milliseconds),
        "errcode": errcode.number,
        "errmsg": errcode.errmsg,
        "width": 1280,
        "height": 720,
    }
    counted = add(
        catalogue.INTERRUPTIONS,
        **host.labels,
        origin=origin,
        errcode=errcode.errcode,
        cause=errcode.cause,
    )
    lasted = observe(catalogue.PUSH_DURATION, milliseconds, **host.labels, origin=origin)
    return Callback("interruption", packet, (counted, *lasted), ends=ended.sequence)


def push_error(host: Host, running: Push, chance: Random, now: int) -> Callback:
    """Return a report of the faults of a running push."""
    faults: dict[int, str] = dict(
        weights.draw(chance, weights.PUSH_ERRORS) for _ in range(chance.randint(1, 3))
    )
    counts = {number: chance.randint(1, 5) for number in faults}
    at = now * 1000 + chance.randrange(1000)
    packet = host.named("domain", "path") | {
        "interface": "general_callback",
        "event_type": 321,
        "stream_param": _param(host),
        "sequence": running.sequence,
        "user_ip": _USER_IP,
        "data_time": at,
        "report_interval": 5000,
        "timeout": 5000,
        "abnormal_event": [
            {
                "type": number,
                "count": count,
                "type_desc_en": "interval bigger than 1000(ms)",
                "type_desc_cn": "",
                "detail": [{"desc": "too late", "occur_time": at - 1000}],
            }
            for number, count in counts.items()
        ],
    }
    return Callback(
        "push_error",
        packet,
        tuple(
            add(catalogue.PUSH_ERRORS, counts[number], **host.labels, error=error)
            for number, error in faults.items()
        ),
    )


def recording(
    host: Host, running: Push, seconds: int, chance: Random, now: int, serial: int
) -> Callback:
    """Return the callback of a file that is ready; ``host`` is recorded."""
    assert host.recorded_as  # noqa: S101 - the caller looked
    spelt, file_format = host.recorded_as
    size = seconds * chance.randint(60_000, 400_000) + chance.randrange(1000)
    packet = host.named("app", "appname") | {
        "event_type": 100,
        "channel_id": host.stream_id,
        "file_id": str(serial),
        "record_file_id": str(serial),
        "record_temp_id": "4711",
        "file_format": spelt,
        "start_time": now - seconds,
        "end_time": now,
        "duration": seconds,
        "file_size": str(size) if chance.random() < 0.1 else size,  # documents differ
        "stream_param": _param(host),
        "video_url": f"http://vod.example.com/{serial}/file.{spelt}",
        "callback_ext": json.dumps({"video_codec": "h264", "session_id": running.recording}),
    }
    labels = host.labels | {"file_format": file_format}
    return Callback(
        "recording",
        packet,
        (
            add(catalogue.RECORDINGS, **labels),
            add(catalogue.RECORDED_SECONDS, seconds, **labels),
            add(catalogue.RECORDED_BYTES, size, **labels),
        ),
    )


def recording_status(host: Host, running: Push, status: str, now: int, serial: int) -> Callback:
    """Return the callback of a recording that changed its state."""
    packet = host.named("domain", "appname") | {
        "event_type": 332,
        "event_time": now,
        "record_event": status,
        "record_detail": '{"file_format":2,"record_bps":0,"start_model":1}',
        "session_id": running.recording,
        "seq": str(serial),
    }
    counted = add(catalogue.RECORDING_STATUS, **host.labels, status=status)
    return Callback("recording_status", packet, (counted,))


def screencapture(host: Host, chance: Random, now: int, serial: int) -> Callback:
    """Return the callback of a picture that was taken."""
    size = chance.randint(20_000, 90_000)
    path = f"/{host.stream_id}/{serial}-1280x720.jpg"
    packet = host.named("app", "appname") | {
        "event_type": 200,
        "channel_id": host.stream_id,
        "create_time": now,
        "file_size": size,
        "width": 1280,
        "height": 720,
        "pic_url": path,
        "pic_full_url": f"http://bucket.cos.example.com{path}",
        "stream_param": _param(host),
    }
    del packet["appid"]  # this one has none
    return Callback(
        "screencapture",
        packet,
        (
            add(catalogue.SCREENCAPTURES, **host.labels),
            add(catalogue.SCREENCAPTURE_BYTES, size, **host.labels),
        ),
    )


def porn_detection(host: Host, chance: Random, now: int, serial: int) -> Callback:
    """Return the callback of a suspicious picture, now and then in the older dialect."""
    label, sub_label, suggestion, number = weights.draw(chance, weights.IMAGE_FINDINGS)
    packet = host.named("app", "appname")
    packet["streamId"] = packet.pop("stream_id")
    packet |= {
        "event_type": 317,
        "channelId": host.stream_id,
        "stream_param": _param(host),
        "img": f"http://img.example.com/{host.stream_id}/{serial}.jpg",
        "type": [number],
        "score": [chance.randint(60, 100)],
        "ocrMsg": "",
        "labelResults": None,
        "screenshotTime": now - 2,
        "sendTime": now,
    }
    if chance.random() < 0.9:
        packet |= {"label": label, "subLabel": sub_label, "suggestion": suggestion}
    else:
        suggestion = "other"  # older packets say none
    counted = add(catalogue.PORN_DETECTIONS, **host.labels, label=label, suggestion=suggestion)
    return Callback("porn_detection", packet, (counted,))


def audio_moderation(host: Host, chance: Random, serial: int) -> Callback:
    """Return the callback of suspicious sound."""
    label, suggestion = weights.draw(chance, weights.AUDIO_FINDINGS)
    packet = host.named("domain", "path") | {
        "interface": "general_callback",
        "event_type": 315,
        "channel_id": host.stream_id,
        "HitFlag": 1,
        "Score": chance.randint(60, 100),
        "label": label,
        "sub_label": "",
        "suggestion": suggestion,
        "status": 2,
        "task_id": 36881,
        "seq": serial % 2**31,
        "request_id": f"sim-{serial}",
        "duration": 10,
        "asr_text": "made-up words",
        "text_results": None,
    }
    counted = add(catalogue.AUDIO_MODERATIONS, **host.labels, label=label, suggestion=suggestion)
    return Callback("audio_moderation", packet, (counted,), timed=False)


def _of_push(host: Host, one: Push, event_type: int, now: int) -> Packet:
    packet = host.named("app", "appname") | {
        "event_type": event_type,
        "channel_id": host.stream_id,
        "event_time": now,
        "sequence": one.sequence,
        "node": "203.0.113.7",
        "user_ip": _USER_IP,
        "stream_param": _param(host),
        "idc_id": 34,
    }
    return packet if host.set_id is None else packet | {"set_id": host.set_id}


def _param(host: Host) -> str:
    return f"txSecret={host.stream_id.encode().hex():0>32.32}&txTime=69560000"
