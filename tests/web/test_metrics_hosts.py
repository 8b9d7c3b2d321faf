"""By which names the private listener answers: no web page may read it by a name of its own."""

from collections.abc import Iterator

import pytest
from support import raw
from support.daemon import Daemon
from support.settings import LONG

from exporter.daemon.composition import compose
from exporter.daemon.keys import keys_of
from exporter.daemon.settings import Settings
from exporter.ledger.memory import MemoryLedger

PATHS = ("/", "/metrics", "/deliveries", "/deliveries.json", "/nowhere")
FOREIGN = (
    "evil.example",
    "evil.example:10063",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "evil.example, 127.0.0.1",
    "127.0.0.1:1:evil.example",
    "[::1].evil.example",
    "[::1",
    "2130706433",
    "",
)


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return an exporter that is known by two names."""
    names = "metrics.example.com, exporter"
    directory = tmp_path_factory.mktemp("hosts")
    with Daemon(directory / "data", metrics_hosts=names) as daemon:
        yield daemon


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_name_is_refused(exporter: Daemon, host: str) -> None:
    """A page whose name was made to lead here gets a sentence that names the setting."""
    for path in PATHS:
        answer = exporter.get(path, Host=host)
        assert answer.status == 421
        assert b"metrics_hosts" in answer.body
        assert b"evil" not in answer.body
        assert b"tencent_css" not in answer.body
    for path in ("/-/healthy", "/-/ready"):
        assert exporter.get(path, Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:10063", "192.0.2.7:1", "[::1]", "[2001:db8::1]:10063"),
        *("localhost", "LOCALHOST:80", "metrics.example.com", "Metrics.Example.com:9", "exporter"),
    ],
)
def test_own_names_are_answered(exporter: Daemon, host: str) -> None:
    """Addresses, ``localhost`` and the names of the setting, in any spelling, with any port."""
    for path in PATHS[:-1]:
        assert exporter.get(path, Host=host).status == 200


def test_a_request_without_a_host_is_answered(exporter: Daemon) -> None:
    """No browser leaves it out, simple health checks and tools do."""
    answer = raw.answer(raw.send(exporter.private_port, b"GET /metrics HTTP/1.0\r\n\r\n"))
    assert answer.status == 200


def test_two_names_are_none(exporter: Daemon) -> None:
    """A good name beside a foreign one does not help."""
    for first, second in ((b"localhost", b"evil.example"), (b"evil.example", b"localhost")):
        lines = (b"GET /metrics HTTP/1.1", b"Host: " + first, b"Host: " + second)
        answer = raw.answer(raw.send(exporter.private_port, b"\r\n".join((*lines, b"", b""))))
        assert answer.status in (400, 421)


def test_the_name_that_is_listened_on_is_known() -> None:
    """Whoever has the listener bound to a name is answered by it."""
    ledger = MemoryLedger(LONG)
    for listen, status in (("Metrics.internal:10063", 200), ("0.0.0.0:10063", 421)):
        settings = Settings(metrics_listen=listen, callback_keys="key")
        client = compose(settings, keys_of(settings), ledger).private.test_client()
        answer = client.get("/metrics", headers={"Host": "metrics.internal:10063"})
        assert answer.status_code == status
