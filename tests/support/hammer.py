"""A process that records into a shared ledger as fast as it can."""

import time
from concurrent.futures import ThreadPoolExecutor

from exporter.ledger import Outcome, open_ledger
from support.ledgers import entry
from support.settings import LONG


def hammer(url: str, name: str, until_time: float, threads: int = 8) -> tuple[int, float]:
    """Record different recordings until a Unix time; return how many, and the longest wait."""
    ledger = open_ledger(url, LONG)
    template = entry("recording")

    def record(thread: int) -> tuple[int, float]:
        done, longest = 0, 0.0
        while time.time() < until_time:
            one = entry("recording", record_file_id=f"{name}-{thread}-{done}")
            began = time.monotonic()
            assert ledger.record(one, 1790000200).outcome is Outcome.ACCEPTED
            longest = max(longest, time.monotonic() - began)
            ledger.record(template, 1790000200)  # one that all have in common
            done += 1
        return done, longest

    try:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(record, range(threads)))
    finally:
        ledger.close()
    return sum(done for done, _ in found), max(longest for _, longest in found)
