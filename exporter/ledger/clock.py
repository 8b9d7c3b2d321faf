"""Whether the time that a ledger reads can be trusted to say what is too old.

Nothing is forgotten and no push is closed by a clock that has just jumped.  The ledger keeps
the time that it read last, about once a minute.  Two readings more than ``STEP_SECONDS``
apart, in either direction, are a jump, or a pause that looks like one: an exporter that was
stopped, a backup put back.  Then the clock is doubted until it has run steadily for
``PROOF_SECONDS``, over restarts and in whichever process.  After that hour nothing that was
received before the jump can come again, since the sender gives up after 12 minutes.

What a pause costs is one hour in which nothing is forgotten.  No clock is asked here.
"""

from typing import Final, NamedTuple

import structlog

STEP_SECONDS: Final = 300
PROOF_SECONDS: Final = 3600
NOTE_SECONDS: Final = 60
"""How often a reading is written, if it says nothing new."""

log = structlog.get_logger()


class Clock(NamedTuple):
    """What a ledger keeps of its clock: the last reading (Unix time), None before the first.

    ``doubted_for``: seconds that it must still run steadily before it is trusted.
    """

    read_at: float | None = None
    doubted_for: float = 0

    @property
    def is_trusted(self) -> bool:
        """Return whether the time may decide what is too old."""
        return not self.doubted_for

    def after(self, now: float) -> "Clock":
        """Return the clock after reading ``now``: itself if there is nothing to write."""
        if self.read_at is None:
            return Clock(now)
        passed = now - self.read_at
        if abs(passed) > STEP_SECONDS:
            log.warning(
                "ledger.clock_doubted", jump_seconds=round(passed), for_seconds=PROOF_SECONDS
            )
            return Clock(now, PROOF_SECONDS)
        if 0 <= passed < NOTE_SECONDS:
            return self
        left = max(0.0, self.doubted_for - max(0.0, passed))
        if self.doubted_for and not left:
            log.info("ledger.clock_trusted")
        return Clock(now, left)
