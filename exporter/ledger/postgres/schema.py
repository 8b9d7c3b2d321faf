"""The tables of the shared ledger, their version, and the refusals to use a database.

All is in a schema of its own, so the database may hold other things too.
"""

from typing import Any, Final

import psycopg
import structlog

from exporter.ledger.interface import UnusableLedger
from exporter.ledger.postgres.connection import LIMIT_TRANSACTION, Connection
from exporter.ledger.postgres.recount import LOCK_CELLS, LOCK_TABLES, put_right

VERSION: Final = 4
LOCKS: Final = 0x43535301
"""The first half of the advisory locks other than those of identities; the second is below."""

SCHEMA_LOCK: Final = -1
SOURCES_LOCK: Final = -2
# 0 and above: stripes.

_OF_CALLBACKS: Final = """
-- What was received, to recognise redeliveries.
CREATE TABLE css_exporter.identity (
    identity bytea PRIMARY KEY,
    seen_at bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX identity_by_receipt ON css_exporter.identity (seen_at);

-- What is known of the server's clock, see exporter.ledger.clock.
ALTER TABLE css_exporter.ledger
    ADD COLUMN read_at double precision,
    ADD COLUMN doubted_for double precision NOT NULL DEFAULT 0;
"""

_OF_STREAMS: Final = """
-- The life of each push: open while it has no end; columns as in Push and Said.
-- stream: JSON array of push_domain, app_name, stream_id; source: that of its labels.
-- This key, and those below: a digest of a text that may be too long for an index.
CREATE TABLE css_exporter.push (
    identity bytea PRIMARY KEY,
    stream_key bytea NOT NULL,
    stream text NOT NULL,
    source text NOT NULL,
    origin text NOT NULL,
    began_at_ms bigint NOT NULL,
    heard_at_ms bigint NOT NULL,
    begun_by text,
    ended_at_ms bigint,
    ended_by text,
    sequence text,
    interruption bytea,
    errcode bigint,
    duration_ms bigint,
    errmsg text,
    node text,
    width integer,
    height integer
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX push_by_stream
    ON css_exporter.push (stream_key, (ended_at_ms IS NULL), began_at_ms, identity);
CREATE INDEX push_open_by_beginning ON css_exporter.push (began_at_ms) WHERE ended_at_ms IS NULL;
CREATE INDEX push_open_by_hearing ON css_exporter.push (heard_at_ms) WHERE ended_at_ms IS NULL;
CREATE INDEX push_by_end ON css_exporter.push (ended_at_ms) WHERE ended_at_ms IS NOT NULL;

-- Streams that are watched because a pattern matched them, in the order in which they came.
CREATE TABLE css_exporter.watched (
    watched bigint GENERATED ALWAYS AS IDENTITY,
    key bytea PRIMARY KEY,
    stream text NOT NULL
);

-- Who does what only one may do at a time, and until when (Unix time).
CREATE TABLE css_exporter.lease (
    name text PRIMARY KEY,
    holder text NOT NULL,
    until double precision NOT NULL
);
"""

_OF_HISTORY: Final = """
-- One row once pushes that ended were forgotten: until_ms is the end of the newest of them.
CREATE TABLE css_exporter.pruned (
    id integer PRIMARY KEY CHECK (id = 1),
    until_ms bigint NOT NULL
);
"""

_TABLES: Final = """
CREATE TABLE css_exporter.ledger (
    id integer PRIMARY KEY CHECK (id = 1),
    version integer NOT NULL,
    -- Written when a commit is to be proven possible.
    committed_at double precision NOT NULL
);

-- Pairs that have labels of their own. source: JSON array of push_domain, app_name.
CREATE TABLE css_exporter.source (
    key bytea PRIMARY KEY,
    source text NOT NULL
);

-- Every number that is shown, summed over its stripes. labels: JSON array; value: in units of
-- 1/scale, and of any size: forged amounts must not stop a counter.
CREATE TABLE css_exporter.cell (
    key bytea NOT NULL,
    stripe smallint NOT NULL,
    family text NOT NULL,
    labels text NOT NULL,
    cell text NOT NULL,
    value numeric NOT NULL,
    created_at double precision NOT NULL,
    PRIMARY KEY (key, stripe)
) WITH (fillfactor = 50);

-- The newest deliveries; columns as in Delivery.
CREATE TABLE css_exporter.delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at double precision NOT NULL,
    outcome text NOT NULL,
    reason text,
    detail text,
    event text,
    push_domain text,
    app_name text,
    stream_id text,
    delay_seconds double precision,
    expires_in_seconds double precision,
    said text,
    identity bytea
);
"""

