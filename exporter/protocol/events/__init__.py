"""One frozen class for each callback event; every dialect of the wire ends here.

Pure: ``parse`` takes a decoded packet, opens nothing and logs nothing.  Section numbers in
this package are those of docs/protocol.md.
"""

from typing import Any, Final

from pydantic import ValidationError

from exporter.protocol import vocabulary
from exporter.protocol.events import wire
from exporter.protocol.events.base import DOMAIN, PACKET, Event, Packet
from exporter.protocol.events.features import Highlight, Relay, SmartErase, Subtitles, Summary
from exporter.protocol.events.moderation import AudioModeration, PornDetection
from exporter.protocol.events.pushes import Interruption, Push
from exporter.protocol.events.quality import (
    PushError,
    QualityAverage,
    QualityControl,
    QualityThreshold,
    StreamMonitor,
)
from exporter.protocol.events.recordings import (
    Recording,
    RecordingException,
    RecordingStatus,
    Screencapture,
)
from exporter.protocol.refusals import Refusal

__all__ = [
    "AudioModeration",
    "Event",
    "Highlight",
    "Interruption",
    "Packet",
    "PornDetection",
    "Push",
    "PushError",
    "QualityAverage",
    "QualityControl",
    "QualityThreshold",
    "Recording",
    "RecordingException",
    "RecordingStatus",
    "Relay",
    "Screencapture",
    "SmartErase",
    "StreamMonitor",
    "Subtitles",
    "Summary",
    "name_of",
    "outline",
    "parse",
    "push_domain_of",
]

_CLASSES: Final[dict[str, type[Event]]] = {
    event.name: event
    for event in (
        Push,
        Interruption,
        Recording,
        Screencapture,
        PornDetection,
        AudioModeration,
        PushError,
        RecordingStatus,
        RecordingException,
        Relay,
        StreamMonitor,
        Subtitles,
        QualityControl,
        QualityThreshold,
        QualityAverage,
        SmartErase,
        Summary,
        Highlight,
    )
}


def name_of(packet: Packet) -> str:
    """Return the event name of a packet; raise a ``Refusal`` if its event_type is no integer."""
    event_type = packet.get("event_type")
    if event_type is None:
        raise Refusal("missing_field", "event_type")
    number = wire.integer(event_type)
    if number is None:
        raise Refusal("bad_field", "event_type")
    name = vocabulary.EVENTS.get(number, vocabulary.OTHER)
    if name == QualityThreshold.name and packet.get("average_score") is not None:
        return QualityAverage.name  # the documented sample says 344 by mistake (section 3.11)
    return name


def push_domain_of(packet: Packet) -> str | None:
    """Return the push domain that a packet names, in lower case, None if it names none.

    The same field and form as those of the event's label: a key is for what is counted.
    """
    named = (packet.get(str(field)) for field in DOMAIN.choices)
    value = next((value for value in named if value is not None), None)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).lower() or None


def parse(packet: Packet) -> Event:
    """Return the event of a decoded packet.

    Raises a ``Refusal``: ``missing_field`` or ``bad_field``, with the field's name.
    """
    kind = _CLASSES.get(name_of(packet), Event)
    fields: dict[str, Any] = {key: value for key, value in packet.items() if value is not None}
    fields[PACKET] = packet
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        reason = "missing_field" if first["type"] == "missing" else "bad_field"
        raise Refusal(reason, str(first["loc"][0])) from None


def outline(packet: Packet) -> Event:
    """Return what every event has of a packet that may be of no use otherwise; never refuses."""
    return Event.model_validate({**packet, PACKET: packet})
