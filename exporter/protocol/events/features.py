"""Relay tasks and the features that write texts (sections 3.9 and 3.12)."""

from typing import Any

from pydantic import Field

from exporter.protocol import vocabulary
from exporter.protocol.events import wire
from exporter.protocol.events.base import Event, digest


class Relay(Event):
    """A relay (stream pulling) task did something (event_type 314, section 3.9)."""

    name = "relay"
    event_type = 314
    comes_unsigned = True

    callback_event: wire.Word
    task_id: wire.OptionalKey = None
    event_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="event_time")

    @property
    def relay_event(self) -> str:
        """Return the documented ``callback_event``, or ``other``."""
        return vocabulary.closed(self.callback_event, vocabulary.RELAY_EVENTS)

    @property
    def occurred_at_ms(self) -> int | None:
        return self.event_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        message = digest({"msg": self.packet.get("msg")})
        return self.task_id, self.callback_event, self.event_time_ms, message

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
    event_type = 338


class SmartErase(_Text):
    """A piece of text with its words marked (event_type 347)."""

    name = "smart_erase"
    event_type = 347


class Summary(Event):
    """A summary of a period (event_type 348)."""

    name = "summary"
    event_type = 348

    begin_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="begin_time")
    end_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="end_time")

    @property
    def occurred_at_ms(self) -> int | None:
        return self.end_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        return self.app_name, self.stream_id, self.begin_time_ms


class Highlight(Event):
    """Highlights of a stream (event_type 349)."""

    name = "highlight"
    event_type = 349

    items: wire.Objects = Field(default_factory=list)

    @property
    def own_key(self) -> tuple[Any, ...]:
        begin_time = self.items[0].get("begin_time") if self.items else None
        return self.app_name, self.stream_id, wire.integer(begin_time)
