"""Every setting, declared once, and where its value came from.

A setting is a flag of ``serve``, an environment variable ``CSS_EXPORTER_<NAME>`` or a key
of a TOML file; flag beats environment beats file.  ``load`` finds every error at once.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from exporter.daemon import setting_types as kinds
from exporter.daemon import tls

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Part = TypeVar("Part", bound=DataclassInstance)

ENV_PREFIX: Final = "CSS_EXPORTER_"
CONFIG_VARIABLE: Final = f"{ENV_PREFIX}CONFIG"

NEVER_EMPTY: Final = "never empty"
"""Marks a setting whose variable must not be empty: it would leave a door open unnoticed."""

_Addresses = Annotated[kinds.Address, BeforeValidator(kinds.address)]
_Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(kinds.secrets), NEVER_EMPTY]
_Names = Annotated[
    tuple[str, ...], BeforeValidator(kinds.separated), AfterValidator(kinds.event_names)
]
_File = Annotated[Path, AfterValidator(kinds.readable_file)]


class SettingsError(Exception):
    """Every error of the settings, one sentence each."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class Settings(BaseModel):
    """The effective settings; immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    callback_listen: _Addresses = Field(
        kinds.Address("0.0.0.0", 8080), description="Public listener: callbacks only."
    )
    metrics_listen: _Addresses = Field(
        kinds.Address("127.0.0.1", 10063),
        description="Private listener: metrics, health, pages.",
    )
    callback_keys: _Secrets = Field(
        (),
        description="Callback keys, separated by commas; any of them may have signed.",
    )
    callback_keys_by_domain: Annotated[
        dict[str, _Secrets], BeforeValidator(kinds.table), NEVER_EMPTY
    ] = Field(
        {},
        description="Push domain to its list of keys: a packet that names the domain must be"
        " signed by one of these. A table of the TOML file.",
    )
    callback_keys_file: Annotated[Path | None, AfterValidator(kinds.readable_keys)] = Field(
        None, description="File with more callback keys, one a line."
    )
    callback_path: Annotated[str, AfterValidator(kinds.url_path)] = Field(
        "/callback",
        description="Callbacks are taken at this path and below it. Put an unguessable word"
        " in it as a second secret.",
    )
    data_dir: Path = Field(
        Path("data"), description="Home of the embedded ledger and of the generated key."
    )
    ledger: Annotated[str, AfterValidator(kinds.ledger_url), NEVER_EMPTY] = Field(
        "sqlite",
        description="Ledger URL: sqlite (a file in data_dir), sqlite:///path, or"
        " postgresql://user:password@host:port/database for replicas to share.",
    )
    signature_tolerance_seconds: float = Field(
        600, ge=0, le=86400, description="Grace on both sides of a packet's expiry t."
    )
    accept_unsigned: _Names = Field(
        (),
        description="Event names, separated by commas, that are taken without a signature;"
        " all for a template without a key.",
    )
    new_series_zero_seconds: float = Field(
        75,
        ge=0,
        le=3600,
        description="How long a new counter series is shown at 0 to Prometheus, so that"
        " increase() sees its first value; longer than two scrape intervals.",
    )
    dedupe_hours: float = Field(
        24, gt=0, le=8760, description="How long a packet's identity is remembered."
    )
    push_idle_days: float = Field(
        7,
        ge=0,
        le=3650,
        description="An open push of whose stream nothing was heard for so long is closed as"
        " expired; 0: never.",
    )
    max_sources: int = Field(
        500,
        ge=1,
        le=100_000,
        description="Pairs of push domain and app name with labels of their own; the rest"
        " counts under other.",
    )
    max_series: int = Field(
        30_000,
        ge=1,
        le=10_000_000,
        description="Series of all sources together; a series that would be one too many is"
        " counted under other.",
    )
    workers: int = Field(1, ge=1, le=64, description="Worker processes.")
    max_body_bytes: int = Field(
        1_048_576, ge=1024, le=2**30, description="Larger bodies are refused with 413."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="console or json; auto: console on a terminal, else json."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level of the lines logged."
    )
    tls_certfile: _File | None = Field(
        None, description="Certificate chain (PEM) for TLS on both listeners."
    )
    tls_keyfile: _File | None = Field(None, description="Private key (PEM) of tls_certfile.")
    metrics_token: Annotated[SecretStr | None, BeforeValidator(kinds.secret), NEVER_EMPTY] = Field(
        None,
        description="Bearer token for the private listener, health excepted. A browser asks"
        " for it as a password, with any user name.",
    )
    created_series: bool = Field(False, description="_created lines in OpenMetrics.")
    log_user_ip: bool = Field(False, description="The pusher's address in the logs.")

    @property
    def ledger_url(self) -> str:
        """Return the ledger's URL in full."""
        if self.ledger == "sqlite":
            return f"sqlite:///{self.data_dir / 'ledger.sqlite'}"
        return self.ledger

    @property
    def dedupe_seconds(self) -> float:
        """Return ``dedupe_hours`` in seconds."""
        return self.dedupe_hours * 3600

    @property
    def push_idle_seconds(self) -> float:
        """Return ``push_idle_days`` in seconds."""
        return self.push_idle_days * 86400

    def part(self, kind: "type[Part]", **others: Any) -> "Part":
        """Return what another room needs of the settings: a dataclass that it declares.

        Its fields are filled from the settings of the same names, and from ``others``.
        """
        own = {field.name for field in fields(kind)} - others.keys()
        return kind(**{name: getattr(self, name) for name in own}, **others)


