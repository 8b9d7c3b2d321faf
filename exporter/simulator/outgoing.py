"""A callback on its way to the receiver.

Pure.
"""

from dataclasses import dataclass
from typing import NamedTuple

from exporter.sending.requests import CallbackRequest, signed
from exporter.simulator.callback import Callback


class Attempts(NamedTuple):
    """How many attempts to send a callback were recorded for certain, and how many perhaps.

    ``lost`` counts those without an answer: only the ledger knows of them.
    """

    recorded: int = 0
    lost: int = 0


@dataclass(slots=True, eq=False)
class Outgoing:
    """A callback on its way: how often it was sent, and how that ended."""

    callback: Callback
    sent: int = 0
    accepted: int = 0
    recorded: int = 0
    lost: int = 0

    @property
    def attempts(self) -> Attempts:
        """Return how the attempts ended so far."""
        return Attempts(self.recorded, self.lost)

    def request(self, now: float, key: bytes | None) -> CallbackRequest:
        """Return the request as it is sent at Unix time ``now``, signed if there is a key."""
        return CallbackRequest(signed(self.callback.packet, now, key))
