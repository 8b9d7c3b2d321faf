"""How single series, columns and values look: overrides and mappings of Grafana's fields."""

from collections.abc import Mapping
from typing import Any

from grafana import palette

Override = dict[str, Any]
ValueMapping = dict[str, Any]


def colours(named: Mapping[str, str]) -> list[Override]:
    """Return overrides that give series their colours by name."""
    return [
        override("byName", name, color=palette.fixed(colour)) for name, colour in named.items()
    ]


def shades(named: Mapping[str, str]) -> list[Override]:
    """Return overrides that give series shades of a colour by the first word of their name."""
    return [
        override("byRegexp", f"/^{name} /", color={"mode": "shades", "fixedColor": colour})
        for name, colour in named.items()
    ]


def faint(name: str, colour: str = palette.NEUTRAL) -> Override:
    """Return an override that draws a series as a dashed line without filling."""
    return override(
        "byName",
        name,
        color=palette.fixed(colour),
        **{"custom.lineStyle": {"fill": "dash", "dash": [8, 8]}, "custom.fillOpacity": 0},
    )


def column(name: str, **properties: Any) -> Override:
    """Return an override of a table's column; ``width`` is in pixels."""
    width = {"custom.width": properties.pop("width")} if "width" in properties else {}
    return override("byName", name, **width, **properties)


def words(name: str, coloured: Mapping[str, str], *, width: int) -> Override:
    """Return an override of a table's column of words, each in its colour."""
    return column(
        name,
        width=width,
        mappings=values({word: (word, colour) for word, colour in coloured.items()}),
        **{"custom.cellOptions": {"type": "color-text"}},
    )


def values(shown: Mapping[str, tuple[str, str]]) -> list[ValueMapping]:
    """Return mappings of values to a text and its colour."""
    options = {
        value: {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(shown.items())
    }
    return [{"type": "value", "options": options}]


def nothing(text: str) -> list[ValueMapping]:
    """Return mappings for no value at all: a text in no state's colour."""
    result = {"text": text, "color": palette.NEUTRAL, "index": 0}
    return [{"type": "special", "options": {"match": "null+nan", "result": result}}]


def override(matcher: str, options: str, **properties: Any) -> Override:
    """Return properties of the fields that a matcher finds."""
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }
