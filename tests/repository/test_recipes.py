"""The recipes of docs/development.md, taken step by step in a copy of the repository."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest
from support.repository import ROOT

pytestmark = pytest.mark.long

PAGE = ROOT / "docs" / "development.md"
COPIED = ("exporter", "docs", "grafana", "prometheus", "deploy", "tests")
RECIPE = re.compile(r"^### (.+?) \((\d+) files\)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
STEP = re.compile(
    r"^\d+\. (?P<how>Make|In|At the end of) `(?P<file>[^`]+)`"
    r"(?:, (?P<where>before|after|in place of) `(?P<anchor>[^`]+)`)?[^`]*?:\n\n"
    r"(?P<margin> +)```\w*\n(?P<text>.*?)^(?P=margin)```$",
    re.MULTILINE | re.DOTALL,
)

RECIPES = {name: (int(files), text) for name, files, text in RECIPE.findall(PAGE.read_text())}


def steps_of(recipe: str) -> list[dict[str, str]]:
    """Return the steps of a recipe; none is left out for its form."""
    _, text = RECIPES[recipe]
    steps = [found.groupdict() for found in STEP.finditer(text)]
    assert len(steps) == len(re.findall(r"^\d+\. ", text, re.MULTILINE))
    return steps


class Copy:
    """A copy of the repository in which recipes are followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:  # with what is compiled: it is that of the same files
            shutil.copytree(ROOT / name, root / name)
        for path in (*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile"):
            shutil.copy(path, root)

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return (self.root / path).read_text(encoding="utf-8")

    def follow(self, recipe: str) -> None:
        """Take every step of a recipe."""
        for step in steps_of(recipe):
            added = re.sub(f"^{step['margin']}", "", step["text"], flags=re.MULTILINE)
            path = self.root / step["file"]
            if step["how"] == "Make":
                assert not path.exists()
                path.write_text(added, encoding="utf-8")
            else:
                path.write_text(_changed(path.read_text("utf-8"), step, added), encoding="utf-8")

    def run(self, *arguments: str, **environment: str) -> str:
        """Run a Python module here, and return what it says."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tested(self, *paths: str, **environment: str) -> None:
        """Run tests here."""
        # Its plugin imports Hypothesis for whatever tests, and what it then finds in source files
        # it keeps by their content.
        plugins = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        kept = {"HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis")}
        self.run("pytest", "-q", *plugins, *paths, **kept, **environment)


def _changed(text: str, step: dict[str, str], added: str) -> str:
    """Return a text after a step: ``added`` where it belongs, indented like its neighbour."""
    if step["how"] == "At the end of":
        return text + added
    anchor = step["anchor"]
    if step["where"] == "in place of":
        assert text.count(anchor) == 1, anchor
        return text.replace(anchor, added.rstrip())
    lines = text.splitlines(keepends=True)
    (number,) = (n for n, line in enumerate(lines) if line.strip().startswith(anchor))
    margin = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
    lines.insert(number + (step["where"] == "after"), indent(added, margin))
    return "".join(lines)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return a copy of the repository."""
    return Copy(tmp_path)


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_are_as_short_as_they_say(recipe: str) -> None:
    """Beside samples and tests a recipe touches as many files as its heading promises."""
    touched = {step["file"] for step in steps_of(recipe)}
    shipped = {path for path in touched if not path.startswith("tests/")}
    assert len(shipped) == RECIPES[recipe][0]


def test_an_event_is_added_as_written(copy: Copy) -> None:
    """It is parsed, told from others, simulated, counted, and in the tables."""
    copy.follow("An event")
    copy.run("docs.build")
    assert "`poll`" in copy.read("docs/reference.md")
    tested = ("protocol/test_events", "protocol/test_identities", "simulator/test_world")
    modules = [f"tests/{name}.py" for name in (*tested, "web/test_golden_scrape")]
    chosen = "poll or sample or every_event or identities or golden"
    copy.tested(*modules, "-k", chosen, UPDATE_GOLDEN="1")
    golden = copy.read("tests/data/golden/scrape.txt")
    assert 'tencent_css_callbacks_total{event="poll"} 1.0' in golden


def test_a_metric_is_added_as_written(copy: Copy) -> None:
    """It counts the sample of its event, and is in the tables."""
    copy.follow("A metric")
    copy.run("docs.build")
    assert "| `tencent_css_smart_erases_total` | counter |" in copy.read("docs/reference.md")
    copy.tested("tests/web/test_golden_scrape.py", UPDATE_GOLDEN="1")
    golden = copy.read("tests/data/golden/scrape.txt")
    assert re.search(r"^tencent_css_smart_erases_total\{.*\} 1\.0$", golden, re.MULTILINE)


def test_a_setting_is_added_as_written(copy: Copy) -> None:
    """It is read from each source, reaches its room, and is in the tables."""
    copy.follow("A setting")
    copy.run("docs.build")
    assert "| `exemplars` | `false` |" in copy.read("docs/reference.md")
    shown = copy.run("exporter", "settings", CSS_EXPORTER_EXEMPLARS="true")
    assert re.search(r"^exemplars +environment +true$", shown, re.MULTILINE)
    copy.tested("tests/daemon/test_settings.py", "tests/daemon/test_smoke.py")


def test_an_alert_is_added_as_written(copy: Copy) -> None:
    """Promtool takes it, its runbook is found, and the list of alerts and the cluster have it."""
    copy.follow("An alert")
    copy.run("docs.build")
    copy.run("deploy.kubernetes.build")
    assert "[TencentCSSRelayExits](relay-exits.md)" in copy.read("docs/runbooks/README.md")
    rules = copy.read("deploy/kubernetes/monitoring/prometheusrules.yaml")
    assert "- alert: TencentCSSRelayExits" in rules
    chosen = "RelayExits or recordings or runbook or threshold"
    copy.tested("tests/monitoring/test_rules.py", "-k", chosen)
