"""Who we are to Tencent Cloud: a file of our own, or what the official package finds."""

from configparser import ConfigParser
from configparser import Error as IniError
from importlib import import_module
from pathlib import Path
from typing import Any

from exporter.tencent.deadline import Late, within
from exporter.tencent.errors import TencentError

_NONE = (
    "no credentials were found: set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or"
    " tencent_credentials_file"
)


def credential_for(file: Path | None, seconds: float) -> Any:
    """Return the package's credential object from a file, or from its chain if None.

    The chain: environment, the file of the package's own tools, the role of this machine, the
    role of this Kubernetes pod; it has so many ``seconds``.  Raises ``TencentError``.
    """
    credential = import_module("tencentcloud.common.credential")
    if file:
        return credential.Credential(*_in(file))
    try:
        found = within(seconds, credential.DefaultCredentialProvider().get_credentials)
    except Late:
        raise TencentError(f"{_NONE} (asking for this machine's role took too long)") from None
    except IniError:
        raise TencentError(
            "the file .tencentcloud/credentials cannot be read: it needs a section [default] with"
            " secret_id and secret_key"
        ) from None
    except Exception as error:  # noqa: BLE001 - the chain ends in OSError, AttributeError and more
        raise TencentError(f"{_NONE} ({_word(error)})") from None
    if isinstance(found, credential.Credential):
        _check(found.secret_id, found.secret_key, "the environment or .tencentcloud/credentials")
    return found


def _in(file: Path) -> tuple[str, str, str | None]:
    """Return secret id, secret key and token of an INI file; no error shows what it holds."""
    ini = ConfigParser(interpolation=None)
    try:
        ini.read_string(file.read_text(encoding="utf-8"))
        section = ini["default"]
    except OSError as error:
        raise TencentError(f"cannot read {file}: {error.strerror}") from None
    except (IniError, KeyError, ValueError):
        raise TencentError(f"{file} needs a section [default] as in an INI file") from None
    values = [section.get(name, "").strip("\"' ") for name in ("secret_id", "secret_key", "token")]
    _check(values[0], values[1], str(file))
    return values[0], values[1], values[2] or None


def _check(secret_id: str, secret_key: str, where: str) -> None:
    """Refuse what could not be sent: the error of the attempt would contain it."""
    for name, value in (("secret_id", secret_id), ("secret_key", secret_key)):
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise TencentError(f"{where} has no usable {name}")


def _word(error: Exception) -> str:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else type(error).__name__
