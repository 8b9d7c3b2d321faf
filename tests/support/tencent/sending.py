"""The callbacks of the world's pushes: what the platform sends of them."""

import json
from typing import Any

from exporter.metrics.entries import Entry, entry_for
from exporter.protocol.events import parse
from support.packets import packet
from support.tencent.world import Push, Sent


def packet_of(push: Push, kind: str) -> dict[str, Any]:
    """Return the packet of a push's beginning (``push``) or end (``interruption``)."""
    ended_at = push.ended_at or 0
    fields = {
        "app": push.push_domain,
        "appname": push.app_name,
        "stream_id": push.stream_id,
        "sequence": push.sequence,
        "event_time": int(push.began_at if kind == "push" else ended_at),
    }
    if kind == "interruption":
        fields["push_duration"] = str(round((ended_at - push.began_at) * 1000))
    return packet(kind, **fields)


def entry_of(push: Push, kind: str) -> Entry:
    """Return what the receiver makes of that packet."""
    return entry_for(parse(packet_of(push, kind)))


def sent(push: Push, kind: str, request: str | None = None) -> Sent:
    """Return the record of a callback that was tried in vain."""
    at = push.began_at if kind == "push" else push.ended_at or 0
    text = json.dumps(packet_of(push, kind)) if request is None else request
    return Sent(push.stream_id, int(kind == "push"), at + 1, text, result_code=503)
