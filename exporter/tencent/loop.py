"""The thread in which ``serve`` reconciles."""

import random
import threading
from collections.abc import Sequence
from typing import Final

from exporter.ledger import Ledger
from exporter.tencent.calling import Account, Caller, Patience
from exporter.tencent.reading import Pair
from exporter.tencent.rounds import Rounds
from exporter.tencent.streams import StreamClient

PATIENCE: Final = Patience(read_seconds=10, call_seconds=30, pauses=(1, 2))

JITTER: Final = 0.1
"""By which part of itself an interval may be longer or shorter, so that replicas do not meet."""

FIRST_SECONDS: Final = 30.0
"""At the latest the first round is made so long after the start."""

STOP_SECONDS: Final = 1.0


class Loop:
    """Makes rounds, one in so many seconds, until it is stopped."""

    def __init__(self, rounds: Rounds, seconds: float, stopping: threading.Event) -> None:
        """Take the same ``stopping`` as the rounds."""
        self._rounds = rounds
        self._seconds = seconds
        self._stopping = stopping
        self._thread = threading.Thread(target=self._run, name="reconciliation", daemon=True)

    def start(self) -> None:
        """Begin, after a while of chance."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; a call that waits for its answer is left behind, and nothing comes of it."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        wait = random.uniform(0, min(self._seconds, FIRST_SECONDS))  # noqa: S311 - no secret
        while not self._stopping.wait(wait):
            self._rounds.make()
            wait = self._seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - as above
        self._rounds.release()


def loop_for(
    ledger: Ledger,
    account: Account,
    configured: Sequence[Pair],
    seconds: float,
    patience: Patience = PATIENCE,
) -> Loop:
    """Return a loop that asks an account for streams, those of ``configured`` pairs always."""
    stopping = threading.Event()
    caller = Caller(account, lambda _sentence: None, patience)
    client = StreamClient(caller, account.tencent_site)
    rounds = Rounds(ledger, client, configured, seconds, stopping.is_set)
    return Loop(rounds, seconds, stopping)
