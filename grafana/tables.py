"""Tables: rows of a moment, one for each combination of labels."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from grafana.overrides import Override, nothing, override
from grafana.panels import Panel, letter, panel
from grafana.queries import Target

NO_CELL: Final = "-"

HIDDEN: Final = "order"
"""A label that rows are sorted by and that is not shown."""


def table(
    title: str,
    *targets: Target,
    description: str,
    empty: str,
    columns: Mapping[str, str],
    sort: str = "",
    made_of: Sequence[Mapping[str, Any]] = (),
    overrides: Sequence[Override] = (),
) -> Panel:
    """Return a table; ``columns`` maps what is shown, in order, to the column's heading.

    Rows are sorted by the column ``sort``, the largest first; without it by the label
    ``HIDDEN``, where rows have one, and else as Prometheus has sorted them.  ``made_of`` are the
    transformations that make rows of the answer, if it has none.
    """
    given = {"Time", "Value", HIDDEN, *(f"Value #{letter(n)}" for n in range(len(targets)))}
    organise = {
        "excludeByName": dict.fromkeys(sorted(given - columns.keys()), True),
        "indexByName": {name: index for index, name in enumerate(columns)},
        "renameByName": dict(columns),
    }
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
        "sortBy": [{"displayName": sort, "desc": True}] if sort else [],
    }
    defaults = {
        "unit": "locale",
        "decimals": 0,
        "custom": {
            "align": "auto",
            "cellOptions": {"type": "auto"},
            "inspect": False,
            "minWidth": 80,
        },
    }
    # The text for no rows would also stand in each cell without a value.
    cells = [
        override("byType", "string", noValue=NO_CELL),
        override("byType", "number", mappings=nothing(NO_CELL)),
    ]
    made = panel(
        "table",
        title,
        targets,
        description=description,
        empty=empty,
        shows_empty=len(targets) == 1,
        options=options,
        defaults=defaults,
        overrides=[*cells, *overrides],
    )
    steps = [*made_of, *_joined(targets), {"id": "organize", "options": organise}]
    return made | {"transformations": steps}


def _joined(targets: Sequence[Target]) -> list[dict[str, Any]]:
    if len(targets) > 1:
        return [{"id": "merge", "options": {}}]
    if f'"{HIDDEN}"' in targets[0]["expr"]:
        return [{"id": "sortBy", "options": {"sort": [{"field": HIDDEN, "desc": False}]}}]
    return []
