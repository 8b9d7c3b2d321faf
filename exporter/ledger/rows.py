"""How the rows of pushes are written in SQL, the same for every store.  Pure."""

from typing import Final

from exporter.ledger.facts import PushRow
from exporter.metrics.entries import Said

STATE: Final = PushRow._fields[:-1]
"""The columns that a plan knows in full, in the order of ``PushRow``."""

ROW: Final = (*STATE, *Said._fields)
"""All columns but the identity, and a store's own."""


def merging(larger: str) -> list[str]:
    """Return the assignments that merge a new row into a stored one, as ``facts.merged`` does.

    ``larger`` is the SQL function of the larger of two values.
    """
    both = Said._fields.index("node")
    return [
        *(f"{name} = excluded.{name}" for name in STATE),
        *(f"{name} = coalesce(excluded.{name}, push.{name})" for name in Said._fields[:both]),
        *(
            f"{name} = coalesce({larger}(push.{name}, excluded.{name}), push.{name},"
            f" excluded.{name})"
            for name in Said._fields[both:]
        ),
    ]
