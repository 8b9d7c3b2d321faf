"""What became of a delivery, in plain words, and what an operator can do about it.

A reason has general advice (``refusals``); here the details of the one delivery are added.
Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from exporter.ledger import Delivery, Outcome
from exporter.protocol import events
from exporter.protocol.refusals import REASONS
from exporter.protocol.signature import LIFETIME_SECONDS
from exporter.web.formatting import span

CLOCK_TOLERANCE_SECONDS: Final = 30
"""If clocks differ by more it is mentioned, even if the callback was taken."""


class Hint(NamedTuple):
    """A few words on what happened, and a sentence or two on what to do about it."""

    meaning: str
    advice: str


class Advice(NamedTuple):
    """A hint, the word that it explains, and for how many deliveries or pushes."""

    word: str
    hint: Hint
    times: int


def advice_on(called_for: Iterable[tuple[str, Hint]]) -> list[Advice]:
    """Return the hints that are called for, each word once, as it comes first."""
    found: dict[str, Advice] = {}
    for word, hint in called_for:
        first = found.get(word, Advice(word, hint, 0))
        found[word] = first._replace(times=first.times + 1)
    return list(found.values())


def word_of(delivery: Delivery) -> str:
    """Return the word that a hint is about: a reason, or else the outcome."""
    if delivery.forward_result == "taken":
        return delivery.outcome
    return delivery.reason or delivery.outcome


def hint_for(delivery: Delivery) -> Hint | None:
    """Return the hint on a delivery; None if there is nothing to say of it."""
    word = word_of(delivery)
    hint = _GENERAL.get(word)
    special = _SPECIAL.get(word)
    return special(delivery, hint) if special and hint else hint


def _accepted(delivery: Delivery, hint: Hint) -> Hint | None:
    ahead = (delivery.expires_in_seconds or 0) - LIFETIME_SECONDS
    behind = max(ahead, -(delivery.delay_seconds or 0))
    if behind < CLOCK_TOLERANCE_SECONDS:
        return None
    return Hint(
        hint.meaning,
        f"The clock of this machine is off: about {span(behind)} behind the sender's."
        f" {hint.advice}",
    )


def _of_field(delivery: Delivery, hint: Hint) -> Hint:
    if not delivery.detail:
        return hint
    return hint._replace(meaning=f"{hint.meaning}: {delivery.detail}")


def _unsigned(delivery: Delivery, hint: Hint) -> Hint:
    if not events.comes_unsigned(delivery.event):
        return hint
    return Hint(
        hint.meaning,
        f"Callbacks of {delivery.event} tasks come without a signature: to take them, add"
        f" {delivery.event} to accept_unsigned.",
    )


def _expired(delivery: Delivery, hint: Hint) -> Hint:
    past = -(delivery.expires_in_seconds or 0)
    return Hint(
        f"the signature expired {span(past)} ago",
        f"By its t, the packet was sent {span(past + LIFETIME_SECONDS)} ago. {hint.advice}",
    )


def _not_yet_valid(delivery: Delivery, hint: Hint) -> Hint:
    behind = (delivery.expires_in_seconds or 0) - LIFETIME_SECONDS
    return Hint(
        f"the signature is dated {span(behind)} ahead",
        f"The clock of this machine is off: about {span(behind)} behind the sender's."
        f" {hint.advice}",
    )


def _ledger_unavailable(delivery: Delivery, hint: Hint) -> Hint:
    why = delivery.detail or "see the log"
    return hint._replace(advice=f"The ledger could not commit: {why}. {hint.advice}")


def _duplicate(delivery: Delivery, hint: Hint) -> Hint:
    if not delivery.forward_result:
        return hint
    return hint._replace(
        advice="The sender comes again until the consumer has a callback, and now it has this"
        " one. Nothing is counted twice."
    )


def _forward_refused(delivery: Delivery, hint: Hint) -> Hint:
    return hint._replace(meaning=f"the consumer answered {delivery.detail}")


_GENERAL: Final[Mapping[str, Hint]] = {
    **{word: Hint(reason.meaning, reason.advice) for word, reason in REASONS.items()},
    "forward_refused": Hint(
        "the consumer refused it",
        "The platform will come again in a minute, with screencaptures in two. The callback is"
        " recorded. Why the consumer refuses it stands in the consumer's own log.",
    ),
    Outcome.ACCEPTED: Hint(
        "taken, but clocks differ",
        "Check its time synchronisation before callbacks are refused for it.",
    ),
    Outcome.DUPLICATE: Hint(
        "redelivery, already counted",
        "The sender did not see our answer in time, or the network repeated the packet. Nothing"
        " is counted twice. If there are many, see how long answers take on the way to Tencent.",
    ),
    Outcome.LATE: Hint(
        "came after its own interruption",
        "Callbacks overtake each other, above all after retries. The push is counted; no stream"
        " is opened. Nothing is to be done.",
    ),
}

_SPECIAL: Final[Mapping[str, Callable[[Delivery, Hint], Hint | None]]] = {
    Outcome.ACCEPTED: _accepted,
    Outcome.DUPLICATE: _duplicate,
    "forward_refused": _forward_refused,
    "forward_unreachable": _of_field,
    "missing_field": _of_field,
    "bad_field": _of_field,
    "unsigned": _unsigned,
    "expired": _expired,
    "not_yet_valid": _not_yet_valid,
    "ledger_unavailable": _ledger_unavailable,
}
