"""Settings: one declaration each, three sources, every error at once, secrets masked."""

import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporter import cli
from exporter.daemon.keys import keys_of
from exporter.daemon.loading import SettingsError, load
from exporter.daemon.settings import Settings
from exporter.ledger import Limits

KEYS = ("callback_keys", "callback_keys_file", "callback_keys_by_domain")

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
NO_CONSUMERS = (
    *("consumer", "ftp://x/y", "file:///etc/passwd", "http://", "http://:80/x", "//x/y"),
    *(
        "http://x:0/",
        "http://x:y/",
        "http://x:99999/",
        "http://[::1/",
        "http://u:p@x/",
        "http://u@x/",
    ),
    *("http://x/?a", "http://x/#a", "http://x/?", "http://x/a b", "http://x/\n", "http://ü/"),
)
FILES = (
    *("callback_keys_file", "forward_ca_file", "tls_certfile", "tls_keyfile"),
    "tencent_credentials_file",
)
SECRETS = ("callback_keys", "callback_keys_by_domain", "metrics_token", "ledger")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's own settings away."""
    for name in os.environ:
        if name.startswith("CSS_EXPORTER_"):
            monkeypatch.delenv(name)


def plain(value: Any) -> Any:
    """Return a value with its secrets uncovered."""
    if hasattr(value, "get_secret_value"):
        return value.get_secret_value()
    if isinstance(value, tuple) and value and hasattr(value[0], "get_secret_value"):
        return [plain(item) for item in value]
    return value


def errors(flags: dict[str, str] | None = None, config: Path | None = None) -> list[str]:
    """Return the sentences with which settings are refused."""
    with pytest.raises(SettingsError) as raised:
        load(flags or {}, config)
    return raised.value.errors


def toml(path: Path, text: str) -> Path:
    """Write a configuration file."""
    path.write_text(text, encoding="utf-8")
    return path


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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            ("callback_listen", text)
            for text in ("", "8080", "host", "host:", "::1:80", "h:99999")
        ),
        *(("callback_path", text) for text in ("callback", "/", "/a b", "/a?b", "/-/x", "//x")),
        *(("forward_to", text) for text in NO_CONSUMERS),
        *(("forward_to_by_event", text) for text in ("x", '{"pushes": "http://x"}', "[]")),
        ("forward_to_by_event", '{"push": "x"}'),
        *(("forward_timeout_seconds", text) for text in ("0", "16", "nan")),
        *(("forward_most_waiting", text) for text in ("0", "x")),
        ("forward_ca_file", "/dev/null"),
        *(("ledger", text) for text in ("mysql://x", "x", "")),
        *(
            ("tencent_endpoint", text)
            for text in (
                "h",
                "http://h",
                "https://h/x",
                "https://h:99999",
                "https://u@h",
                "ftp://h",
            )
        ),
        *(("signature_tolerance_seconds", text) for text in ("-1", "x", "nan", "inf", "1e9")),
        *(("accept_unsigned", text) for text in ("pushes", "push,x")),
        *(("dedupe_hours", text) for text in ("0", "-1", "nan")),
        *(("push_idle_days", text) for text in ("-1", "nan", "inf")),
        *(("max_sources", text) for text in ("0", "1.5", "many")),
        *(("workers", text) for text in ("0", "65")),
        *(("max_body_bytes", text) for text in ("1023", "2000000000")),
        *(("max_body_bytes", text) for text in ("0", "1MB")),
        *(("log_format", text) for text in ("xml", "")),
        *(("created_series", text) for text in ("maybe", "2")),
        *((name, "/nowhere/at/all") for name in FILES),
        *((name, text) for name in SECRETS for text in ("", " ")),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, text: str) -> None:
    """Each error names its setting and source, and is one sentence."""
    both = {"tls_certfile": "/dev/null", "tls_keyfile": "/dev/null"} if "tls" in name else {}
    [error] = errors(both | {name: text})
    assert error.startswith(f"{name} (flag): ")
    assert "\n" not in error


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


