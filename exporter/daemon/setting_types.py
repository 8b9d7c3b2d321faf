"""The types of settings that need more than a number: how text becomes a checked value.

Each function raises ``ValueError`` with a sentence for the operator.
"""

import re
import ssl
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from exporter.ledger import UnusableLedger, check_url
from exporter.protocol.events import EVENT_NAMES

_EVENTS = ", ".join(EVENT_NAMES)
_LEDGER_SCHEMES = ("sqlite", "postgresql", "postgres")


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(value: Any) -> Any:
    """Return the address of ``host:port``, ``[ipv6]:port`` or ``:port``."""
    if not isinstance(value, str):
        return value
    host, separator, port = value.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("is no address; use host:port, like 127.0.0.1:8080")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("put an IPv6 address in brackets, like [::1]:8080")
    return Address(host or "0.0.0.0", int(port))


def separated(value: Any) -> Any:
    """Return the parts of a comma-separated text, or a list as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def watched_streams(value: Any) -> Any:
    """Return (push domain, app name, stream id) of each name of a comma-separated text or list.

    A stream id may have slashes of its own.
    """
    names = separated(value)
    if not isinstance(names, tuple | list):
        return names
    found = []
    for name in names:
        parts = name.split("/", 2) if isinstance(name, str) else ()
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{name!r} is no stream; use push_domain/app_name/stream_id")
        found.append((parts[0].lower(), parts[1], parts[2]))
    return tuple(dict.fromkeys(found))


def secret(value: Any) -> Any:
    """Return a secret without the white space around it; refuse an empty one."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            raise ValueError("is empty, which protects nothing; leave it out if you want none")
    return value


def secrets(value: Any) -> Any:
    """Return the secrets of a comma-separated text, or those of a list; refuse none at all."""
    found = separated(value)
    if not found:
        raise ValueError("holds no key; leave it out to have one made")
    return found


def table(value: Any) -> Any:
    """Return a table with its push domains in lower case; text must be a JSON object."""
    keys_of = _table(value, "push domain to its list of keys")
    return {domain.lower(): keys for domain, keys in keys_of.items()}


def consumers(value: Any) -> Any:
    """Return a table of consumers by event; text must be a JSON object."""
    found = _table(value, "event name to the URL of its consumer")
    unknown = found.keys() - set(EVENT_NAMES)
    if unknown:
        raise ValueError(f"no event is named {', '.join(sorted(unknown))}; there are {_EVENTS}")
    return found


def consumer(value: str) -> str:
    """Return the base URL of a consumer."""
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise ValueError("is no URL; use one like http://127.0.0.1:9000/callback") from None
    if url.scheme not in ("http", "https") or not url.hostname or port == 0:
        raise ValueError("must be a URL that begins with http:// or https:// and a host")
    if not value.isascii() or not value.isprintable() or set(value) & set(' "<>\\^`{|}'):
        raise ValueError("has characters that no URL has; escape them, like %20")
    if url.username is not None or url.password is not None:
        raise ValueError("must be without user and password, which would stand in logs")
    if url.query or url.fragment or value[-1] in "?#":
        raise ValueError(
            "must end with its path: a query goes into the callback template's URL, from where"
            " it is passed on"
        )
    return value


def _table(value: Any, of_what: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = None
    if not isinstance(value, dict):
        raise ValueError(f"must be a table: {of_what}")  # noqa: TRY004 - pydantic wants this
    return value


def event_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return event names if all are known."""
    unknown = [value for value in values if value not in (*EVENT_NAMES, "all")]
    if unknown:
        raise ValueError(f"no event is named {', '.join(unknown)}; there are all, {_EVENTS}")
    return values


def host_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of hosts in lower case if they can be such: without scheme and port."""
    wrong = [value for value in values if not re.fullmatch(r"[A-Za-z0-9_.-]+", value)]
    if wrong:
        raise ValueError("takes names of hosts alone, like metrics.example.com, without a port")
    return tuple(value.lower() for value in values)


def readable_file(path: Path) -> Path:
    """Return a path whose file can be read."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    return path


def authorities(path: Path | None) -> Path | None:
    """Return a path whose file holds certificates."""
    if path is not None:
        readable_file(path)
        try:
            ssl.create_default_context(cafile=path)
        except ssl.SSLError:
            raise ValueError(f"{path} holds no certificates in PEM") from None
    return path


def keys_in(path: Path) -> list[str]:
    """Return the keys of a file, one a line, without blank lines and a byte order mark."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return [line.strip() for line in lines if line.strip()]


def readable_keys(path: Path | None) -> Path | None:
    """Return a path whose file holds at least one key."""
    if path is not None and not keys_in(readable_file(path)):
        raise ValueError(f"{path} holds no key")
    return path


def url_path(value: str) -> str:
    """Return a URL path without its last slash."""
    path = value.rstrip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", path) or path.startswith("/-"):
        raise ValueError(
            "must be a path like /callback/unguessable-word: letters, digits and"
            " . _ ~ - after each slash, and not below /-"
        )
    return path


def api_endpoint(value: str | None) -> str | None:
    """Return an https URL of a host, with a port or not; http only on this machine."""
    found = re.fullmatch(r"(https?)://([A-Za-z0-9.-]+|\[::1\])(?::([0-9]{1,5}))?/?", value or "")
    is_here = found and found[2] in ("localhost", "127.0.0.1", "[::1]")
    if value and not (found and int(found[3] or 1) <= 65535 and (found[1] == "https" or is_here)):
        raise ValueError("use https://host[:port]; http only for 127.0.0.1")
    return value.rstrip("/") if value else None


def ledger_url(value: str) -> str:
    """Return the URL of a ledger of a kind that we have."""
    scheme, _, rest = value.partition("://")
    is_file = scheme == "sqlite" and rest.startswith("/") and rest.strip("/")
    if value != "sqlite" and not is_file and (scheme == "sqlite" or scheme not in _LEDGER_SCHEMES):
        raise ValueError(
            "use sqlite (a file in data_dir), sqlite:///path or"
            " postgresql://user:password@host:port/database"
        )
    try:
        check_url(value)
    except UnusableLedger as refused:
        raise ValueError(str(refused)) from None
    return value


def without_password(url: str) -> str:
    """Return a URL with its passwords masked, those among its parameters too."""
    # To the last @: a special character that should have been escaped must not show a part.
    url = re.sub(r"(?<=://)([^:@]*):.*@", r"\1:**********@", url)
    return re.sub(r"(?i)((?:ssl)?password=)[^&#]*", r"\1**********", url)


def pause(value: float) -> float:
    """Return seconds between two rounds: 0 for none, else at least 1."""
    if value and value < 1:
        raise ValueError("must be 0, or at least 1")
    return value
