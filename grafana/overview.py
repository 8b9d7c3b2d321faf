"""Live overview: how many are live, who comes and goes, what comes of it."""

from typing import Any

from grafana.board import ORIGIN_VARIABLES, Section, dashboard
from grafana.palette import CAUSES, FLOWS, ORIGINS
from grafana.panels import (
    Panel,
    colours,
    good_below,
    stat,
    steps,
    table,
    timeseries,
)
from grafana.queries import (
    ABNORMAL,
    ALERTS,
    JOB,
    ORIGIN,
    SOURCE,
    graph,
    now,
    per_minute,
    quantile,
    rows,
    share,
    total,
)

PUSHES = "tencent_css_pushes_total"
INTERRUPTIONS = "tencent_css_interruptions_total"
ACTIVE = f"tencent_css_active_streams{{{ORIGIN}}}"
TO_INTERRUPTIONS = {
    "title": "Interruptions of ${__field.labels.push_domain}",
    "url": "/d/tencent-css-interruptions?var-push_domain=${__field.labels.push_domain}"
    "&${__url_time_range}",
    "targetBlank": False,
}
QUIET = "No callback of this kind yet"


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-overview",
        "CSS: live overview",
        "Streams that are live now, pushes and their ends, recordings and screencaptures.",
        [
            Section("Now", [(4, _numbers()), (8, _now())]),
            Section("Pushes and their ends", [(8, _ends()), (8, _durations())]),
            Section("What comes of them", [(8, _products())]),
        ],
        ORIGIN_VARIABLES,
    )


def _numbers() -> list[Panel]:
    ends, abnormal = (per_minute(INTERRUPTIONS, where) for where in (ORIGIN, ABNORMAL))
    return [
        stat(
            "Active streams",
            graph(total(ACTIVE), "active"),
            description="Streams with at least one open push.",
            unit="short",
            empty="No push yet",
        ),
        stat(
            "Pushes per minute",
            graph(per_minute(PUSHES, ORIGIN), "pushes"),
            description="Pushes begun (event_type 1).",
            unit="cpm",
            empty="No push yet",
            decimals=1,
        ),
        stat(
            "Ends per minute",
            graph(ends, "ends"),
            description="Pushes ended (event_type 0), for whatever reason.",
            unit="cpm",
            empty="No push ended yet",
            decimals=1,
        ),
        stat(
            "Abnormal ends",
            graph(share(f"{abnormal} or 0 * {ends}", ends), "abnormal"),
            description="Share of ends with another cause than client_stop. Amber from 10 %,"
            " red from 30 %; what is usual for your hosts, only you know.",
            unit="percentunit",
            empty="No push ended just now",
            thresholds=good_below(0.1, 0.3),
        ),
        stat(
            "Alerts firing",
            now(f"count({ALERTS}) or vector(0)"),
            description="Firing alerts of the rules in prometheus/rules.",
            unit="short",
            empty="No answer from Prometheus",
            thresholds=steps(("green", None), ("red", 1)),
        ),
        stat(
            "Last callback",
            now(f"time() - max(tencent_css_last_callback_timestamp_seconds{{{JOB}}})"),
            description="Time since the last callback of any event. Amber from 5 minutes,"
            " red from 15.",
            unit="s",
            empty="No callback yet",
            thresholds=good_below(300, 900),
        ),
    ]


def _now() -> list[Panel]:
    return [
        timeseries(
            "Active streams by origin",
            graph(total(ACTIVE, "origin"), "{{origin}}"),
            description="Where the newest open push of each active stream came in (set_id).",
            unit="short",
            empty="No push yet",
            stacked=True,
            overrides=colours(ORIGINS),
        ),
        timeseries(
            "Active streams by push domain",
            graph(f"topk(12, {total(ACTIVE, 'push_domain')})", "{{push_domain}}"),
            description="The twelve push domains with the most active streams at each time.",
            unit="short",
            empty="No push yet",
            stacked=True,
            links=[TO_INTERRUPTIONS],
        ),
        table(
            "Alerts",
            rows(f"sum by (alertname, severity, push_domain, origin, errcode) ({ALERTS})"),
            description="Alerts that fire now, and where.",
            empty="No alert fires",
            columns={
                "severity": "Severity",
                "alertname": "Alert",
                "push_domain": "Push domain",
                "origin": "Origin",
                "errcode": "Errcode",
            },
        ),
    ]


def _ends() -> list[Panel]:
    return [
        timeseries(
            "Pushes and ends per minute",
            graph(per_minute(PUSHES, ORIGIN), "pushes"),
            graph(per_minute(INTERRUPTIONS, ORIGIN), "ends"),
            graph(per_minute(INTERRUPTIONS, ABNORMAL), "abnormal ends"),
            description="Pushes begun, pushes ended, and ended by another cause than client_stop.",
            unit="cpm",
            empty=QUIET,
            overrides=colours(FLOWS),
        ),
        timeseries(
            "Ends per minute by cause",
            graph(per_minute(INTERRUPTIONS, ORIGIN, "cause"), "{{cause}}"),
            description="client_stop is a normal end. client_network: call the host;"
            " rejected: look at keys, domain and account; platform: call Tencent Cloud;"
            " operator: cut or replaced by your own side.",
            unit="cpm",
            empty="No push ended yet",
            stacked=True,
            overrides=colours(CAUSES),
        ),
    ]


def _durations() -> list[Panel]:
    ends, abnormal = (
        per_minute(INTERRUPTIONS, where, "push_domain") for where in (ORIGIN, ABNORMAL)
    )
    return [
        timeseries(
            "Abnormal share of ends by push domain",
            graph(f"topk(12, {share(f'{abnormal} or 0 * {ends}', ends)})", "{{push_domain}}"),
            description="The twelve push domains with the largest share at each time.",
            unit="percentunit",
            empty="No push ended just now",
            ceiling=1,
            links=[TO_INTERRUPTIONS],
        ),
        timeseries(
            "Push duration",
            *(
                graph(
                    quantile(part, "tencent_css_push_duration_seconds", ORIGIN),
                    f"{part:.0%} are shorter",
                )
                for part in (0.1, 0.5, 0.9)
            ),
            description="How long the pushes lasted that ended: a tenth, a half and nine"
            " tenths of them were shorter. Many short pushes are hosts that try again.",
            unit="s",
            empty="No push ended just now",
        ),
    ]


def _products() -> list[Panel]:
    return [
        timeseries(
            "Recordings per minute",
            graph(
                per_minute("tencent_css_recordings_total", SOURCE, "file_format"),
                "{{file_format}}",
            ),
            description="Recording files ready (event_type 100), by format."
            " Not filtered by origin, which recordings do not tell.",
            unit="cpm",
            empty="No recording yet",
            stacked=True,
        ),
        timeseries(
            "Screencaptures per minute",
            graph(
                per_minute("tencent_css_screencaptures_total", SOURCE, "push_domain"),
                "{{push_domain}}",
            ),
            description="Screencaptures taken (event_type 200), by push domain."
            " Not filtered by origin, which screencaptures do not tell.",
            unit="cpm",
            empty="No screencapture yet",
            stacked=True,
        ),
    ]
