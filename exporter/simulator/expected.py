"""What an exporter must show, given its answers.

Pure.  A callback that was answered 200 is counted once, and so is one that was recorded but
must come again because a consumer does not have it.  One that was never sent, or refused, is
not.  If an answer was lost, only the ledger knows: so every number is a range, whose ends are
equal as long as no answer is lost.
"""

from collections import Counter

from exporter.metrics import catalogue
from exporter.protocol.refusals import STATUS
from exporter.simulator.callback import Callback
from exporter.simulator.outgoing import Attempts
from exporter.simulator.samples import Addition, Range, Sample, add
from exporter.simulator.streams import Streams


class Expected:
    """The sum of what each callback adds, given how the attempts to send it ended."""

    def __init__(self) -> None:
        self._least: Counter[Sample] = Counter()
        self._most: Counter[Sample] = Counter()
        self.streams = Streams()
        self.lost_answers = 0

    def settle(self, callback: Callback, attempts: Attempts) -> None:
        """Add a callback that will not be sent again; once for each callback."""
        self.lost_answers += attempts.lost
        if attempts.recorded:
            for addition in callback.all_additions():
                self._add(addition)
            self.streams.count(callback)
        elif attempts.lost:
            for one, amount in callback.all_additions():
                self._most[one] += amount
            self.streams.count_perhaps(callback)
        # It is recorded once; each further time it is a redelivery.
        fewest = max(0, attempts.recorded - 1)
        most = max(0, attempts.recorded + attempts.lost - 1)
        duplicates, _ = add(catalogue.DUPLICATES, event=callback.event)
        if most:
            self._least[duplicates] += fewest
            self._most[duplicates] += most

    def refuse(self, reason: str) -> None:
        """Add a refusal, by the reason in the answer."""
        self._add(add(catalogue.REJECTIONS, reason=reason))

    def refuse_maybe(self) -> None:
        """Add a forgery that got no answer: it may have been refused, or never read."""
        self.lost_answers += 1

    def samples(self) -> dict[Sample, Range]:
        """Return every sample that is not certainly 0."""
        found = {one: Range(self._least[one], most) for one, most in self._most.items() if most}
        if self.lost_answers:
            # A lost answer may have been any refusal; and an exporter that was killed may have
            # lost the refusals of its last second.
            for reason in STATUS:
                refusals, _ = add(catalogue.REJECTIONS, reason=reason)
                found[refusals] = Range(0, self._most[refusals] + self.lost_answers)
        return found | self.streams.samples()

    def _add(self, addition: Addition) -> None:
        one, amount = addition
        self._least[one] += amount
        self._most[one] += amount
