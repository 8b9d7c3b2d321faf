"""Push errors, the stream monitor and quality events (sections 3.8, 3.10 and 3.11)."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from exporter.protocol import vocabulary
from exporter.protocol.events import wire
from exporter.protocol.events.base import Event


class PushError(Event):
    """A push has faults, summed over a reporting interval (event_type 321, section 3.8)."""

    name = "push_error"
    delivery_class = "lifecycle"
    event_type = 321

    sequence: wire.OptionalKey = None
    data_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="data_time")
    abnormal_events: wire.Objects = Field([], validation_alias="abnormal_event")

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how often each named fault occurred in the interval; at most so often."""
        counts: Counter[str] = Counter()
        for item in self.abnormal_events:
            number = wire.integer(item.get("type"))
            count = wire.integer(item.get("count", 1))
            if number is not None and count is not None and count > 0:
                fault = vocabulary.PUSH_ERRORS.get(number, vocabulary.OTHER)
                counts[fault] = min(counts[fault] + count, wire.MOST_FAULTS)
        return counts

    @property
    def occurred_at_ms(self) -> int | None:
        return self.data_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        return self.sequence, self.data_time_ms

    @property
    def details(self) -> dict[str, Any]:
        # One word, since a log line's fields are flat.
        return {"errors": ",".join(f"{name}:{n}" for name, n in sorted(self.counts.items()))}


class StreamMonitor(Event):
    """A monitor saw a stream break or degrade (event_type 328, section 3.10)."""

    name = "stream_monitor"
    event_type = 328
    comes_unsigned = True

    event_name: wire.Word
    event_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="event_time")

    @property
    def quality_class(self) -> str:
        """Return the documented class, or ``other``: this list is open."""
        return vocabulary.closed(self.event_name, vocabulary.QUALITY_CLASSES)

    @property
    def occurred_at_ms(self) -> int | None:
        return self.event_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        return self.stream_id, self.event_name, self.event_time_ms

    @property
    def details(self) -> dict[str, Any]:
        return {"class": self.quality_class}


class _Quality(Event):
    """What quality control and assessment share (section 3.11)."""

    class_word: wire.Word = Field(validation_alias="class")
    transcode_template_id: wire.OptionalKey = None
    event_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="event_time")

    @property
    def quality_class(self) -> str:
        """Return the documented class, or ``other``."""
        return vocabulary.closed(self.class_word, vocabulary.QUALITY_CLASSES)

    @property
    def occurred_at_ms(self) -> int | None:
        return self.event_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        # A stream is judged once for each transcoding, in the same second.
        stream = (self.app_name, self.stream_id)
        return *stream, self.transcode_template_id, self.class_word, self.event_time_ms

    @property
    def details(self) -> dict[str, Any]:
        return {"class": self.quality_class}


class QualityControl(_Quality):
    """A fault of format or content (event_type 343)."""

    name = "quality_control"
    event_type = 343


class QualityThreshold(_Quality):
    """A score crossed its threshold (event_type 344)."""

    name = "quality_threshold"
    event_type = 344


class QualityAverage(_Quality):
    """The average score of a period (event_type 345)."""

    name = "quality_average"
    event_type = 345
