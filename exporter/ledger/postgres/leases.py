"""What only one replica may do at a time, in the shared ledger."""

from typing import Final

from exporter.ledger.changes import LONGEST_LEASE
from exporter.ledger.postgres.connection import LIMIT_TRANSACTION, Connection

# One that ends too far ahead was made by a clock gone wrong.
_LEASE: Final = """
    INSERT INTO css_exporter.lease AS own
    SELECT %(name)s, %(holder)s, extract(epoch FROM clock_timestamp()) + %(seconds)s
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE own.holder = excluded.holder OR own.until NOT BETWEEN
        extract(epoch FROM clock_timestamp())
        AND extract(epoch FROM clock_timestamp()) + %(longest)s"""


def lease(connection: Connection, name: str, holder: str, seconds: float) -> bool:
    """Let a holder have a name to itself for so long, if nobody else has it by now."""
    parameters = {"name": name, "holder": holder, "seconds": seconds, "longest": LONGEST_LEASE}
    with connection.together():
        connection.execute("BEGIN")
        connection.execute(LIMIT_TRANSACTION)
        had = connection.execute(_LEASE, parameters)
        connection.commit_now()
    return had.rowcount == 1
