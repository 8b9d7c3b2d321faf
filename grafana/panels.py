"""How an answer is shown: panels of Grafana's classic dashboard JSON.

Every panel must say what it shows (``description``), in which unit, and what it means if
there is nothing to show (``empty``).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from grafana import palette
from grafana.overrides import Override, ValueMapping, nothing, override
from grafana.queries import OTHERS, PROMETHEUS, Target

Panel = dict[str, Any]
Axis = Mapping[str, Any]

VERSION = "10.1.0"
"""Oldest Grafana that shows these panels; a newer one brings them up to date itself."""

FROM_ZERO: Final[Axis] = {"min": 0}
WHOLE_NUMBERS: Final[Axis] = {"min": 0, "decimals": 0}
SHARE: Final[Axis] = {"min": 0, "max": 1}
LOGARITHMIC: Final[Axis] = {
    "min": 0.1,
    "decimals": 1,
    "custom": {"scaleDistribution": {"type": "log", "log": 10}},
}

LIST_BELOW: Final = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
TABLE_RIGHT: Final = {
    "displayMode": "table",
    "placement": "right",
    "showLegend": True,
    "calcs": ["max"],
    "width": 300,
    "sortBy": "Max",
    "sortDesc": True,
}
"""For a panel that may have more than a handful of series."""


def steps(*bounds: tuple[str, float | None]) -> dict[str, Any]:
    """Return thresholds from colours and the values from which on they hold."""
    return {
        "mode": "absolute",
        "steps": [{"color": colour, "value": value} for colour, value in bounds],
    }


def good_below(watch: float, act: float) -> dict[str, Any]:
    """Return thresholds of a value that should be small."""
    return steps((palette.GOOD, None), (palette.WATCH, watch), (palette.ACT, act))


def letter(index: int) -> str:
    """Return what Grafana calls a panel's first target, its second and so on."""
    return chr(ord("A") + index)


def panel(
    kind: str,
    title: str,
    targets: Sequence[Target],
    *,
    description: str,
    empty: str,
    options: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    overrides: Sequence[Override] = (),
    shows_empty: bool = True,
) -> Panel:
    """Return a panel of any kind.

    Where Grafana does not show the text for no data (``shows_empty`` is false), the
    description says what that means.
    """
    if not shows_empty:
        description = f"{description} {empty}."
    return {
        "type": kind,
        "title": title,
        "description": description,
        "pluginVersion": VERSION,
        "datasource": targets[0]["datasource"] if targets else PROMETHEUS,
        "targets": [target | {"refId": letter(index)} for index, target in enumerate(targets)],
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
    axis: Axis = FROM_ZERO,
    legend: Mapping[str, Any] = LIST_BELOW,
    links: Sequence[Mapping[str, Any]] = (),
) -> Panel:
    """Return lines over time, stacked areas if the series add up to something."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 40 if stacked else 8,
        "showPoints": "auto",  # so that a value between two gaps is seen
        "pointSize": 4,
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        **axis.get("custom", {}),
    }
    defaults = {
        "unit": unit,
        "color": {"mode": "palette-classic"},
        "links": list(links),
        **axis,
        "custom": custom,
    }
    options = {
        "legend": dict(legend),
        "tooltip": {"mode": "multi", "sort": "desc", "hideZeros": True},
    }
    if any(target["legendFormat"] == OTHERS for target in targets):
        # They have no label that a link could lead to.
        others = override("byName", OTHERS, color=palette.fixed(palette.NEUTRAL), links=[])
        overrides = [*overrides, others]
    return panel(
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
    mappings: Sequence[ValueMapping] = (),
    decimals: int = 0,
    text_mode: str = "auto",
) -> Panel:
    """Return one number; coloured only if it is a state and so has thresholds."""
    defaults: dict[str, Any] = {
        "unit": unit,
        "decimals": decimals,
        "mappings": [*mappings, *nothing(empty)],
        "color": {"mode": "thresholds"},
        "thresholds": thresholds or steps(("text", None)),
    }
    options = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": text_mode,
    }
    return panel(
        "stat",
        title,
        [target],
        description=description,
        empty=empty,
        options=options,
        defaults=defaults,
    )


def state_timeline(
    title: str,
    target: Target,
    *,
    description: str,
    empty: str,
    mappings: Sequence[ValueMapping],
    links: Sequence[Mapping[str, Any]] = (),
) -> Panel:
    """Return a band for each series, in the colours of its states."""
    options = {
        "alignValue": "center",
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    made = panel(
        "state-timeline",
        title,
        [target],
        description=description,
        empty=empty,
        options=options,
        defaults={
            "unit": "none",
            # By thresholds it would merge values that have one, whatever mappings say of them.
            "color": palette.fixed(palette.NEUTRAL),
            "mappings": list(mappings),
            "links": list(links),
            "custom": {"fillOpacity": 80, "lineWidth": 0, "spanNulls": False},
        },
    )
    # Where there is nothing Prometheus answers with a frame without fields: shown as an error.
    some = {"id": "filterFieldsByName", "options": {"include": {"pattern": ".*"}}}
    return made | {"transformations": [some]}


def heatmap(title: str, target: Target, *, description: str, unit: str, empty: str) -> Panel:
    """Return the buckets of a histogram over time."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "locale", "decimals": 0},
        "color": {"mode": "scheme", "scheme": "Cool", "steps": 64, "exponent": 0.5, "min": 0},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "show": True, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    return panel(
        "heatmap",
        title,
        [target],
        description=description,
        empty=empty,
        shows_empty=False,
        options=options,
        defaults={"unit": "locale"},
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
        "wrapLogMessage": False,
    }
    return panel(
        "logs",
        title,
        [target],
        description=description,
        empty=empty,
        shows_empty=False,
        options=options,
    )


def text(title: str, content: str, *, description: str) -> Panel:
    """Return a few sentences."""
    options = {"mode": "markdown", "content": content}
    return panel("text", title, [], description=description, empty="-", options=options)
