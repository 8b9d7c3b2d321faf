"""What is read of a packet before it is believed.

Pure.
"""

from typing import Any, Final, NamedTuple, Self

from exporter.protocol import events
from exporter.protocol.events import Event, Packet
from exporter.protocol.events.base import DOMAIN
from exporter.protocol.refusals import Refusal

_MAX_T: Final = 10**12
_DOMAIN_FIELDS: Final = tuple(map(str, DOMAIN.choices))
_ABSENT: Final = (None, "")


class Envelope(NamedTuple):
    """Which event a packet claims to be, whose keys may have signed it, and the signature.

    ``kind`` is the class of its event, None if event_type is missing or no integer.
    ``push_domain`` is that of the event's label, in lower case: a key is for what is counted;
    None if the packet names none.  ``t`` and ``sign`` are as decoded from JSON, of any type.
    """

    packet: Packet
    kind: type[Event] | None
    push_domain: str | None
    t: Any
    sign: Any

    @classmethod
    def of(cls, packet: Packet) -> Self:
        """Return the envelope of a decoded packet; nothing is refused yet."""
        try:
            kind = events.kind_of(packet)
        except Refusal:
            kind = None
        return cls(packet, kind, _push_domain(packet), packet.get("t"), packet.get("sign"))

    @property
    def event_name(self) -> str:
        """Return the name of the event.  Raises a ``Refusal`` without a ``kind``."""
        return (self.kind or events.kind_of(self.packet)).name

    @property
    def is_signed(self) -> bool:
        """Return whether there is a signature, right or wrong."""
        return self.sign not in _ABSENT and self.t not in _ABSENT

    @property
    def expires_at(self) -> int | None:
        """Return ``t`` in Unix seconds, None if it is neither an integer nor digits."""
        t = self.t
        if isinstance(t, str) and t.isascii() and t.isdigit() and len(t) <= 12:
            t = int(t)
        if isinstance(t, int) and not isinstance(t, bool) and 0 <= t <= _MAX_T:
            return t
        return None

    def event(self) -> Event:
        """Return the packet's event.  Raises a ``Refusal``; see ``events.parse``."""
        return events.parse(self.packet, self.kind)


def _push_domain(packet: Packet) -> str | None:
    value = None
    for field in _DOMAIN_FIELDS:
        if (value := packet.get(field)) is not None:
            break
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).lower() or None
