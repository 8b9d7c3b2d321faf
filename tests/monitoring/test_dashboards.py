"""The dashboards: written by their code, accepted by Grafana, and kept to house rules.

The rules of grafana/dashboard-linter that apply are here, by their names.  Left out:
template-instance-rule and target-instance-rule (every instance shows the same ledger; only
what a process says of itself has an instance variable), and those for LogQL's functions
(the one query selects lines).
"""

import re
import warnings
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from support.boards import (
    BOARDS,
    VARIABLES,
    Asked,
    asked_by_board,
    boards,
    panels,
    recorded,
    substituted,
    variables,
)
from support.promql import Selector, names, nodes, selectors

from exporter.metrics.catalogue import BY_NAME
from grafana import palette
from grafana.build import files

with warnings.catch_warnings(action="ignore"):  # it would rather have the newer format
    from grafana_foundation_sdk.models.dashboard import Dashboard

UIDS = sorted(boards())
STATES = {palette.GOOD, palette.WATCH, palette.ACT}
GIVEN: dict[str, set[str]] = {
    "up": set(),
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
    "process_start_time_seconds": set(),
}
OWN_LABELS = {"job", "instance", "le", "__name__"}
ALERTS = {"ALERTS", "ALERTS_FOR_STATE"}
"""What Prometheus itself knows of alerts; rules choose the labels."""


@pytest.fixture(params=UIDS)
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return each dashboard."""
    return boards()[request.param]


def each_expression() -> list[Any]:
    return [
        pytest.param(asked, id=asked.where)
        for board in boards().values()
        for asked in asked_by_board(board)
    ]


def test_committed_dashboards_are_what_their_code_writes() -> None:
    """``make generated`` would change nothing."""
    assert {path.name: path.read_text() for path in BOARDS.glob("*.json")} == files()


def test_grafana_knows_every_key(board: dict[str, Any]) -> None:
    """Read and written by Grafana's own models, nothing is lost but what only 10.1 knows."""
    plugins.register_default_plugins()
    lost = set(_lost(board, _plain(Dashboard.from_json(board))))
    # An absent id is a null one; 10.1 shows a heatmap's tooltip by ``show``, 12 by ``mode``.
    assert {path for path in lost if not path.endswith("/options/tooltip/show")} == {"/id"}


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        value = value.to_json()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _lost(ours: Any, theirs: Any, path: str = "") -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            lost
            for key, value in ours.items()
            for lost in (
                _lost(value, theirs[key], f"{path}/{key}") if key in theirs else [f"{path}/{key}"]
            )
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [lost for n, (one, other) in pairs for lost in _lost(one, other, f"{path}/{n}")]
    return [] if ours == theirs else [path]


def test_classic_json_that_can_be_provisioned(board: dict[str, Any]) -> None:
    """A fixed uid, no id, no inputs, not editable (uneditable-dashboard)."""
    assert board["id"] is None
    assert board["uid"].startswith("tencent-css-")
    assert board["schemaVersion"] == 38
    assert board["editable"] is False
    assert not {"__inputs", "__requires", "spec"} & board.keys()
    identifiers = [panel["id"] for panel in board["panels"]]
    assert len(identifiers) == len(set(identifiers))


def test_dashboards_link_to_each_other(board: dict[str, Any]) -> None:
    """By their common tag, in one dropdown, with time range and variables."""
    (link,) = board["links"]
    assert set(link["tags"]) <= set(board["tags"])
    assert link["asDropdown"] is True
    assert link["keepTime"] is True
    assert link["includeVars"] is True


def test_variables(board: dict[str, Any]) -> None:
    """template-datasource-, -job-, -label-promql- and -on-time-change-reload-rule."""
    sources = variables(board, "datasource")
    named = [(one["name"], one["label"]) for one in sources]
    assert named[0] == ("prometheus_datasource", "Prometheus")
    assert named[1:] in ([], [("loki_datasource", "Loki")])
    assert variables(board)[0]["name"] == "job"
    for one in variables(board):
        assert one["datasource"]["uid"] == "${prometheus_datasource}"
        assert (one["multi"], one["includeAll"], one["allValue"]) == (True, True, ".+")
        assert one["refresh"] == 2
        assert one["label"] == one["name"].capitalize().replace("_", " ")
    text = BOARDS.joinpath(f"{board['uid']}.json").read_text()
    for one in board["templating"]["list"]:
        assert re.search(rf"\$\{{?{one['name']}\b", text), f"{one['name']} is used nowhere"


def test_every_panel_explains_itself(board: dict[str, Any]) -> None:
    """panel-title-description-, -units-, -datasource- and -no-targets-rule; and empty text."""
    for panel in panels(board):
        where = panel["title"] or panel["type"]
        assert panel["description"][-1] in ".?", where
        assert ".." not in panel["description"], where
        if panel["type"] == "text":
            continue
        assert panel["title"], where
        assert panel["targets"], where
        assert panel["datasource"]["uid"] in ("${prometheus_datasource}", "${loki_datasource}")
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {
            panel["datasource"]["uid"]
        }
        assert len(panel["fieldConfig"]["defaults"]["noValue"]) > 3, where
        if panel["type"] != "logs":
            assert panel["fieldConfig"]["defaults"]["unit"], where


