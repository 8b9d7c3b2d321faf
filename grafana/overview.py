"""Live overview: how many are live, who comes and goes, what comes of it."""

from typing import Any

from grafana import alerts, exporters, states
from grafana.board import Section, dashboard
from grafana.links import label, link, streams
from grafana.overrides import colours
from grafana.palette import CAUSES, FLOWS, ORIGINS, QUANTILES
from grafana.panels import (
    LOGARITHMIC,
    SHARE,
    TABLE_RIGHT,
    Panel,
    good_below,
    stat,
    timeseries,
)
from grafana.queries import (
    ABNORMAL,
    AT_END,
    ORIGIN,
    SOURCE,
    WHOLE,
    graph,
    growth,
    highest,
    most,
    most_per_minute,
    now,
    per_minute,
    quantile,
    quantiles,
    share,
    total,
)
from grafana.variables import EXPORTER_URL, ORIGIN_VARIABLES

PUSHES = "tencent_css_pushes_total"
INTERRUPTIONS = "tencent_css_interruptions_total"
DURATION = "tencent_css_push_duration_seconds"
ACTIVE = f"tencent_css_active_streams{{{ORIGIN}}}"
DOMAIN = label("push_domain")
TO_INTERRUPTIONS = link(
    f"Interruptions of {DOMAIN}",
    "tencent-css-interruptions",
    ORIGIN_VARIABLES,
    push_domain=DOMAIN,
)
NO_PUSH = "No data: exporter down, or no push yet"
NO_END = "No data: exporter down, or no push ended yet"
NO_END_NOW = "No push ended just now"


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-overview",
        "CSS: live overview",
        "Streams that are live now, pushes and their ends, recordings and screencaptures.",
        [
            Section(
                "Now",
                [
                    (3, _now()),
                    (3, _just_now()),
                    (6, [alerts.firing(ORIGIN_VARIABLES)]),
                    (8, _active()),
                ],
            ),
            Section(
                "Dropped and watched streams", [(7, [states.dropped()]), (8, [states.watched()])]
            ),
            Section("Pushes and their ends", [(8, _ends()), (8, _how_they_end())]),
            Section("What comes of them", [(8, _products())]),
        ],
        (*ORIGIN_VARIABLES, states.STREAM_VARIABLE, EXPORTER_URL),
    )


def _now() -> list[Panel]:
    return [
        exporters.up(),
        alerts.number(),
        exporters.last_callback(),
        stat(
            "Active streams",
            now(total(ACTIVE)),
            description="Streams with at least one open push.",
            unit="locale",
            empty=NO_PUSH,
        ),
    ]


def _just_now() -> list[Panel]:
    ends, abnormal = _ends_and_abnormal()
    return [
        stat(
            "Pushes per minute",
            now(per_minute(PUSHES, ORIGIN)),
            description="Pushes begun just now (event_type 1).",
            unit="locale",
            empty=NO_PUSH,
            decimals=1,
        ),
        stat(
            "Ends per minute",
            now(ends),
            description="Pushes ended just now (event_type 0), for whatever reason.",
            unit="locale",
            empty=NO_END,
            decimals=1,
        ),
        stat(
            "Abnormal ends",
            now(share(f"{abnormal} or 0 * {ends}", ends)),
            description="Share of the ends just now with another cause than client_stop. Amber"
            " from 10 %, red from 30 %; what is usual for your hosts, only you know.",
            unit="percentunit",
            empty=NO_END_NOW,
            thresholds=good_below(0.1, 0.3),
            decimals=1,
        ),
        stat(
            "Median push",
            now(quantile(0.5, DURATION, ORIGIN)),
            description="Half of the pushes that ended just now were shorter.",
            unit="s",
            empty=NO_END_NOW,
            decimals=1,
        ),
    ]


def _ends_and_abnormal(by: str = "") -> tuple[str, str]:
    return (
        per_minute(INTERRUPTIONS, ORIGIN, by),
        per_minute(INTERRUPTIONS, f"{ORIGIN}, {ABNORMAL}", by),
    )


