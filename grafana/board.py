"""What all dashboards share: links to each other, marks of alerts and the grid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana.alerts import Annotation, pages
from grafana.panels import Panel
from grafana.variables import Variable

Line = tuple[int, Sequence[Panel | Sequence[Panel]]]
"""A height in units of the grid, and what stands side by side, alike in width.

Panels in a sequence of their own stand one above the other and share the height.
"""

TAG: Final = "tencent-css"
COLUMNS: Final = 24
"""Units that a screen is wide."""

SCHEMA_VERSION: Final = 38
"""That of Grafana 10.1: newer ones migrate it, older ones are not supported."""


@dataclass(frozen=True, slots=True)
class Section:
    """One chapter of a dashboard's story."""

    title: str
    lines: Sequence[Line]


_GRAFANA: Final = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "blue",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def dashboard(
    uid: str,
    title: str,
    description: str,
    sections: Iterable[Section],
    variables: Sequence[Variable],
    annotations: Iterable[Annotation] = (),
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
        "annotations": {"list": [_GRAFANA, pages(variables), *annotations]},
        "templating": {"list": list(variables)},
        "panels": list(_placed(sections)),
    }


def _links() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "CSS dashboards",
        "tags": [TAG],
        "asDropdown": True,
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
        for height, columns in section.lines:
            width = COLUMNS // len(columns)
            for index, column in enumerate(columns):
                stack = [column] if isinstance(column, dict) else column
                share = height // len(stack)
                for level, panel in enumerate(stack):
                    number += 1
                    place = {"h": share, "w": width, "x": index * width, "y": y + level * share}
                    yield panel | {"id": number, "gridPos": place}
            y += height
