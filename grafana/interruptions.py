"""Interruptions: more than usual, for which reason, where, and what the log says."""

from typing import Any

from grafana.board import ORIGIN_VARIABLES, Section, dashboard, data_source, text_box
from grafana.palette import CAUSES, MAIN, ORIGINS
from grafana.panels import (
    Panel,
    colours,
    column,
    faint,
    good_below,
    heatmap,
    logs,
    shades,
    stat,
    table,
    text,
    timeseries,
)
from grafana.queries import (
    ABNORMAL,
    JOB,
    ORIGIN,
    SOURCE,
    buckets,
    graph,
    in_range,
    log_lines,
    now,
    per_minute,
    rows,
    share,
    total,
)

INTERRUPTIONS = "tencent_css_interruptions_total"
NONE_YET = "No push ended yet"
NO_ABNORMAL = "No abnormal end in this time range"
WHOM_TO_CALL = (
    "client_stop: the host stopped, nothing to do. client_network: the host or its network."
    " rejected: keys, domain, account or your authentication. platform: Tencent Cloud."
    " operator: cut, banned or replaced from your own side."
)
LOG_LINES = (
    "{$log_stream} | json | event_name=`interruption` | cause!=`client_stop`"
    " | push_domain=~`$push_domain` | app_name=~`$app_name` | origin=~`$origin`"
)
ABOUT_LOGS = (
    "Below are the exporter's own log lines of the same time range, one for each abnormal end,"
    " with stream, errcode and sequence. They need a **Loki** data source that collects the"
    " exporter's JSON log (`log_format = json`); choose it above, and set *Log stream* to the"
    " labels that your collector gives it. Without Loki this part stays empty and the rest of"
    " the dashboard is complete."
)


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-interruptions",
        "CSS: interruptions",
        "Why pushes ended, on which push domains, and whom to call about it.",
        [
            Section("More than usual?", [(4, _numbers()), (8, _then())]),
            Section("For which reason?", [(9, _reasons()), (8, _reasons_over_time())]),
            Section("Where?", [(8, _places()), (8, _places_over_time())]),
            Section("In what state were the pushes?", [(9, _state())]),
            Section("Which streams?", [(3, _about_logs()), (10, _logs())]),
        ],
        [
            *ORIGIN_VARIABLES,
            data_source("loki"),
            text_box(
                "log_stream",
                "Log stream",
                'Loki labels of the exporter\'s log, for example app="css-exporter".',
                'job="tencent-css"',
            ),
        ],
    )


def _numbers() -> list[Panel]:
    ends, abnormal = (in_range(INTERRUPTIONS, where) for where in (ORIGIN, ABNORMAL))
    return [
        stat(
            "Ends in this time range",
            now(ends),
            description="Pushes ended, for whatever reason.",
            unit="short",
            empty=NONE_YET,
            decimals=0,
        ),
        stat(
            "Abnormal ends",
            now(abnormal),
            description="Pushes ended by another cause than client_stop.",
            unit="short",
            empty=NO_ABNORMAL,
            decimals=0,
        ),
        stat(
            "Abnormal share",
            now(share(f"{abnormal} or 0 * {ends}", ends)),
            description="Share of abnormal ends. Amber from 10 %, red from 30 %.",
            unit="percentunit",
            empty=NONE_YET,
            thresholds=good_below(0.1, 0.3),
        ),
        stat(
            "Push domains with abnormal ends",
            now(f"count({in_range(INTERRUPTIONS, ABNORMAL, 'push_domain')} > 0)"),
            description="Many push domains at once point at an origin or the platform,"
            " one at its hosts or its settings.",
            unit="short",
            empty=NO_ABNORMAL,
        ),
    ]


def _then() -> list[Panel]:
    return [
        timeseries(
            "Abnormal ends per minute: now, an hour ago, a day ago",
            graph(per_minute(INTERRUPTIONS, ABNORMAL), "now"),
            graph(per_minute(INTERRUPTIONS, ABNORMAL, ago="1h"), "an hour ago"),
            graph(per_minute(INTERRUPTIONS, ABNORMAL, ago="1d"), "a day ago"),
            description="The dashed lines are the same push domains earlier. A rise that the"
            " day before has too is the time of day.",
            unit="cpm",
            empty=NO_ABNORMAL,
            overrides=[
                *colours({"now": MAIN}),
                faint("an hour ago", "#C77DFF"),
                faint("a day ago"),
            ],
        ),
    ]


