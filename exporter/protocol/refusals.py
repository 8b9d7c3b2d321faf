"""The closed list of reasons for which a callback is not answered with 200.

The same word is exception, metric label, log field and answer; what it means and what an
operator can do about it is said here, for pages and documents alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Rejection = Literal[
    "malformed_json",
    "not_an_object",
    "missing_field",
    "bad_field",
    "unsigned",
    "bad_signature",
    "expired",
    "not_yet_valid",
    "not_found",
    "bad_method",
    "too_large",
    "ledger_unavailable",
    "loop",
]
"""Why we refuse a callback; each is counted."""

ForwardFailure = Literal["forward_timed_out", "forward_unreachable", "forward_overloaded"]
"""Why a callback that is recorded must come again: the consumer behind us does not have it."""

ForwardResult = Literal["taken", "refused", "unreachable", "timed_out", "overloaded"]
"""What became of a callback at the consumer; ``refused``: it answered, and not with 200."""

ReasonWord = Rejection | ForwardFailure


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its word, the HTTP status of the answer, what it means and what to do.

    ``meaning`` is a few words, ``advice`` a sentence or more for the operator.
    """

    word: ReasonWord
    status: int
    meaning: str
    advice: str


_SENDER_CHANGED: Final = (
    "If Tencent sent it, its format has changed: update this exporter, or report the event and"
    " the field. Otherwise somebody else posts to this address."
)
_COMES_AGAIN: Final = (
    " The callback is recorded; the sender comes again until the consumer has it."
)

_REJECTIONS: Final = (
    Reason(
        "malformed_json",
        400,
        "the body is not JSON, or broke off",
        "Tencent sends JSON: a proxy changes or cuts bodies, or somebody else posts to this"
        " address.",
    ),
    Reason(
        "not_an_object",
        400,
        "the body is JSON, but no object",
        "Tencent sends objects: somebody else posts to this address.",
    ),
    Reason("missing_field", 400, "a field that a count depends on is missing", _SENDER_CHANGED),
    Reason(
        "bad_field",
        400,
        "a field that a count depends on has no usable type or size",
        _SENDER_CHANGED,
    ),
    Reason(
        "unsigned",
        403,
        "no sign or no t, and the event is not in accept_unsigned",
        "Has the callback template no key? Enter one of this exporter's callback keys there;"
        " a change takes 5 to 10 minutes. Otherwise somebody forges packets.",
    ),
    Reason(
        "bad_signature",
        403,
        "no key that may sign for this push domain signed it",
        "Was the callback key changed in the console in the last 10 minutes? Keep the old and the"
        " new key in callback_keys meanwhile. Otherwise compare the template's key with this"
        " exporter's; a push domain with keys of its own must be signed by one of those. If all"
        " keys are right, somebody forges packets.",
    ),
    Reason(
        "expired",
        403,
        "t is past by more than the tolerance: a late packet, or this clock is fast",
        "If all packets are refused so, the clock of this machine is off: ahead by about that"
        " much; check its time synchronisation. If only some are, they were held up on the way,"
        " or sent again by somebody who has seen them.",
    ),
    Reason(
        "not_yet_valid",
        403,
        "t is too far ahead: this clock is slow",
        "Check the time synchronisation of this machine.",
    ),
    Reason(
        "not_found",
        404,
        "no callbacks are taken at this path",
        "The URL in the callback template has another path than this exporter's: compare it with"
        " the one on the overview page.",
    ),
    Reason(
        "bad_method",
        405,
        "not a POST",
        "Tencent sends POST; this was a browser or a health check. Let health checks ask"
        " /-/healthy.",
    ),
    Reason(
        "too_large",
        413,
        "the body is larger than max_body_bytes",
        "Packets of moderation and summaries can be large: raise max_body_bytes if Tencent sent"
        " it. Otherwise somebody else posts to this address.",
    ),
    Reason(
        "ledger_unavailable",
        503,
        "the ledger cannot commit; the sender comes back",
        "Nothing is lost if this is mended soon: the sender repeats most events 12 times, a"
        " minute apart, screencaptures 5 times, 2 minutes apart. After that they are gone for"
        " good.",
    ),
    Reason(
        "loop",
        508,
        "the request went through this exporter before",
        "forward_to leads back to this exporter, perhaps through a proxy: give it the address of"
        " the consumer.",
    ),
)
_FORWARD_FAILURES: Final = (
    Reason(
        "forward_timed_out",
        504,
        "the consumer gave no answer in time",
        "The consumer is too slow, or hangs." + _COMES_AGAIN,
    ),
    Reason(
        "forward_unreachable",
        502,
        "the consumer could not be reached",
        "Does the consumer run, and does forward_to name it?" + _COMES_AGAIN,
    ),
    Reason(
        "forward_overloaded",
        503,
        "too many callbacks wait for the consumer",
        "The consumer is slower than callbacks come in." + _COMES_AGAIN,
    ),
)

REASONS: Final[Mapping[ReasonWord, Reason]] = {
    reason.word: reason for reason in (*_REJECTIONS, *_FORWARD_FAILURES)
}
"""Every reason by its word."""

STATUS: Final[Mapping[str, int]] = {reason.word: reason.status for reason in _REJECTIONS}
"""HTTP status of each reason that is counted as a rejection."""


class Refusal(Exception):  # noqa: N818 - the field's word; a refusal is an answer, not an error
    """A callback that is not accepted.

    ``detail`` says more to the operator than the reason's word (a field's name, seconds of
    delay) and never holds a value of the packet.
    """

    def __init__(self, reason: ReasonWord, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer."""
        return REASONS[self.reason].status
