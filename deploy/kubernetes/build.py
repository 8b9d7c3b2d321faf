"""Write the alerting rules as objects for the Prometheus operator, word for word."""

import re
from pathlib import Path
from typing import Final

from docs.repository import ROOT

SOURCES: Final = ROOT / "prometheus" / "rules"
TARGET: Final = ROOT / "deploy" / "kubernetes" / "monitoring" / "prometheusrules.yaml"

HEAD: Final = """\
# Written by "make generated" from prometheus/rules. Edit the rules there.
"""
OBJECT: Final = """\
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


def files() -> dict[Path, str]:
    """Return the text of the objects: the rule files, comments included, set in."""
    return {TARGET: HEAD + "".join(map(_object, sorted(SOURCES.glob("*.yml"))))}


def _object(source: Path) -> str:
    """Return one rule file as an object."""
    _, groups = source.read_text(encoding="utf-8").split("\ngroups:\n")
    # Kubernetes takes an expression that is a whole number or text, not a fraction.
    groups = re.sub(r"\bexpr: (\d*\.\d+)(?=\}?$)", r'expr: "\1"', groups, flags=re.MULTILINE)
    lines = (f"  {line}" if line.strip() else line for line in groups.splitlines(keepends=True))
    return OBJECT.format(name=source.stem) + "".join(lines)


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