def _reasons() -> list[Panel]:
    counted = in_range(INTERRUPTIONS, ORIGIN, "errcode, cause")
    meaning = f"max by (errcode, description) (tencent_css_errcode_info{{{JOB}}})"
    return [
        table(
            "Errcodes",
            rows(f"({counted} > 0) * on (errcode) group_left (description) {meaning}"),
            description=f"Ends by errcode in this time range. {WHOM_TO_CALL}",
            empty=NONE_YET,
            columns={
                "errcode": "Errcode",
                "description": "Meaning",
                "cause": "Cause",
                "Value": "Ends",
            },
            sort="Ends",
            overrides=[
                column("Errcode", **{"custom.width": 80}),
                column("Cause", **{"custom.width": 130}),
                column("Ends", **{"custom.width": 90, "decimals": 0}),
            ],
        ),
        timeseries(
            "Ends per minute by cause",
            graph(per_minute(INTERRUPTIONS, ORIGIN, "cause"), "{{cause}}"),
            description=WHOM_TO_CALL,
            unit="cpm",
            empty=NONE_YET,
            stacked=True,
            overrides=colours(CAUSES),
        ),
    ]


def _reasons_over_time() -> list[Panel]:
    by = "cause, errcode"
    return [
        timeseries(
            "Ends per minute by errcode",
            graph(per_minute(INTERRUPTIONS, ORIGIN, by), "{{cause}} {{errcode}}"),
            description="Stacked; each errcode has a shade of its cause's colour.",
            unit="cpm",
            empty=NONE_YET,
            stacked=True,
            overrides=shades(CAUSES),
        ),
    ]


def _places() -> list[Panel]:
    by = "push_domain, app_name"
    ends, abnormal = (in_range(INTERRUPTIONS, where, by) for where in (ORIGIN, ABNORMAL))
    return [
        table(
            "Push domains and app names",
            rows(f"{abnormal} or 0 * {ends}"),
            rows(share(f"{abnormal} or 0 * {ends}", ends)),
            rows(ends),
            rows(total(f"tencent_css_active_streams{{{ORIGIN}}}", by)),
            description="Ends in this time range, and the streams that are active now.",
            empty=NONE_YET,
            columns={
                "push_domain": "Push domain",
                "app_name": "App name",
                "Value #A": "Abnormal ends",
                "Value #B": "Abnormal share",
                "Value #C": "Ends",
                "Value #D": "Active now",
            },
            sort="Abnormal ends",
            overrides=[
                column("Abnormal ends", decimals=0),
                column("Abnormal share", unit="percentunit", decimals=1),
                column("Ends", decimals=0),
            ],
        ),
    ]


def _places_over_time() -> list[Panel]:
    return [
        timeseries(
            "Abnormal ends per minute by push domain",
            graph(
                f"topk(12, {per_minute(INTERRUPTIONS, ABNORMAL, 'push_domain')})",
                "{{push_domain}}",
            ),
            description="The twelve push domains with the most at each time.",
            unit="cpm",
            empty=NO_ABNORMAL,
            stacked=True,
        ),
        timeseries(
            "Abnormal ends per minute by origin",
            graph(per_minute(INTERRUPTIONS, ABNORMAL, "origin"), "{{origin}}"),
            description="Inside or outside the Chinese mainland (set_id). One of them alone"
            " points at the network or the platform there.",
            unit="cpm",
            empty=NO_ABNORMAL,
            stacked=True,
            overrides=colours(ORIGINS),
        ),
    ]


def _state() -> list[Panel]:
    duration = f"increase(tencent_css_push_duration_seconds_bucket{{{ORIGIN}}}[$__rate_interval])"
    errors = per_minute("tencent_css_push_errors_total", SOURCE, "error")
    return [
        heatmap(
            "Duration of ended pushes",
            buckets(total(duration, "le")),
            description="How long the pushes lasted that ended, normally or not. A band of"
            " short ones is hosts that try again and again.",
            unit="s",
            empty=NONE_YET,
        ),
        timeseries(
            "Push errors per minute",
            graph(errors, "{{error}}"),
            description="Faults of running pushes (event_type 321), by kind: a bad encoder or"
            " network shows here before it ends the push. Not filtered by origin, which"
            " they do not tell.",
            unit="cpm",
            empty="No push error yet",
            stacked=True,
        ),
    ]


def _about_logs() -> list[Panel]:
    return [text("", ABOUT_LOGS, description="What the log lines below need.")]


def _logs() -> list[Panel]:
    return [
        logs(
            "Log lines of abnormal ends (Loki)",
            log_lines(LOG_LINES),
            description="The exporter's lines of the same time range, the newest first.",
            empty="No such line. Is the Loki data source chosen, and Log stream right?",
        ),
    ]
