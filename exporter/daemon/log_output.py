"""The log's output: a thread of its own writes, so that logging never waits for the reader.

A pipe that nobody empties, a stopped terminal and a slow disk hold up this thread and nobody
else.  What there is no room for is lost, and counted.
"""

import os
import signal
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import accumulate
from typing import Final

LONGEST_LINE: Final = 4096
"""Bytes of a line with its end: so much a pipe takes whole, and never mixes with the lines of
other processes."""

WAITING_BYTES: Final = 1 << 20
"""How much may wait to be written, in each process."""

DRAIN_SECONDS: Final = 1.0
"""How long the end of a process waits for its last lines to be written."""


class Output:
    """Lines on their way to a descriptor.

    ``lost_line`` returns the line that says how many were lost.  The thread starts with a
    process's first line; a fork begins with nothing to write.
    """

    def __init__(self, descriptor: int, lost_line: Callable[[int], bytes]) -> None:
        self._descriptor = descriptor
        self._lost_line = lost_line
        self._thread: threading.Thread | None
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def write(self, lines: Iterable[bytes]) -> None:
        """Hand over lines, each of at most ``LONGEST_LINE`` bytes and with its end."""
        with self._changed:
            for line in lines:
                if self._size + len(line) > WAITING_BYTES:
                    self._lost += 1
                else:
                    self._waiting.append(line)
                    self._size += len(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait until all is written, at most ``DRAIN_SECONDS``."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._writing, DRAIN_SECONDS)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._lost = 0
        self._writing = False
        self._torn = False
        self._thread = None

    def _run(self) -> None:
        # Signals are the main thread's: this one may be stuck in a write.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                lines, lost = self._take()
                self._writing = True
            written = self._write(lines)
            with self._changed:
                if written < len(lines):
                    # The line about earlier losses, if it was lost too, stands for all of them.
                    self._lost += len(lines) - written
                    self._lost += lost - 1 if lost and not written else 0
                self._writing = False
                self._changed.notify_all()

    def _take(self) -> tuple[list[bytes], int]:
        """Return as many lines as a pipe takes whole, and how many losses the first is about."""
        lost, self._lost = self._lost, 0
        lines = [self._lost_line(lost)] if lost else []
        room = LONGEST_LINE - sum(map(len, lines))
        while self._waiting and (not lines or len(self._waiting[0]) <= room):
            lines.append(self._waiting.popleft())
            room -= len(lines[-1])
            self._size -= len(lines[-1])
        return lines, lost

    def _write(self, lines: list[bytes]) -> int:
        """Write lines, and return how many were written whole."""
        end_of_torn = b"\n" if self._torn else b""
        text = end_of_torn + b"".join(lines)
        done = 0
        with suppress(OSError):
            while done < len(text):
                done += os.write(self._descriptor, text[done:])
        ends = list(accumulate(map(len, lines), initial=len(end_of_torn)))
        if done:
            # A full disk may take a part of a line.
            self._torn = done not in ends
        return bisect_right(ends, done) - 1 if done else 0
