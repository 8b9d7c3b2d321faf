"""What the error codes of Tencent Cloud's API mean to the operator, and whether to ask again.

Pure.  Every documented code stands here once, under the sentence that says what to do.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from exporter.protocol.vocabulary import OTHER

NETWORK: Final = "ClientNetworkError"
"""The SDK's own code: no connection, or no answer in time."""

BAD_ANSWER: Final = "ServerNetworkError"
"""The SDK's own code for a bad HTTP status, and ours for an answer that cannot be understood."""


class Again(Enum):
    """Whether a call that failed may be made again."""

    NEVER = auto()
    IF_READING = auto()
    """What was asked for may have been done: a write must look first."""
    ALWAYS = auto()
    """Nothing was done."""


@dataclass(frozen=True, slots=True)
class ErrorAdvice:
    """What the operator should do about some error codes."""

    sentence: str
    codes: tuple[str, ...]
    again: Again = Again.NEVER


def advice_for(code: str) -> ErrorAdvice:
    """Return the advice on an error code, one that is not documented too."""
    return _BY_CODE.get(code) or _BY_FAMILY.get(code.partition(".")[0]) or _UNKNOWN


def is_gone(code: str) -> bool:
    """Return whether a code says that the thing to delete does not exist."""
    return advice_for(code) is _GONE


def label_of(code: str) -> str:
    """Return a documented code as it is, ``other`` for any that is not."""
    return code if code in _BY_CODE else OTHER


_VALUE: Final = ErrorAdvice(
    "Correct the value that the message names.",
    (
        "MissingParameter",
        "UnknownParameter",
        "InvalidParameter",
        "InvalidParameterValue",
        "InternalError.InvalidInput",
    ),
)
_ELSEWHERE: Final = ErrorAdvice(
    "The API does not know this call here: check tencent_site and tencent_endpoint, or upgrade"
    " the exporter.",
    (
        "InvalidAction",
        "NoSuchVersion",
        "ActionOffline",
        "UnsupportedOperation",
        "UnsupportedProtocol",
        "UnsupportedRegion",
    ),
)
_DENIED: Final = ErrorAdvice(
    "Allow live:{action} in the CAM policy of this key (docs/tencent-cloud.md has the smallest).",
    (
        "UnauthorizedOperation",
        "AuthFailure.UnauthorizedOperation",
        "InternalError.NotPermmitOperat",  # sic
    ),
)
_CREDENTIALS: Final = ErrorAdvice(
    "Check the secret id: it was deleted or disabled, or is one of the other site.",
    ("AuthFailure.SecretIdNotFound", "AuthFailure.InvalidSecretId"),
)
_THROTTLED: Final = ErrorAdvice(
    "Ask less often: other tools of this account use up the same quota.",
    (
        "RequestLimitExceeded",
        "RequestLimitExceeded.UinLimitExceeded",
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
        "RequestLimitExceeded.IPLimitExceeded",
        "LimitExceeded.RateLimitExceeded",
    ),
    Again.ALWAYS,
)
_PROVIDER: Final = ErrorAdvice(
    "That is a fault of Tencent Cloud's: try later, then open a ticket with the request id.",
    (
        "ServiceUnavailable",
        "InternalError",
        "InternalError.ArgsNotMatch",
        "InternalError.CallOtherSvrError",
        "InternalError.ConfigNotExist",
        "InternalError.ConnectDbError",
        "InternalError.DBError",
        "InternalError.GetBizidError",
        "InternalError.GetStreamInfoError",
        "InternalError.GetUpstreamInfoError",
        "InternalError.InvalidRequest",
        "InternalError.QueryProIspPlayInfoError",
        "InternalError.QueryUploadInfoFailed",
        "InternalError.StreamStatusError",
        "InternalError.UpdateDataError",
        "FailedOperation",
        "FailedOperation.CallOtherSvrFailed",
        "FailedOperation.GetDataFailed",
        "FailedOperation.QueryUploadInfoFailed",
    ),
    Again.IF_READING,
)
_MISFILED: Final = ErrorAdvice(
    "That is a fault of Tencent Cloud's: nothing of the kind was sent. Try later, then open a"
    " ticket with the request id.",
    ("InvalidParameter.COSCustomFileNameError", "InvalidParameter.InvalidVodFileName"),
)
_GONE: Final = ErrorAdvice(
    "It does not exist any more: list again; what was to be deleted is gone.",
    (
        "FailedOperation.NotFound",
        "InternalError.ConfNotFound",
        "InternalError.NotFound",
        "InternalError.RuleNotFound",
        "InvalidParameter.ConfNotFound",
    ),
)
_UNKNOWN: Final = ErrorAdvice(
    "This code is not documented: see its message, and open a ticket with the request id.", ()
)

