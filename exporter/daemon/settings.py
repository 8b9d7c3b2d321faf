"""Every setting, declared once: its name, type, default and help."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
)

from exporter.daemon import setting_types as kinds
from exporter.protocol.vocabulary import Stream

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Part = TypeVar("Part", bound=DataclassInstance)

NEVER_EMPTY: Final = "never empty"
"""Marks a setting whose variable must not be empty: it would leave a door open unnoticed."""

_Addresses = Annotated[kinds.Address, BeforeValidator(kinds.address)]
_Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(kinds.secrets), NEVER_EMPTY]
_Separated = Annotated[tuple[str, ...], BeforeValidator(kinds.separated)]
_Names = Annotated[_Separated, AfterValidator(kinds.event_names)]
_Consumer = Annotated[str, AfterValidator(kinds.consumer)]
_File = Annotated[Path, AfterValidator(kinds.readable_file)]


class Settings(BaseModel):
    """The effective settings; immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    callback_listen: _Addresses = Field(
        kinds.Address("0.0.0.0", 8080), description="Public listener: callbacks only."
    )
    metrics_listen: _Addresses = Field(
        kinds.Address("127.0.0.1", 10063), description="Private listener: metrics, health, pages."
    )
    callback_keys: _Secrets = Field(
        (), description="Callback keys, separated by commas; any of them may have signed."
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
    forward_to: _Consumer | None = Field(
        None,
        description="URL of the consumer that is to get every callback too, and whose answers"
        " the platform gets. What follows callback_path is put after it.",
    )
    forward_to_by_event: Annotated[dict[str, _Consumer], BeforeValidator(kinds.consumers)] = Field(
        {},
        description="Event name to the URL of its consumer, where that is another than"
        " forward_to. A table of the TOML file.",
    )
    forward_timeout_seconds: float = Field(
        8,
        gt=0,
        le=15,
        description="How long a consumer may take to answer; at most 4 for push errors,"
        " for which the platform waits 5. For others it waits 20.",
    )
    forward_refused: bool = Field(
        False,
        description="Forward what fails verification here too: a wrong key then costs counts"
        " and not the consumer's callbacks.",
    )
    forward_most_waiting: int = Field(
        1000,
        ge=1,
        le=10_000,
        description="Callbacks that may wait for one consumer; more are answered with 503.",
    )
    forward_ca_file: Annotated[Path | None, AfterValidator(kinds.authorities)] = Field(
        None,
        description="Certificates (PEM) of authorities to be trusted beside the system's, for"
        " consumers over https.",
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
        " all for a template without a key. Unsigned packets count under the source unknown,"
        " unless there is no key at all.",
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
        description="An open push is closed as expired when nothing was heard of its stream for"
        " so long; 0: never.",
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
    watched_streams: Annotated[tuple[Stream, ...], BeforeValidator(kinds.watched_streams)] = Field(
        (),
        description="Streams with series of their own, push_domain/app_name/stream_id separated"
        " by commas; * stands for any text within a part.",
    )
    max_watched_streams: int = Field(
        200,
        ge=1,
        le=5000,
        description="How many streams are watched at most: those named without *, then those that"
        " came first.",
    )
    dropped_stream_minutes: float = Field(
        60,
        gt=0,
        le=44_640,
        description="How long a stream that dropped is counted as such, unless it comes back.",
    )
    return_grace_seconds: float = Field(
        30,
        ge=0,
        le=3600,
        description="A stream that comes back within this time is not counted as dropped.",
    )
    push_history_days: float = Field(
        7, ge=0, le=3650, description="How long ended pushes are kept to look at."
    )
    push_history_rows: int = Field(
        200_000, ge=0, le=100_000_000, description="How many ended pushes are kept: the newest."
    )
    workers: int = Field(1, ge=1, le=64, description="Worker processes.")
    max_body_bytes: int = Field(
        1_048_576, ge=1024, le=2**30, description="Larger bodies are refused with 413."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="console or json; auto: console on a terminal, else json."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level of the lines that are logged."
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
    metrics_hosts: Annotated[_Separated, AfterValidator(kinds.host_names)] = Field(
        (),
        description="Names, separated by commas, by which the private listener may be asked"
        " beside localhost and IP addresses; others are answered with 421.",
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

    reconcile_seconds: Annotated[float, AfterValidator(kinds.pause)] = Field(
        0,
        le=600,
        description="How often to ask that API which streams are online, and correct"
        " what lost callbacks left wrong: every 1 to 600 seconds; 0: never. Needs the extra"
        " tencentcloud, and credentials.",
    )

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

    @property
    def has_consumers(self) -> bool:
        """Return whether any callback is to be forwarded."""
        return bool(self.forward_to or self.forward_to_by_event)

    def part(self, kind: "type[Part]", **others: Any) -> "Part":
        """Return what another room needs of the settings: a dataclass that it declares.

        Its fields are filled from the settings of the same names, and from ``others``.
        """
        own = {field.name for field in fields(kind)} - others.keys()
        return kind(**{name: getattr(self, name) for name in own}, **others)
