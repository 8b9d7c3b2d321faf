"""Links from a series or a row to a dashboard, with all variables as they are."""

from collections.abc import Iterable
from typing import Any, Final

from grafana.variables import Variable

Link = dict[str, Any]

SERIES_DOMAIN: Final = "${__field.labels.push_domain}"
"""The push domain of the series that was clicked."""


def cell(column: str) -> str:
    """Return what a row that was clicked has in a column."""
    return f'${{__data.fields["{column}"]}}'


def link(title: str, uid: str, kept: Iterable[Variable], **chosen: str) -> Link:
    """Return a link to a dashboard: variables that are kept as they are, others chosen anew."""
    query = [
        "${__url_time_range}",
        *(f"${{{one['name']}:queryparam}}" for one in kept if one["name"] not in chosen),
        *(f"var-{name}={value}" for name, value in chosen.items()),
    ]
    return {"title": title, "url": f"/d/{uid}?{'&'.join(query)}", "targetBlank": False}
