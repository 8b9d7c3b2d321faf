"""The shared ledger through a pool in transaction mode, as it comes with Debian."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from support.ledgers import entry, postgres_server, value
from support.postgres import database_of
from support.programs import free_port, program, stop, until
from support.settings import LONG

from exporter.ledger import Outcome, open_ledger
from exporter.metrics import catalogue as c

NOW = 1790009000.0
CONFIG = """
[databases]
{name} = host=127.0.0.1 port={server} user=css
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
{user}
"""
# With auth_type any all come in as the user that the database names.


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty ledger behind a pool with fewer connections than users."""
    server, port = postgres_server(), free_port()
    url = server.database()
    config = tmp_path / "pgbouncer.ini"
    config.write_text(
        CONFIG.format(
            name=database_of(url),
            server=server.port,
            port=port,
            user="user = nobody" if os.getuid() == 0 else "",  # it refuses to be root
        )
    )
    config.chmod(0o644)
    log = (tmp_path / "pgbouncer.log").open("wb")
    process = subprocess.Popen(
        [program("pgbouncer"), str(config)], stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield server.through(port, url)
    finally:
        stop(process)
        log.close()


def test_replicas_share_a_pool(pooled: str) -> None:
    """Six replicas on three connections: nothing that one sets or locks is left to another."""
    until(lambda: _is_open(pooled), "the pool is open")
    ledgers = [open_ledger(pooled, LONG) for _ in range(6)]
    packets = [entry("push", sequence=str(number)) for number in range(30)]
    packets += [entry("interruption", sequence=str(number)) for number in range(30)]

    def deliver(number: int) -> list[Outcome]:
        order = packets[number * 10 :] + packets[: number * 10]
        return [ledgers[number].record(one, NOW).outcome for one in order]

    with ThreadPoolExecutor(6) as pool:
        outcomes = [outcome for found in pool.map(deliver, range(6)) for outcome in found]
    assert outcomes.count(Outcome.DUPLICATE) == 5 * len(packets)
    assert value(ledgers[0], c.CALLBACKS, "push") == 30
    assert value(ledgers[0], c.OPEN_PUSHES) == 0
    for ledger in ledgers:
        assert ledger.failure is None
        ledger.close()


def _is_open(url: str) -> bool:
    with closing(open_ledger(url, LONG)) as ledger:
        try:
            ledger.check()
        except Exception:  # noqa: BLE001 - any error means: not yet
            return False
        return True
