"""What reconciliation asks a ledger to change, and what was changed.  Pure."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson

from exporter.metrics import catalogue
from exporter.metrics.families import Increment
from exporter.protocol.vocabulary import Stream

LONGEST_LEASE: Final = 3600.0
"""Seconds for which a lease may be asked for."""


class OpenPush(NamedTuple):
    """An open push; times are Unix milliseconds.

    ``heard_at_ms`` is when it was last known to live.
    """

    stream: Stream
    identity: bytes
    began_at_ms: int
    heard_at_ms: int


class Online(NamedTuple):
    """A stream that is online, and when its push began, in Unix milliseconds."""

    stream: Stream
    began_at_ms: int

    @property
    def identity(self) -> bytes:
        """Return what its row is known by until an event comes."""
        named = orjson.dumps([self.stream, self.began_at_ms])
        return blake2b(named, digest_size=16, person=b"reconciled").digest()


class Changes(NamedTuple):
    """Pushes to open, and to close as they were seen.

    A push is opened if its stream has no open one by then, and closed if it is open and was
    heard of no later than when it was seen.
    """

    opened: Sequence[Online] = ()
    closed: Sequence[OpenPush] = ()


class Reconciled(NamedTuple):
    """How many pushes were opened and closed."""

    opened: int
    closed: int

    def increments(self) -> list[Increment]:
        """Return what that adds, in the same commit."""
        return [
            catalogue.RECONCILED.add(change, amount=number)
            for change, number in zip(self._fields, self, strict=True)
            if number
        ]
