"""What is done to an embedded ledger that no exporter uses."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import orjson

from exporter.ledger.gauges import matching_sources
from exporter.ledger.interface import Forgotten, UnusableLedger
from exporter.ledger.sqlite.connection import connect, unavailable
from exporter.ledger.sqlite.files import FileLock, used_by_nobody
from exporter.ledger.sqlite.forgetting import forget_pushes
from exporter.ledger.sqlite.recount import recount
from exporter.ledger.sqlite.schema import upgrade
from exporter.ledger.sqlite.tables import encode, stored_series

_LOCK_SECONDS: Final = 5.0
"""Longer than an exporter keeps the lock, shorter than anyone waits for another copy."""


@contextmanager
def alone(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger that nobody else uses, of our version then.  Raises ``UnusableLedger``."""
    if not path.is_file():
        raise UnusableLedger(f"there is no ledger at {path}")
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(closing(FileLock(Path(f"{path}.lock"))))
            stack.enter_context(lock.within(_LOCK_SECONDS))
            stack.enter_context(used_by_nobody(path))
            connection = stack.enter_context(closing(connect(path, old=True)))
            # Possible only for the last connection; the next exporter changes it back.
            connection.execute("PRAGMA journal_mode = DELETE")
        except (sqlite3.OperationalError, BlockingIOError, TimeoutError) as error:
            raise UnusableLedger(
                f"{path} is in use: stop the exporter first, and wait for other copies ({error})"
            ) from None
        upgrade(connection)
        yield connection


def forget_sources(path: Path, push_domain: str, app_name: str) -> Forgotten:
    """Forget the sources that two patterns mean; see ``exporter.ledger.forget_sources``."""
    with alone(path) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            rows = connection.execute("SELECT source FROM source")
            known = (tuple(orjson.loads(text)) for (text,) in rows)
            sources = matching_sources(known, push_domain, app_name)
            texts = [(encode(source),) for source in sources]
            series = [
                (family, encode((*source, *own)))
                for family, source, own in stored_series(connection)
                if source in sources
            ]
            connection.executemany("DELETE FROM cell WHERE family = ? AND labels = ?", series)
            before = _open_pushes(connection)
            for text in texts:
                forget_pushes(connection, "source = ?", 0, *text)
            connection.executemany("DELETE FROM source WHERE source = ?", texts)
            recount(connection)
            pushes = before - _open_pushes(connection)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise unavailable(error) from error
    return Forgotten(len(sources), len(series), pushes)


def _open_pushes(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute(
        "SELECT count(*) FROM push WHERE ended_at_ms IS NULL"
    ).fetchone()
    return int(number)
