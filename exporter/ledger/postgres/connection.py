"""One connection to PostgreSQL that is made when it is needed, and again after a failure.

Every wait ends: the server gives up statements, locks and abandoned transactions by its own
time limits, and this side gives up a silent network by a deadline.  Nothing outlives a
transaction on the server's side, so a pool in transaction mode may stand between.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict

from exporter.ledger.interface import LedgerUnavailable, UnusableLedger

T = TypeVar("T")
Cursor = psycopg.Cursor[tuple[Any, ...]]

DEADLINE_SECONDS: Final = 6.0
"""For a whole transaction, reconnecting included; less than callers wait for it."""

_DEFAULTS: Final = {
    "application_name": "css-exporter",
    "client_encoding": "UTF8",
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 6000,
}

LIMIT_TRANSACTION: Final = """
    SELECT set_config('statement_timeout', '4s', true),
        set_config('lock_timeout', '3s', true),
        -- A replica that was cut off must not keep its locks.
        set_config('idle_in_transaction_session_timeout', '5s', true),
        -- What was answered with 200 survives a crash of the server.
        set_config('synchronous_commit', CASE current_setting('synchronous_commit')
            WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)"""
"""What follows BEGIN: limits that end with the transaction."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection of which every wait ends at ``deadline`` (monotonic seconds)."""

    deadline: float | None = None
    committing = False
    """COMMIT was sent, so nobody knows what an error means."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait as psycopg does, but not beyond the deadline."""
        if self.deadline is not None:
            timeout = max(0.0, self.deadline - time.monotonic())
        return super().wait(gen, interval, timeout)

    @contextmanager
    def together(self) -> Iterator[psycopg.Pipeline]:
        """Send statements without waiting for the answer to each; the block is a transaction.

        Before answers are used the pipeline must be synced: only then does the server's limit
        for idle transactions run, which frees the locks of a replica that was cut off.
        """
        with self.pipeline() as pipeline:
            try:
                yield pipeline
            except BaseException:
                self.close()  # nothing more to wait for
                raise
        self.committing = False  # its answer is there

    def commit_now(self) -> None:
        """Send COMMIT behind the pipelined statements, for the next sync to wait for."""
        self.committing = True
        self.execute("COMMIT")


def begin_reading(connection: Connection) -> None:
    """Begin a transaction that sees one moment and does not last."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    connection.execute(LIMIT_TRANSACTION)


def parameters_of(url: str) -> dict[str, Any]:
    """Return libpq's parameters of a URL.  Raises ``UnusableLedger``, without secrets."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        given = None
    # The client's own errors may quote a part of a password that was not escaped.
    if given is None or "@" in str(given.get("host")) or not _is_port(given.get("port")):
        raise UnusableLedger(
            "the ledger's URL cannot be read: use postgresql://user:password@host:port/database,"
            " with %XX for special characters in user and password"
        )
    return {**_DEFAULTS, **given}


def _is_port(text: Any) -> bool:
    return text is None or all(port.isdecimal() for port in str(text).split(",") if port)


def columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Return rows as columns, which ``unnest`` turns to rows again."""
    return [list(column) for column in zip(*rows, strict=True)] or [[]]


class Session:
    """A connection for one thread at a time."""

    def __init__(self, url: str, prepare: Callable[[Connection], None]) -> None:
        """``prepare`` looks at each new connection and may raise ``UnusableLedger``."""
        self._parameters = parameters_of(url)
        self._prepare = prepare
        self._connection: Connection | None = None
        # Its warnings only repeat errors that we log ourselves.
        logging.getLogger("psycopg").setLevel(logging.ERROR)

    def open(self) -> None:
        """Connect, if that is possible now.

        Raises ``LedgerUnavailable``, and ``UnusableLedger`` for a database not to be used.
        """
        try:
            self._attempt(lambda _: None, time.monotonic() + DEADLINE_SECONDS)
        except psycopg.Error as error:
            self.close()
            raise unavailable(error) from error
        except BaseException:
            self.close()
            raise

    def run(self, transaction: Callable[[Connection], T]) -> T:
        """Run a transaction, which ends with its own COMMIT.

        It is run once more if it was certainly not committed, and was lost with a connection
        that had gone stale, or to a deadlock.  Raises ``LedgerUnavailable``, and whatever the
        transaction raises; then nothing is left of the connection.
        """
        deadline = time.monotonic() + DEADLINE_SECONDS
        stale = self._connection is not None
        try:
            try:
                return self._attempt(transaction, deadline)
            except psycopg.Error as error:
                if not self._may_try_again(error, stale=stale):
                    raise
            self.close()
            return self._attempt(transaction, deadline)
        except (psycopg.Error, UnusableLedger) as error:
            self.close()
            if _is_our_fault(error):
                raise
            raise unavailable(error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, which undoes what is not committed."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _attempt(self, transaction: Callable[[Connection], T], deadline: float) -> T:
        if self._connection is None:
            self._connection = Connection.connect(
                **self._parameters, autocommit=True, prepare_threshold=None
            )
            self._connection.deadline = deadline
            self._prepare(self._connection)
        self._connection.deadline = deadline
        self._connection.committing = False
        return transaction(self._connection)

    def _may_try_again(self, error: psycopg.Error, *, stale: bool) -> bool:
        if error.sqlstate in ("40001", "40P01"):
            return True
        connection = self._connection
        return stale and connection is not None and not connection.committing and _is_loss(error)


def _is_loss(error: Exception) -> bool:
    """Return whether an error says that the server, or a pool, has hung up."""
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate[:2] in ("57", "08")


def _is_our_fault(error: Exception) -> bool:
    """Return whether an error is about what was to be written, not about the server."""
    too_large = isinstance(error, psycopg.errors.ProgramLimitExceeded)
    return too_large or isinstance(error, psycopg.DataError | psycopg.IntegrityError)


def unavailable(error: Exception) -> LedgerUnavailable:
    """Return an error's first line, and its SQLSTATE if it has one."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    sqlstate = getattr(error, "sqlstate", None)
    return LedgerUnavailable(f"{text} ({sqlstate})" if sqlstate else text)
