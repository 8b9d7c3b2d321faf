"""What a real Grafana makes of the dashboards, as far as their JSON can hold it.

Each rule here was a fault that one saw in a browser and not in the JSON.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.boards import (
    asked_by_board,
    boards,
    overrides,
    panel_of,
    panels,
    selector_of,
    variables,
)
from support.daemon import Start
from support.packets import packet

from grafana import palette
from grafana.queries import MOST, OTHERS

BOARDS = boards()
LOG = "tencent-css-log"
PANELS = [
    pytest.param(panel, id=f"{uid}: {panel['title'] or panel['type']}")
    for uid, board in BOARDS.items()
    for panel in panels(board)
]
KINDS_WITHOUT_EMPTY_TEXT = ("heatmap", "logs")
"""Grafana shows "No data" in them, whatever ``noValue`` says; in tables of several queries too."""


def values(thing: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every plain value of a dashboard, with its path."""
    if isinstance(thing, dict | list):
        pairs = thing.items() if isinstance(thing, dict) else enumerate(thing)
        for key, value in pairs:
            yield from values(value, f"{path}/{key}")
    else:
        yield path, thing


def part(pattern: str, text: str) -> str:
    """Return the group of a pattern that must be in a text."""
    found = re.search(pattern, text)
    assert found, text
    return found[1]


@pytest.mark.parametrize("uid", BOARDS)
def test_booleans_and_numbers_are_such(uid: str) -> None:
    """A "false" in quotes is true to Grafana."""
    for path, value in values(BOARDS[uid]):
        if isinstance(value, str):
            assert value.lower() not in ("true", "false", "null"), path
            assert not re.fullmatch(r"-?\d+(\.\d+)?", value) or path.endswith("/options/0"), path


@pytest.mark.parametrize("uid", BOARDS)
def test_annotations_lie_where_they_belong(uid: str) -> None:
    """At the times, in milliseconds, that their values are; only labels that are there show."""
    _, *ours = BOARDS[uid]["annotations"]["list"]
    assert ours[0]["name"] == "Alerts"
    for one in ours:
        assert one["useValueForTime"] is True
        assert one["expr"].endswith(" * 1000")
        assert "textFormat" not in one
        by_domain = "push_domain" in {each["name"] for each in variables(BOARDS[uid])}
        if one["name"] == "Alerts":
            assert ('push_domain=~"$push_domain|"' in one["expr"]) is by_domain


def test_alerts_are_told_apart() -> None:
    """Pages first, coloured, without our prefix, of the chosen push domains, in full width."""
    panel = panel_of("tencent-css-overview", "Alerts")
    (target,) = panel["targets"]
    assert target["expr"].startswith("sort_desc(")
    ranks = re.findall(r"(\d) \* ALERTS{(.+?)}", target["expr"])
    assert [(rank, part(r'severity="(\w+)"', where)) for rank, where in ranks] == [
        ("3", "page"),
        ("2", "warning"),
        ("1", "info"),
    ]
    assert all('push_domain=~"$push_domain|"' in where for _, where in ranks)
    assert '"alertname", "$1", "alertname", "TencentCSS(.+)"' in target["expr"]
    (mapping,) = overrides(panel, "Severity")["mappings"]
    shown = {name: one["color"] for name, one in mapping["options"].items()}
    assert shown == palette.SEVERITIES
    assert panel["gridPos"]["w"] >= 12


@pytest.mark.parametrize("panel", PANELS)
def test_no_data_is_in_no_states_colour(panel: dict[str, Any]) -> None:
    """A number that is not there is grey, and says what may be the cause."""
    if panel["type"] == "stat":
        mappings = panel["fieldConfig"]["defaults"]["mappings"]
        (special,) = [one["options"] for one in mappings if one["type"] == "special"]
        assert special["match"] == "null+nan"
        assert special["result"]["color"] == palette.NEUTRAL
        assert special["result"]["text"] == panel["fieldConfig"]["defaults"]["noValue"]


