"""The alerting rules as objects for the Prometheus operator: the same rules, word for word."""

import subprocess
from pathlib import Path

import pytest
import yaml
from support.kubectl import kustomize
from support.programs import program

from deploy.kubernetes.build import SOURCES, TARGET, files

RULES = sorted(SOURCES.glob("*.yml"))


def test_rules_are_committed_as_objects() -> None:
    """``make generated`` would change nothing."""
    for path, text in files().items():
        assert path.read_text() == text


@pytest.mark.parametrize("source", RULES, ids=lambda path: path.stem)
def test_objects_hold_the_rules(source: Path, tmp_path: Path) -> None:
    """What kubectl sends is the rule file, and promtool takes it."""
    composed = kustomize(TARGET.parent)
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
