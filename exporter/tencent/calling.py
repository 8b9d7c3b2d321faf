"""One call of Tencent Cloud's live API: over the official package, with our own retries.

The package is imported when the first call is made.  Its ``call_json`` is used instead of its
models: those turn an answer that they do not understand into a success full of None, lose an
``Error`` whose content type names a charset, and drop fields that they do not know.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from exporter.protocol.api_errors import BAD_ANSWER, NETWORK, Again
from exporter.tencent.credentials import credential_for
from exporter.tencent.deadline import Late, within
from exporter.tencent.errors import ApiError, TencentError
from exporter.tencent.templates import Site
from exporter.tencent.words import plain

ApiAnswer = Mapping[str, Any]
"""What stands in an answer's ``Response``."""

Fields = Mapping[str, Any]
"""What a call asks with."""

T = TypeVar("T")

_ROOTS: Final[dict[Site, str]] = {
    "mainland": "tencentcloudapi.com",
    "international": "intl.tencentcloudapi.com",
}

_LACKING: Final = (
    "this needs Tencent Cloud's package: pip install 'tencent-css-exporter[tencentcloud]'"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: for each read, for a call in all, and between attempts; seconds."""

    read_seconds: float = 10
    call_seconds: float = 30
    pauses: tuple[float, ...] = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Account:
    """Where to call, and as whom; the settings of these names.

    ``tencent_endpoint`` is a URL without a path, None for the site's own;
    ``tencent_credentials_file`` None for what the package finds.
    """

    tencent_site: Site = "mainland"
    tencent_endpoint: str | None = None
    tencent_credentials_file: Path | None = None


class Caller:
    """Makes calls; they raise ``ApiError``, and ``TencentError`` if there is no way to call.

    ``say`` is called with a sentence for whoever waits.
    """

    def __init__(
        self, account: Account, say: Callable[[str], None], patience: Patience | None = None
    ) -> None:
        self._account = account
        self._say = say
        self._patience = patience or Patience()
        self._connection: Any = None

    def read(self, action: str, fields: Fields, understand: Callable[[ApiAnswer], T]) -> T:
        """Ask for something, again if need be, and return what is understood of the answer.

        ``understand`` raises ``ValueError``, ``LookupError`` or ``TypeError`` if it is nothing.
        """
        return self._call(action, fields, understand, (Again.ALWAYS, Again.IF_READING))

    def write(self, action: str, fields: Fields, understand: Callable[[ApiAnswer], T]) -> T:
        """Change something, again only if nothing was done; see ``read``."""
        return self._call(action, fields, understand, (Again.ALWAYS,))

    def _call(
        self,
        action: str,
        fields: Fields,
        understand: Callable[[ApiAnswer], T],
        again: tuple[Again, ...],
    ) -> T:
        """Call until it succeeds, fails for good, or time is up.

        The package's own way to call again is broken: it throws a later success away.
        """
        for pause in self._patience.pauses:
            try:
                return self._once(action, fields, understand)
            except ApiError as error:
                if error.again not in again:
                    raise
                self._say(f"{action}: {error.code}; again in {pause:g} s")
                time.sleep(pause)
        return self._once(action, fields, understand)

    def _once(self, action: str, fields: Fields, understand: Callable[[ApiAnswer], T]) -> T:
        sdk = self._connected()
        seconds = self._patience.call_seconds
        try:
            answer = within(seconds, lambda: sdk.call_json(action, dict(fields)))
        except Late:
            self._connection = None  # the call may go on in it
            raise ApiError(action, NETWORK, f"no answer within {seconds:g} s") from None
        except Exception as error:  # noqa: BLE001 - whatever the package raises, the call failed
            raise _failure(action, error, fields) from None
        response = _response(action, answer, fields)
        try:
            return understand(response)
        except (ValueError, LookupError, TypeError) as error:
            raise ApiError(action, BAD_ANSWER, plain(error)) from None

    def _connected(self) -> Any:
        if self._connection is None:
            package = _package()
            # At DEBUG it would write headers and bodies, the keys among them.
            logging.getLogger("tencentcloud_sdk_common").setLevel(logging.INFO)
            credential = credential_for(
                self._account.tencent_credentials_file, self._patience.read_seconds
            )
            self._connection = package.LiveClient(credential, "", self._profile())
        return self._connection

    def _profile(self) -> Any:
        http = import_module("tencentcloud.common.profile.http_profile")
        client = import_module("tencentcloud.common.profile.client_profile")
        url = urlsplit(self._account.tencent_endpoint or "https:")
        return client.ClientProfile(
            language="en-US",
            httpProfile=http.HttpProfile(
                protocol=url.scheme,
                endpoint=url.netloc or None,
                rootDomain=_ROOTS[self._account.tencent_site],
                reqTimeout=self._patience.read_seconds,
            ),
        )


def why_not(account: Account) -> str | None:
    """Return why the API cannot be asked: no package, no credentials; None if it can.

    Asks the network only for the role of the machine or pod, if there is nothing else.
    """
    try:
        _package()
        credential_for(account.tencent_credentials_file, Patience().read_seconds)
    except TencentError as error:
        return str(error)
    return None


def lacking_package() -> str | None:
    """Return what to do if the package is not installed, else None; does not load it."""
    try:
        found = find_spec("tencentcloud.live")
    except ModuleNotFoundError:
        found = None
    return None if found else _LACKING


def _package() -> Any:
    """Return the package's module of live streaming.  Raises ``TencentError``."""
    try:
        return import_module("tencentcloud.live.v20180801.live_client")
    except ModuleNotFoundError:
        raise TencentError(_LACKING) from None


def _response(action: str, answer: Any, fields: Fields) -> ApiAnswer:
    """Return what an answer holds, or raise the error in it."""
    response = answer.get("Response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise ApiError(action, BAD_ANSWER, "the answer has no Response")
    request_id = plain(response.get("RequestId") or "")
    error = response.get("Error")
    if isinstance(error, dict):
        code = plain(error.get("Code") or BAD_ANSWER)
        raise ApiError(action, code, _masked(error.get("Message"), fields), request_id)
    if error is not None or not request_id:
        raise ApiError(action, BAD_ANSWER, "the answer has no RequestId, or a strange Error")
    return response


def _failure(action: str, error: Exception, fields: Fields) -> ApiError:
    """Return the failure of a call from what the package raised."""
    code, message = getattr(error, "code", None), getattr(error, "message", None)
    if isinstance(code, str):  # the package's own exception
        text = message.decode(errors="replace") if isinstance(message, bytes) else message
        request_id = plain(getattr(error, "requestId", None) or "")
        return ApiError(action, plain(code), _masked(text, fields), request_id)
    code = BAD_ANSWER if isinstance(error, ValueError | LookupError | TypeError) else NETWORK
    return ApiError(action, code, _masked(f"{type(error).__name__}: {error}", fields))


def _masked(message: object, fields: Fields) -> str:
    """Return a message without the callback key, if it repeats what was sent."""
    key = fields.get("CallbackKey")
    text = str(message or "")
    return plain(text.replace(key, "…") if key else text)