class Loaded(NamedTuple):
    """Settings, the source of each that is not a default, and what is doubtful about them."""

    settings: Settings
    sources: Mapping[str, str]
    warnings: Sequence[str]


def load(flags: Mapping[str, Any], config: Path | None = None) -> Loaded:
    """Read and check all sources.  Raises ``SettingsError``.

    ``flags`` holds only the flags that were given; ``config`` is the TOML file, by default
    that of ``CSS_EXPORTER_CONFIG``.
    """
    errors: list[str] = []
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for origin, found in (
        ("file", _from_file(config, errors)),
        ("environment", _from_environment(errors)),
        ("flag", flags),
    ):
        values |= found
        sources |= dict.fromkeys(found, origin)
    if ("tls_certfile" in values) != ("tls_keyfile" in values):
        errors.append("tls_certfile and tls_keyfile go together: give both or neither")
    settings = None
    try:
        settings = Settings(**values)
    except ValidationError as error:
        errors += [_sentence(details, sources) for details in error.errors()]
    warnings: list[str] = []
    if settings:
        if settings.callback_listen == settings.metrics_listen:
            errors.append("callback_listen and metrics_listen must differ")
        warnings += _of_tls(settings, errors)
    if errors or settings is None:
        raise SettingsError(errors)
    return Loaded(settings, sources, warnings)


def _of_tls(settings: Settings, errors: list[str]) -> list[str]:
    """Return what clients will object to; add to ``errors`` what no client could use."""
    if not settings.tls_certfile or not settings.tls_keyfile:
        return []
    try:
        objection = tls.check(settings.tls_certfile, settings.tls_keyfile).objection
    except tls.TlsError as error:
        errors.append(f"tls_certfile, tls_keyfile: {error}")
        return []
    return [f"clients will refuse {settings.tls_certfile}: {objection}"] if objection else []


def _from_file(config: Path | None, errors: list[str]) -> dict[str, Any]:
    path = config or os.environ.get(CONFIG_VARIABLE)
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        errors.append(f"configuration file {path}: {error}")
        return {}


def _from_environment(errors: list[str]) -> dict[str, str]:
    """Return the variables that are ours; an empty one is not given, unless it must not be."""
    found = {}
    for variable, text in sorted(os.environ.items()):
        name = variable.removeprefix(ENV_PREFIX).lower()
        if not variable.startswith(ENV_PREFIX) or variable == CONFIG_VARIABLE:
            continue
        if name not in Settings.model_fields:
            errors.append(f"unknown environment variable {variable}")
        elif text or NEVER_EMPTY in Settings.model_fields[name].metadata:
            found[name] = text
    return found


def _sentence(details: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    name = str(details["loc"][0])
    origin = sources.get(name, "default")
    if details["type"] == "extra_forbidden":
        return f"unknown setting {name} ({origin})"
    # Never the value: it may be a key that stands in the wrong place.
    return f"{name} ({origin}): {details['msg'].removeprefix('Value error, ')}"
