"""The alerting rules as objects for the Prometheus operator: the same rules, word for word."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from support.kubectl import kustomize
from support.programs import program
from support.repository import ROOT

SOURCES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
COMMITTED = ROOT / "deploy" / "kubernetes" / "monitoring" / "prometheusrules.yaml"

HEAD = """\
# Written by "make golden" from prometheus/rules. Edit the rules there.
"""
OBJECT = """\
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: tencent-css-{name}
  labels:
    app.kubernetes.io/name: css-exporter
spec:
  groups:
"""


def written() -> str:
    """Return the objects: the text of the rule files, comments included, set in."""
    text = HEAD
    for source in SOURCES:
        text += OBJECT.format(name=source.stem)
        _, groups = source.read_text().split("\ngroups:\n")
        # Kubernetes takes an expression that is a whole number or text, not a fraction.
        groups = re.sub(r"\bexpr: (\d*\.\d+)(?=\}?$)", r'expr: "\1"', groups, flags=re.MULTILINE)
        text += "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(True))
    return text


def test_rules_are_committed_as_objects() -> None:
    """The committed file is what the rules give; UPDATE_GOLDEN=1 writes it."""
    if os.environ.get("UPDATE_GOLDEN"):
        COMMITTED.write_text(written())
    assert COMMITTED.read_text() == written()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_objects_hold_the_rules(source: Path, tmp_path: Path) -> None:
    """What kubectl sends is the rule file, and promtool takes it."""
    composed = kustomize(COMMITTED.parent)
    (found,) = (
        thing["spec"]
        for thing in composed
        if (thing["kind"], thing["metadata"]["name"])
        == ("PrometheusRule", f"tencent-css-{source.stem}")
    )
    expected = yaml.safe_load(source.read_text())
    for rule in (rule for group in expected["groups"] for rule in group["rules"]):
        if isinstance(rule["expr"], float):
            rule["expr"] = str(rule["expr"])
    assert found == expected
    for rule in (rule for group in found["groups"] for rule in group["rules"]):
        assert isinstance(rule["expr"], int | str), rule
        for field in ("labels", "annotations"):
            assert all(isinstance(value, str) for value in rule.get(field, {}).values()), rule
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump(found))
    checked = subprocess.run(
        [program("promtool"), "check", "rules", rules], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
