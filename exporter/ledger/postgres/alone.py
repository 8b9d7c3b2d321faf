"""What is done to a shared ledger that no replica uses."""

from contextlib import closing

import orjson
import psycopg

from exporter.ledger.gauges import matching_sources
from exporter.ledger.interface import Forgotten, UnusableLedger
from exporter.ledger.postgres.connection import Connection, parameters_of, unavailable
from exporter.ledger.postgres.forgetting import forget_pushes
from exporter.ledger.postgres.numbers import encode, stored_series
from exporter.ledger.postgres.recount import LOCK_TABLES, put_right
from exporter.ledger.postgres.schema import prepare

_OTHERS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'css-exporter' AND pid <> pg_backend_pid()"""
_DELETE_SERIES = """
    DELETE FROM css_exporter.cell WHERE (family, labels) IN (
        SELECT * FROM unnest(%b::text[], %b::text[]))"""
_OPEN_PUSHES = "SELECT count(*) FROM css_exporter.push WHERE ended_at_ms IS NULL"
_DELETE_SOURCES = "DELETE FROM css_exporter.source WHERE source = ANY(%b)"


def forget_sources(url: str, push_domain: str, app_name: str) -> Forgotten:
    """Forget the sources that two patterns mean; see ``exporter.ledger.forget_sources``."""
    parameters = parameters_of(url) | {"application_name": "css-exporter forget"}
    try:
        with (
            closing(
                Connection.connect(**parameters, autocommit=True, prepare_threshold=None)
            ) as connection,
        ):
            prepare(connection)
            with connection.transaction():
                return _forget(connection, push_domain, app_name)
    except psycopg.Error as error:
        raise unavailable(error) from error


def _forget(connection: Connection, push_domain: str, app_name: str) -> Forgotten:
    connection.execute(LOCK_TABLES)
    (others,) = connection.execute(_OTHERS).fetchone() or (0,)
    if others:
        raise UnusableLedger("the ledger is in use: stop all replicas first")
    rows = connection.execute("SELECT source FROM css_exporter.source")
    sources = matching_sources(
        (tuple(orjson.loads(text)) for (text,) in rows), push_domain, app_name
    )
    texts = [encode(source) for source in sources]
    series = [
        (family, encode((*source, *own)))
        for family, source, own in stored_series(connection)
        if source in sources
    ]
    families, labels = [family for family, _ in series], [text for _, text in series]
    connection.execute(_DELETE_SERIES, (families, labels))
    (before,) = connection.execute(_OPEN_PUSHES).fetchone() or (0,)
    forget_pushes(connection, "source = ANY(%b)", texts, 0)
    (after,) = connection.execute(_OPEN_PUSHES).fetchone() or (0,)
    connection.execute(_DELETE_SOURCES, (texts,))
    put_right(connection)
    return Forgotten(len(sources), len(series), before - after)
