"""What may go wrong: each scenario is an ordinary day and one incident.

Pure.  The incident strikes in the middle fifth of a run, again in every period if the run
has no end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from exporter.simulator import weights
from exporter.simulator.habits import Habits
from exporter.simulator.world import World

ENDLESS_PERIOD_SECONDS: Final = 300.0
STRUCK: Final = (0.4, 0.6)
"""The part of a run, or of a period, in which the incident strikes."""


class Incident:
    """What goes wrong in a scenario; this one is none."""

    cuts_network = False

    def act(self, world: World, now: float, *, struck: bool) -> None:
        """Change the world before its next callback; ``struck`` while the incident lasts."""


class ErrcodeSpike(Incident):
    """The platform drops pushes at random and with its own errcodes."""

    EVERY: Final = 4
    """One push is dropped for every so many callbacks."""

    def __init__(self) -> None:
        self._made = 0

    def act(self, world: World, now: float, *, struck: bool) -> None:
        """Drop a push now and then while struck."""
        world.errcodes = weights.SPIKE_ERRCODES if struck else weights.ERRCODES
        self._made += struck
        if struck and self._made % self.EVERY == 0:
            world.drop(world.some(world.pushing()), weights.SPIKE_ERRCODES, now)


class OverseasOutage(Incident):
    """All overseas pushes are cut at one moment, and cannot come back for a while."""

    def act(self, world: World, now: float, *, struck: bool) -> None:
        """Cut overseas pushes at the beginning, let them come back at the end."""
        if struck and not world.shut_origins:
            world.shut_origins = frozenset({"overseas"})
            world.drop(world.pushing_from("overseas"), weights.OUTAGE_ERRCODES, now)
        elif not struck:
            world.shut_origins = frozenset()


class ChannelDark(Incident):
    """All channels are cut at one moment, and come back together."""

    def act(self, world: World, now: float, *, struck: bool) -> None:
        """Cut channels at the beginning, let them push again at the end."""
        if struck and not world.dark:
            world.darken(now)
        elif not struck and world.dark:
            world.relight(now)


class BadMinute(Incident):
    """The platform drops pushes while all channels are dark: two things to look at."""

    def __init__(self) -> None:
        self._both = (ErrcodeSpike(), ChannelDark())

    def act(self, world: World, now: float, *, struck: bool) -> None:
        """Let both happen."""
        for incident in self._both:
            incident.act(world, now, struck=struck)


class ReceiverOutage(Incident):
    """Nothing reaches the receiver, then the retries come."""

    cuts_network = True


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: how hosts live, what goes wrong, which share of requests is forged."""

    summary: str
    incident: Callable[[], Incident] = Incident
    habits: Habits = field(default_factory=Habits)
    forged_share: float = 0.0


SCENARIOS: Final[dict[str, Scenario]] = {
    "steady": Scenario("an ordinary day"),
    "errcode-spike": Scenario("the platform drops pushes with errcodes 11 and 5", ErrcodeSpike),
    "overseas-outage": Scenario("all overseas pushes are cut at one moment", OverseasOutage),
    "channel-dark": Scenario(
        "a channel that pushes all day goes dark and returns",
        ChannelDark,
        habits=Habits(channels=1),
    ),
    "bad-minute": Scenario(
        "errcode-spike and channel-dark together", BadMinute, habits=Habits(channels=1)
    ),
    "receiver-outage": Scenario(
        "the network to the receiver is cut, then the retries come", ReceiverOutage
    ),
    "forged": Scenario("a third of the requests are forged", forged_share=1 / 3),
    "churn": Scenario(
        "hosts that push for seconds and come back at once",
        habits=Habits(push_seconds=20, push_spread=1.0, pause_seconds=4, pause_spread=0.7),
    ),
}


def is_struck(elapsed: float, duration: float) -> bool:
    """Return whether the incident strikes, so many seconds into a run; duration 0 is endless."""
    if not duration:
        elapsed, duration = elapsed % ENDLESS_PERIOD_SECONDS, ENDLESS_PERIOD_SECONDS
    begin, end = STRUCK
    return begin <= elapsed / duration < end
