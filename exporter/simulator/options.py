"""What a user wants of a run.  Pure."""

from dataclasses import dataclass

from exporter.simulator.callback import SimulatedStream


@dataclass(frozen=True, slots=True)
class Options:
    """What a user wants of a run.

    ``rate`` counts callbacks a second, retries apart; 0: as fast as they are answered.
    ``duration`` is seconds; 0: until stopped.  ``time_scale`` divides the waits before
    retries, redeliveries and late callbacks.  The shares are parts of all callbacks.
    ``watched`` streams are those that the exporter has as ``watched_streams``.
    """

    scenario: str = "steady"
    streams: int = 50
    rate: float = 20.0
    duration: float = 60.0
    time_scale: float = 1.0
    diurnal: bool = False
    seed: int = 1
    redelivered_share: float = 0.02
    late_share: float = 0.02
    watched: tuple[SimulatedStream, ...] = ()