def test_every_error_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bad values, unknown names and half a pair, from all sources, are one list."""
    config = toml(tmp_path / "c.toml", 'workers = 0\ncallback_key = "hidden-word"\n')
    monkeypatch.setenv("CSS_EXPORTER_MAX_SOURCES", "none")
    monkeypatch.setenv("CSS_EXPORTER_KEY", "hidden-word")
    found = "\n".join(errors({"log_level": "loud", "tls_certfile": "/dev/null"}, config))
    for part in (
        "workers (file)",
        "unknown setting callback_key (file)",
        "max_sources (environment)",
        "unknown environment variable CSS_EXPORTER_KEY",
        "log_level (flag)",
        "tls_certfile and tls_keyfile go together",
    ):
        assert part in found
    assert len(found.splitlines()) == 6
    assert "hidden-word" not in found


def test_a_key_in_the_wrong_place_is_not_shown() -> None:
    """No error repeats a value that may be secret."""
    found = errors({"metrics_listen": "x", "callback_keys_by_domain": "hidden-word"})
    assert "hidden-word" not in "\n".join(found)


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    """Windows' editors begin a file with one; neither keys nor configuration have it in them."""
    keys = tmp_path / "keys"
    keys.write_text("first\r\nsecond\r\n", encoding="utf-8-sig")
    config = tmp_path / "c.toml"
    config.write_text(f'callback_keys_file = "{keys}"', encoding="utf-8-sig")
    keyring = keys_of(load({}, config).settings).keyring
    assert keyring.general == (b"first", b"second")


def test_the_listeners_must_differ() -> None:
    """One address cannot serve both."""
    assert "differ" in errors({"callback_listen": ":80", "metrics_listen": "0.0.0.0:80"})[0]


@pytest.mark.parametrize(
    ("listen", "consumer"),
    [
        ("0.0.0.0:8080", "http://127.0.0.1:8080/x"),
        (":8080", "http://localhost:8080"),
        ("[::]:8080", "https://LOCALHOST:8080/"),
        (":80", "http://127.1.2.3/"),
        ("127.0.0.1:8080", "http://localhost:8080/"),
    ],
)
@pytest.mark.parametrize("name", ["callback_listen", "metrics_listen"])
def test_we_are_no_consumer_of_ours(name: str, listen: str, consumer: str) -> None:
    """A consumer that is one of our listeners stops the start, in the table too."""
    assert "itself" in errors({name: listen, "forward_to": consumer})[0]
    table = f'{{"push": "{consumer}"}}'
    assert "(push)" in errors({name: listen, "forward_to_by_event": table})[0]


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


@pytest.mark.parametrize(
    ("content", "says"),
    [("", "holds no key"), ("\n \n", "holds no key"), (b"\xff\xfe", "decode")],
)
def test_a_file_without_keys_is_refused(tmp_path: Path, content: Any, says: str) -> None:
    """An empty secret is a mistake, not an open door."""
    path = tmp_path / "keys"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert says in errors({"callback_keys_file": str(path)})[0]


@pytest.mark.parametrize("text", ["workers = ", "workers = 1\nworkers = 2", None])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, text: str | None) -> None:
    """A broken or missing configuration file is an error that names it."""
    path = tmp_path / "c.toml" if text is None else toml(tmp_path / "c.toml", text)
    assert str(path) in errors(config=path)[0]


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Return what runs commands in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def show(runner: CliRunner, *arguments: str) -> Result:
    """Run ``css-exporter settings``."""
    return runner.invoke(cli.main, ["settings", *arguments])


def test_the_command_shows_every_setting_and_no_secret(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting is a line with source and value; of secrets only that they are set."""
    toml(Path("c.toml"), '[callback_keys_by_domain]\n"x.example" = ["hidden-three"]\n')
    monkeypatch.setenv("CSS_EXPORTER_CALLBACK_KEYS", "hidden-one,hidden-two")
    shown = show(runner, "--config", "c.toml", "--metrics-token", "hidden", "--log-user-ip")
    assert shown.exit_code == 0
    lines = {line.split()[0]: line.split()[1:] for line in shown.output.splitlines()}
    assert set(lines) == set(Settings.model_fields)
    assert "hidden" not in shown.output
    assert lines["callback_keys"][0] == "environment"
    assert lines["callback_keys_by_domain"][:2] == ["file", "x.example:"]
    assert lines["metrics_token"][0] == "flag"
    assert lines["log_user_ip"] == ["flag", "true"]
    assert lines["workers"] == ["default", "1"]
    assert list(Path().iterdir()) == [Path("c.toml")]  # it makes nothing


def test_the_command_fails_on_an_invalid_setting(runner: CliRunner) -> None:
    """Every error is on standard error, and the status is 1."""
    shown = show(runner, "--workers", "0", "--max-sources", "x")
    assert shown.exit_code == 1
    assert len(shown.stderr.splitlines()) == 2
    assert "workers (flag)" in shown.stderr
    assert show(runner, "--no-such-setting", "1").exit_code == 2
