"""Push and interruption: the beginning and the end of one sequence (section 3.1)."""

from typing import Any

from pydantic import AliasChoices, Field

from exporter.protocol import vocabulary
from exporter.protocol.errcodes import ErrCode, errcode_of
from exporter.protocol.events import wire
from exporter.protocol.events.base import APP_NAME, DOMAIN, STREAM_ID, Event, identity_of

_EVENT_TIME = AliasChoices("event_time", "update_time")


class _OfPush(Event):
    """What push and interruption share (section 3.1)."""

    push_domain: wire.Domain = Field(validation_alias=DOMAIN)
    app_name: wire.Name = Field(validation_alias=APP_NAME)
    stream_id: wire.Name = Field(validation_alias=STREAM_ID)
    sequence: wire.Name
    event_time: wire.Seconds = Field(validation_alias=_EVENT_TIME)
    appid: wire.OptionalInteger = None
    set_id: wire.OptionalInteger = None

    @property
    def occurred_at(self) -> float:
        return self.event_time

    @property
    def origin(self) -> str:
        """Return ``mainland``, ``overseas`` or ``unknown``."""
        return vocabulary.origin_of(self.set_id)

    @property
    def push_identity(self) -> bytes:
        """Return the identity of the push of this sequence, whatever its time."""
        return identity_of("push", (self.appid or 0, self.sequence))

    @property
    def interruption_identity(self) -> bytes:
        """Return the identity of the interruption of this sequence, whatever its time."""
        return identity_of("interruption", (self.appid or 0, self.sequence))


class Push(_OfPush):
    """A host began to push (event_type 1)."""

    name = "push"

    @property
    def identity(self) -> bytes:
        return self.push_identity

    @property
    def details(self) -> dict[str, Any]:
        return {"sequence": self.sequence, "origin": self.origin}


class Interruption(_OfPush):
    """A push ended, for the reason that errcode names (event_type 0)."""

    name = "interruption"

    errcode_number: wire.Integer = Field(validation_alias="errcode")
    push_duration_ms: wire.OptionalAmount = Field(None, validation_alias="push_duration")

    @property
    def identity(self) -> bytes:
        return self.interruption_identity

    @property
    def push_duration_seconds(self) -> float | None:
        """Return how long the push lasted, None if the packet does not say it."""
        return None if self.push_duration_ms is None else self.push_duration_ms / 1000

    @property
    def errcode(self) -> ErrCode:
        """Return the documented errcode, or ``other``."""
        return errcode_of(self.errcode_number)

    @property
    def details(self) -> dict[str, Any]:
        return {
            "sequence": self.sequence,
            "origin": self.origin,
            "errcode": self.errcode_number,
            "cause": self.errcode.cause,
            "description": self.errcode.description,
            "push_duration_seconds": self.push_duration_seconds,
        }
