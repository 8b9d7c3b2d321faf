"""Settings: one declaration each, three sources, the nearest of which counts."""

from pathlib import Path
from typing import Any

import pytest
from support.settings import FILES, SECRETS, errors, plain, toml

from exporter.daemon.keys import keys_of
from exporter.daemon.loading import load
from exporter.daemon.settings import Settings
from exporter.ledger import Limits

# Of each setting: a text that is not its default, and the value that it gives.
GIVEN: dict[str, tuple[str, Any]] = {
    "callback_listen": ("[::1]:81", ("::1", 81)),
    "metrics_listen": (":82", ("0.0.0.0", 82)),
    "callback_keys": ("one, two,", ["one", "two"]),
    "callback_path": ("/a/b-c/", "/a/b-c"),
    "forward_to": ("https://consumer.example/hooks", "https://consumer.example/hooks"),
    "forward_timeout_seconds": ("2.5", 2.5),
    "forward_refused": ("true", True),
    "forward_most_waiting": ("9", 9),
    "data_dir": ("/x/y", Path("/x/y")),
    "ledger": ("sqlite:////x/y.sqlite", "sqlite:////x/y.sqlite"),
    "signature_tolerance_seconds": ("1.5", 1.5),
    "accept_unsigned": ("relay,stream_monitor", ("relay", "stream_monitor")),
    "new_series_zero_seconds": ("0", 0),
    "dedupe_hours": ("0.5", 0.5),
    "push_idle_days": ("0", 0),
    "max_sources": ("7", 7),
    "max_series": ("77", 77),
    "watched_streams": (
        "Push.example/live/a/b, *.example/*/news*",
        (("push.example", "live", "a/b"), ("*.example", "*", "news*")),
    ),
    "max_watched_streams": ("3", 3),
    "dropped_stream_minutes": ("5", 5),
    "return_grace_seconds": ("0", 0),
    "push_history_days": ("0.5", 0.5),
    "push_history_rows": ("10", 10),
    "workers": ("3", 3),
    "max_body_bytes": ("4096", 4096),
    "log_format": ("json", "json"),
    "log_level": ("error", "error"),
    "metrics_token": ("sesame", "sesame"),
    "metrics_hosts": ("Exporter, metrics.example.com", ("exporter", "metrics.example.com")),
    "created_series": ("true", True),
    "log_user_ip": ("1", True),
    "tencent_site": ("international", "international"),
    "reconcile_seconds": ("60", 60),
    "tencent_endpoint": ("https://proxy.example.com:8443/", "https://proxy.example.com:8443"),
}

pytestmark = pytest.mark.usefixtures("no_variables")


def test_every_setting_is_tried_here() -> None:
    """A new setting needs its line in this file."""
    tables = {"callback_keys_by_domain", "forward_to_by_event"}
    assert {*GIVEN, *FILES, *tables} == set(Settings.model_fields)


@pytest.mark.parametrize("name", GIVEN)
def test_each_setting_comes_from_each_source(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As flag, variable and key of a file a setting has one meaning, and its source is known."""
    text, value = GIVEN[name]
    assert plain(getattr(load({}).settings, name)) != value
    flag = load({name: text})
    assert (plain(getattr(flag.settings, name)), flag.sources[name]) == (value, "flag")
    monkeypatch.setenv(f"CSS_EXPORTER_{name.upper()}", text)
    variable = load({})
    assert plain(getattr(variable.settings, name)) == value
    assert variable.sources[name] == "environment"
    monkeypatch.delenv(f"CSS_EXPORTER_{name.upper()}")
    file = load({}, toml(tmp_path / "c.toml", f'{name} = "{text}"'))
    assert (plain(getattr(file.settings, name)), file.sources[name]) == (value, "file")


def test_flag_beats_environment_beats_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The nearest source wins, the others stand where it says nothing."""
    config = toml(tmp_path / "c.toml", "max_body_bytes = 3000\nworkers = 4\nmax_sources = 5")
    monkeypatch.setenv("CSS_EXPORTER_CONFIG", str(config))
    monkeypatch.setenv("CSS_EXPORTER_MAX_BODY_BYTES", "30000")
    monkeypatch.setenv("CSS_EXPORTER_WORKERS", "40")
    settings, sources, _ = load({"max_body_bytes": "300000"})
    found = (settings.max_body_bytes, settings.workers, settings.max_sources)
    assert found == (300_000, 40, 5)
    assert dict(sources) == {
        "max_body_bytes": "flag",
        "workers": "environment",
        "max_sources": "file",
    }


def test_a_file_has_types_of_its_own(tmp_path: Path) -> None:
    """In TOML numbers, lists, switches and the table of keys need no quotes."""
    text = 'callback_keys = ["a", "b"]\nworkers = 2\ncreated_series = true\npush_idle_days = 0.5\n'
    table = '[callback_keys_by_domain]\n"Live.Example" = ["c"]\n"x.example" = "d,e"\n'
    settings = load({}, toml(tmp_path / "c.toml", text + table)).settings
    assert plain(settings.callback_keys) == ["a", "b"]
    keys = {domain: plain(found) for domain, found in settings.callback_keys_by_domain.items()}
    assert keys == {"live.example": ["c"], "x.example": ["d", "e"]}
    assert settings.part(Limits).push_idle_seconds == 43200


@pytest.mark.parametrize("name", sorted({*GIVEN, *FILES, *SECRETS}))
def test_an_empty_variable_is_refused_if_it_would_open_a_door(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that is empty stops the start; any other empty variable is not given."""
    monkeypatch.setenv(f"CSS_EXPORTER_{name.upper()}", "")
    if name in SECRETS:
        assert errors()[0].startswith(f"{name} (environment): ")
    else:
        assert dict(load({}).sources) == {}


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    """Windows' editors begin a file with one; neither keys nor configuration have it in them."""
    keys = tmp_path / "keys"
    keys.write_text("first\r\nsecond\r\n", encoding="utf-8-sig")
    config = tmp_path / "c.toml"
    config.write_text(f'callback_keys_file = "{keys}"', encoding="utf-8-sig")
    keyring = keys_of(load({}, config).settings).keyring
    assert keyring.general == (b"first", b"second")


@pytest.mark.parametrize(
    ("listen", "consumer"),
    [
        ("0.0.0.0:8080", "http://127.0.0.1:8081/"),
        ("0.0.0.0:8080", "http://192.0.2.1:8080/"),
        ("127.0.0.1:8080", "http://127.0.0.2:8080/"),
        ("0.0.0.0:8080", "http://no-such-host.invalid:8080/"),
    ],
)
def test_others_are_consumers(listen: str, consumer: str) -> None:
    """Another port, another machine, or a name that is not known yet."""
    assert load({"callback_listen": listen, "forward_to": consumer}).settings.has_consumers


def test_a_table_of_consumers(tmp_path: Path) -> None:
    """Events of the table have consumers of their own; one is enough to forward."""
    text = '[forward_to_by_event]\npush = "http://a.example/x"\nother = "https://b.example"\n'
    settings = load({}, toml(tmp_path / "c.toml", text)).settings
    assert settings.forward_to_by_event["push"] == "http://a.example/x"
    assert settings.has_consumers
    assert not load({}).settings.has_consumers
