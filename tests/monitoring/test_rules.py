"""The rules: loadable, tested alert by alert, and each leads somebody somewhere."""

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from support.boards import RULES, alerts, boards, recorded, rules
from support.programs import program
from support.promql import numbers, selectors
from support.repository import ROOT

from exporter.metrics.catalogue import BY_NAME
from exporter.web.streams import NAMES, address_of, given_of, query_of, stream_of
from grafana.variables import EXPORTER

PROMETHEUS = ROOT / "prometheus"
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
ALERTS = [pytest.param(alert, id=f"{alert['alert']}") for alert in alerts()]
GIVEN = {"up"}
"""What Prometheus itself knows."""


def run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_rules_and_configuration() -> None:
    """Promtool check finds nothing, not even to remark upon."""
    run(program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *RULES.glob("*.yml"))
    run(program("promtool"), "check", "config", PROMETHEUS / "prometheus.yml")


def test_alertmanager_takes_the_example() -> None:
    """Amtool check-config finds nothing, and every alert that it names exists."""
    path = PROMETHEUS / "alertmanager.yml"
    run(program("amtool"), "check-config", path)
    config = yaml.safe_load(path.read_text())
    assert config["route"]["group_by"] == ["job", "push_domain", "errcode"]
    names = {alert["alert"] for alert in alerts()}
    for rule in config["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            found = re.fullmatch(r'alertname=~?"(.+)"', matcher)
            assert found, matcher
            value = found[1]
            hit = [name for name in names if re.fullmatch(value, name)]
            assert len(hit) == value.count("|") + 1, value
        given = set(rule.get("equal", []))
        assert given <= {"job", "push_domain", "errcode"}


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_are_silent_and_resolve(path: Path) -> None:
    """Promtool test rules."""
    assert "SUCCESS" in run(program("promtool"), "test", "rules", path)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tested(alert: dict[str, Any]) -> None:
    """It fires with all labels and annotations, is silent before, and silent again after."""
    path = PROMETHEUS / "tests" / alert["file"]
    cases = [
        [one for one in test.get("alert_rule_test", []) if one["alertname"] == alert["alert"]]
        for test in yaml.safe_load(path.read_text())["tests"]
    ]
    courses = [[bool(one.get("exp_alerts")) for one in found] for found in cases if found]
    assert [False, True, False] in courses
    for found in cases:
        for one in found:
            for expected in one.get("exp_alerts", []):
                assert expected["exp_labels"].keys() >= alert["labels"].keys()
                assert expected["exp_annotations"].keys() == alert["annotations"].keys()


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_leads_somewhere(alert: dict[str, Any]) -> None:
    """A severity, a sentence, a runbook that exists and a dashboard that takes its variables."""
    assert alert["alert"].startswith("TencentCSS")
    assert alert["labels"]["severity"] in ("page", "warning", "info")
    notes = alert["annotations"]
    always = {"summary", "description", "runbook_url", "dashboard_url"}
    assert always <= notes.keys() <= always | {"streams_url"}
    assert notes["summary"].endswith((".", "?"))
    runbook = RUNBOOKS / Path(urlsplit(notes["runbook_url"]).path).name
    assert notes["runbook_url"].endswith(f"/docs/runbooks/{runbook.name}")
    assert alert["alert"] in runbook.read_text()
    uid = Path(urlsplit(notes["dashboard_url"]).path).name
    variables = {one["name"] for one in boards()[uid]["templating"]["list"]}
    assert set(re.findall(r"var-(\w+)=", notes["dashboard_url"])) <= variables


def test_alerts_on_streams_lead_to_them() -> None:
    """A page of the exporter that takes all it is asked for, and is asked for it escaped."""
    found = {
        alert["alert"]: alert["annotations"]["streams_url"]
        for alert in alerts()
        if "streams_url" in alert["annotations"]
    }
    assert {"TencentCSSWatchedStreamDown", "TencentCSSStreamsNotBack"} <= found.keys()
    values = {"push_domain": "a.example", "app_name": "b", "stream_id": "c", "origin": "overseas"}
    for url in found.values():
        filled = re.sub(r"{{ \$labels\.(\w+) \| urlquery }}", lambda one: values[one[1]], url)
        assert filled.startswith(f"{EXPORTER}/")
        asked = dict(parse_qsl(urlsplit(filled).query))
        if urlsplit(filled).path == "/stream":
            assert asked == dict(zip(NAMES, stream_of(asked), strict=True))
        else:
            assert urlsplit(filled).path == "/streams"
            assert given_of(query_of(asked)) == asked
            assert asked["state"] == "dropped"


def test_prometheus_and_the_pages_agree_on_addresses() -> None:
    """A watched stream with an odd name: its alert has the address that its page has."""
    tests = yaml.safe_load((PROMETHEUS / "tests" / "states.yml").read_text())["tests"]
    (expected,) = [
        one
        for test in tests
        for case in test["alert_rule_test"]
        for one in case.get("exp_alerts", [])
        if "stream_id" in one["exp_labels"]
    ]
    names = [expected["exp_labels"][name] for name in NAMES]
    assert not names[-1].isalnum()
    assert expected["exp_annotations"]["streams_url"] == f"{EXPORTER}{address_of(names)}"


def test_every_runbook_belongs_to_an_alert() -> None:
    """No runbook is left over, and the list of them names each."""
    named = {Path(alert["annotations"]["runbook_url"]).name for alert in alerts()}
    assert {path.name for path in RUNBOOKS.glob("*.md")} == named | {"README.md"}
    index = (RUNBOOKS / "README.md").read_text()
    for alert in alerts():
        page = Path(alert["annotations"]["runbook_url"]).name
        assert f"[{alert['alert']}]({page}) | {alert['labels']['severity']} |" in index
    for path in RUNBOOKS.glob("*.md"):
        text = path.read_text()
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert (RUNBOOKS / link.partition("#")[0]).is_file(), link
        for beginning, end in re.findall(r"`css:(\w+?)(_…)?:threshold`", text):
            assert [name for name in recorded() if name.startswith(f"css:{beginning}")], end


@pytest.mark.parametrize("alert", ALERTS)
def test_thresholds_have_names(alert: dict[str, Any]) -> None:
    """An alert spells out no number but 0 and 1."""
    assert set(numbers(alert["expr"])) <= {0, 1}


def test_thresholds_stand_first_and_are_all_used() -> None:
    """At the top of the file of the alerts that use them."""
    for path in RULES.glob("*.yml"):
        text = path.read_text()
        first, *others = yaml.safe_load(text)["groups"]
        names = {rule["record"] for rule in first["rules"]}
        assert all(re.fullmatch(r"css:\w+:threshold", name) for name in names)
        used = {
            found.name
            for group in others
            for rule in group["rules"]
            for found in selectors(rule["expr"])
            if found.name and found.name.startswith("css:")
        }
        assert used == names


def test_rules_ask_for_what_exists() -> None:
    """Every metric, label and closed label value; recorded names are level:metric:operation."""
    known = recorded()
    for rule in rules():
        if "record" in rule:
            assert re.fullmatch(r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+", rule["record"])
        for found in selectors(str(rule["expr"])):
            assert found.name, found
            family = BY_NAME.get(re.sub(r"_(bucket|count|sum)$", "", found.name))
            assert family or found.name in known or found.name in GIVEN, found
            for label, operator, value in found.matchers:
                if family:
                    assert label in family.label_names, (rule, label)
                    parts = value.split("|") if "~" in operator else [value]
                    assert set(parts) <= set(family.labels[label]), (rule, value)


def test_alerts_wait_for_what_is_usual() -> None:
    """None that is held back by a recorded usual can fire before that is recorded."""
    slow = {
        rule["record"]: group["interval"]
        for path in RULES.glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "interval" in group
    }
    for alert in alerts():
        for found in selectors(alert["expr"]):
            if found.name in slow:
                assert int(alert["for"][:-1]) > int(slow[found.name][:-1]), alert["alert"]


def test_provisioned_data_sources_fit() -> None:
    """Grafana's idea of the scrape interval is that of prometheus.yml."""
    folder = ROOT / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "tencent-css.yml").read_text())
    prometheus, loki = sources["datasources"]
    assert (prometheus["type"], loki["type"]) == ("prometheus", "loki")
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert prometheus["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "tencent-css.yml").read_text())[
        "providers"
    ]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_prometheus_2_42_can_load_them() -> None:
    """No key that is younger than our oldest Prometheus."""
    for path in RULES.glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            assert group.keys() <= {"name", "interval", "rules"}
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert config["rule_files"] == ["rules/*.yml"]
    jobs = {job["job_name"]: job.get("params") for job in config["scrape_configs"]}
    assert jobs == {
        "tencent-css": None,
        "tencent-css-ledger": {"collect[]": ["ledger"]},
        "tencent-css-process": {"collect[]": ["process"]},
    }
