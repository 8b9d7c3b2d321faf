"""What all dashboards share: variables, links, annotations and the grid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana.panels import Panel
from grafana.queries import ALERTS, JOB, PROMETHEUS

Variable = dict[str, Any]
Line = tuple[int, Sequence[Panel]]
"""Panels side by side, alike in width: their height in units of the grid, and they."""

TAG: Final = "tencent-css"
COLUMNS: Final = 24
"""Units that a screen is wide."""

SCHEMA_VERSION: Final = 38
"""That of Grafana 10.1: newer ones migrate it, older ones are not supported."""

ALL: Final = {"selected": True, "text": ["All"], "value": ["$__all"]}


@dataclass(frozen=True, slots=True)
class Section:
    """One chapter of a dashboard's story."""

    title: str
    lines: Sequence[Line]


def variable(name: str, label: str, of: str) -> Variable:
    """Return a variable with the values of a label of the series that a selector finds."""
    query = f"label_values({of}, {name})"
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": PROMETHEUS,
        "definition": query,
        "query": {"query": query, "refId": "StandardVariableQuery"},
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": ALL,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "hide": 0,
        "skipUrlSync": False,
    }


def data_source(kind: str) -> Variable:
    """Return a variable that chooses a data source."""
    return {
        "type": "datasource",
        "name": f"{kind}_datasource",
        "label": f"{kind.capitalize()} data source",
        "query": kind,
        "current": {},
        "options": [],
        "multi": False,
        "includeAll": False,
        "refresh": 1,
        "regex": "",
        "hide": 0,
        "skipUrlSync": False,
    }


def text_box(name: str, label: str, description: str, default: str) -> Variable:
    """Return a variable to be typed in."""
    value = {"selected": True, "text": default, "value": default}
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "description": description,
        "query": default,
        "current": value,
        "options": [value],
        "hide": 0,
        "skipUrlSync": False,
    }


JOB_VARIABLE: Final = variable("job", "Job", '{__name__=~"tencent_css_.+"}')
SOURCE_VARIABLES: Final = (
    JOB_VARIABLE,
    variable("push_domain", "Push domain", f'{{__name__=~"tencent_css_.+_total", {JOB}}}'),
    variable(
        "app_name",
        "App name",
        f'{{__name__=~"tencent_css_.+_total", {JOB}, push_domain=~"$push_domain"}}',
    ),
)
ORIGIN_VARIABLES: Final = (
    *SOURCE_VARIABLES,
    variable("origin", "Origin", f"tencent_css_pushes_total{{{JOB}}}"),
)


def annotation(name: str, expr: str, title: str, text: str, colour: str) -> dict[str, Any]:
    """Return marks at the times when an expression has a value."""
    return {
        "name": name,
        "datasource": PROMETHEUS,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "1m",
        "titleFormat": title,
        "textFormat": text,
        "tagKeys": "severity,push_domain,origin,errcode",
        "useValueForTime": "false",
    }


_GRAFANA: Final = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "blue",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
_ALERTS: Final = annotation(
    "Alerts", ALERTS, "{{alertname}}", "{{push_domain}} {{origin}} {{errcode}} {{reason}}", "red"
)


def dashboard(
    uid: str,
    title: str,
    description: str,
    sections: Iterable[Section],
    variables: Iterable[Variable],
    annotations: Iterable[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return a dashboard in Grafana's classic JSON."""
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "weekStart": "",
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "refresh": "1m",
        "links": [_links()],
        "annotations": {"list": [_GRAFANA, _ALERTS, *annotations]},
        "templating": {"list": [data_source("prometheus"), *variables]},
        "panels": list(_placed(sections)),
    }


def _links() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "CSS dashboards",
        "tags": [TAG],
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "tooltip": "",
        "url": "",
    }


def _placed(sections: Iterable[Section]) -> Iterable[Panel]:
    """Yield all panels, each with its place and number, from top to bottom."""
    number = y = 0
    for section in sections:
        number += 1
        yield {
            "type": "row",
            "title": section.title,
            "id": number,
            "collapsed": False,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
            "panels": [],
        }
        y += 1
        for height, panels in section.lines:
            width = COLUMNS // len(panels)
            for index, panel in enumerate(panels):
                number += 1
                place = {"h": height, "w": width, "x": index * width, "y": y}
                yield panel | {"id": number, "gridPos": place}
            y += height
