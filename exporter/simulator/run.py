"""One run of ``simulate``: send, show how it goes, and report what is expected."""

import time
from collections.abc import Mapping
from dataclasses import asdict, replace

from exporter.sending.connection import CallbackUrl
from exporter.sending.progress import follow
from exporter.sending.requests import hint
from exporter.simulator.options import Options
from exporter.simulator.plan import SendingPlan
from exporter.simulator.report import Report
from exporter.simulator.samples import Sample
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.sender import Sender
from exporter.simulator.world import World


class Run:
    """A run of the simulator against one receiver."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._began_at = time.time()
        self._ended_at = self._began_at
        habits = replace(SCENARIOS[options.scenario].habits, diurnal=options.diurnal)
        world = World(options.seed, self._began_at, options.streams, habits, options.watched)
        self._plan = SendingPlan(world, options, self._began_at)

    @property
    def accepted(self) -> int:
        """Return how many callbacks were accepted."""
        return self._plan.counts.accepted

    def send(self, url: CallbackUrl, key: bytes | None, connections: int) -> None:
        """Send until all is done; after Ctrl-C only until what is under way is answered."""
        sender = Sender(self._plan, url, key, connections)
        follow(
            sender.threads,
            self._options.scenario,
            self._options.duration,
            lambda: self._look(sender),
        )
        self._ended_at = time.time()

    def report(self, before: Mapping[Sample, int] | None) -> Report:
        """Return what is expected; ``before`` is what the exporter showed at the beginning."""
        run = asdict(self._options) | {
            "watched": ["/".join(stream) for stream in self._options.watched],
            "began_at": self._began_at,
            "ended_at": self._ended_at,
        }
        counts, expected = self._plan.counts, self._plan.expected
        callbacks = {
            "made": counts.callbacks,
            "accepted": counts.accepted,
            "not_delivered": dict(sorted(counts.not_delivered.items())),
            "deliveries": counts.requests,
            "retries": counts.retries,
            "redelivered": counts.redelivered,
            "forged": counts.forged,
            "lost_answers": expected.lost_answers,
            "faults": dict(counts.faults.most_common()),
        }
        return Report(
            expected.samples(),
            run,
            callbacks,
            before,
            tuple(expected.streams.drops()),
            tuple(expected.streams.watched(self._options.watched)),
        )

    def summary(self) -> str:
        """Return what happened, in a few lines."""
        counts, options = self._plan.counts, self._options
        seconds = self._ended_at - self._began_at
        rate = counts.requests / max(seconds, 0.001)
        sent = f"{counts.callbacks:,} callbacks, {counts.requests:,} deliveries"
        figures = {
            "accepted": counts.accepted,
            "retries": counts.retries,
            "redelivered": counts.redelivered,
            "not delivered": counts.not_delivered.total(),
            "forged": counts.forged,
            "active streams": self._plan.expected.streams.active,
            "dropped": sum(1 for _ in self._plan.expected.streams.drops()),
        }
        lines = [
            f"{options.scenario}, seed {options.seed}: {sent} in {seconds:.0f} s ({rate:,.0f}/s)",
            "; ".join(f"{name} {number:,}" for name, number in figures.items()),
        ]
        for fault, times in counts.faults.most_common():
            advice = "" if counts.accepted else hint(fault)
            lines.append(f"not accepted: {fault} {times:,}{advice}")
        return "\n".join(lines)

    def _look(self, sender: Sender) -> tuple[float, str]:
        """Return how many seconds have passed, and how the run is going."""
        standing = sender.standing()
        elapsed = time.time() - self._began_at
        text = (
            f"{standing.requests:,} sent ({standing.requests / elapsed:,.0f}/s),"
            f" {standing.active_streams:,} active streams, {standing.waiting:,} waiting"
        )
        if standing.fault:
            text += f"; {standing.fault}"
            if not standing.accepted:
                text += hint(standing.fault)
        return elapsed, text