@pytest.mark.parametrize("panel", PANELS)
def test_empty_text_is_shown_somewhere(panel: dict[str, Any]) -> None:
    """Where Grafana does not show it the description has it; no cell of a table has it."""
    text = panel["fieldConfig"]["defaults"]["noValue"]
    several = panel["type"] == "table" and len(panel["targets"]) > 1
    if several or panel["type"] in KINDS_WITHOUT_EMPTY_TEXT:
        assert panel["description"].endswith(f" {text}.")
    if panel["type"] == "table":
        assert overrides(panel, "string")["noValue"] == "-"
        assert overrides(panel, "number")["mappings"][0]["options"]["result"]["text"] == "-"
    assert panel["type"] != "bargauge"  # an empty one looks broken


@pytest.mark.parametrize("panel", PANELS)
def test_counts_keep_their_digits(panel: dict[str, Any]) -> None:
    """1,840 is not "2 K", 650 hours are not "3.9 weeks", and c/m says less than a title."""
    defaults = panel["fieldConfig"]["defaults"]
    found = [defaults.get("unit")]
    for override in panel["fieldConfig"]["overrides"]:
        found += [one["value"] for one in override["properties"] if one["id"] == "unit"]
    allowed = {
        None,
        "locale",
        "none",
        "percentunit",
        "s",
        "bytes",
        "Bps",
        "suffix:h",
        "suffix:min",
    }
    assert set(found) <= allowed


@pytest.mark.parametrize("panel", PANELS)
def test_graphs_can_be_read(panel: dict[str, Any]) -> None:
    """Single values are points, zeros stay out of tooltips, many names stand at the right."""
    if panel["type"] == "heatmap":
        colour = panel["options"]["color"]
        assert (colour["scheme"], colour["min"]) == ("Cool", 0)  # the fewest are seen on white
    if panel["type"] != "timeseries":
        return
    custom = panel["fieldConfig"]["defaults"]["custom"]
    assert custom["showPoints"] == "auto"
    assert panel["options"]["tooltip"]["hideZeros"] is True
    logarithmic = custom.get("scaleDistribution", {}).get("type") == "log"
    assert logarithmic is (panel["title"] == "Push duration in minutes")
    for target in panel["targets"]:
        if "topk" in target["expr"]:
            assert f"topk({MOST}, " in target["expr"]
            assert panel["options"]["legend"]["placement"] == "right"
    names = {target["legendFormat"] for target in panel["targets"]}
    for name in names:
        if "{{push_domain}}" in name:
            assert any("topk" in target["expr"] for target in panel["targets"])
        if "are shorter" in name:
            assert overrides(panel, name)["color"] == palette.fixed(palette.QUANTILES[name])
    if OTHERS in names:
        assert overrides(panel, OTHERS)["links"] == []  # they are no push domain
    if len(names) == 1 and not any("{{" in name for name in names):
        assert overrides(panel, *names)["color"]["mode"] == "fixed"


@pytest.mark.parametrize("panel", PANELS)
def test_bands_have_the_colours_of_their_states(panel: dict[str, Any]) -> None:
    """Coloured by thresholds, Grafana would not look at what a value is mapped to."""
    if panel["type"] == "state-timeline":
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["color"] == palette.fixed(palette.NEUTRAL)
        (mapping,) = defaults["mappings"]
        shown = {one["text"]: one["color"] for one in mapping["options"].values()}
        assert shown == {"live": palette.GOOD, "dark": palette.ACT}
        # Drops the frame without fields that else would stand there as an error.
        (step,) = panel["transformations"]
        assert step["options"]["include"]["pattern"] == ".*"


@pytest.mark.parametrize("uid", ["tencent-css-overview", "tencent-css-exporter"])
def test_first_tile_says_whether_there_is_an_exporter(uid: str) -> None:
    """Exporters up, n/n: the first panel; and numbers have no lines through them."""
    first, *_ = panels(BOARDS[uid])
    assert first["title"] == "Exporters up"
    assert first["targets"][0]["legendFormat"] == "{{up}}/{{all}}"
    assert first["options"]["textMode"] == "name"
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "stat":
            assert panel["options"]["graphMode"] == "none"
            assert panel["targets"][0]["instant"] is True


