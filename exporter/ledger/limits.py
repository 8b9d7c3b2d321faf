"""How much a ledger remembers, and for how long.  Pure."""

from dataclasses import dataclass

from exporter.protocol.vocabulary import Stream


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a ledger remembers."""

    dedupe_seconds: float
    push_idle_seconds: float
    """0: open pushes never expire."""
    max_sources: int
    max_series: int
    watched_streams: tuple[Stream, ...]
    """Patterns of push domain, app name and stream id; see ``watching``."""
    max_watched_streams: int
    dropped_stream_minutes: float
    return_grace_seconds: float
    push_history_days: float
    push_history_rows: int

    @property
    def hearing_seconds(self) -> float:
        """Return how exactly the last sign of life of a stream is kept.

        A stream that is heard of every few seconds need not be written every few seconds;
        in return an idle push expires up to this much later.
        """
        return self.push_idle_seconds / 100

    @property
    def silence_ms(self) -> float:
        """Return after how many milliseconds without a sign of life an open push expires."""
        return (self.push_idle_seconds + self.hearing_seconds) * 1000
