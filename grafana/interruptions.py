"""Interruptions: more than usual, for which reason, and where."""

from typing import Any

from grafana.board import Section, dashboard
from grafana.links import Link, cell, label, link, streams
from grafana.overrides import colours, column, faint, shades, words
from grafana.palette import CAUSES, MAIN, ORIGINS
from grafana.panels import (
    TABLE_RIGHT,
    Panel,
    good_below,
    heatmap,
    stat,
    timeseries,
)
from grafana.queries import (
    ABNORMAL,
    ERRCODE,
    JOB,
    ORIGIN,
    SOURCE,
    WHOLE,
    buckets,
    graph,
    in_range,
    most_per_minute,
    now,
    per_minute,
    rows,
    share,
    total,
)
from grafana.states import BY_CAUSE, DROPPED_OF_DOMAIN
from grafana.tables import HIDDEN, table
from grafana.variables import ERRCODE_VARIABLES, EXPORTER_URL

INTERRUPTIONS = "tencent_css_interruptions_total"
INFO = "tencent_css_errcode_info"
ABNORMAL_ENDS = f"{ERRCODE}, {ABNORMAL}"
NONE_YET = "No data: exporter down, or no push ended yet"
NO_ABNORMAL = "No abnormal end in this time range"
WHOM_TO_CALL = (
    "client_stop: the host stopped, nothing to do. client_network: the host or its network."
    " rejected: keys, domain, account or your authentication. platform: Tencent Cloud."
    " operator: cut, banned or replaced from your own side."
)


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-interruptions",
        "CSS: interruptions",
        "Why pushes ended, on which push domains, and whom to call about it.",
        [
            Section("More than usual?", [(3, _numbers()), (8, _then())]),
            Section("For which reason?", [(8, _reasons()), (9, _errcodes())]),
            Section("Where?", [(8, _places()), (8, _sources())]),
            Section("In what state were the pushes?", [(9, _state())]),
        ],
        (*ERRCODE_VARIABLES, EXPORTER_URL),
    )


def _numbers() -> list[Panel]:
    ends, abnormal = (in_range(INTERRUPTIONS, where) for where in (ERRCODE, ABNORMAL_ENDS))
    return [
        stat(
            "Ends",
            now(ends),
            description="Pushes ended in this time range, for whatever reason.",
            unit="locale",
            empty=NONE_YET,
        ),
        stat(
            "Abnormal ends",
            now(f"{abnormal} or 0 * {ends}"),
            description="Pushes ended in this time range by another cause than client_stop.",
            unit="locale",
            empty=NONE_YET,
        ),
        stat(
            "Abnormal share",
            now(share(f"{abnormal} or 0 * {ends}", ends)),
            description="Share of abnormal ends. Amber from 10 %, red from 30 %.",
            unit="percentunit",
            empty=NONE_YET,
            thresholds=good_below(0.1, 0.3),
            decimals=1,
        ),
        stat(
            "Push domains hit",
            now(f"count({in_range(INTERRUPTIONS, ABNORMAL_ENDS, 'push_domain')} > 0)"),
            description="Push domains with abnormal ends in this time range. Many at once point"
            " at an origin or the platform, one at its hosts or its settings.",
            unit="locale",
            empty=NO_ABNORMAL,
        ),
    ]


def _then() -> list[Panel]:
    return [
        timeseries(
            "Abnormal ends per minute: now, an hour ago, a day ago",
            graph(per_minute(INTERRUPTIONS, ABNORMAL_ENDS), "now"),
            graph(per_minute(INTERRUPTIONS, ABNORMAL_ENDS, ago="1h"), "an hour ago"),
            graph(per_minute(INTERRUPTIONS, ABNORMAL_ENDS, ago="1d"), "a day ago"),
            description="The dashed lines are the same push domains earlier. A rise that the"
            " day before has too is the time of day.",
            unit="none",
            empty=NO_ABNORMAL,
            overrides=[
                *colours({"now": MAIN}),
                faint("an hour ago", "#C77DFF"),
                faint("a day ago"),
            ],
        ),
    ]


def _reasons() -> list[Panel]:
    return [
        timeseries(
            "Ends per minute by cause",
            graph(per_minute(INTERRUPTIONS, ERRCODE, "cause"), "{{cause}}"),
            description=WHOM_TO_CALL,
            unit="none",
            empty=NONE_YET,
            stacked=True,
            overrides=colours(CAUSES),
            links=[BY_CAUSE],
        ),
        timeseries(
            "Abnormal ends per minute by errcode",
            *most_per_minute(
                INTERRUPTIONS, ABNORMAL_ENDS, "cause, errcode", "{{cause}} {{errcode}}"
            ),
            description="The eight most frequent errcodes, each in a shade of its cause's colour,"
            " and all others.",
            unit="none",
            empty=NO_ABNORMAL,
            stacked=True,
            legend=TABLE_RIGHT,
            overrides=shades(CAUSES),
        ),
    ]