def test_grid(board: dict[str, Any]) -> None:
    """No panel covers another, and at 1280 pixels each is wide enough for its title."""
    for one, other in combinations(board["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert apart or above, (one["title"], other["title"])
    for panel in panels(board):
        width, height = panel["gridPos"]["w"], panel["gridPos"]["h"]
        assert panel["gridPos"]["x"] + width <= 24
        assert width >= (6 if panel["type"] == "stat" else 8), panel["title"]
        low = {"stat": 3, "text": 3, "table": 5}
        assert height >= low.get(panel["type"], 7), panel["title"]
        # A unit of the grid is 52 pixels wide there, a letter of a title 8, what is around it 60.
        assert len(panel["title"]) * 8 <= width * 52 - 60, panel["title"]


def test_colours_mean_one_thing() -> None:
    """A cause has one colour everywhere, nothing else has it; states keep theirs."""
    fixed: dict[str, set[str]] = {}
    for board in boards().values():
        for panel in panels(board):
            for override in panel["fieldConfig"]["overrides"]:
                name = override["matcher"]["options"].strip("/^ ")
                for one in override["properties"]:
                    if one["id"] == "color":
                        fixed.setdefault(name, set()).add(one["value"]["fixedColor"])
    for cause, colour in palette.CAUSES.items():
        # "unknown" is an origin too, and just as unknown.
        allowed = {colour} | ({palette.ORIGINS[cause]} if cause in palette.ORIGINS else set())
        assert fixed[cause] <= allowed
    assert len(set(palette.CAUSES.values())) == len(palette.CAUSES)
    others = {**palette.FLOWS, **palette.OUTCOMES, "": palette.MAIN}.values()
    assert not (set(palette.CAUSES.values()) | STATES) & set(others)
    states = {name for name, colours in fixed.items() if colours & STATES}
    assert states == {"Block", "Review", "Pass"}


@pytest.mark.parametrize("asked", each_expression())
def test_expression(asked: Asked) -> None:
    """target-promql-, -job-, -rate-interval- and -counter-agg-rule; metrics and labels exist."""
    found = list(selectors(substituted(asked.expr)))
    assert found
    in_variable = ": variable " in asked.where
    for selector in found:
        if selector.name and selector.name.startswith("css:"):
            assert selector.name in recorded()  # thresholds have no labels
            continue
        if not asked.where.endswith(": variable job"):
            assert selector.values("job") in (["=~.+"], ["=~.+|"]), selector
        if selector.name in ALERTS:
            continue
        assert names(selector, BY_NAME)
        for name in names(selector, BY_NAME):
            _check_labels(name, selector)
        if selector.name and selector.name.endswith("_total") and not in_variable:
            presence = selector.name == "tencent_css_callbacks_total" and "count(" in asked.expr
            assert presence or selector.function in ("rate", "increase"), selector
    for window in re.findall(r"\[(.+?)\]", asked.expr):
        assert window in ("$__rate_interval", "$__range")
    assert "{{" not in asked.expr


def test_ranges_of_the_whole_dashboard_are_asked_once() -> None:
    """$__range stands in instant queries or ``@ end()``: else it would be asked at each step."""
    for board in boards().values():
        for panel in panels(board):
            for target in panel["targets"]:
                if "$__range" in target["expr"].replace("[$__range] @ end()", ""):
                    assert target.get("instant"), panel["title"]
                if panel["type"] == "timeseries":
                    assert "$__rate_interval" in target["expr"] or "rate(" not in target["expr"]


def _check_labels(name: str, selector: Selector) -> None:
    family = BY_NAME.get(re.sub(r"_(bucket|count|sum)$", "", name)) or BY_NAME.get(name)
    allowed = OWN_LABELS | (set(family.label_names) if family else GIVEN[name])
    for label, operator, value in selector.matchers:
        if selector.name is None and label in ("push_domain", "app_name"):
            continue  # a pattern of names finds some that have no source
        assert label in allowed, (name, label)
        if family and family.labels.get(label) and value != VARIABLES["origin"]:
            parts = value.split("|") if "~" in operator else [value]
            assert set(parts) <= set(family.labels[label]), (name, label, value)


def test_labels_of_legends_and_sums_exist() -> None:
    """What a legend shows is what the expression leaves."""
    for board in boards().values():
        for panel in panels(board):
            for target in panel["targets"]:
                shown = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
                if target["datasource"]["type"] != "prometheus" or not shown:
                    continue
                kept = set(re.findall(r'count_values\("(\w+)"', target["expr"]))
                for node, _ in nodes(substituted(target["expr"])):
                    modifier = getattr(node, "modifier", None)
                    kept |= set(getattr(modifier, "labels", None) or ())
                if "sum" in target["expr"] or "max by" in target["expr"]:
                    assert shown <= kept, (panel["title"], shown, kept)
