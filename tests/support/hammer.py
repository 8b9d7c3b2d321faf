"""Processes that record into a shared ledger as fast as they can."""

import multiprocessing
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.synchronize import Barrier

from exporter.ledger import Outcome, open_ledger
from support.ledgers import entry
from support.settings import LONG

THREADS = 8


def hammered(url: str, names: Sequence[str], seconds: float) -> list[int]:
    """Record different recordings in a process for each name; return how many each recorded.

    They begin at one moment, however long it takes to start them.
    """
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Barrier(len(names))
    with ProcessPoolExecutor(
        len(names), mp_context=spawn, initializer=_meet, initargs=(started,)
    ) as pool:
        work = [pool.submit(_hammer, url, name, seconds) for name in names]
        return [future.result() for future in work]


def _meet(started: Barrier) -> None:
    started.wait(60)


def _hammer(url: str, name: str, seconds: float) -> int:
    ledger = open_ledger(url, LONG)
    template = entry("recording")
    enough = threading.Event()

    def record(thread: int) -> int:
        done = 0
        while not enough.is_set():
            one = entry("recording", record_file_id=f"{name}-{thread}-{done}")
            assert ledger.record(one, 1790000200).outcome is Outcome.ACCEPTED
            ledger.record(template, 1790000200)  # one that all have in common
            done += 1
        return done

    try:
        with ThreadPoolExecutor(THREADS) as pool:
            counts = [pool.submit(record, thread) for thread in range(THREADS)]
            time.sleep(seconds)
            enough.set()
            return sum(count.result() for count in counts)
    finally:
        ledger.close()
