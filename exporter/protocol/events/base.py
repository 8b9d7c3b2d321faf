"""What every callback event has; and what tells one event from another.

Pure.  Field names are ours, aliases are the wire's.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, ClassVar, Final

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SkipValidation

from exporter.protocol import vocabulary
from exporter.protocol.events import wire
from exporter.protocol.refusals import Refusal

Packet = Mapping[str, Any]
"""The JSON object of one callback, as decoded."""

DOMAIN: Final = AliasChoices("app", "domain")
APP_NAME: Final = AliasChoices("appname", "path")
STREAM_ID: Final = AliasChoices("stream_id", "streamId")
PACKET: Final = "\0packet"
"""Alias under which the packet itself is handed to its event; no wire field can spell it."""


class Event(BaseModel):
    """What every callback has: the stream it is about, and what tells it from others.

    Taken as it is for an event type that we do not know.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    name: ClassVar[str] = vocabulary.OTHER

    packet: SkipValidation[Packet] = Field(alias=PACKET, repr=False)
    push_domain: wire.OptionalDomain = Field(None, validation_alias=DOMAIN)
    app_name: wire.OptionalName = Field(None, validation_alias=APP_NAME)
    stream_id: wire.OptionalName = Field(None, validation_alias=STREAM_ID)
    user_ip: wire.OptionalWord = Field(None, repr=False)

    @property
    def occurred_at(self) -> float | None:
        """Return the packet's own time in Unix seconds, None where it has none."""
        return None

    @property
    def own_key(self) -> tuple[Any, ...] | None:
        """Return what a redelivery repeats and no other event has (section 3.0), if known."""
        return None

    @property
    def details(self) -> dict[str, Any]:
        """Return what a log line says of the event beside its stream: bounded, no secrets."""
        return {}

    @property
    def stream(self) -> tuple[str | None, str | None, str | None]:
        """Return (push_domain, app_name, stream_id)."""
        return self.push_domain, self.app_name, self.stream_id

    @property
    def identity(self) -> bytes:
        """Return 16 bytes that a redelivery repeats and no other event has.

        From the event's own key, or else from the whole body without ``t`` and ``sign``,
        which may differ between deliveries.
        """
        key = self.own_key
        if key is None or None in key:
            key = (digest(self.packet),)
        return identity_of(self.name, key, self.occurred_at)


def identity_of(name: str, key: tuple[Any, ...], occurred_at: float | None = None) -> bytes:
    """Return the 16-byte identity of an event by its name, own key and time.

    4 bytes of time, so that neighbours in time are neighbours in an index, 12 of a digest.
    """
    seconds = min(int(occurred_at or 0), 2**32 - 1)
    own = blake2b(repr((name, *key)).encode(), digest_size=12)
    return seconds.to_bytes(4) + own.digest()


def digest(body: Packet) -> bytes:
    """Return a digest of a body without ``t`` and ``sign``, the same in any order of fields.

    Raises a ``Refusal`` for a body that is nested deeper than any packet is.
    """
    unsigned = {field: value for field, value in body.items() if field not in ("t", "sign")}
    try:
        canonical = orjson.dumps(unsigned, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # it writes fewer levels (254) than it reads (1024)
        raise Refusal("bad_field", "nested too deep") from None
    return blake2b(canonical, digest_size=12).digest()
