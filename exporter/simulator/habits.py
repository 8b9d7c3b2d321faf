"""How hosts live.  Pure."""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Habits:
    """How hosts live; seconds of the world's time.  ``channels`` push all day."""

    push_seconds: float = 1500  # median; a few last a day
    push_spread: float = 1.3
    pause_seconds: float = 600
    pause_spread: float = 1.0
    capture_seconds: float = 180
    recording_seconds: float = 1800
    moderation_seconds: float = 7200
    error_seconds: float = 3600
    rare_seconds: float = 3600
    replacement_seconds: float = 14400
    diurnal: bool = False
    channels: int = 0


def lasting(median: float, spread: float, chance: Random) -> float:
    """Return a heavy-tailed length in seconds: many are short, a few very long."""
    return max(1.0, chance.lognormvariate(math.log(median), spread))


def quietness(time: float) -> float:
    """Return by how much pauses are longer at a time of the world: least in the evening."""
    return 2.2 - 1.8 * math.cos(2 * math.pi * (time / DAY - 20 / 24))
