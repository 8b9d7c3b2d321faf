"""The committed dashboards and rules, as tests read them."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from support.repository import ROOT

BOARDS = ROOT / "grafana" / "dashboards"
RULES = ROOT / "prometheus" / "rules"

VARIABLES = {
    "stream_id": ".+",
    "__rate_interval": "2m",
    "__range": "6h",
    "__interval": "15s",
    "job": ".+",
    "instance": ".+",
    "push_domain": ".+",
    "app_name": ".+",
    "origin": ".+",
    "errcode": ".+",
}
"""What Grafana puts in for its variables when All is chosen."""

Board = dict[str, Any]
Panel = dict[str, Any]


class Asked(NamedTuple):
    """One expression, and where it stands."""

    where: str
    expr: str


def boards() -> dict[str, Board]:
    """Return the committed dashboards by uid."""
    found = (
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(BOARDS.glob("*.json"))
    )
    return {board["uid"]: board for board in found}


def panels(board: Board) -> list[Panel]:
    """Return the panels that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def panel_of(uid: str, title: str) -> Panel:
    """Return the panel of a dashboard that has a title."""
    (found,) = [panel for panel in panels(boards()[uid]) if panel["title"] == title]
    return found


def overrides(panel: Panel, name: str) -> dict[str, Any]:
    """Return the properties that a panel gives to series or columns of a name."""
    return {
        one["id"]: one["value"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == name
        for one in override["properties"]
    }


def links(panel: Panel) -> Iterator[dict[str, Any]]:
    """Yield every link from a series or a row of a panel."""
    yield from panel["fieldConfig"]["defaults"].get("links", [])
    for override in panel["fieldConfig"]["overrides"]:
        for one in override["properties"]:
            if one["id"] == "links":
                yield from one["value"]


def variables(board: Board, kind: str = "query") -> list[dict[str, Any]]:
    """Return the variables of a kind."""
    return [one for one in board["templating"]["list"] if one["type"] == kind]


def selector_of(variable: Mapping[str, Any]) -> str:
    """Return the selector whose label values a variable offers."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert found, variable["query"]
    assert found[2] == variable["name"]
    return found[1]


def substituted(expr: str, values: Mapping[str, str] = VARIABLES) -> str:
    """Return an expression with its variables replaced as Grafana replaces them."""
    return re.sub(r"\$([a-z_]\w*)", lambda found: values[found[1]], expr)


def asked_by_board(board: Board) -> Iterator[Asked]:
    """Yield every PromQL expression of a dashboard, as it is committed."""
    for panel in panels(board):
        for target in panel["targets"]:
            if target["datasource"]["type"] == "prometheus":
                yield Asked(f"{board['uid']}: {panel['title']} {target['refId']}", target["expr"])
    for variable in variables(board):
        yield Asked(f"{board['uid']}: variable {variable['name']}", selector_of(variable))
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield Asked(f"{board['uid']}: annotation {annotation['name']}", annotation["expr"])


@functools.cache
def rules() -> list[dict[str, Any]]:
    """Return every rule of every file, each with its ``file`` and ``group``."""
    return [
        rule | {"file": path.name, "group": group["name"]}
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[dict[str, Any]]:
    """Return every alerting rule."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> dict[str, dict[str, Any]]:
    """Return the recording rules by the name of what they record."""
    return {rule["record"]: rule for rule in rules() if "record" in rule}


def quick_rules(folder: Path, *, wait: str | None = None) -> str:
    """Write the rules without intervals of their own, so that tests need not wait for them.

    ``wait`` replaces every ``for``.  Thresholds and windows stay.  Returns what rule_files
    needs.
    """
    folder.mkdir()
    for path in RULES.glob("*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in content["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                if wait and "for" in rule:
                    rule["for"] = wait
        (folder / path.name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(folder / "*.yml")