def test_abnormal_errcodes_come_first() -> None:
    """And a cause has its colour in the table too."""
    panel = panel_of("tencent-css-interruptions", "Errcodes, abnormal ones first")
    first, _ = panel["transformations"]
    assert first["options"]["sort"] == [{"field": "order", "desc": False}]
    assert '"order", "2", "cause", "client_stop"' in panel["targets"][0]["expr"]
    (mapping,) = overrides(panel, "Cause")["mappings"]
    assert {name: one["color"] for name, one in mapping["options"].items()} == palette.CAUSES
    assert panel["gridPos"]["w"] == 24


def test_only_the_log_needs_loki() -> None:
    """Where there is none, every other dashboard shows not one error."""
    for uid, board in BOARDS.items():
        asks = any("loki" in str(value) for _, value in values(board["panels"]))
        chooses = any("loki" in str(value) for _, value in values(board["templating"]))
        assert asks is chooses is (uid == LOG)


def test_exporter_health_answers_a_small_question() -> None:
    """It is the smallest dashboard but the log, and its states are of what is scraped now.

    The row about a consumer, which few have, is not counted.
    """
    uid = "tencent-css-exporter"
    heights = {
        one: max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
        for one, board in BOARDS.items()
    }
    sections = [one for one in BOARDS[uid]["panels"] if one["type"] == "row"]
    begins = {one["title"]: one["gridPos"]["y"] for one in sections}
    heights[uid] -= begins["Processes"] - begins["Consumer: does it take its callbacks?"]
    assert sorted(heights, key=heights.__getitem__)[:2] == [LOG, uid]
    for title in ("Refused", "Redelivered", "Delay, one of ten exceeds", "Overflowed callbacks"):
        (target,) = panel_of(uid, title)["targets"]
        assert " and on () count(tencent_css_callbacks_total{" in target["expr"]
    first, second, third = panel_of(uid, "Redelivered")["fieldConfig"]["defaults"]["thresholds"][
        "steps"
    ]
    assert (first["color"], second["value"], third["value"]) == (palette.GOOD, 0.05, 0.1)


def test_log_lines_have_what_the_query_asks_for(daemon: Start) -> None:
    """Each field of the LogQL query stands in the exporter's line; a redelivery is left out."""
    exporter = daemon(log_format="json")
    for _ in range(2):
        assert exporter.post(packet("interruption", errcode=12)).status == 200
    line = exporter.line(event="callback.accepted", event_name="interruption")
    again = exporter.line(event="callback.duplicate", event_name="interruption")
    (target,) = panel_of(LOG, "Log lines of abnormal ends")["targets"]
    selector, parser, *filters, formatted = target["expr"].split(" | ")
    assert (selector, parser) == ("{$log_stream}", "json")
    assert {part(r"^(\w+)", one) for one in filters} <= line.keys()
    assert formatted.startswith("line_format `")
    assert set(re.findall(r"{{\.(\w+)}}", formatted)) <= line.keys()
    assert line["cause"] == "client_network"
    wanted = dict(re.findall(r" (\w+)=`(\w[\w.]+)`", target["expr"]))
    assert wanted.keys() == {"event", "event_name"}
    assert {name: line[name] for name in wanted} == wanted
    assert again["event"] != wanted["event"]
    table = panel_of(LOG, "Abnormal ends")
    assert table["targets"][0]["expr"] == target["expr"].rpartition(" | ")[0]
    assert set(table["transformations"][-1]["options"]["renameByName"]) <= line.keys()


def test_every_variable_of_a_dashboard_narrows_it() -> None:
    """A variable that only some expressions follow would show two truths side by side."""
    for uid, board in BOARDS.items():
        asked = "".join(one.expr for one in asked_by_board(board))
        lines = "".join(target["expr"] for panel in panels(board) for target in panel["targets"])
        for one in variables(board):
            assert f'=~"${one["name"]}' in asked or f"=~`${one['name']}`" in lines, (uid, one)
            assert selector_of(one)
