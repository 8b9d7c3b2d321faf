"""Relay tasks and the features that write texts (sections 3.9 and 3.12)."""

from typing import Any

from pydantic import Field

from exporter.protocol import vocabulary
from exporter.protocol.events import wire
from exporter.protocol.events.base import Event, digest


class Relay(Event):
    """A relay (stream pulling) task did something (event_type 314, section 3.9)."""

    name = "relay"

    callback_event: wire.Word
    task_id: wire.OptionalKey = None
    event_time: wire.OptionalSeconds = None

    @property
    def relay_event(self) -> str:
        """Return the documented ``callback_event``, or ``other``."""
        return vocabulary.closed(self.callback_event, vocabulary.RELAY_EVENTS)

    @property
    def occurred_at(self) -> float | None:
        return self.event_time

    @property
    def own_key(self) -> tuple[Any, ...]:
        # Neither task nor time is in every packet; ``msg`` then holds the time.
        message = digest({"msg": self.packet.get("msg")})
        return self.task_id or "", self.callback_event, self.event_time or 0, message

    @property
    def details(self) -> dict[str, Any]:
        return {"relay_event": self.relay_event}


class _Text(Event):
    """What subtitles and smart erase share (section 3.12)."""

    task_id: wire.OptionalKey = None
    data: wire.Object = Field(default_factory=dict)

    @property
    def own_key(self) -> tuple[Any, ...] | None:
        items = wire.objects(self.data.get("subtitle_tmp_res"))
        if not items:
            return None
        first = items[0]
        steady = first.get("steady_state", first.get("stead_state"))
        return self.task_id, wire.integer(first.get("start_pts")), str(steady)


class Subtitles(_Text):
    """A piece of subtitle text (event_type 338)."""

    name = "subtitles"


class SmartErase(_Text):
    """A piece of text with its words marked (event_type 347)."""

    name = "smart_erase"


class Summary(Event):
    """A summary of a period (event_type 348)."""

    name = "summary"

    begin_time: wire.OptionalSeconds = None
    end_time: wire.OptionalSeconds = None

    @property
    def occurred_at(self) -> float | None:
        return self.end_time

    @property
    def own_key(self) -> tuple[Any, ...]:
        return *self.stream, self.begin_time


class Highlight(Event):
    """Highlights of a stream (event_type 349)."""

    name = "highlight"

    items: wire.Objects = Field(default_factory=list)

    @property
    def own_key(self) -> tuple[Any, ...]:
        begin_time = self.items[0].get("begin_time") if self.items else None
        return *self.stream, wire.integer(begin_time)
