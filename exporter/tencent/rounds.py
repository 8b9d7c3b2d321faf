"""Rounds of reconciliation: ask for all lists, ask for what they lack, change the ledger."""

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from exporter.ledger import Changes, Ledger, LedgerUnavailable, OpenPush
from exporter.metrics import catalogue
from exporter.metrics.families import Increment
from exporter.protocol.api_errors import Again, label_of
from exporter.protocol.vocabulary import OTHER, Stream
from exporter.tencent.errors import ApiError, TencentError
from exporter.tencent.pairs import known_pairs
from exporter.tencent.planning import Proven, Sight, missing, proven
from exporter.tencent.reading import Pair
from exporter.tencent.streams import StreamClient

RECONCILIATION_LEASE: Final = "reconciliation"
LEASE_ROUNDS: Final = 3
"""For how many rounds a process keeps the lease if it falls silent."""

MOST_FAILURES: Final = 3
"""After so many failures that may pass, the API is not asked again until the next round."""

MOST_PAIRS: Final = 1000
"""So many pairs are remembered, beside those that have open pushes."""

STEP: Final = 200
"""So many pushes are changed at once, so that callbacks need not wait for thousands."""

log = structlog.get_logger()


class Rounds:
    """Makes rounds; each needs what the one before saw."""

    def __init__(
        self,
        ledger: Ledger,
        client: StreamClient,
        configured: Iterable[Pair],
        seconds: float,
        is_stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``seconds`` lie between two rounds; ``configured`` pairs are asked for in any case."""
        self._ledger = ledger
        self._client = client
        self._configured = dict.fromkeys(configured)
        self._pairs = dict(self._configured)  # what was asked in vain comes last
        self._knows_ledger = False
        self._seconds = seconds
        self._is_stopping = is_stopping
        self._clock = clock
        self._holder = uuid.uuid4().hex
        self._before = Sight()

    def make(self) -> None:
        """Make one round, unless another process does; a failure is logged and counted."""
        before, self._before = self._before, Sight()
        failures = _Failures()
        try:
            if self._ledger.lease(
                RECONCILIATION_LEASE, self._holder, LEASE_ROUNDS * self._seconds
            ):
                self._before = self._round(before, failures)
        except LedgerUnavailable as error:
            failures.note(OTHER, str(error))
        except Exception:  # whatever it is, callbacks go on, and so does the next round
            log.exception("reconciliation.broke")
            self._ledger.tally([catalogue.RECONCILIATION_ERRORS.add(OTHER)])
        self._ledger.tally(failures.counted())
        failures.log()

    def release(self) -> None:
        """Let another process go on at once."""
        with suppress(LedgerUnavailable):
            self._ledger.lease(RECONCILIATION_LEASE, self._holder, 0)

    def _round(self, before: Sight, failures: "_Failures") -> Sight:
        if not self._knows_ledger:
            self._remember(dict.fromkeys(known_pairs(self._ledger)))
            self._knows_ledger = True
        opened = self._open_pushes()
        self._remember(dict.fromkeys(stream[:2] for stream in opened))
        lists = {}
        for pair in list(self._pairs):
            if self._may_ask(failures):
                try:
                    lists[pair] = self._client.online(pair)
                except TencentError as error:
                    failures.add(error)
                    self._pairs[pair] = self._pairs.pop(pair)
        now = Sight(opened, lists)
        inactive = self._inactive(missing(before, now), failures)
        if not self._is_stopping():
            self._write(proven(before, now, inactive), is_success=not failures)
        return now

    def _open_pushes(self) -> dict[Stream, list[OpenPush]]:
        opened: dict[Stream, list[OpenPush]] = {}
        for push in self._ledger.open_pushes():
            opened.setdefault(push.stream, []).append(push)
        return opened

    def _remember(self, pairs: dict[Pair, None]) -> None:
        """Ask for pairs with open pushes from now on, also when those are over."""
        known = self._pairs | pairs
        others = [pair for pair in known if pair not in pairs and pair not in self._configured]
        for pair in others[MOST_PAIRS:]:
            del known[pair]
        self._pairs = known

    def _inactive(self, streams: Sequence[Stream], failures: "_Failures") -> set[Stream]:
        inactive = set()
        for stream in streams:
            if self._may_ask(failures):
                try:
                    if self._client.state(stream) == "inactive":
                        inactive.add(stream)
                except TencentError as error:
                    failures.add(error)
        return inactive

    def _may_ask(self, failures: "_Failures") -> bool:
        return not self._is_stopping() and failures.passing < MOST_FAILURES

    def _write(self, plan: Proven, *, is_success: bool) -> None:
        if plan.withheld:
            log.warning("reconciliation.withheld", pushes=plan.withheld)
            self._ledger.tally([catalogue.RECONCILED.add("withheld", amount=plan.withheld)])
        opened = closed = 0
        for start in range(0, max(len(plan.opened), len(plan.closed)), STEP):
            part = slice(start, start + STEP)
            done = self._ledger.reconcile(Changes(plan.opened[part], plan.closed[part]))
            opened, closed = opened + done.opened, closed + done.closed
        if opened or closed:
            log.info("reconciliation.changed", opened=opened, closed=closed)
        if is_success:
            self._ledger.tally(catalogue.LAST_RECONCILIATION.at(self._clock()))


class _Failures:
    """The failures of one round."""

    def __init__(self) -> None:
        self._reasons: dict[str, list[str]] = {}
        self.passing = 0
        """How many there were that may pass by themselves."""

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def add(self, error: TencentError) -> None:
        """Note that a call failed, or that there is no way to call."""
        if isinstance(error, ApiError):
            self.note(label_of(error.code), str(error))
        else:
            self.note(OTHER, str(error))
        if not isinstance(error, ApiError) or error.again is not Again.NEVER:
            self.passing += 1

    def note(self, code: str, reason: str) -> None:
        """Note a failure."""
        self._reasons.setdefault(code, []).append(reason)

    def counted(self) -> list[Increment]:
        """Return what they add."""
        errors = catalogue.RECONCILIATION_ERRORS
        return [errors.add(code, amount=len(own)) for code, own in self._reasons.items()]

    def log(self) -> None:
        """Write one line for each code, however many failures it had."""
        for code, reasons in self._reasons.items():
            log.warning(
                "reconciliation.failed", code=code, failures=len(reasons), reason=reasons[0]
            )
