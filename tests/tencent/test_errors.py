"""Every documented error code is a sentence with what to do."""

import pytest
from support.tencent import lies
from support.tencent.desk import client, template
from support.tencent.server import Double
from tencentcloud.live.v20180801 import errorcodes

from exporter.protocol.api_errors import ADVICE, advice_for
from exporter.tencent.calling import Patience
from exporter.tencent.errors import ApiError

# A word of what the operator should do, and the documented codes that ask for it.
DOCUMENTED = {
    "secret id": ["AuthFailure.SecretIdNotFound", "AuthFailure.InvalidSecretId"],
    "secret key": ["AuthFailure.SignatureFailure", "AuthFailure.InvalidAuthorization"],
    "clock": ["AuthFailure.SignatureExpire"],
    "Renew": ["AuthFailure.TokenFailure"],
    "MFA": ["AuthFailure.MFAFailure"],
    "Allow live:DescribeLiveCallbackRules in the CAM policy": [
        *("AuthFailure.UnauthorizedOperation", "UnauthorizedOperation"),
        "InternalError.NotPermmitOperat",
    ],
    "Ask less often": [
        *("RequestLimitExceeded", "RequestLimitExceeded.UinLimitExceeded"),
        *("RequestLimitExceeded.GlobalRegionUinLimitExceeded", "LimitExceeded.RateLimitExceeded"),
        "RequestLimitExceeded.IPLimitExceeded",
    ],
    "address restrictions": ["IpInBlacklist", "IpNotInWhitelist"],
    "Correct the value": [
        *("MissingParameter", "UnknownParameter", "InvalidParameter", "InvalidParameterValue"),
        "InternalError.InvalidInput",
    ],
    "another template name": ["InvalidParameter.ArgsNotMatch"],
    "resolves in public": ["InvalidParameter.UrlNotSafe"],
    "push domain": ["InvalidParameter.DomainFormatError"],
    "Delete a template": ["InternalError.ConfOutLimit"],
    "Unbind the template": [
        *("FailedOperation.ConfInUsed", "InternalError.ConfInUsed", "InternalError.RuleInUsing"),
    ],
    "does not exist any more": [
        *("FailedOperation.NotFound", "InternalError.ConfNotFound", "InternalError.NotFound"),
        *("InternalError.RuleNotFound", "InvalidParameter.ConfNotFound"),
    ],
    "a rule already": ["InternalError.RuleAlreadyExist"],
    "support": ["UnsupportedOperation.NotLVBCodeMode", "ResourceNotFound.InvalidUser"],
    "Settle the account": [
        *("ResourceNotFound.ForbidService", "ResourceNotFound.FreezeService"),
        "ResourceNotFound.StopService",
    ],
    "Activate": ["ResourceNotFound.UserDisableService", "ResourceNotFound.UserNotExist"],
    "Nothing was found": ["FailedOperation.HasNotLivingStream", "ResourceNotFound.EmptyData"],
    "tencent_site": [
        *("InvalidAction", "NoSuchVersion", "ActionOffline", "UnsupportedOperation"),
        *("UnsupportedProtocol", "UnsupportedRegion"),
    ],
    "fault of Tencent Cloud": [
        *("InternalError", "InternalError.ArgsNotMatch", "InternalError.CallOtherSvrError"),
        *("InternalError.ConfigNotExist", "InternalError.GetBizidError"),
        *("InternalError.GetStreamInfoError", "InternalError.GetUpstreamInfoError"),
        *("InternalError.StreamStatusError", "InternalError.UpdateDataError"),
        *("InternalError.InvalidRequest", "InternalError.QueryProIspPlayInfoError"),
        *("InternalError.QueryUploadInfoFailed", "InternalError.ConnectDbError"),
        *("InternalError.DBError", "FailedOperation", "FailedOperation.CallOtherSvrFailed"),
        *("FailedOperation.GetDataFailed", "FailedOperation.QueryUploadInfoFailed"),
        *("InvalidParameter.COSCustomFileNameError", "InvalidParameter.InvalidVodFileName"),
        "ServiceUnavailable",
    ],
    "Check network, proxy, TLS": ["ClientNetworkError", "ServerNetworkError"],
}
CODES = [(code, word) for word, codes in DOCUMENTED.items() for code in codes]


@pytest.mark.parametrize(("code", "word"), CODES)
def test_each_code_says_what_to_do(double: Double, code: str, word: str) -> None:
    """The real package raises it, and the sentence names action, code and request."""
    double.lie(lies.refuse(code, "so it is"))
    with pytest.raises(ApiError) as raised:
        client(double, Patience(pauses=())).rules()
    sentence = str(raised.value)
    assert word in sentence
    assert sentence.startswith("DescribeLiveCallbackRules failed. ")
    assert sentence.endswith(f"({code}: so it is, request id 00000000-double)")


def test_all_that_have_a_sentence_are_documented() -> None:
    """The codes stand once in the code, and all of them here."""
    codes = [code for advice in ADVICE for code in advice.codes]
    assert sorted(codes) == sorted(code for code, _ in CODES)


def test_codes_of_calls_are_known_to_the_package() -> None:
    """A code with a misprint would never be met."""
    known = {value for name, value in vars(errorcodes).items() if name.isupper()}
    families = ("FailedOperation", "InternalError", "InvalidParameter.", "ResourceNotFound")
    ours = {code for code, _ in CODES if code.startswith(families)}
    assert ours <= known


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("InternalError.SomethingNew", "fault of Tencent Cloud"),
        ("InvalidParameterValue.Sub", "Correct the value"),
        ("UnsupportedOperation.Sub", "tencent_site"),
        ("Marvellous", "not documented"),
    ],
)
def test_codes_that_nobody_knows_have_a_sentence_too(code: str, word: str) -> None:
    """By their family, or by default."""
    assert word in advice_for(code).sentence


def test_a_command_ends_with_the_sentence(double: Double) -> None:
    """On standard error for people, in the object for programs, status 1 for both."""
    double.lie(lies.refuse("ResourceNotFound.FreezeService"), times=2)
    people = template(double, "list")
    program = template(double, "list", "--json")
    assert (people.exit_code, program.exit_code) == (1, 1)
    assert "css-exporter: DescribeLiveCallbackRules failed. Settle the account" in people.stderr
    assert people.stdout == ""
    assert '"error": "DescribeLiveCallbackRules failed. Settle' in program.stdout
