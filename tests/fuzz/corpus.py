"""The corpus: packets that fuzzing found, each with the effect that it was kept for."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from support.fuzzing import Sent
from support.repository import ROOT

CORPUS = ROOT / "tests" / "data" / "corpus" / "packets.jsonl"


class Case(NamedTuple):
    """A packet, what signs it, and what becomes of it in a few words."""

    effect: str
    packet: Any
    key: str | None

    def line(self) -> str:
        """Return its line of the corpus."""
        return json.dumps(self._asdict(), sort_keys=True)

    @property
    def sent(self) -> Sent:
        """Return it as it is sent."""
        return Sent(self.packet, self.key)


def load() -> dict[str, Case]:
    """Return the cases by their effects."""
    lines = CORPUS.read_text().splitlines() if CORPUS.exists() else []
    cases = [Case(**json.loads(line)) for line in lines]
    return {case.effect: case for case in cases}


def save(new: Iterable[Case]) -> None:
    """Add cases to the corpus."""
    lines = {case.line() for case in (*load().values(), *new)}
    CORPUS.write_text("".join(f"{line}\n" for line in sorted(lines)))
