"""One run of ``simulate``: plan, send, watch, tell the truth."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from exporter.simulator.connection import Target
from exporter.simulator.meaning import Sample
from exporter.simulator.plan import Orders, Plan
from exporter.simulator.progress import Progress
from exporter.simulator.report import Report
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.sender import Sender
from exporter.simulator.world import World

LOOK_SECONDS: Final = 0.25

_HINTS: Final = {
    "bad_signature": "does the key equal the exporter's callback key?",
    "unsigned": "give the exporter's callback key with --key or --key-file",
    "not_found": "is that the callback path of the exporter?",
    "bad_method": "is that the callback path of the exporter?",
    "expired": "do the clocks of both machines agree?",
    "not_yet_valid": "do the clocks of both machines agree?",
    "Connection refused": "is the exporter running, and is this its public listener?",
}


class Run:
    """A run of the simulator against one receiver."""

    def __init__(
        self,
        *,
        scenario: str,
        streams: int,
        seed: int,
        rate: float,
        duration: float,
        time_scale: float,
        diurnal: bool = False,
    ) -> None:
        chosen = SCENARIOS[scenario]
        self._began_at = time.time()
        self._ended_at = self._began_at
        self._duration = duration
        self._options: dict[str, Any] = {
            "scenario": scenario,
            "streams": streams,
            "seed": seed,
            "rate": rate,
            "duration": duration,
            "time_scale": time_scale,
        }
        world = World(seed, self._began_at, streams, replace(chosen.habits, diurnal=diurnal))
        orders = Orders(chosen, rate, duration, time_scale)
        self._plan = Plan(world, orders, seed, self._began_at)

    @property
    def accepted(self) -> int:
        """Return how many callbacks were accepted."""
        return self._plan.tally.accepted

    def send(self, target: Target, key: bytes | None, connections: int) -> None:
        """Send until all is done, or until Ctrl-C and the answers to what is on its way."""
        sender = Sender(self._plan, target, key, connections)
        label = str(self._options["scenario"])
        with Progress(label, self._duration) as progress:
            try:
                self._watch(sender, progress)
            except KeyboardInterrupt:
                sender.abandon()
                self._watch(sender, progress)
        self._ended_at = time.time()

    def report(self, before: Mapping[Sample, int] | None) -> Report:
        """Return the truth; ``before`` is what the exporter showed at the beginning."""
        tally = self._plan.tally
        times = {"began_at": self._began_at, "ended_at": self._ended_at}
        callbacks = {
            "made": tally.callbacks,
            "accepted": tally.accepted,
            "not_delivered": dict(sorted(tally.not_delivered.items())),
            "deliveries": tally.deliveries,
            "retries": tally.retries,
            "redelivered": tally.redelivered,
            "forged": tally.forged,
            "lost_answers": self._plan.truth.lost_answers,
            "faults": dict(tally.faults.most_common()),
        }
        return Report(self._plan.truth.samples(), self._options | times, callbacks, before)

    def summary(self) -> str:
        """Return what happened, in a few lines."""
        tally = self._plan.tally
        seconds = self._ended_at - self._began_at
        rate = tally.deliveries / max(seconds, 0.001)
        sent = f"{tally.callbacks:,} callbacks, {tally.deliveries:,} deliveries"
        counts = {
            "accepted": tally.accepted,
            "retries": tally.retries,
            "redelivered": tally.redelivered,
            "not delivered": tally.not_delivered.total(),
            "forged": tally.forged,
            "active streams": self._plan.truth.active_streams,
        }
        name, seed = self._options["scenario"], self._options["seed"]
        lines = [
            f"{name}, seed {seed}: {sent} in {seconds:.0f} s ({rate:,.0f}/s)",
            "; ".join(f"{name} {number:,}" for name, number in counts.items()),
        ]
        for fault, times in tally.faults.most_common():
            advice = "" if tally.accepted else hint(fault)
            lines.append(f"not accepted: {fault} {times:,}{advice}")
        return "\n".join(lines)

    def _watch(self, sender: Sender, progress: Progress) -> None:
        done = False
        while not done:
            done = sender.wait(LOOK_SECONDS)
            standing = sender.standing()
            elapsed = time.time() - self._began_at
            text = (
                f"{standing.deliveries:,} sent ({standing.deliveries / elapsed:,.0f}/s),"
                f" {standing.active_streams:,} active streams, {standing.waiting:,} waiting"
            )
            if standing.fault:
                text += f"; {standing.fault}"
                if not standing.accepted:
                    text += hint(standing.fault)
            progress.show(elapsed, text)


def hint(fault: str) -> str:
    """Return what to do about a fault, in brackets, if we know."""
    known = _HINTS.get(fault)
    return f" ({known})" if known else ""
