"""Every setting, declared once, and where its value came from.

A setting is a flag of ``serve``, an environment variable ``CSS_EXPORTER_<NAME>`` or a key
of a TOML file; flag beats environment beats file.  ``load`` finds every error at once.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from exporter.daemon import setting_types as kinds
from exporter.ledger import Limits

ENV_PREFIX: Final = "CSS_EXPORTER_"
CONFIG_VARIABLE: Final = f"{ENV_PREFIX}CONFIG"

# NoDecode: our own types read the text of a variable, not pydantic-settings' JSON.
_Addresses = Annotated[kinds.Address, NoDecode, BeforeValidator(kinds.address)]
_Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(kinds.separated)]
_Names = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(kinds.separated), AfterValidator(kinds.event_names)
]
_File = Annotated[Path, AfterValidator(kinds.readable_file)]


class SettingsError(Exception):
    """Every error of the settings, one sentence each."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class Settings(BaseSettings):
    """The effective settings; immutable."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

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
        dict[str, _Secrets], NoDecode, BeforeValidator(kinds.table)
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
    ledger: Annotated[str, AfterValidator(kinds.ledger_url)] = Field(
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
    workers: int = Field(1, ge=1, le=64, description="Worker processes.")
    threads: int = Field(
        32, ge=2, le=512, description="Threads of each worker; they share commits."
    )
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
    metrics_token: SecretStr | None = Field(
        None,
        min_length=1,
        description="Bearer token for the private listener, health excepted. A browser asks"
        " for it as a password, with any user name.",
    )
    created_series: bool = Field(False, description="_created lines in OpenMetrics.")
    log_user_ip: bool = Field(False, description="The pusher's address in the logs.")
    tencent_site: Literal["mainland", "international"] = Field(
        "mainland", description="The site of the Tencent Cloud account whose API is asked."
    )
    tencent_endpoint: Annotated[str | None, AfterValidator(kinds.api_endpoint)] = Field(
        None,
        description="Another address of that API, https://host[:port]; for proxies and tests.",
    )
    tencent_credentials_file: _File | None = Field(
        None,
        description="INI file whose section [default] has secret_id, secret_key and, if they"
        " are temporary, token; else TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or what"
        " the official package finds.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is given
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values as given: ``load`` has read and merged the sources."""
        return (init_settings,)

    @property
    def ledger_url(self) -> str:
        """Return the ledger's URL in full."""
        if self.ledger == "sqlite":
            return f"sqlite:///{self.data_dir / 'ledger.sqlite'}"
        return self.ledger

    @property
    def ledger_limits(self) -> Limits:
        """Return how much the ledger remembers."""
        return Limits(
            dedupe_seconds=self.dedupe_hours * 3600,
            push_idle_seconds=self.push_idle_days * 86400,
            max_sources=self.max_sources,
        )


class Loaded(NamedTuple):
    """Settings, and the source of each that is not a default."""

    settings: Settings
    sources: Mapping[str, str]


def load(flags: Mapping[str, Any], config: Path | None = None) -> Loaded:
    """Read and check all sources.  Raises ``SettingsError``.

    ``flags`` holds only the flags that were given; ``config`` is the TOML file, by default
    that of ``CSS_EXPORTER_CONFIG``.
    """
    errors = [
        f"unknown environment variable {name}"
        for name in sorted(os.environ)
        if name.startswith(ENV_PREFIX)
        and name != CONFIG_VARIABLE
        and name.removeprefix(ENV_PREFIX).lower() not in Settings.model_fields
    ]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for origin, found in (
        ("file", _from_file(config, errors)),
        ("environment", EnvSettingsSource(Settings, env_ignore_empty=True)()),
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
    if settings and settings.callback_listen == settings.metrics_listen:
        errors.append("callback_listen and metrics_listen must differ")
    if errors or settings is None:
        raise SettingsError(errors)
    return Loaded(settings, sources)


def _from_file(config: Path | None, errors: list[str]) -> dict[str, Any]:
    path = config or os.environ.get(CONFIG_VARIABLE)
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        errors.append(f"configuration file {path}: {error}")
        return {}


def _sentence(details: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    name = str(details["loc"][0])
    origin = sources.get(name, "default")
    if details["type"] == "extra_forbidden":
        return f"unknown setting {name} ({origin})"
    # Never the value: it may be a key that stands in the wrong place.
    return f"{name} ({origin}): {details['msg'].removeprefix('Value error, ')}"
