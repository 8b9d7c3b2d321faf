"""Callbacks of recordings, captures and moderation.

Pure.  ``now`` is the sender's Unix time; ``serial`` a number that no other packet has.
"""

import json
from random import Random

from exporter.metrics import catalogue
from exporter.simulator import weights
from exporter.simulator.callback import Callback
from exporter.simulator.hosts import Host, RunningPush
from exporter.simulator.push_packets import stream_param
from exporter.simulator.samples import add


def recording(
    host: Host, running: RunningPush, seconds: int, chance: Random, now: int, serial: int
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
        "stream_param": stream_param(host),
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


def recording_status(
    host: Host, running: RunningPush, status: str, now: int, serial: int
) -> Callback:
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
        "stream_param": stream_param(host),
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
        "stream_param": stream_param(host),
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
