"""What every callback event has, and how one event is distinguished from another.

Pure.  Field names are ours, aliases are the wire's.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, ClassVar, Final

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SkipValidation

from exporter.protocol import vocabulary
from exporter.protocol.cached import cached_property
from exporter.protocol.events import wire
from exporter.protocol.refusals import Refusal

Packet = Mapping[str, Any]
"""The JSON object of one callback, as decoded."""

DOMAIN: Final = AliasChoices("app", "domain")
APP_NAME: Final = AliasChoices("appname", "path")
STREAM_ID: Final = AliasChoices("stream_id", "streamId")
PACKET: Final = "\0packet"
"""Alias under which the packet itself is handed to its event; no wire field can spell it."""

_OF_THE_DELIVERY: Final = ("t", "sign", "sendTime")
"""Fields that another delivery of the same event may carry anew."""


class Event(BaseModel):
    """What every callback has: the stream it is about, and its identity.

    Taken as it is for an event type that we do not know.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        coerce_numbers_to_str=True,
        ignored_types=(cached_property,),
    )

    name: ClassVar[str] = vocabulary.OTHER
    event_type: ClassVar[int]
    comes_unsigned: ClassVar[bool] = False
    """Whether it is documented without a signature."""
    delivery_class: ClassVar[str] = "others"
    """The class whose newest deliveries are kept: a flood of one class hides no other."""

    packet: SkipValidation[Packet] = Field(alias=PACKET, repr=False)
    push_domain: wire.OptionalDomain = Field(None, validation_alias=DOMAIN)
    app_name: wire.OptionalName = Field(None, validation_alias=APP_NAME)
    stream_id: wire.OptionalName = Field(None, validation_alias=STREAM_ID)
    user_ip: wire.OptionalWord = Field(None, repr=False)

    @property
    def occurred_at_ms(self) -> int | None:
        """Return the packet's own time in Unix milliseconds, None where it has none."""
        return None

    @property
    def own_key(self) -> tuple[Any, ...] | None:
        """Return what a redelivery repeats and no other event of the push domain has, if known.

        See section 3.0; None, or a tuple with a None in it, cannot be used.
        """
        return None

    @property
    def abnormal(self) -> bool:
        """Return whether it is worth a warning in the log."""
        return False

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

        From the push domain and the event's own key, or else from the whole body without
        what may differ between deliveries.
        """
        key = self.own_key
        if key is None or None in key:
            key = (digest(self.packet),)
        return identity_of(self.name, self.push_domain, key, self.occurred_at_ms)


def identity_of(
    name: str, push_domain: str | None, key: tuple[Any, ...], occurred_at_ms: int | None = None
) -> bytes:
    """Return the 16-byte identity of an event by its name, push domain, own key and time.

    4 bytes of time (seconds), so that neighbours in time are neighbours in an index, 12 of a
    digest.  The push domain is in it so that no key can make an event of another's domain.
    """
    seconds = min((occurred_at_ms or 0) // 1000, 2**32 - 1)
    own = blake2b(repr((name, push_domain, *key)).encode(), digest_size=12)
    return seconds.to_bytes(4) + own.digest()


def digest(body: Packet) -> bytes:
    """Return a digest of a body, the same at each delivery and in any order of fields.

    Raises a ``Refusal`` for a body that is nested deeper than any packet is.
    """
    lasting = {field: value for field, value in body.items() if field not in _OF_THE_DELIVERY}
    try:
        canonical = orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # it writes fewer levels (254) than it reads (1024)
        raise Refusal("bad_field", "nested too deep") from None
    return blake2b(canonical, digest_size=12).digest()
