"""Admit the first few of many alike, and count the others."""

import math
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

import structlog

LINES_A_WINDOW: Final = 10
WINDOW_SECONDS: Final = 10.0

log = structlog.get_logger()


class Throttle:
    """Admits the first ``most`` of each kind in a window, and counts those left out.

    Kinds must be few, such as the reasons of refusals: each has a counter.  Safe in any thread.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._lock = threading.Lock()
        self._began = -math.inf
        self._seen: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def admits(self, kind: str, now: float) -> bool:
        """Return whether one more of ``kind`` is let through at ``now`` (Unix seconds)."""
        with self._lock:
            self._begin_window(now)
            self._seen[kind] += 1
            return self._seen[kind] <= self._most

    def left_out(self, now: float = math.inf) -> Mapping[str, int]:
        """Return how many of each kind were left out in windows that are over, each once.

        Without ``now`` the last window is over too.
        """
        with self._lock:
            self._begin_window(now)
            found, self._left_out = self._left_out, Counter()
        return found

    def _begin_window(self, now: float) -> None:
        # A clock that was set back begins a window too: else it might never end.
        if self._began <= now < self._began + self._seconds:
            return
        for kind, count in self._seen.items():
            if count > self._most:
                self._left_out[kind] += count - self._most
        self._began = now
        self._seen.clear()


class LineThrottle(Throttle):
    """A throttle of log lines, which says in a line of its own how many were left out."""

    def __init__(self, event: str) -> None:
        super().__init__(LINES_A_WINDOW, WINDOW_SECONDS)
        self._event = f"{event}_suppressed"

    def summarise(self, now: float = math.inf) -> None:
        """Log how many lines were left out in windows that are over; without ``now``, in all.

        To be called before the next line, now and then, and at the end.
        """
        for reason, count in self.left_out(now).items():
            log.warning(self._event, reason=reason, count=count)
