"""The tables of the embedded ledger, their version, and the refusals to use a file.

A file is used only if it is whole, ours, and not newer than this program: never is a
damaged or foreign one replaced by a new empty ledger.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

import structlog

from exporter.ledger.gauges import say
from exporter.ledger.interface import UnusableLedger
from exporter.ledger.sqlite.files import sync_directory
from exporter.ledger.sqlite.recount import recount

APPLICATION_ID: Final = 0x43535301
VERSION: Final = 4

_OF_CALLBACKS: Final = """
-- What was received, in order of receipt (rowid), to recognise redeliveries.
CREATE TABLE identity (
    receipt INTEGER PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,
    seen_at INTEGER NOT NULL
);

-- One row: what is known of the machine's clock, see exporter.ledger.clock.
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    read_at REAL,
    doubted_for REAL NOT NULL
);
INSERT INTO clock VALUES (1, NULL, 0);
"""

_OF_STREAMS: Final = """
-- The life of each push: open while it has no end. push: the order in which they became known.
-- stream: JSON array of push_domain, app_name, stream_id; source: that of its labels.
-- Columns as in Push and Said.
CREATE TABLE push (
    push INTEGER PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    source TEXT NOT NULL,
    origin TEXT NOT NULL,
    began_at_ms INTEGER NOT NULL,
    heard_at_ms INTEGER NOT NULL,
    begun_by TEXT,
    ended_at_ms INTEGER,
    ended_by TEXT,
    sequence TEXT,
    interruption BLOB,
    errcode INTEGER,
    duration_ms INTEGER,
    errmsg TEXT,
    node TEXT,
    width INTEGER,
    height INTEGER
);
CREATE INDEX push_by_stream ON push (stream, ended_at_ms IS NULL, began_at_ms, identity);
-- The open ones, which have no end, in order of their beginnings; then the others by their ends.
CREATE INDEX push_by_end ON push (ended_at_ms, began_at_ms);

-- Streams that are watched because a pattern matched them, in the order in which they came.
CREATE TABLE watched (watched INTEGER PRIMARY KEY, stream TEXT NOT NULL UNIQUE);

-- Who does what only one may do at a time, and until when (Unix time).
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until REAL NOT NULL
) WITHOUT ROWID;
"""

_OF_HISTORY: Final = """
-- One row once pushes that ended were forgotten: until_ms is the end of the newest of them.
CREATE TABLE pruned (id INTEGER PRIMARY KEY CHECK (id = 1), until_ms INTEGER NOT NULL);
"""

_TABLES: Final = """
-- Pairs that have labels of their own. source: JSON array of push_domain, app_name.
CREATE TABLE source (source TEXT PRIMARY KEY) WITHOUT ROWID;

-- Every number that is shown. labels: JSON array; value: in units of 1/scale.
CREATE TABLE cell (
    family TEXT NOT NULL,
    labels TEXT NOT NULL,
    cell TEXT NOT NULL,
    value INTEGER NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (family, labels, cell)
) WITHOUT ROWID;

-- The newest deliveries, in order of their commits (id); columns as in Delivery.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    received_at REAL NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    detail TEXT,
    event TEXT,
    push_domain TEXT,
    app_name TEXT,
    stream_id TEXT,
    delay_seconds REAL,
    expires_in_seconds REAL,
    said TEXT,
    identity BLOB
);

-- One row, written when a commit is to be proven possible.
CREATE TABLE proof (id INTEGER PRIMARY KEY CHECK (id = 1), committed_at REAL NOT NULL);
INSERT INTO proof VALUES (1, 0);
"""

_SAID: Final = "ALTER TABLE delivery ADD COLUMN said TEXT;"
# Nobody knows what earlier versions have forgotten.
_UNKNOWN_UNTIL_NOW: Final = f"""
    {_OF_HISTORY}
    INSERT INTO pruned VALUES (1, (CAST(strftime('%s', 'now') AS INTEGER) + 1) * 1000);
