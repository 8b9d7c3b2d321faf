"""Who may ask: the signature of a request, verified as the official package makes it."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from tencentcloud.common.sign import Sign

VERSION = "2018-08-01"
SKEW_SECONDS = 300


class ApiFault(Exception):  # noqa: N818 - an answer, no error of the double
    """An error that the API answers with."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or f"the double says {code}"


class Secret(NamedTuple):
    """A key pair; ``token`` of temporary ones."""

    secret_id: str
    secret_key: str
    token: str = ""


def verify(headers: Mapping[str, str], body: bytes, secret: Secret, now: float) -> None:
    """Raise an ``ApiFault`` unless a request was signed with a secret, and now."""
    try:
        algorithm, credential, signed, signature = (
            headers["Authorization"].replace(", ", " ").split(" ")
        )
        secret_id, date, service, ending = credential.removeprefix("Credential=").split("/")
        timestamp = int(headers["X-TC-Timestamp"])
    except (KeyError, ValueError):
        raise ApiFault("AuthFailure.InvalidAuthorization") from None
    if (algorithm, service, ending, signed) != (
        "TC3-HMAC-SHA256",
        "live",
        "tc3_request",
        "SignedHeaders=content-type;host",
    ):
        raise ApiFault("AuthFailure.InvalidAuthorization")
    if secret_id != secret.secret_id:
        raise ApiFault("AuthFailure.SecretIdNotFound")
    is_today = date == datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    if abs(timestamp - now) > SKEW_SECONDS or not is_today:
        raise ApiFault("AuthFailure.SignatureExpire")
    canonical = (
        "POST\n/\n\n"
        f"content-type:{headers['Content-Type']}\nhost:{headers['Host']}\n\n"
        f"content-type;host\n{hashlib.sha256(body).hexdigest()}"
    )
    scope = f"{date}/live/tc3_request"
    to_sign = (
        f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    )
    expected = Sign.sign_tc3(secret.secret_key, date, service, to_sign)
    if not hmac.compare_digest(expected, signature.removeprefix("Signature=")):
        raise ApiFault("AuthFailure.SignatureFailure")
    if headers.get("X-TC-Token", "") != secret.token:
        raise ApiFault("AuthFailure.TokenFailure")
    if headers.get("X-TC-Version") != VERSION:
        raise ApiFault("NoSuchVersion")
