"""Push and interruption: the beginning and the end of one sequence (section 3.1)."""

from typing import Any

from pydantic import AliasChoices, Field

from exporter.protocol import vocabulary
from exporter.protocol.cached import cached_property
from exporter.protocol.errcodes import ErrCode, errcode_of
from exporter.protocol.events import wire
from exporter.protocol.events.base import APP_NAME, DOMAIN, STREAM_ID, Event, identity_of

_EVENT_TIME = AliasChoices("event_time", "update_time")


class _OfPush(Event):
    """What push and interruption share (section 3.1)."""

    delivery_class = "lifecycle"

    push_domain: wire.Domain = Field(validation_alias=DOMAIN)
    app_name: wire.Name = Field(validation_alias=APP_NAME)
    stream_id: wire.Name = Field(validation_alias=STREAM_ID)
    sequence: wire.Name
    event_time_ms: wire.Milliseconds = Field(validation_alias=_EVENT_TIME)
    appid: wire.OptionalInteger = None
    set_id: wire.OptionalInteger = None

    @property
    def occurred_at_ms(self) -> int:
        return self.event_time_ms

    @cached_property
    def origin(self) -> str:
        """Return ``mainland``, ``overseas`` or ``unknown``."""
        return vocabulary.origin_of(self.set_id)

    @cached_property
    def push_identity(self) -> bytes:
        """Return the identity of the push of this sequence, whatever its time."""
        return self._identity_of("push")

    @cached_property
    def interruption_identity(self) -> bytes:
        """Return the identity of the interruption of this sequence, whatever its time."""
        return self._identity_of("interruption")

    @cached_property
    def node(self) -> str | None:
        """Return the address of the access node, None if the packet does not say it."""
        return wire.ip_address(self.packet.get("node"))

    @cached_property
    def errmsg(self) -> str | None:
        """Return what the platform says beside errcode, None if it says nothing."""
        return wire.text(self.packet.get("errmsg")) or None

    @cached_property
    def width(self) -> int | None:
        """Return the width of the picture, None while there is none."""
        return wire.pixels(self.packet.get("width"))

    @cached_property
    def height(self) -> int | None:
        """Return the height of the picture, None while there is none."""
        return wire.pixels(self.packet.get("height"))

    @property
    def details(self) -> dict[str, Any]:
        said = {
            "node": self.node,
            "errmsg": self.errmsg,
            "width": self.width,
            "height": self.height,
        }
        return {
            "sequence": self.sequence,
            "origin": self.origin,
            **{field: value for field, value in said.items() if value is not None},
        }

    def _identity_of(self, name: str, *more: int) -> bytes:
        return identity_of(name, self.push_domain, (self.appid or 0, self.sequence, *more))


class Push(_OfPush):
    """A host began to push, or failed to (event_type 1)."""

    name = "push"
    event_type = 1

    errcode_number: wire.OptionalInteger = Field(None, validation_alias="errcode")

    @property
    def failure(self) -> ErrCode | None:
        """Return why the push failed, None for one that began."""
        return errcode_of(self.errcode_number) if self.errcode_number else None

    @property
    def identity(self) -> bytes:
        if not self.errcode_number:
            return self.push_identity
        # A failure is not the beginning, which may follow under the same sequence.
        return self._identity_of(self.name, self.errcode_number)

    @property
    def abnormal(self) -> bool:
        return self.failure is not None

    @property
    def details(self) -> dict[str, Any]:
        if self.failure is None:
            return super().details
        return {
            "push_failed": True,
            **super().details,
            **_meaning_of(self.errcode_number, self.failure),
        }


class Interruption(_OfPush):
    """A push ended, for the reason that errcode names (event_type 0)."""

    name = "interruption"
    event_type = 0

    errcode_number: wire.Integer = Field(validation_alias="errcode")
    push_duration_ms: wire.OptionalPushMilliseconds = Field(None, validation_alias="push_duration")

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
    def abnormal(self) -> bool:
        return self.errcode.cause != "client_stop"

    @property
    def details(self) -> dict[str, Any]:
        return {
            **super().details,
            **_meaning_of(self.errcode_number, self.errcode),
            "push_duration_seconds": self.push_duration_seconds,
        }


def _meaning_of(number: int | None, errcode: ErrCode) -> dict[str, Any]:
    return {"errcode": number, "cause": errcode.cause, "description": errcode.description}