"""  # noqa: S608 - our own names
_UPGRADES: Final = {
    # It knew packets by identities without their push domain: they mean nothing now.
    1: f"""DROP TABLE identity; DROP TABLE open_push;
        {_OF_CALLBACKS} {_OF_STREAMS} {_SAID} {_UNKNOWN_UNTIL_NOW}""",
    # It knew open pushes only.
    2: f"""{_OF_STREAMS}
        INSERT INTO push (identity, stream, source, origin, began_at_ms, heard_at_ms, begun_by)
            SELECT identity, stream, source, origin, began_at_ms, heard_at_ms, 'push'
            FROM open_push ORDER BY began_at_ms;
        DROP TABLE open_push; {_SAID} {_UNKNOWN_UNTIL_NOW}""",  # noqa: S608 - our own names
    3: _UNKNOWN_UNTIL_NOW,
}
"""What brings a ledger of an earlier version up to date."""

_SMALL_BYTES: Final = 64 * 2**20
"""Up to here the two large tables are checked at start too; in a larger file by their use."""

_DAMAGE: Final = ("SQLITE_NOTADB", "SQLITE_ERROR")  # no database; a table is missing
_CHECKED: Final = ("cell", "source", "delivery", "proof")
"""What every version has."""

log = structlog.get_logger()


def create_if_missing(path: Path) -> bool:
    """Make an empty ledger unless there is a file; return whether one was made.

    The file appears under its name only when it is whole, so an empty one is never ours.
    The caller holds the ledger's lock.
    """
    if path.exists():
        return False
    leftovers = [name for name in (f"{path}-wal", f"{path}-journal") if os.path.exists(name)]  # noqa: PTH110
    if leftovers:
        raise UnusableLedger(
            f"{path} is missing, but {leftovers[0]} is there: restore the ledger's file, or"
            " move the leftovers away to begin a new one"
        )
    new = Path(f"{path}.new")
    new.unlink(missing_ok=True)
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            f" PRAGMA synchronous = FULL; BEGIN; {_OF_CALLBACKS} {_OF_STREAMS}"
            f" {_OF_HISTORY} {_TABLES} COMMIT;"
        )
    finally:
        connection.close()
    new.chmod(0o600)
    new.rename(path)
    sync_directory(path.parent)
    return True


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring an earlier ledger up to date, put right gauges that differ: all or nothing.

    Counts, sources and deliveries stay.  The caller holds the ledger's lock.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    # Unlike other statements a script would commit what it finds begun.
    connection.executescript(f"BEGIN IMMEDIATE; {_UPGRADES.get(version, '')}")
    try:
        different = recount(connection)
        if version < VERSION:
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    if version < VERSION:
        log.warning("ledger.upgraded", from_version=version, to_version=VERSION)
    else:
        say(different)


def refuse_unusable(connection: sqlite3.Connection, path: Path, *, old: bool = False) -> None:
    """Raise ``UnusableLedger`` unless a file is a whole ledger of our version.

    Or, with ``old``, of one that can be upgraded.
    """
    if path.stat().st_size == 0:
        raise UnusableLedger(f"{path} is empty, so it is no ledger: restore it or move it away")
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application_id != APPLICATION_ID:
            raise UnusableLedger(f"{path} is a database, but not one of this program")
        if version > VERSION:
            raise UnusableLedger(
                f"{path} has schema version {version}, and this program knows {VERSION}:"
                " it was written by a newer version, which must be used again"
            )
        if version < VERSION and not old:
            raise UnusableLedger(
                f"{path} has schema version {version}: start the exporter again to upgrade it"
            )
        small = path.stat().st_size < _SMALL_BYTES
        for table in _CHECKED if version < VERSION else _checked(small=small):
            (answer,) = connection.execute(f"PRAGMA quick_check('{table}')").fetchone()
            if answer != "ok":
                raise UnusableLedger(f"{path} is damaged: {answer}")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname not in _DAMAGE and "CORRUPT" not in error.sqlite_errorname:
            raise
        raise UnusableLedger(
            f"{path} is damaged: {error}. Restore it from a backup, or move it away to begin"
            " a new ledger"
        ) from error


def _checked(*, small: bool) -> tuple[str, ...]:
    """Return the tables to check of a ledger of our version."""
    return (*_CHECKED, "watched", "pruned", *(("identity", "push") if small else ()))
