"""What an exporter must show, given its answers.

Pure.  A callback that was answered 200 is counted.  One that was never sent, or refused, is
not.  If an answer was lost, only the ledger knows: so every number is a range, whose ends are
equal as long as no answer is lost.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from exporter.metrics import catalogue
from exporter.protocol.refusals import STATUS
from exporter.simulator.callback import Callback, PushBegun, Stream
from exporter.simulator.outgoing import Attempts
from exporter.simulator.samples import Addition, Range, Sample, add


class Expected:
    """The sum of what each callback adds, given how the attempts to send it ended."""

    def __init__(self) -> None:
        self._least: Counter[Sample] = Counter()
        self._most: Counter[Sample] = Counter()
        self._open: dict[str, PushBegun] = {}
        self._ended: set[str] = set()
        self._maybe_open: dict[str, PushBegun] = {}
        self._maybe_ended: set[str] = set()
        self.lost_answers = 0

    def settle(self, callback: Callback, attempts: Attempts) -> None:
        """Add a callback that will not be sent again; once for each callback."""
        self.lost_answers += attempts.lost
        if attempts.accepted:
            for addition in callback.all_additions():
                self._add(addition)
            self._count_open(callback)
        elif attempts.lost:
            for sample, amount in callback.all_additions():
                self._most[sample] += amount
            self._count_maybe_open(callback)
        # It is recorded once; each further time it is a redelivery.
        fewest = max(0, attempts.accepted - 1)
        most = max(0, attempts.accepted + attempts.lost - 1)
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

    @property
    def active_streams(self) -> int:
        """Return how many streams have an open push, lost answers left aside."""
        return len({push.stream for push in self._open.values()})

    def samples(self) -> dict[Sample, Range]:
        """Return every sample that is not certainly 0."""
        found = {one: Range(self._least[one], most) for one, most in self._most.items() if most}
        if self.lost_answers:
            # A lost answer may have been any refusal; and an exporter that was killed may have
            # lost the refusals of its last second.
            for reason in STATUS:
                refusals, _ = add(catalogue.REJECTIONS, reason=reason)
                found[refusals] = Range(0, self._most[refusals] + self.lost_answers)
        return found | self._gauges()

    def _add(self, addition: Addition) -> None:
        sample, amount = addition
        self._least[sample] += amount
        self._most[sample] += amount

    def _count_open(self, callback: Callback) -> None:
        if (push := callback.begins) is not None:
            if push.sequence in self._ended:
                self._ended.remove(push.sequence)
            else:
                self._open[push.sequence] = push
        elif callback.ends is not None and self._open.pop(callback.ends, None) is None:
            self._ended.add(callback.ends)

    def _count_maybe_open(self, callback: Callback) -> None:
        if callback.begins is not None:
            self._maybe_open[callback.begins.sequence] = callback.begins
        elif callback.ends is not None:
            self._maybe_ended.add(callback.ends)

    def _surely_open(self) -> Iterator[tuple[str, PushBegun]]:
        return (item for item in self._open.items() if item[0] not in self._maybe_ended)

    def _gauges(self) -> dict[Sample, Range]:
        surely = dict(self._surely_open())
        perhaps = self._open | {
            sequence: push
            for sequence, push in self._maybe_open.items()
            if sequence not in self._ended
        }
        found = {Sample(catalogue.OPEN_PUSHES.name): Range(len(surely), len(perhaps))}
        least, most = _active(surely), _active(perhaps)
        for sample in most:
            found[sample] = Range(least[sample], most[sample])
        return found


def _active(pushes: Mapping[str, PushBegun]) -> Counter[Sample]:
    newest: dict[Stream, PushBegun] = {}
    for push in pushes.values():
        other = newest.setdefault(push.stream, push)
        if push.began_at > other.began_at:
            newest[push.stream] = push
    return Counter(
        add(
            catalogue.ACTIVE_STREAMS,
            push_domain=push.stream.push_domain,
            app_name=push.stream.app_name,
            origin=push.origin,
        )[0]
        for push in newest.values()
    )
