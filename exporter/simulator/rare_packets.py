"""Callbacks of the rarer events: abnormal recordings, quality, texts, relays, the unknown.

Pure; see ``packets``.  A maker returns None where its callback would look like a
redelivery of the former one.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from exporter.metrics import catalogue
from exporter.sending.requests import UnsignedPacket
from exporter.simulator import weights
from exporter.simulator.callback import Callback
from exporter.simulator.hosts import APPID, Host
from exporter.simulator.samples import add

_Maker = Callable[[Host, Random, int, int], Callback | None]


def recording_exception(host: Host, chance: Random, now: int, serial: int) -> Callback:
    """Return the report of an abnormal recording."""
    number, exception, level = weights.draw(chance, weights.RECORDING_EXCEPTIONS)
    packet = host.named("domain", "path") | {
        "interface": "general_callback",
        "event_type": 341,
        "session_id": str(serial),
        "file_format": "ts",
        "timestamp": now,
        "exception_level": level,
        "exception": {"type": number, "desc": "made up", "occurs": chance.randint(1, 9)},
    }
    counted = add(catalogue.RECORDING_EXCEPTIONS, **host.labels, exception=exception, level=level)
    return Callback("recording_exception", packet, (counted,))


def quality_control(host: Host, chance: Random, now: int, _serial: int) -> Callback | None:
    """Return a fault of format or content."""
    word = weights.draw(chance, weights.QUALITY_FAULTS)
    score = {"score": round(chance.uniform(10, 60), 2), "function": "QualityControl"}
    return _quality("quality_control", 343, host, word, now, score)


def quality_threshold(host: Host, chance: Random, now: int, _serial: int) -> Callback | None:
    """Return a score that crossed its threshold."""
    word = weights.draw(chance, weights.ASSESSMENTS)
    return _quality("quality_threshold", 344, host, word, now, _frames(chance, now))


def quality_average(host: Host, chance: Random, now: int, _serial: int) -> Callback | None:
    """Return an average score; half of them have event_type 344, as in the document's sample."""
    word = weights.draw(chance, weights.ASSESSMENTS)
    scores = _frames(chance, now) | {"average_score": 66.5, "max_score": 93.1, "min_score": 40.2}
    return _quality("quality_average", chance.choice((344, 345)), host, word, now, scores)


def stream_monitor(host: Host, chance: Random, now: int, _serial: int) -> Callback | None:
    """Return what a monitor saw; it names no push domain."""
    word, quality_class = weights.draw(chance, weights.MONITOR_FINDINGS)
    if not host.first_in_second(f"monitor {word}", now):
        return None
    packet: UnsignedPacket = {
        "interface": "general_callback",
        "event_type": 328,
        "appid": APPID,
        "bizid": 1000,
        "event_name": word,
        "event_time": now * 1000 + 123,
        "event_msg": "made up",
        "stream_id": host.stream_id,
    }
    labels = {"push_domain": "unknown", "app_name": "unknown", "class": quality_class}
    counted = add(catalogue.QUALITY_EVENTS, **labels, event="stream_monitor")
    return Callback("stream_monitor", packet, (counted,))


def relay(host: Host, chance: Random, now: int, serial: int) -> Callback:
    """Return an event of a relay task; its time is sent as text."""
    event = weights.draw(chance, weights.RELAY_EVENTS)
    packet: UnsignedPacket = {
        "interface": "general_callback",
        "event_type": 314,
        "appid": APPID,
        "callback_event": event,
        "product_name": "pullpush",
        "source_urls": '["http://src.example.com/a.m3u8"]\n',
        "to_url": f"rtmp://{host.source.push_domain}/{host.source.app_name}/{host.stream_id}",
        "stream_id": host.stream_id,
        "task_id": str(serial),
        "event_time": str(now),
        "msg": json.dumps({"task_start_time": now * 1000}),
    }
    counted = add(catalogue.RELAY_EVENTS, relay_event=event)
    return Callback("relay", packet, (counted,))


def subtitles(host: Host, _chance: Random, now: int, serial: int) -> Callback:
    """Return a piece of subtitle text."""
    item = _text(now, serial) | {"dst_txt": "erfunden", "steady_state": True}
    return Callback("subtitles", _texts(host, 338, serial, item), timed=False)


def smart_erase(host: Host, _chance: Random, now: int, serial: int) -> Callback:
    """Return a piece of text with its words marked."""
    words = [{"word": "made", "begin_time": 1000, "end_time": 1500}]
    item = _text(now, serial) | {"keywords_info": words}
    return Callback("smart_erase", _texts(host, 347, serial, item), timed=False)


def summary(host: Host, _chance: Random, now: int, _serial: int) -> Callback | None:
    """Return a summary of the last five minutes."""
    if not host.first_in_second("summary", now):
        return None
    packet = host.named("domain", "path") | {
        "event_type": 348,
        "begin_time": now - 300,
        "end_time": now,
        "title": "made up",
        "summary": "made up",
        "key_words": ["made up"],
        "key_points": [],
    }
    return Callback("summary", packet)


def highlight(host: Host, _chance: Random, now: int, _serial: int) -> Callback | None:
    """Return a highlight."""
    if not host.first_in_second("highlight", now):
        return None
    item = {"begin_time": now - 30, "end_time": now, "title": "made up", "key_words": []}
    packet = host.named("domain", "path") | {"event_type": 349, "items": [item]}
    return Callback("highlight", packet, timed=False)


def undocumented(host: Host, _chance: Random, now: int, serial: int) -> Callback:
    """Return an event that no document knows."""
    packet = host.named("domain", "path") | {
        "event_type": 411,
        "event_time": now,
        "serial": serial,
    }
    return Callback("other", packet, timed=False)


MAKERS: Final[Sequence[tuple[int, _Maker]]] = (
    (20, recording_exception),
    (15, quality_control),
    (8, quality_threshold),
    (8, quality_average),
    (10, stream_monitor),
    (10, relay),
    (8, subtitles),
    (6, smart_erase),
    (6, summary),
    (5, highlight),
    (2, undocumented),
)


def _quality(
    event: str, event_type: int, host: Host, word: str, now: int, more: UnsignedPacket
) -> Callback | None:
    if not host.first_in_second(f"{event} {word}", now):
        return None
    packet = host.named("domain", "appname") | {
        "event_type": event_type,
        "event_time": now,
        "transcode_template_id": 123456,
        "watermark_template_id": 0,
        "class": word,
    }
    labels = host.labels | {"event": event, "class": word}
    return Callback(event, packet | more, (add(catalogue.QUALITY_EVENTS, **labels),))


def _frames(chance: Random, now: int) -> UnsignedPacket:
    frames = [{"score": round(chance.uniform(30, 95), 1), "time": now * 1000}]
    return {"function": "Assessment", "frames": frames}


def _text(now: int, serial: int) -> UnsignedPacket:
    return {
        "src_txt": "made up",
        "start_pts": serial % 2**50,
        "end_pts": serial % 2**50 + 1000,
        "start_unix_time": now - 1,
        "end_unix_time": now,
    }


def _texts(host: Host, event_type: int, serial: int, item: UnsignedPacket) -> UnsignedPacket:
    return {
        "event_type": event_type,
        "appid": APPID,
        "stream_id": host.stream_id,
        "channel_id": host.stream_id,
        "task_id": f"task-{serial % 7}",
        "data": {"subtitle_tmp_res": [item]},
    }