def _active() -> list[Panel]:
    rank = total(f"avg_over_time({ACTIVE}[{WHOLE}] {AT_END})", "push_domain")
    return [
        timeseries(
            "Active streams by origin",
            graph(total(ACTIVE, "origin"), "{{origin}}"),
            description="Where the newest open push of each active stream came in (set_id).",
            unit="locale",
            empty=NO_PUSH,
            stacked=True,
            overrides=colours(ORIGINS),
            links=[
                streams(
                    f"Active streams, {label('origin')}", state="active", origin=label("origin")
                )
            ],
        ),
        timeseries(
            "Active streams by push domain",
            *most(total(ACTIVE, "push_domain"), rank, "push_domain", "{{push_domain}}"),
            description="The eight push domains with the most active streams, and all others.",
            unit="locale",
            empty=NO_PUSH,
            stacked=True,
            legend=TABLE_RIGHT,
            links=[
                TO_INTERRUPTIONS,
                streams(f"Active streams of {DOMAIN}", state="active", push_domain=DOMAIN),
            ],
        ),
    ]


def _ends() -> list[Panel]:
    ends, abnormal = _ends_and_abnormal()
    return [
        timeseries(
            "Pushes and ends per minute",
            graph(per_minute(PUSHES, ORIGIN), "pushes"),
            graph(ends, "ends"),
            graph(abnormal, "abnormal ends"),
            description="Pushes begun, pushes ended, and ended by another cause than client_stop.",
            unit="none",
            empty=NO_PUSH,
            overrides=colours(FLOWS),
        ),
        timeseries(
            "Ends per minute by cause",
            graph(per_minute(INTERRUPTIONS, ORIGIN, "cause"), "{{cause}}"),
            description="client_stop is a normal end. client_network: call the host;"
            " rejected: look at keys, domain and account; platform: call Tencent Cloud;"
            " operator: cut or replaced by your own side.",
            unit="none",
            empty=NO_END,
            stacked=True,
            overrides=colours(CAUSES),
            links=[states.BY_CAUSE],
        ),
    ]


def _how_they_end() -> list[Panel]:
    ends, abnormal = _ends_and_abnormal("push_domain")
    worst = highest(growth(INTERRUPTIONS, f"{ORIGIN}, {ABNORMAL}", "push_domain"))
    return [
        timeseries(
            "Abnormal share of ends by push domain",
            graph(
                f"{share(f'{abnormal} or 0 * {ends}', ends)} and on (push_domain) {worst}",
                "{{push_domain}}",
            ),
            description="The eight push domains with the most abnormal ends.",
            unit="percentunit",
            empty=NO_END_NOW,
            axis=SHARE,
            legend=TABLE_RIGHT,
            links=[TO_INTERRUPTIONS, states.DROPPED_OF_DOMAIN],
        ),
        timeseries(
            "Push duration in minutes",
            *quantiles((0.9, 0.5, 0.1), DURATION, ORIGIN, per=60),
            description="How long the pushes lasted that ended: a tenth, a half and nine"
            " tenths of them were shorter. Many short pushes are hosts that try again.",
            unit="suffix:min",
            empty=NO_END_NOW,
            axis=LOGARITHMIC,
            overrides=colours(QUANTILES),
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
            " Not filtered by origin: recordings do not have it.",
            unit="none",
            empty="No data: exporter down, or no recording yet",
            stacked=True,
        ),
        timeseries(
            "Screencaptures per minute",
            *most_per_minute(
                "tencent_css_screencaptures_total", SOURCE, "push_domain", "{{push_domain}}"
            ),
            description="Screencaptures taken (event_type 200): the eight push domains with the"
            " most, and all others. Not filtered by origin: screencaptures do not have it.",
            unit="none",
            empty="No data: exporter down, or no screencapture yet",
            stacked=True,
            legend=TABLE_RIGHT,
        ),
    ]
