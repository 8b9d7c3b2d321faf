"""``css-exporter backfill`` on a ledger of its own, and the pushes that it is to find."""

import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from exporter.ledger import open_ledger
from support.commands import css_exporter
from support.settings import LONG
from support.tencent.sending import entry_of
from support.tencent.server import Double
from support.tencent.world import Push, utc

HOUR = 3600
EVENTS, RECORDS = "DescribeLiveStreamEventList", "DescribeCallbackRecordsList"


class Filling:
    """Runs the command on a SQLite ledger that knows one push domain and app name."""

    def __init__(self, double: Double, path: Path) -> None:
        self._double = double
        self.path = path
        with closing(open_ledger(f"sqlite:///{path}", LONG)) as ledger:
            known = Push("push.example.com", "live", "known", "1", time.time())
            ledger.record(entry_of(known, "push"), time.time())

    def __call__(
        self, *arguments: str, start: str | None = None, **settings: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, over the last six hours if no ``start`` is given."""
        given: dict[str, Any] = {
            "tencent_endpoint": self._double.endpoint,
            "data_dir": self.path.parent,
        }
        since = start or utc(time.time() - 6 * HOUR)
        ended = css_exporter("backfill", "--from", since, *arguments, **given | settings)
        assert "Traceback" not in ended.stderr
        return ended

    def push(self, name: str = "missed", app_name: str = "live") -> Push:
        """Return a push of the platform's list; nothing of it was called back."""
        push = self._double.world.begin(name, app_name=app_name, at=int(time.time()) - 3 * HOUR)
        self._double.world.end(push, at=push.began_at + HOUR)
        return push

    def recorded(self, push: Push) -> int:
        """Return how many pushes of a stream the ledger has."""
        with closing(open_ledger(f"sqlite:///{self.path}", LONG, guest=True)) as ledger:
            return len(ledger.known_pushes([push.stream]).pushes)
