"""Image and audio moderation (sections 3.6 and 3.7)."""

from typing import Any

from pydantic import AliasChoices, Field

from exporter.protocol import vocabulary
from exporter.protocol.events import wire
from exporter.protocol.events.base import Event


class _Moderation(Event):
    """What image and audio moderation share."""

    label_word: wire.OptionalWord = Field(None, validation_alias="label")
    suggestion_word: wire.OptionalWord = Field(None, validation_alias="suggestion")

    @property
    def suggestion(self) -> str:
        """Return ``Block``, ``Review``, ``Pass`` or ``other``."""
        return vocabulary.closed(self.suggestion_word or "", vocabulary.SUGGESTIONS)


class PornDetection(_Moderation):
    """A suspicious picture was found (event_type 317, section 3.6)."""

    name = "porn_detection"
    delivery_class = "captures"
    event_type = 317

    stream_id: wire.OptionalName = Field(
        None, validation_alias=AliasChoices("streamId", "stream_id")
    )
    img: wire.OptionalKey = Field(None, repr=False)
    types: wire.List = Field([], validation_alias="type")
    screenshot_time_ms: wire.OptionalMilliseconds = Field(None, validation_alias="screenshotTime")

    @property
    def label(self) -> str:
        """Return the documented label; of older packets the name of the first ``type``."""
        if self.label_word:
            return vocabulary.closed(self.label_word, vocabulary.IMAGE_LABELS)
        number = wire.integer(self.types[0]) if self.types else None
        return vocabulary.IMAGE_TYPES.get(-1 if number is None else number, vocabulary.OTHER)

    @property
    def occurred_at_ms(self) -> int | None:
        # Never sendTime: another delivery may carry another.
        return self.screenshot_time_ms

    @property
    def own_key(self) -> tuple[Any, ...]:
        return self.stream_id, self.img

    @property
    def details(self) -> dict[str, Any]:
        return {"label": self.label, "suggestion": self.suggestion}


class AudioModeration(_Moderation):
    """Suspicious sound was found (event_type 315, section 3.7)."""

    name = "audio_moderation"
    delivery_class = "captures"
    event_type = 315

    request_id: wire.OptionalKey = None
    task_id: wire.OptionalKey = None
    seq: wire.OptionalKey = None

    @property
    def label(self) -> str:
        """Return the documented label, or ``other``."""
        return vocabulary.closed(self.label_word or "", vocabulary.AUDIO_LABELS)

    @property
    def own_key(self) -> tuple[Any, ...]:
        return (self.request_id,) if self.request_id else (self.task_id, self.seq)

    @property
    def details(self) -> dict[str, Any]:
        return {"label": self.label, "suggestion": self.suggestion}
