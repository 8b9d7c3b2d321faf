"""How an answer is shown: panels of Grafana's classic dashboard JSON.

Every panel must say what it shows (``description``), in which unit, and what it means if
there is nothing to show (``empty``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from grafana import palette
from grafana.queries import LOKI, PROMETHEUS, Target

Panel = dict[str, Any]
Override = dict[str, Any]

VERSION = "10.1.0"
"""Oldest Grafana that shows these panels; a newer one brings them up to date itself."""


def colours(named: Mapping[str, str]) -> list[Override]:
    """Return overrides that give series their colours by name."""
    return [
        _override("byName", name, color={"mode": "fixed", "fixedColor": colour})
        for name, colour in named.items()
    ]


def shades(named: Mapping[str, str]) -> list[Override]:
    """Return overrides that give series shades of a colour by the first word of their name."""
    return [
        _override("byRegexp", f"/^{name} /", color={"mode": "shades", "fixedColor": colour})
        for name, colour in named.items()
    ]


def faint(name: str, colour: str = palette.NEUTRAL) -> Override:
    """Return an override that draws a series as a dashed line without filling."""
    return _override(
        "byName",
        name,
        color={"mode": "fixed", "fixedColor": colour},
        **{"custom.lineStyle": {"fill": "dash", "dash": [8, 8]}, "custom.fillOpacity": 0},
    )


def column(name: str, **properties: Any) -> Override:
    """Return an override of a table's column."""
    return _override("byName", name, **properties)


def _override(matcher: str, options: str, **properties: Any) -> Override:
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }


def steps(*bounds: tuple[str, float | None]) -> dict[str, Any]:
    """Return thresholds from colours and the values from which on they hold."""
    return {
        "mode": "absolute",
        "steps": [{"color": colour, "value": value} for colour, value in bounds],
    }


def good_below(watch: float, act: float) -> dict[str, Any]:
    """Return thresholds of a value that should be small."""
    return steps((palette.GOOD, None), (palette.WATCH, watch), (palette.ACT, act))


def _panel(
    kind: str,
    title: str,
    targets: Sequence[Target],
    *,
    description: str,
    empty: str,
    options: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    overrides: Sequence[Override] = (),
) -> Panel:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "pluginVersion": VERSION,
        "datasource": targets[0]["datasource"] if targets else PROMETHEUS,
        "targets": [
            target | {"refId": chr(ord("A") + index)} for index, target in enumerate(targets)
        ],
        "fieldConfig": {
            "defaults": {"noValue": empty, **(defaults or {})},
            "overrides": list(overrides),
        },
        "options": dict(options),
    }


def timeseries(
    title: str,
    *targets: Target,
    description: str,
    unit: str,
    empty: str,
    stacked: bool = False,
    overrides: Sequence[Override] = (),
    ceiling: float | None = None,
    links: Sequence[Mapping[str, Any]] = (),
) -> Panel:
    """Return lines over time, stacked areas if the series add up to something."""
    defaults = {
        "unit": unit,
        "min": 0,
        **({"max": ceiling} if ceiling is not None else {}),
        "color": {"mode": "shades", "fixedColor": palette.MAIN},
        "links": list(links),
        "custom": {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 40 if stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        },
    }
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return _panel(
        "timeseries",
        title,
        targets,
        description=description,
        empty=empty,
        options=options,
        defaults=defaults,
        overrides=overrides,
    )


def stat(
    title: str,
    target: Target,
    *,
    description: str,
    unit: str,
    empty: str,
    thresholds: Mapping[str, Any] | None = None,
    mappings: Sequence[Mapping[str, Any]] = (),
    decimals: int | None = None,
) -> Panel:
    """Return one number; coloured only if it is a state and so has thresholds."""
    defaults: dict[str, Any] = {
        "unit": unit,
        "mappings": list(mappings),
        "color": {"mode": "thresholds"},
        "thresholds": thresholds or steps(("text", None)),
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    options = {
        "colorMode": "value" if thresholds else "none",
        "graphMode": "none" if target.get("instant") else "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
    }
    return _panel(
        "stat",
        title,
        [target],
        description=description,
        empty=empty,
        options=options,
        defaults=defaults,
    )


def table(
    title: str,
    *targets: Target,
    description: str,
    empty: str,
    columns: Mapping[str, str],
    sort: str = "",
    overrides: Sequence[Override] = (),
) -> Panel:
    """Return a table; ``columns`` maps what is shown, in order, to the column's heading."""
    organise = {
        "excludeByName": {name: True for name in ("Time", "Value") if name not in columns},
        "indexByName": {name: index for index, name in enumerate(columns)},
        "renameByName": dict(columns),
    }
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
        "sortBy": [{"displayName": sort, "desc": True}] if sort else [],
    }
    panel = _panel(
        "table",
        title,
        targets,
        description=description,
        empty=empty,
        options=options,
        defaults={
            "unit": "short",
            "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
        },
        overrides=overrides,
    )
    merge = [{"id": "merge", "options": {}}] if len(targets) > 1 else []
    panel["transformations"] = [*merge, {"id": "organize", "options": organise}]
    return panel


def bars(title: str, target: Target, *, description: str, unit: str, empty: str) -> Panel:
    """Return one horizontal bar for each series of a moment."""
    defaults = {
        "unit": unit,
        "min": 0,
        "color": {"mode": "fixed", "fixedColor": palette.MAIN},
    }
    options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": True,
        "valueMode": "text",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return _panel(
        "bargauge",
        title,
        [target],
        description=description,
        empty=empty,
        options=options,
        defaults=defaults,
    )


def heatmap(title: str, target: Target, *, description: str, unit: str, empty: str) -> Panel:
    """Return the buckets of a histogram over time; the darker, the more."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "short"},
        "color": {"mode": "scheme", "scheme": "Purples", "steps": 64, "exponent": 0.5},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "show": True, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    return _panel(
        "heatmap",
        title,
        [target],
        description=description,
        empty=empty,
        options=options,
        defaults={"unit": "short"},
    )


def logs(title: str, target: Target, *, description: str, empty: str) -> Panel:
    """Return log lines, the newest first."""
    options = {
        "dedupStrategy": "none",
        "enableLogDetails": True,
        "prettifyLogMessage": False,
        "showCommonLabels": False,
        "showLabels": False,
        "showTime": True,
        "sortOrder": "Descending",
        "wrapLogMessage": True,
    }
    panel = _panel("logs", title, [target], description=description, empty=empty, options=options)
    return panel | {"datasource": LOKI}


def text(title: str, content: str, *, description: str) -> Panel:
    """Return a few sentences."""
    options = {"mode": "markdown", "content": content}
    return _panel("text", title, [], description=description, empty="-", options=options)
