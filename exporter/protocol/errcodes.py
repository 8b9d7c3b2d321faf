"""errcode of an interruption -> cause and description (docs/protocol.md section 5).

The callback carries only whole codes; the sub codes (18.501, 21.102, ...) are seen in the
console alone.  ``cause`` says what an alert needs and a code does not say: whom to call.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from exporter.protocol.vocabulary import OTHER

Cause = Literal["client_stop", "client_network", "rejected", "platform", "operator", "unknown"]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
INTENDED: Final[tuple[Cause, ...]] = ("client_stop", "operator")
"""Causes of an end that somebody wanted; after any other the stream is dropped."""


@dataclass(frozen=True, slots=True)
class ErrCode:
    """One documented errcode: its label value, cause and plain description."""

    code: str
    cause: Cause
    description: str


_DOCUMENTED: Final[dict[Cause, dict[str, str]]] = {
    "client_stop": {
        "1": "Push client stopped the push (RTMP deleteStream)",
        "2": "Push client stopped the push (RTMP closeStream)",
        "3": "Push client stopped the push (connection closed)",
        "4": "Push client stopped the push (connection failed at the client)",
        "35": "Push client stopped the push",
    },
    "client_network": {
        "6": "RTMP content abnormal",
        "7": "RTMP frame too large",
        "8": "No data for a long time, cut by the system",
        "12": "Push link network abnormal",
        "13": "Push link network abnormal",
        "14": "Push link network abnormal",
        "15": "Push link network abnormal",
        "16": "Push link network abnormal",
        "17": "Push link network abnormal",
        "20": "No data for a long time, cut by the system",
        "23": "RTMP content abnormal",
        "33": "RTMP AMF data abnormal",
        "39": "Frame rate or frame size above the maximum",
    },
    "rejected": {
        "18": "Push rejected: authentication, domain, account or quota",
        "19": "Push rejected by third-party authentication",
    },
    "platform": {
        "5": "CSS internal error",
        "9": "CSS internal error",
        "10": "CSS proxy layer was told to interrupt",
        "11": "CSS internal error",
        "24": "CSS internal error",
        "37": "Stream without viewers dropped by the platform",
        "38": "CSS internal error",
    },
    "operator": {
        "21": "Cut or banned by request, or replaced by a new push",
    },
    "unknown": dict.fromkeys(
        ("0", "22", "25", "26", "27", "28", "29", "30", "31", "32", "34", "36"),
        "Unknown reason",
    ),
}

_BY_CODE: Final[dict[str, ErrCode]] = {
    code: ErrCode(code, cause, description)
    for cause, codes in _DOCUMENTED.items()
    for code, description in codes.items()
}
_UNDOCUMENTED: Final = ErrCode(OTHER, "unknown", "Undocumented errcode")

ERRCODES: Final[tuple[ErrCode, ...]] = (
    *sorted(_BY_CODE.values(), key=lambda errcode: int(errcode.code)),
    _UNDOCUMENTED,
)
"""Every documented errcode in numeric order, then ``other``."""

INTENDED_NUMBERS: Final = tuple(
    int(one.code) for one in _BY_CODE.values() if one.cause in INTENDED
)
"""The errcodes of those ends, as numbers."""


def errcode_of(number: int) -> ErrCode:
    """Return the documented errcode of a number, ``other`` for any that is not."""
    return _BY_CODE.get(str(number), _UNDOCUMENTED)