def _errcodes() -> list[Panel]:
    counted = in_range(INTERRUPTIONS, ERRCODE, "errcode, cause")
    known = f"max by (errcode, description) (last_over_time({INFO}{{{JOB}}}[{WHOLE}]))"
    meaning = f"topk by (errcode) (1, {known})"  # one, also after its text has changed
    ends = f"({counted} > 0) * on (errcode) group_left (description) {meaning}"
    ordered = f'label_replace({ends}, "{HIDDEN}", "1", "cause", ".+")'
    ordered = f'label_replace({ordered}, "{HIDDEN}", "2", "cause", "client_stop")'
    chosen = {"errcode": cell("Errcode")}
    ended = streams(f"Streams that ended by {cell('Cause')}", cause=cell("Cause"))
    return [
        table(
            "Errcodes, abnormal ones first",
            rows(f"sort_desc({ordered})"),
            description=f"Ends by errcode in this time range; click one to see it alone, its"
            f" log lines, or the streams that its cause ended. {WHOM_TO_CALL}",
            empty=NONE_YET,
            columns={
                "errcode": "Errcode",
                "cause": "Cause",
                "description": "Meaning",
                "Value": "Ends",
            },
            overrides=[
                column("Errcode", width=100, links=[*_alone(chosen), ended]),
                words("Cause", CAUSES, width=140),
                column("Ends", width=110),
            ],
        ),
    ]


def _alone(chosen: dict[str, str]) -> list[Link]:
    """Return links of a row to this dashboard and to the log, narrowed to the row."""
    what = next(iter(chosen.values()))
    return [
        link(f"Only {what}", "tencent-css-interruptions", ERRCODE_VARIABLES, **chosen),
        link(f"Log lines of {what}", "tencent-css-log", ERRCODE_VARIABLES, **chosen),
    ]


def _places() -> list[Panel]:
    return [
        timeseries(
            "Abnormal ends per minute by push domain",
            *most_per_minute(INTERRUPTIONS, ABNORMAL_ENDS, "push_domain", "{{push_domain}}"),
            description="The eight push domains with the most, and all others.",
            unit="none",
            empty=NO_ABNORMAL,
            stacked=True,
            legend=TABLE_RIGHT,
            links=[DROPPED_OF_DOMAIN],
        ),
        timeseries(
            "Abnormal ends per minute by origin",
            graph(per_minute(INTERRUPTIONS, ABNORMAL_ENDS, "origin"), "{{origin}}"),
            description="Inside or outside the Chinese mainland (set_id). One of them alone"
            " points at the network or the platform there.",
            unit="none",
            empty=NO_ABNORMAL,
            stacked=True,
            overrides=colours(ORIGINS),
            links=[
                streams(
                    f"Dropped streams, {label('origin')}", state="dropped", origin=label("origin")
                )
            ],
        ),
    ]


def _sources() -> list[Panel]:
    by = "push_domain, app_name"
    ends, abnormal = (in_range(INTERRUPTIONS, where, by) for where in (ERRCODE, ABNORMAL_ENDS))
    domain = cell("Push domain")
    chosen = {"push_domain": domain, "app_name": cell("App name")}
    dropped = streams(f"Dropped streams of {domain}", state="dropped", push_domain=domain)
    return [
        table(
            "Push domains and app names",
            rows(f"{abnormal} or 0 * {ends}"),
            rows(share(f"{abnormal} or 0 * {ends}", ends)),
            rows(ends),
            rows(total(f"tencent_css_active_streams{{{ORIGIN}}}", by)),
            description="Ends in this time range, and the streams that are active now, of"
            " whatever errcode. Click a push domain to see it alone, its log lines, or its"
            " dropped streams.",
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
                column("Push domain", links=[*_alone(chosen), dropped]),
                column("Abnormal share", unit="percentunit", decimals=1),
            ],
        ),
    ]


def _state() -> list[Panel]:
    duration = f"increase(tencent_css_push_duration_seconds_bucket{{{ORIGIN}}}[$__rate_interval])"
    return [
        heatmap(
            "Duration of ended pushes",
            buckets(total(duration, "le")),
            description="How long the pushes lasted that ended, normally or not, by whatever"
            " errcode. A band of short ones is hosts that try again and again.",
            unit="s",
            empty=NONE_YET,
        ),
        timeseries(
            "Push errors per minute",
            *most_per_minute("tencent_css_push_errors_total", SOURCE, "error", "{{error}}"),
            description="Faults of running pushes (event_type 321): the eight most frequent, and"
            " all others. A bad encoder or network shows here before it ends the push. Not"
            " filtered by origin: they do not have it.",
            unit="none",
            empty="No data: exporter down, or no push error yet",
            stacked=True,
            legend=TABLE_RIGHT,
        ),
    ]
