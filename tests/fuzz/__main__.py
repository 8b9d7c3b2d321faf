"""``make fuzz``: try bodies and ledgers for some time, and keep what does something new.

    python -m fuzz --seconds 600

What fails is shown by Hypothesis as small as it can be made, and ends with status 1: put it
into ``data/corpus`` by hand, where ``fuzz/test_corpus.py`` tries it for ever.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import click
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from support.fuzzing import DURABLE, Sent, groups, sent, try_body, try_groups

from exporter.daemon import logs
from fuzz.corpus import Case, load, save

ROUND = settings(
    max_examples=300,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.target, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
SMALL_ROUND = settings(ROUND, max_examples=60)


class Fuzzing:
    """One run, and what it found."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.corpus = load()
        self.new: dict[str, Case] = {}

    def body(self, one: Sent) -> None:
        """Try one body; keep a packet that had an effect not seen before."""
        self.tried["bodies"] += 1
        effect = try_body(one.body())
        case = Case(effect, one.packet, one.key)
        known = self.new.get(effect)
        if effect not in self.corpus and (known is None or len(case.line()) < len(known.line())):
            self.new[effect] = case

    def ledger(self, kind: str, batches: list[list[Sent]]) -> None:
        """Try packets in groups on a ledger and its oracle."""
        self.tried[f"ledgers ({kind})"] += 1
        self.tried[f"callbacks ({kind})"] += try_groups(kind, batches)

    def noise(self, body: bytes) -> None:
        """Try bytes."""
        self.tried["bytes"] += 1
        try_body(body)

    def run(self, seconds: float) -> None:
        """Go through all targets in turn until the time is over."""
        ends = time.monotonic() + seconds
        kinds = st.sampled_from(DURABLE)
        while time.monotonic() < ends:
            number = random.randrange(2**32)
            for rounds, function, strategies in (
                (ROUND, self.body, (sent,)),
                (ROUND, self.noise, (st.binary(max_size=200),)),
                (SMALL_ROUND, self.ledger, (kinds, groups)),
            ):
                trying = given(st.tuples(*strategies))(_spread(function))
                seed(number)(rounds(trying))()


def _spread(function: Callable[..., None]) -> Callable[[tuple[Any, ...]], None]:
    """Return a function of one tuple of arguments."""

    def spread(drawn: tuple[Any, ...]) -> None:
        function(*drawn)

    return spread


@click.command()
@click.option("--seconds", default=600.0, show_default=True, help="How long.")
def main(seconds: float) -> None:
    """Fuzz the receiver and the ledgers."""
    logs.configure("console", "critical")  # refusals are not what is looked for
    fuzzing = Fuzzing()
    began = time.monotonic()
    try:
        fuzzing.run(seconds)
    finally:
        took = time.monotonic() - began
        save(fuzzing.new.values())
        for what, number in sorted(fuzzing.tried.items()):
            click.echo(f"{what:24} {number:9}  {number / took:9.1f}/s")
        click.echo(f"{'effects known':24} {len(fuzzing.corpus):9}")
        for effect in sorted(fuzzing.new):
            click.echo(f"new effect: {effect}")


if __name__ == "__main__":
    main()
