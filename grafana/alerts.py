"""What the rules of prometheus/rules find: a table, a number and marks in time."""

from collections.abc import Iterable
from typing import Any, Final

from grafana.links import cell, link, streams
from grafana.overrides import column, words
from grafana.palette import ACT, GOOD, SEVERITIES
from grafana.panels import Panel, stat, steps
from grafana.queries import PROMETHEUS, now, rows
from grafana.tables import table
from grafana.variables import Variable

Annotation = dict[str, Any]

OURS: Final = 'alertname=~"TencentCSS.+", job=~"$job|"'
"""Of our rules; an alert for a scrape job that is missing has no job."""

BY_DOMAIN: Final = f'{OURS}, push_domain=~"$push_domain|"'
"""Those of the push domains, and those that are about no push domain."""

FIRING: Final = f'ALERTS{{{BY_DOMAIN}, alertstate="firing"}}'


def annotation(name: str, times: str, title: str, colour: str) -> Annotation:
    """Return marks at the times, in milliseconds, that are an expression's values."""
    return {
        "name": name,
        "datasource": PROMETHEUS,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": times,
        "step": "1m",
        "titleFormat": title,
        "tagKeys": "severity,push_domain,origin,errcode,instance",
        "useValueForTime": True,
    }


def pages(variables: Iterable[Variable]) -> Annotation:
    """Return marks where an alert that pages somebody began."""
    named = {one["name"] for one in variables}
    where = f'{BY_DOMAIN if "push_domain" in named else OURS}, severity="page"'
    times = (
        f"(ALERTS_FOR_STATE{{{where}}} and ignoring (alertstate)"
        f' ALERTS{{{where}, alertstate="firing"}}) * 1000'
    )
    return annotation("Alerts", times, "{{alertname}}", ACT)


def number() -> Panel:
    """Return how many alerts fire."""
    return stat(
        "Alerts firing",
        now(f"count({FIRING}) or vector(0)"),
        description="Firing alerts of the rules in prometheus/rules: of the push domains that are"
        " chosen, and those that are about no push domain.",
        unit="locale",
        empty="No answer from Prometheus",
        thresholds=steps((GOOD, None), (ACT, 1)),
    )


def firing(variables: Iterable[Variable]) -> Panel:
    """Return the alerts that fire, pages first."""
    where = {"push_domain": "Push domain", "origin": "Origin", "errcode": "Errcode"}
    chosen = {label: cell(heading) for label, heading in where.items()}
    to_interruptions = link(
        "Interruptions of this alert", "tencent-css-interruptions", variables, **chosen
    )
    # The exporter takes All for any, as these dashboards do.
    to_streams = streams(
        "Streams of this alert", push_domain=chosen["push_domain"], origin=chosen["origin"]
    )
    return table(
        "Alerts",
        rows(f"sort_desc({_named(_ranked())})"),
        description="Alerts that fire now, pages first, and where; All: they are about no single"
        " one. Click an alert to see these interruptions, or the streams.",
        empty="No alert fires",
        columns={"severity": "Severity", "alertname": "Alert", **where},
        overrides=[
            words("Severity", SEVERITIES, width=100),
            column("Alert", links=[to_interruptions, to_streams]),
            column("Push domain", width=300),
            column("Origin", width=110),
            column("Errcode", width=90),
        ],
    )


def _ranked() -> str:
    ranked = " or ".join(
        f'{rank} * {FIRING[:-1]}, severity="{severity}"}}'
        for rank, severity in zip((3, 2, 1), SEVERITIES, strict=True)
    )
    return f"max by (alertname, severity, push_domain, origin, errcode) ({ranked})"


def _named(expr: str) -> str:
    """Return an expression without the names' common beginning, with All for missing labels."""
    expr = f'label_replace({expr}, "alertname", "$1", "alertname", "TencentCSS(.+)")'
    for label in ("push_domain", "origin", "errcode"):
        expr = f'label_replace({expr}, "{label}", "All", "{label}", "")'
    return expr