_SAID: Final = "ALTER TABLE css_exporter.delivery ADD COLUMN said text;"
# Nobody knows what earlier versions have forgotten.
_UNKNOWN_UNTIL_NOW: Final = f"""
    {_OF_HISTORY}
    INSERT INTO css_exporter.pruned
        VALUES (1, ceil(extract(epoch FROM clock_timestamp()) * 1000));
"""  # noqa: S608 - our own names
_UPGRADES: Final = {
    # It knew packets by identities without their push domain: they mean nothing now.
    1: f"""
        DROP TABLE css_exporter.identity;
        DROP TABLE css_exporter.open_push;
        {_OF_CALLBACKS} {_OF_STREAMS} {_SAID} {_UNKNOWN_UNTIL_NOW}""",
    # It knew open pushes only.
    2: f"""
        {_OF_STREAMS}
        INSERT INTO css_exporter.push
            (identity, stream_key, stream, source, origin, began_at_ms, heard_at_ms, begun_by)
            SELECT identity, stream_key, stream, source, origin, began_at_ms, heard_at_ms, 'push'
            FROM css_exporter.open_push;
        DROP TABLE css_exporter.open_push; {_SAID} {_UNKNOWN_UNTIL_NOW}""",  # noqa: S608 - our own names
    3: _UNKNOWN_UNTIL_NOW,
}
"""What brings a ledger of an earlier version up to date."""

_END_ABANDONED: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user
        AND application_name = current_setting('application_name')
        AND wait_event = 'ClientRead' AND xact_start < now() - interval '10 s'"""
"""A replica that was cut off between two packets of a transaction leaves its locks to a server
process that waits for more, in a state that no time limit of PostgreSQL ends.  None of ours waits
so long.  A replica that cannot get a lock connects anew, which leads here."""

log = structlog.get_logger()

TABLE_NAMES: Final = ("identity", "source", "watched", "push", "pruned", "cell", "delivery")


def prepare(connection: Connection) -> None:
    """Make the tables if there are none.  Raises ``UnusableLedger`` for a database not to use."""
    try:
        _prepare(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise UnusableLedger(
            f"{error}; let the role make its own tables (GRANT CREATE ON DATABASE ... TO ...) or"
            " give it a schema (CREATE SCHEMA css_exporter AUTHORIZATION ...)"
        ) from None


def expect(connection: Connection) -> None:
    """Change nothing, and raise ``UnusableLedger`` unless the tables are there, of our version."""
    version = _version(connection)
    if version != VERSION:
        raise UnusableLedger(
            f"the ledger has schema version {version}, not {VERSION}: start the exporter of this"
            " version on it first"
            if version
            else "there is no ledger in this database"
        )


def _prepare(connection: Connection) -> None:
    (encoding,) = _row(connection, "SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        raise UnusableLedger(f"the database has the encoding {encoding}, and must have UTF8")
    version = _version(connection)
    if version < VERSION:
        with connection.transaction():
            connection.execute(LIMIT_TRANSACTION)
            # Others may be starting at the same moment: one of us makes the tables.
            connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, SCHEMA_LOCK))
            _make(connection, _version(connection))
        version = _version(connection)
    if version > VERSION:
        raise UnusableLedger(
            f"the ledger has schema version {version}, and this program knows {VERSION}:"
            " it was written by a newer version, which must be used again"
        )
    connection.execute(_END_ABANDONED)


def _version(connection: Connection) -> int:
    """Return the version of the tables, 0 if there are none; raise for what is not ours."""
    # Not by to_regclass: its cache may not know what another has just made.
    tables = connection.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE nspname = 'css_exporter'"
    ).fetchall()
    if tables and ("ledger",) not in tables:
        raise UnusableLedger("the schema css_exporter is there, but is none of this program")
    return int(_row(connection, "SELECT version FROM css_exporter.ledger")[0]) if tables else 0


def _make(connection: Connection, version: int) -> None:
    """Make the tables, or bring those of an earlier version up to date: counts stay."""
    if version == 0:
        (schemas,) = _row(
            connection, "SELECT count(*) FROM pg_namespace WHERE nspname = 'css_exporter'"
        )
        if not schemas:
            connection.execute("CREATE SCHEMA css_exporter")
        connection.execute(_TABLES)
        connection.execute(_OF_CALLBACKS)
        connection.execute(_OF_STREAMS)
        connection.execute(_OF_HISTORY)
        connection.execute("INSERT INTO css_exporter.ledger VALUES (1, %s, 0)", (VERSION,))
    elif version in _UPGRADES:
        connection.execute(LOCK_CELLS if version < 3 else LOCK_TABLES)
        connection.execute(_UPGRADES[version])
        put_right(connection)
        connection.execute("UPDATE css_exporter.ledger SET version = %s", (VERSION,))
        log.warning("ledger.upgraded", from_version=version, to_version=VERSION)


def _row(connection: Connection, statement: str) -> tuple[Any, ...]:
    row = connection.execute(statement).fetchone()
    assert row is not None  # noqa: S101 - each statement here has a row
    return row
