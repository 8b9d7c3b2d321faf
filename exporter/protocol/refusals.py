"""The closed list of reasons for which a callback is refused.

The same word is exception, metric label, log field and answer.
"""

from typing import Final

STATUS: Final[dict[str, int]] = {
    "malformed_json": 400,
    "not_an_object": 400,
    "missing_field": 400,
    "bad_field": 400,
    "unsigned": 403,
    "bad_signature": 403,
    "expired": 403,
    "not_yet_valid": 403,
    "not_found": 404,
    "bad_method": 405,
    "too_large": 413,
    "ledger_unavailable": 503,
}
"""HTTP status that each reason is answered with."""


class Refusal(Exception):  # noqa: N818 - the field's word; a refusal is an answer, not an error
    """A callback that is not accepted.

    ``reason`` is one of the words of ``STATUS``; ``detail`` says more to the operator
    (a field's name, seconds of delay) and never holds a value of the packet.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer."""
        return STATUS[self.reason]
