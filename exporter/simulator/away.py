"""Hosts that were dropped and are away until a certain Unix time.

Pure.
"""

import heapq
from itertools import count
from random import Random
from typing import Final

from exporter.simulator.hosts import Host

SOON_SECONDS: Final = (3.0, 20.0)
"""How long those are away that come back soon."""
LONG_SECONDS: Final = (90.0, 1800.0)
"""How long the others are away, who seem to be gone."""

SOON_SHARE: Final = 0.1
LONG_SHARE: Final = 0.05
"""At most these parts of all hosts are away: a fast run would soon have no hosts left."""


class Away:
    """Hosts that are away, each until its time."""

    def __init__(self, hosts: int) -> None:
        """Make room for some of so many hosts; of fewer than ten for none."""
        self._soon_places = int(hosts * SOON_SHARE)
        self._long_places = int(hosts * LONG_SHARE)
        self._long = 0
        self._order = count()
        self._until: list[tuple[float, int, bool, Host]] = []

    def has_room(self) -> bool:
        """Return whether another host can be away."""
        soon = len(self._until) - self._long
        return soon < self._soon_places or self._long < self._long_places

    def add(self, host: Host, now: float, chance: Random, *, soon: bool = False) -> None:
        """Let a host be away from Unix time ``now``; ``soon``: it surely comes back soon."""
        is_full = len(self._until) - self._long >= self._soon_places
        long = not soon and self._long < self._long_places and (is_full or chance.random() < 0.3)
        self._long += long
        until = now + chance.uniform(*(LONG_SECONDS if long else SOON_SECONDS))
        heapq.heappush(self._until, (until, next(self._order), long, host))

    def back(self, now: float, *, anyway: bool = False) -> Host | None:
        """Return a host whose time has come, or ``anyway`` the next one; None if there is none."""
        if not self._until or not (anyway or self._until[0][0] <= now):
            return None
        _, _, long, host = heapq.heappop(self._until)
        self._long -= long
        return host
