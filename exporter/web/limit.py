"""Logging the first of many lines that are alike, and how many more there were."""

import atexit
import threading
from collections import Counter
from typing import Final

import structlog

REFUSALS_A_WINDOW: Final = 10
WINDOW_SECONDS: Final = 10.0

log = structlog.get_logger()


class Limit:
    """Lets the first lines of each kind through in a window, and tells how many it kept."""

    def __init__(self, event: str) -> None:
        self._event = f"{event}_suppressed"
        self._lock = threading.Lock()
        self._lines: Counter[str] = Counter()
        self._timer: threading.Timer | None = None
        atexit.register(self.summarise)

    def admits(self, reason: str) -> bool:
        """Return whether a line about ``reason`` may be logged now."""
        with self._lock:
            self._lines[reason] += 1
            if self._timer is None:
                self._timer = threading.Timer(WINDOW_SECONDS, self.summarise)
                self._timer.daemon = True
                self._timer.start()
            return self._lines[reason] <= REFUSALS_A_WINDOW

    def summarise(self) -> None:
        """Log how many lines were left out, and begin a new window."""
        with self._lock:
            lines, self._lines, self._timer = self._lines, Counter(), None
        for reason, count in lines.items():
            if count > REFUSALS_A_WINDOW:
                log.warning(self._event, reason=reason, count=count - REFUSALS_A_WINDOW)
