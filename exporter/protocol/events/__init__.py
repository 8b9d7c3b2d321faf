"""One frozen class for each callback event; every dialect of the wire ends here.

Pure: ``parse`` takes a decoded packet, opens nothing and logs nothing.  Section numbers in
this package are those of docs/protocol.md.
"""

from typing import Any, Final

from pydantic import ValidationError

from exporter.protocol.events import wire
from exporter.protocol.events.base import PACKET, Event, Packet
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
    "DELIVERY_CLASSES",
    "EVENTS",
    "EVENT_NAMES",
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
    "comes_unsigned",
    "kind_of",
    "outline",
    "parse",
]

EVENTS: Final[tuple[type[Event], ...]] = (
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
"""The class of every documented event."""

EVENT_NAMES: Final = (*(event.name for event in EVENTS), Event.name)
"""Every event's name, ``other`` last."""

_ALL: Final[tuple[type[Event], ...]] = (*EVENTS, Event)
DELIVERY_CLASSES: Final = {
    name: tuple(event.name for event in _ALL if event.delivery_class == name)
    for name in ("lifecycle", "recordings", "captures", "others")
}
"""The names of the events of each class of deliveries."""

_BY_TYPE: Final = {event.event_type: event for event in EVENTS}
_BY_NAME: Final = {event.name: event for event in EVENTS}


def kind_of(packet: Packet) -> type[Event]:
    """Return the class of a packet's event, ``Event`` itself for one that is not documented.

    Raises a ``Refusal`` if its event_type is missing or no integer.
    """
    event_type = packet.get("event_type")
    if event_type is None:
        raise Refusal("missing_field", "event_type")
    number = wire.integer(event_type)
    if number is None:
        raise Refusal("bad_field", "event_type")
    kind = _BY_TYPE.get(number, Event)
    if kind is QualityThreshold and packet.get("average_score") is not None:
        return QualityAverage  # the documented sample says 344 by mistake (section 3.11)
    return kind


def comes_unsigned(name: str | None) -> bool:
    """Return whether the event of a name is documented without a signature."""
    return name in _BY_NAME and _BY_NAME[name].comes_unsigned


def parse(packet: Packet, kind: type[Event] | None = None) -> Event:
    """Return the event of a decoded packet; ``kind`` is its class, if that is known already.

    Raises a ``Refusal``: ``missing_field`` or ``bad_field``, with the field's name.
    """
    kind = kind or kind_of(packet)
    fields: dict[str, Any] = {key: value for key, value in packet.items() if value is not None}
    fields[PACKET] = packet
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        missing = first["type"] == "missing"
        raise Refusal("missing_field" if missing else "bad_field", str(first["loc"][0])) from None


def outline(packet: Packet) -> Event:
    """Return what every event has, of a packet that may be unusable otherwise; never refuses."""
    return Event.model_validate({**packet, PACKET: packet})
