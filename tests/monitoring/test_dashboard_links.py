"""Links from series and rows: to dashboards with all variables, and to the exporter's pages."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.boards import boards, links, overrides, panel_of, panels

from exporter.daemon.settings import Settings
from exporter.web.streams import ALL, NAMES, given_of, query_of, stream_of
from grafana.variables import EXPORTER

BOARDS = boards()
LOG = "tencent-css-log"
PAGES = "${exporter_url:raw}/"
LINKS = [
    (uid, panel, link)
    for uid, board in BOARDS.items()
    for panel in panels(board)
    for link in links(panel)
]
TO_PAGES = [one for one in LINKS if one[2]["url"].startswith(PAGES)]
VALUE = re.compile(r'\${__(?:field\.labels\.(\w+)|data\.fields\["(.+?)"\]):percentencode}')
SAMPLES = {"state": "dropped", "origin": "overseas", "cause": "platform"}


@pytest.mark.parametrize("uid", BOARDS)
def test_links_keep_all_variables(uid: str) -> None:
    """Each that both dashboards have is passed as it is, or as the row or series says."""
    ours = {one["name"] for one in BOARDS[uid]["templating"]["list"]}
    for panel in panels(BOARDS[uid]):
        for link in links(panel):
            if link["url"].startswith(PAGES):
                continue
            target, query = link["url"].removeprefix("/d/").split("?", 1)
            theirs = {one["name"] for one in BOARDS[target]["templating"]["list"]}
            kept = set(re.findall(r"\${(\w+):queryparam}", query))
            chosen = set(re.findall(r"var-(\w+)=", query))
            assert "${__url_time_range}" in query
            assert kept | chosen >= ours & theirs
            assert kept | chosen <= theirs
            assert not kept & chosen


def test_rows_lead_further() -> None:
    """An alert to its interruptions, an errcode and a push domain to themselves, and to lines."""
    uid = "tencent-css-interruptions"
    for title, column, chosen in (
        ("Errcodes, abnormal ones first", "Errcode", {"errcode"}),
        ("Push domains and app names", "Push domain", {"push_domain", "app_name"}),
    ):
        found = overrides(panel_of(uid, title), column)["links"]
        *dashboards, page = [one["url"] for one in found]
        assert [url.split("?")[0] for url in dashboards] == [f"/d/{uid}", f"/d/{LOG}"]
        assert all(set(re.findall(r"var-(\w+)=", url)) == chosen for url in dashboards)
        assert page.startswith(PAGES)
    to_interruptions, page = links(panel_of("tencent-css-overview", "Alerts"))
    chosen = {"push_domain", "origin", "errcode"}
    assert set(re.findall(r"var-(\w+)=", to_interruptions["url"])) == chosen
    assert page["url"].startswith(PAGES)


def test_rows_about_no_single_one_lead_to_any() -> None:
    """What the table of alerts says for a label that is missing, the exporter understands."""
    panel = panel_of("tencent-css-overview", "Alerts")
    (target,) = panel["targets"]
    for name in ("push_domain", "origin"):
        assert f'"{name}", "{ALL}", "{name}", ""' in target["expr"]
        assert any(f"{name}=" in link["url"] for link in links(panel))
    assert given_of(query_of({"push_domain": ALL, "origin": ALL})) == {}


@pytest.mark.parametrize(("board", "panel", "link"), TO_PAGES)
def test_pages_take_what_links_ask(
    board: str, panel: dict[str, Any], link: dict[str, Any]
) -> None:
    """Each parameter is known, each value a label or column that is there, and escaped."""
    names = {one["name"] for one in BOARDS[board]["templating"]["list"]}
    assert "exporter_url" in names
    columns: dict[str, str] = {}
    for step in panel.get("transformations", []):
        renamed = step["options"].get("renameByName", {})
        columns |= {heading: name for name, heading in renamed.items()}
    legends = " ".join(one.get("legendFormat", "") for one in panel["targets"])
    asked = dict(parse_qsl(urlsplit(link["url"].removeprefix(PAGES)).query, strict_parsing=True))
    for parameter, value in asked.items():
        if found := VALUE.fullmatch(value):
            assert parameter == (found[1] or columns[found[2]])
            assert not found[1] or f"{{{{{found[1]}}}}}" in legends
            asked[parameter] = SAMPLES.get(parameter, "any")
    if link["url"].startswith(f"{PAGES}stream?"):
        assert list(asked) == list(NAMES)
        assert stream_of(asked) == ("any",) * 3
    else:
        assert link["url"].startswith(f"{PAGES}streams?")
        assert given_of(query_of(asked)) == asked
    assert link["targetBlank"] is True


def test_values_in_addresses_are_escaped() -> None:
    """Else a name with an ampersand would be another address; titles have names as they are."""
    for _, _, link in LINKS:
        assert "${__" not in VALUE.sub("", link["url"]).replace("${__url_time_range}", "")
        assert ":percentencode" not in link["title"]


def test_panels_about_streams_lead_to_streams() -> None:
    """The rows on dropped and watched streams, tables, and log lines."""
    for board, title in (
        ("tencent-css-overview", "Dropped streams, not back"),
        ("tencent-css-overview", "Watched streams"),
        ("tencent-css-interruptions", "Errcodes, abnormal ones first"),
        ("tencent-css-interruptions", "Push domains and app names"),
        ("tencent-css-interruptions", "Abnormal ends per minute by origin"),
        (LOG, "Abnormal ends"),
    ):
        found = [one["url"] for one in links(panel_of(board, title))]
        assert any(url.startswith(PAGES) for url in found), title


def test_exporter_is_where_it_listens_by_default() -> None:
    """As long as nobody says otherwise in the variable."""
    assert f"http://{Settings.model_fields['metrics_listen'].default}" == EXPORTER
    for board in BOARDS.values():
        for one in board["templating"]["list"]:
            if one["name"] == "exporter_url":
                assert one["query"] == one["current"]["value"] == EXPORTER
