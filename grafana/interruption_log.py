"""The log lines of abnormal ends: a dashboard of its own, which alone needs Loki."""

from typing import Any, Final

from grafana.board import Section, dashboard
from grafana.links import cell, stream
from grafana.overrides import column, words
from grafana.palette import CAUSES
from grafana.panels import Panel, logs, text
from grafana.queries import log_lines
from grafana.tables import table
from grafana.variables import ERRCODE_VARIABLES, EXPORTER_URL, data_source, text_box

ENDS: Final = (
    "{$log_stream} | json | event=`callback.accepted` | event_name=`interruption`"
    " | cause!=`client_stop` | push_domain=~`$push_domain` | app_name=~`$app_name`"
    " | origin=~`$origin` | errcode=~`$errcode`"
)
LOG_LINES: Final = (
    f"{ENDS}"
    " | line_format `{{.push_domain}}/{{.app_name}}/{{.stream_id}}: {{.errcode}} {{.cause}}"
    " ({{.description}}), after {{.push_duration_seconds}} s, sequence {{.sequence}}`"
)
"""One line an end: redeliveries are other events of the log."""

COLUMNS: Final = {
    "timestamp": "Received",
    "push_domain": "Push domain",
    "app_name": "App name",
    "stream_id": "Stream",
    "errcode": "Errcode",
    "cause": "Cause",
    "description": "Meaning",
    "push_duration_seconds": "Lasted",
}
"""Fields of a line, and what they are called in the table."""

LABELS: Final = {"source": "labels", "format": "json", "replace": True}
TYPES: Final = [
    {"targetField": "timestamp", "destinationType": "time"},
    {"targetField": "push_duration_seconds", "destinationType": "number"},
]
NO_LINES: Final = "No data: no such end, or Log stream is not right"

ABOUT: Final = (
    "One line for each abnormal end of a push. This dashboard needs a **Loki** data source that"
    " collects the exporter's JSON log (`log_format = json`): choose it above, and set *Log"
    " stream* to the labels that your collector gives the log. Without Loki this"
    " dashboard shows errors; no other needs Loki."
)


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-log",
        "CSS: log of interruptions",
        "Which streams were interrupted: the exporter's own log lines, from Loki.",
        [Section("Which streams?", [(3, _about()), (10, _ends()), (12, _lines())])],
        [
            *ERRCODE_VARIABLES,
            data_source("loki"),
            text_box(
                "log_stream",
                "Log stream",
                'Loki labels of the exporter\'s log, for example app="css-exporter".',
                'job="tencent-css"',
            ),
            EXPORTER_URL,
        ],
    )


def _about() -> list[Panel]:
    return [text("", ABOUT, description="What the log lines below need.")]


def _ends() -> list[Panel]:
    page = stream(f"Stream {cell('Stream')}", lambda name: cell(COLUMNS[name]))
    return [
        table(
            "Abnormal ends",
            log_lines(ENDS),
            description="The newest abnormal ends. Click a stream for the exporter's page of it:"
            " whether it is back, and how its other pushes went.",
            empty=NO_LINES,
            columns=COLUMNS,
            sort=COLUMNS["timestamp"],
            made_of=[
                {"id": "extractFields", "options": LABELS},
                {"id": "filterFieldsByName", "options": {"include": {"names": list(COLUMNS)}}},
                {"id": "convertFieldType", "options": {"conversions": TYPES}},
            ],
            overrides=[
                column(COLUMNS["timestamp"], width=180),
                column(COLUMNS["app_name"], width=120),
                column(COLUMNS["stream_id"], links=[page]),
                column(COLUMNS["errcode"], width=90),
                words(COLUMNS["cause"], CAUSES, width=140),
                column(COLUMNS["push_duration_seconds"], unit="s", decimals=0, width=110),
            ],
        ),
    ]


def _lines() -> list[Panel]:
    return [
        logs(
            "Log lines of abnormal ends",
            log_lines(LOG_LINES),
            description="push_domain/app_name/stream_id: errcode, cause, meaning, duration and"
            " sequence, the newest first. Open a line for all its fields.",
            empty=NO_LINES,
        ),
    ]
