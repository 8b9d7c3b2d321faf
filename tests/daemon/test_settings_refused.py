"""Settings that are refused: by name, every error at once, no secret in it."""

from pathlib import Path
from typing import Any

import pytest
from support.settings import FILES, SECRETS, errors, toml

pytestmark = pytest.mark.usefixtures("no_variables")

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
        *(("reconcile_seconds", text) for text in ("-1", "0.5", "601", "nan", "x")),
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


def test_all_errors_are_printed_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
