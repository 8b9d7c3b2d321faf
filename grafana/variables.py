"""Variables that a dashboard can be narrowed by."""

from typing import Any, Final

from grafana.queries import JOB, PROMETHEUS

Variable = dict[str, Any]

EXPORTER: Final = "http://127.0.0.1:10063"
"""Where the private listener is unless somebody says otherwise; rules say it too."""

ALL: Final = {"selected": True, "text": ["All"], "value": ["$__all"]}


def variable(name: str, label: str, of: str) -> Variable:
    """Return a variable with the values of a label of the series that a selector finds."""
    query = f"label_values({of}, {name})"
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": PROMETHEUS,
        "definition": query,
        "query": {"query": query, "refId": "StandardVariableQuery"},
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": ALL,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "hide": 0,
        "skipUrlSync": False,
    }


def data_source(kind: str) -> Variable:
    """Return a variable that chooses a data source."""
    return {
        "type": "datasource",
        "name": f"{kind}_datasource",
        "label": kind.capitalize(),
        "query": kind,
        "current": {},
        "options": [],
        "multi": False,
        "includeAll": False,
        "refresh": 1,
        "regex": "",
        "hide": 0,
        "skipUrlSync": False,
    }


def text_box(name: str, label: str, description: str, default: str) -> Variable:
    """Return a variable to be typed in."""
    value = {"selected": True, "text": default, "value": default}
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "description": description,
        "query": default,
        "current": value,
        "options": [value],
        "hide": 0,
        "skipUrlSync": False,
    }


JOB_VARIABLES: Final = (
    data_source("prometheus"),
    variable("job", "Job", '{__name__=~"tencent_css_.+"}'),
)
SOURCE_VARIABLES: Final = (
    *JOB_VARIABLES,
    variable("push_domain", "Push domain", f'{{__name__=~"tencent_css_.+_total", {JOB}}}'),
    variable(
        "app_name",
        "App name",
        f'{{__name__=~"tencent_css_.+_total", {JOB}, push_domain=~"$push_domain"}}',
    ),
)
EXPORTER_URL: Final = text_box(
    "exporter_url",
    "Exporter's pages",
    "Address of the exporter's private listener, without a slash at its end: where links to"
    " /streams lead.",
    EXPORTER,
)
ORIGIN_VARIABLES: Final = (
    *SOURCE_VARIABLES,
    variable("origin", "Origin", f"tencent_css_pushes_total{{{JOB}}}"),
)
ERRCODE_VARIABLES: Final = (
    *ORIGIN_VARIABLES,
    variable("errcode", "Errcode", f"tencent_css_interruptions_total{{{JOB}}}") | {"sort": 3},
)
"""Errcodes are sorted as numbers."""
