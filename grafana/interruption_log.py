"""The log lines of abnormal ends: a dashboard of its own, which alone needs Loki."""

from typing import Any, Final

from grafana.board import Section, dashboard
from grafana.panels import Panel, logs, text
from grafana.queries import log_lines
from grafana.variables import ERRCODE_VARIABLES, data_source, text_box

LOG_LINES: Final = (
    "{$log_stream} | json | event=`callback.accepted` | event_name=`interruption`"
    " | cause!=`client_stop` | push_domain=~`$push_domain` | app_name=~`$app_name`"
    " | origin=~`$origin` | errcode=~`$errcode`"
    " | line_format `{{.push_domain}}/{{.app_name}}/{{.stream_id}}: {{.errcode}} {{.cause}}"
    " ({{.description}}), after {{.push_duration_seconds}} s, sequence {{.sequence}}`"
)
"""One line an end: redeliveries are other events of the log."""

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
        [Section("Which streams?", [(3, _about()), (20, _lines())])],
        [
            *ERRCODE_VARIABLES,
            data_source("loki"),
            text_box(
                "log_stream",
                "Log stream",
                'Loki labels of the exporter\'s log, for example app="css-exporter".',
                'job="tencent-css"',
            ),
        ],
    )


def _about() -> list[Panel]:
    return [text("", ABOUT, description="What the log lines below need.")]


def _lines() -> list[Panel]:
    return [
        logs(
            "Abnormal ends",
            log_lines(LOG_LINES),
            description="push_domain/app_name/stream_id: errcode, cause, meaning, duration and"
            " sequence, the newest first. Open a line for all its fields.",
            empty="No data: no such end, or Log stream is not right",
        ),
    ]
