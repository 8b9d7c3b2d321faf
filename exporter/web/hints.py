"""What became of a delivery, in plain words, and what an operator can do about it.

Pure.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from exporter.ledger import Delivery, Outcome
from exporter.protocol.signature import LIFETIME_SECONDS

CLOCK_TOLERANCE_SECONDS: Final = 30
"""Above this, clocks that differ are worth a word even if the callback was taken."""

_NOT_THE_SENDER: Final = (
    "If Tencent sent it, its format has changed: update this exporter, or report the event and"
    " the field. Otherwise somebody else posts to this address."
)
_UNSIGNED_EVENTS: Final = ("relay", "stream_monitor")


class Hint(NamedTuple):
    """A few words on what happened, and a sentence or two on what to do about it."""

    meaning: str
    advice: str


def hint_for(delivery: Delivery) -> Hint | None:
    """Return the hint on a delivery; None if there is nothing to say of it."""
    hint = _HINTS.get(delivery.reason or delivery.outcome)
    return hint(delivery) if hint else None


def span(seconds: float) -> str:
    """Return a length of time in at most two units, like ``2 h 5 min``."""
    sign = "−" if round(seconds, 1) < 0 else ""  # noqa: RUF001 - a minus is meant
    rest = abs(seconds)
    if rest < 9.95:
        return f"{sign}{rest:.1f} s"
    parts = []
    whole = round(rest)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, whole = divmod(whole, length)
        parts.append(f"{number} {unit}" if number else "")
    while not parts[0]:
        parts.pop(0)
    return sign + " ".join(filter(None, parts[:2]))


def _accepted(delivery: Delivery) -> Hint | None:
    ahead = (delivery.expires_in_seconds or 0) - LIFETIME_SECONDS
    behind = max(ahead, -(delivery.delay_seconds or 0))
    if behind < CLOCK_TOLERANCE_SECONDS:
        return None
    return Hint(
        "taken, but clocks differ",
        f"The clock of this machine is off: about {span(behind)} behind the sender's. Check its"
        " time synchronisation before callbacks are refused for it.",
    )


def _expired(delivery: Delivery) -> Hint:
    past = -(delivery.expires_in_seconds or 0)
    return Hint(
        f"the signature expired {span(past)} ago",
        f"By its t, the packet was sent {span(past + LIFETIME_SECONDS)} ago. If all packets are"
        " refused so, the clock of this machine is off: ahead by about that much; check its time"
        " synchronisation. If only some are, they were held up on the way, or sent again by"
        " somebody who has seen them.",
    )


def _not_yet_valid(delivery: Delivery) -> Hint:
    behind = (delivery.expires_in_seconds or 0) - LIFETIME_SECONDS
    return Hint(
        f"the signature is dated {span(behind)} ahead",
        f"The clock of this machine is off: about {span(behind)} behind the sender's. Check its"
        " time synchronisation.",
    )


def _unsigned(delivery: Delivery) -> Hint:
    if delivery.event in _UNSIGNED_EVENTS:
        advice = (
            f"Callbacks of {delivery.event} tasks come without a signature: to take them, add"
            f" {delivery.event} to accept_unsigned."
        )
    else:
        advice = (
            "Has the callback template no key? Enter one of this exporter's callback keys there;"
            " a change takes 5 to 10 minutes. Otherwise somebody forges packets."
        )
    return Hint("no signature", advice)


def _ledger_unavailable(delivery: Delivery) -> Hint:
    return Hint(
        "could not be committed",
        f"The ledger could not commit: {delivery.detail or 'see the log'}. Nothing is lost if this"
        " is mended soon: the sender repeats most events 12 times, a minute apart, screencaptures"
        " 5 times, 2 minutes apart. After that they are gone for good.",
    )


def _always(meaning: str, advice: str) -> Callable[[Delivery], Hint]:
    hint = Hint(meaning, advice)
    return lambda _: hint


def _of_field(meaning: str) -> Callable[[Delivery], Hint]:
    return lambda delivery: Hint(
        f"{meaning}: {delivery.detail}" if delivery.detail else meaning, _NOT_THE_SENDER
    )


_HINTS: Final[dict[str, Callable[[Delivery], Hint | None]]] = {
    Outcome.ACCEPTED: _accepted,
    Outcome.DUPLICATE: _always(
        "redelivery, already counted",
        "The sender did not see our answer in time, or the network repeated the packet. Nothing"
        " is counted twice. If there are many, see how long answers take on the way to Tencent.",
    ),
    Outcome.LATE: _always(
        "came after its own interruption",
        "Callbacks overtake each other, above all after retries. The push is counted; no stream"
        " is opened. Nothing is to be done.",
    ),
    "malformed_json": _always(
        "the body is not JSON",
        "Tencent sends JSON: a proxy changes or cuts bodies, or somebody else posts to this"
        " address.",
    ),
    "not_an_object": _always(
        "the body is JSON, but no object",
        "Tencent sends objects: somebody else posts to this address.",
    ),
    "missing_field": _of_field("a field is missing"),
    "bad_field": _of_field("a field cannot be used"),
    "unsigned": _unsigned,
    "bad_signature": _always(
        "the signature does not match any key",
        "Was the callback key changed in the console in the last 10 minutes? Keep the old and the"
        " new key in callback_keys meanwhile. Otherwise compare the template's key with this"
        " exporter's; a push domain with keys of its own must be signed by one of those. If all"
        " keys are right, somebody forges packets.",
    ),
    "expired": _expired,
    "not_yet_valid": _not_yet_valid,
    "not_found": _always(
        "POST to another path",
        "The URL in the callback template has another path than this exporter's: compare it with"
        " the one on the overview page.",
    ),
    "bad_method": _always(
        "not a POST",
        "Tencent sends POST; this was a browser or a health check. Let health checks ask"
        " /-/healthy.",
    ),
    "too_large": _always(
        "the body is too large",
        "Packets of moderation and summaries can be large: raise max_body_bytes if Tencent sent"
        " it. Otherwise somebody else posts to this address.",
    ),
    "ledger_unavailable": _ledger_unavailable,
}
