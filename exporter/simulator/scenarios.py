"""What may go wrong: each scenario is an ordinary day and one incident.

Pure.  The incident strikes in the middle fifth of a run, again in every period if the run
has no end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from exporter.simulator import mix
from exporter.simulator.world import Habits, World

ENDLESS_PERIOD_SECONDS: Final = 300.0
INCIDENT: Final = (0.4, 0.6)
"""Part of the period in which the incident strikes."""


class Calm:
    """No incident."""

    cuts_network = False

    def act(self, world: World, now: float, *, struck: bool) -> None:
        """Change the world before its next callback; ``struck`` during the incident."""


class ErrcodeSpike(Calm):
    """The platform drops pushes at random and with its own errcodes."""

    EVERY: Final = 4
    """One push dropped in so many callbacks."""

    def __init__(self) -> None:
        self._made = 0

    def act(self, world: World, now: float, *, struck: bool) -> None:
        """Drop a push now and then while struck."""
        world.errcodes = mix.SPIKE_ERRCODES if struck else mix.ERRCODES
        self._made += struck
        if struck and self._made % self.EVERY == 0:
            world.drop(world.some(world.pushing()), mix.SPIKE_ERRCODES, now)


class OverseasOutage(Calm):
    """Whoever pushes from overseas is cut off in one moment, and for a while stays out."""

    def act(self, world: World, now: float, *, struck: bool) -> None:
        """Cut everybody off at the beginning, let everybody back in at the end."""
        if struck and not world.shut:
            world.shut = frozenset({"overseas"})
            abroad = [host for host in world.pushing() if host.source.origin == "overseas"]
            world.drop(abroad, mix.OUTAGE_ERRCODES, now)
        elif not struck:
            world.shut = frozenset()


class ReceiverOutage(Calm):
    """Nothing reaches the receiver, then the retries come."""

    cuts_network = True


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: its lives, its incident, its forgeries."""

    summary: str
    incident: Callable[[], Calm] = Calm
    habits: Habits = field(default_factory=Habits)
    forged_share: float = 0.0


SCENARIOS: Final[dict[str, Scenario]] = {
    "steady": Scenario("an ordinary day"),
    "errcode-spike": Scenario("the platform drops pushes with errcodes 11 and 5", ErrcodeSpike),
    "overseas-outage": Scenario("all overseas pushes are cut at one moment", OverseasOutage),
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
    begin, end = INCIDENT
    return begin <= elapsed / duration < end
