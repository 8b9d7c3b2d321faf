"""Recordings and screencaptures (sections 3.2 to 3.5)."""

from typing import Any

from pydantic import Field

from exporter.protocol import vocabulary
from exporter.protocol.events import wire
from exporter.protocol.events.base import Event


class Recording(Event):
    """A recording file is ready (event_type 100, section 3.2)."""

    name = "recording"
    delivery_class = "recordings"
    event_type = 100

    file_format_word: wire.OptionalWord = Field(None, validation_alias="file_format")
    record_file_id: wire.OptionalKey = None
    file_id: wire.OptionalKey = None
    end_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="end_time")
    duration_seconds: wire.OptionalRecordedSeconds = Field(None, validation_alias="duration")
    file_size_bytes: wire.OptionalFileBytes = Field(None, validation_alias="file_size")

    @property
    def file_format(self) -> str:
        """Return ``flv``, ``hls``, ``mp4``, ``aac`` or ``other``."""
        return vocabulary.closed(self.file_format_word or "", vocabulary.FILE_FORMATS)

    @property
    def occurred_at_ms(self) -> int | None:
        return self.end_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        return (self.record_file_id or self.file_id,)

    @property
    def details(self) -> dict[str, Any]:
        return {
            "file_format": self.file_format,
            "recorded_seconds": self.duration_seconds,
            "file_size_bytes": self.file_size_bytes,
        }


class RecordingStatus(Event):
    """A recording task changed its state (event_type 332, section 3.3)."""

    name = "recording_status"
    delivery_class = "recordings"
    event_type = 332

    record_event: wire.Word
    seq: wire.OptionalKey = None
    event_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="event_time")

    @property
    def status(self) -> str:
        """Return the documented ``record_event``, or ``other``."""
        return vocabulary.closed(self.record_event, vocabulary.RECORDING_STATUSES)

    @property
    def occurred_at_ms(self) -> int | None:
        return self.event_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        return (self.seq,)

    @property
    def details(self) -> dict[str, Any]:
        return {"status": self.status}


class RecordingException(Event):
    """A recording goes wrong, or might (event_type 341, section 3.4)."""

    name = "recording_exception"
    delivery_class = "recordings"
    event_type = 341

    exception_body: wire.Object = Field(validation_alias="exception")
    level_word: wire.OptionalWord = Field(None, validation_alias="exception_level")
    session_id: wire.OptionalKey = None
    file_format: wire.OptionalKey = None
    timestamp_ms: wire.OptionalMilliseconds = Field(None, validation_alias="timestamp")

    @property
    def exception_type(self) -> int | None:
        """Return the documented negative number, None if it is no integer."""
        return wire.integer(self.exception_body.get("type"))

    @property
    def exception(self) -> str:
        """Return the name of the exception's type, or ``other``."""
        return vocabulary.RECORDING_EXCEPTIONS.get(self.exception_type or 0, vocabulary.OTHER)

    @property
    def level(self) -> str:
        """Return ``info``, ``warning``, ``error``, ``alarm`` or ``other``."""
        return vocabulary.closed(self.level_word or "", vocabulary.EXCEPTION_LEVELS)

    @property
    def occurred_at_ms(self) -> int | None:
        return self.timestamp_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        # One session can record several formats.
        return self.session_id, self.file_format, self.exception_type, self.timestamp_ms

    @property
    def details(self) -> dict[str, Any]:
        # Not "exception": that is what a log line calls a traceback.
        return {"recording_exception": self.exception, "exception_level": self.level}


class Screencapture(Event):
    """A picture of a stream was taken (event_type 200, section 3.5)."""

    name = "screencapture"
    delivery_class = "captures"
    event_type = 200

    pic_full_url: wire.OptionalKey = Field(None, repr=False)
    create_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="create_time")
    file_size_bytes: wire.OptionalPictureBytes = Field(None, validation_alias="file_size")

    @property
    def occurred_at_ms(self) -> int | None:
        return self.create_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        return self.pic_full_url, self.create_time_ms

    @property
    def details(self) -> dict[str, Any]:
        return {"file_size_bytes": self.file_size_bytes}