ADVICE: Final = (
    _VALUE,
    _ELSEWHERE,
    _DENIED,
    _CREDENTIALS,
    _THROTTLED,
    _PROVIDER,
    _MISFILED,
    ErrorAdvice(
        "Check the secret key, and whether a proxy on the way alters requests.",
        ("AuthFailure.SignatureFailure", "AuthFailure.InvalidAuthorization"),
    ),
    ErrorAdvice(
        "Set the clock of this machine: one that is off by over 5 minutes is refused.",
        ("AuthFailure.SignatureExpire",),
    ),
    ErrorAdvice("Renew the temporary credentials.", ("AuthFailure.TokenFailure",)),
    ErrorAdvice("Use a key that needs no MFA.", ("AuthFailure.MFAFailure",)),
    ErrorAdvice(
        "Correct the address restrictions of this key or account.",
        ("IpInBlacklist", "IpNotInWhitelist"),
    ),
    ErrorAdvice("Choose another template name.", ("InvalidParameter.ArgsNotMatch",)),
    ErrorAdvice("Use a host name that resolves in public.", ("InvalidParameter.UrlNotSafe",)),
    ErrorAdvice("Correct the push domain.", ("InvalidParameter.DomainFormatError",)),
    ErrorAdvice("Delete a template that is not used.", ("InternalError.ConfOutLimit",)),
    ErrorAdvice(
        "Unbind the template from its domains first.",
        (
            "FailedOperation.ConfInUsed",
            "InternalError.ConfInUsed",
            "InternalError.RuleInUsing",
        ),
    ),
    _GONE,
    ErrorAdvice(
        "There is a rule already: look at it with check, and unbind it if it is wrong.",
        ("InternalError.RuleAlreadyExist",),
    ),
    ErrorAdvice(
        "Ask Tencent Cloud's support to enable it for this account.",
        ("UnsupportedOperation.NotLVBCodeMode", "ResourceNotFound.InvalidUser"),
    ),
    ErrorAdvice(
        "Settle the account with Tencent Cloud: it is banned, frozen or in arrears.",
        (
            "ResourceNotFound.ForbidService",
            "ResourceNotFound.FreezeService",
            "ResourceNotFound.StopService",
        ),
    ),
    ErrorAdvice(
        "Activate the live service of this account.",
        ("ResourceNotFound.UserDisableService", "ResourceNotFound.UserNotExist"),
    ),
    ErrorAdvice(
        "Nothing was found; there is nothing to do.",
        ("FailedOperation.HasNotLivingStream", "ResourceNotFound.EmptyData"),
    ),
    ErrorAdvice(
        "Check network, proxy, TLS and tencent_endpoint.", (NETWORK, BAD_ANSWER), Again.IF_READING
    ),
)
"""Every documented code, in groups by what the operator should do."""

_BY_CODE: Final = {code: advice for advice in ADVICE for code in advice.codes}

CODES: Final = (*sorted(_BY_CODE), OTHER)
"""Every documented code, and what stands for any other."""

_BY_FAMILY: Final = {
    "MissingParameter": _VALUE,
    "UnknownParameter": _VALUE,
    "InvalidParameter": _VALUE,
    "InvalidParameterValue": _VALUE,
    "UnsupportedOperation": _ELSEWHERE,
    "UnauthorizedOperation": _DENIED,
    "AuthFailure": _CREDENTIALS,
    "RequestLimitExceeded": _THROTTLED,
    "InternalError": _PROVIDER,
    "FailedOperation": _PROVIDER,
    "ServiceUnavailable": _PROVIDER,
}
"""What an undocumented code means, by the word before its first dot."""
