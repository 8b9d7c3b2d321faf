"""Callbacks of pushes: begun, failed, ended, with errors.

Pure.
"""

from random import Random
from typing import Final

from exporter.metrics import catalogue
from exporter.sending.requests import UnsignedPacket
from exporter.simulator import weights
from exporter.simulator.callback import Callback, PushBegun, PushEnded
from exporter.simulator.hosts import Host, Moment, RunningPush
from exporter.simulator.samples import Addition, add, observe, sample

USER_IP: Final = "198.51.100.23"


def push(host: Host, begun: RunningPush, at: Moment) -> Callback:
    """Return the callback of a push that began."""
    origin = begun.entrance.origin
    return Callback(
        "push",
        _of_push(host, begun, 1, at) | {"errcode": 0, "errmsg": "ok"},
        (add(catalogue.PUSHES, **host.labels, origin=origin),),
        begins=PushBegun(begun.sequence, host.stream, origin, at.ms),
    )


def failed_push(
    host: Host, failed: RunningPush, errcode: weights.SentErrcode, at: Moment
) -> Callback:
    """Return the callback of a push that did not begin: a push event with an errcode."""
    packet = _of_push(host, failed, 1, at) | {
        "errcode": errcode.number,
        "errmsg": errcode.errmsg,
        "width": 0,
        "height": 0,
    }
    counted = add(
        catalogue.PUSH_FAILURES, **host.labels, errcode=errcode.errcode, cause=errcode.cause
    )
    return Callback("push", packet, (counted,))


def interruption(
    host: Host, ended: RunningPush, errcode: weights.SentErrcode, milliseconds: int, at: Moment
) -> Callback:
    """Return the callback of a push that ended after so long."""
    origin = ended.entrance.origin
    packet = _of_push(host, ended, 0, at) | {
        "push_duration": str(milliseconds),
        "errcode": errcode.number,
        "errmsg": errcode.errmsg,
    }
    counted = add(
        catalogue.INTERRUPTIONS,
        **host.labels,
        origin=origin,
        errcode=errcode.errcode,
        cause=errcode.cause,
    )
    lasted = observe(catalogue.PUSH_DURATION, milliseconds, **host.labels, origin=origin)
    return Callback(
        "interruption",
        packet,
        (counted, *lasted, *_of_watched(host, errcode)),
        ends=PushEnded(ended.sequence, host.stream, origin, at.ms, errcode.cause),
    )


def push_error(host: Host, running: RunningPush, chance: Random, now: int) -> Callback:
    """Return a report of the faults of a running push."""
    faults: dict[int, str] = dict(
        weights.draw(chance, weights.PUSH_ERRORS) for _ in range(chance.randint(1, 3))
    )
    counts = {number: chance.randint(1, 5) for number in faults}
    at = now * 1000 + chance.randrange(1000)
    packet = host.named("domain", "path") | {
        "interface": "general_callback",
        "event_type": 321,
        "stream_param": stream_param(host),
        "sequence": running.sequence,
        "user_ip": USER_IP,
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


def stream_param(host: Host) -> str:
    """Return the query of the push URL, which holds a secret."""
    return f"txSecret={host.stream_id.encode().hex():0>32.32}&txTime=69560000"


def _of_push(host: Host, one: RunningPush, event_type: int, at: Moment) -> UnsignedPacket:
    width, height = one.picture
    packet = host.named("app", "appname") | {
        "event_type": event_type,
        "channel_id": host.stream_id,
        "event_time": at.event_time,
        "sequence": one.sequence,
        "node": one.node,
        "user_ip": USER_IP,
        "stream_param": stream_param(host),
        "width": width,
        "height": height,
        "idc_id": 34,
    }
    set_id = one.entrance.set_id
    return packet if set_id is None else packet | {"set_id": set_id}


def _of_watched(host: Host, errcode: weights.SentErrcode) -> tuple[Addition, ...]:
    if not host.watched:
        return ()
    counted = sample(
        catalogue.WATCHED_INTERRUPTIONS.name, **host.stream._asdict(), cause=errcode.cause
    )
    return ((counted, 1),)
