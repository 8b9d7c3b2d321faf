"""Links from a series or a row: to a dashboard, variables as they are, or to the exporter."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from grafana.variables import EXPORTER_URL, Variable

Link = dict[str, Any]

STREAM: Final = ("push_domain", "app_name", "stream_id")


def label(name: str) -> str:
    """Return the label of the series that was clicked."""
    return f"${{__field.labels.{name}}}"


def cell(column: str) -> str:
    """Return what a row that was clicked has in a column."""
    return f'${{__data.fields["{column}"]}}'


def link(title: str, uid: str, kept: Iterable[Variable], **chosen: str) -> Link:
    """Return a link to a dashboard: variables that are kept as they are, others chosen anew.

    Dashboards that links lead to have ``EXPORTER_URL``.
    """
    query = [
        "${__url_time_range}",
        *(
            f"${{{one['name']}:queryparam}}"
            for one in (*kept, EXPORTER_URL)
            if one["name"] not in chosen
        ),
        *(f"var-{name}={_escaped(value)}" for name, value in chosen.items()),
    ]
    return {"title": title, "url": f"/d/{uid}?{'&'.join(query)}", "targetBlank": False}


def streams(title: str, **asked: str) -> Link:
    """Return a link to those of the exporter's streams that a query string asks for."""
    return _page(title, "/streams", asked)


def stream(title: str, value: Callable[[str], str]) -> Link:
    """Return a link to the exporter's page of a stream, whose names are values of what is said."""
    return _page(title, "/stream", {name: value(name) for name in STREAM})


def _page(title: str, path: str, asked: Mapping[str, str]) -> Link:
    query = "&".join(f"{name}={_escaped(value)}" for name, value in asked.items())
    return {"title": title, "url": f"${{exporter_url:raw}}{path}?{query}", "targetBlank": True}


def _escaped(value: str) -> str:
    """Return a value as a query string has it; Grafana's own escaping leaves out & and +."""
    return f"{value[:-1]}:percentencode}}" if value.startswith("${") else value
