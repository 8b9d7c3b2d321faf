"""Exporter health: callbacks come, are taken and on time; the ledger and processes are well."""

from typing import Any

from grafana import exporter_ledger
from grafana.board import JOB_VARIABLE, Section, annotation, dashboard, variable
from grafana.palette import ACT, GOOD, OUTCOMES
from grafana.panels import (
    Panel,
    bars,
    colours,
    faint,
    good_below,
    heatmap,
    stat,
    steps,
    timeseries,
)
from grafana.queries import (
    INSTANCE,
    JOB,
    buckets,
    graph,
    in_range,
    now,
    per_minute,
    quantile,
    share,
)

CALLBACKS = "tencent_css_callbacks_total"
DUPLICATES = "tencent_css_callback_duplicates_total"
REJECTIONS = "tencent_css_callback_rejections_total"
DELAY = "tencent_css_callback_delay_seconds"
LAST = f"tencent_css_last_callback_timestamp_seconds{{{JOB}}}"
NO_CALLBACK = "No callback yet"
NO_ANSWER = "The exporter is not scraped"
RESTARTS = f"changes(process_start_time_seconds{{{INSTANCE}}}[$__rate_interval]) > 0"


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-exporter",
        "CSS: exporter health",
        "Whether callbacks come, are taken, are on time and reach the ledger.",
        [
            Section("Is it well?", [(4, _states()), (4, _more_states())]),
            Section(
                "Do callbacks come, and are they taken?", [(8, _callbacks()), (8, _refused())]
            ),
            Section("Are they on time?", [(8, _delay()), (8, _since())]),
            Section(
                "Is the ledger well?",
                [(8, exporter_ledger.commits()), (8, exporter_ledger.held())],
            ),
            Section("Processes", [(8, exporter_ledger.processes())]),
        ],
        [
            JOB_VARIABLE,
            variable("instance", "Instance", f"tencent_css_exporter_build_info{{{JOB}}}"),
        ],
        [annotation("Restarts", RESTARTS, "Exporter restarted", "{{instance}}", "blue")],
    )


def _states() -> list[Panel]:
    up = [
        {
            "type": "value",
            "options": {
                "0": {"text": "cannot commit", "color": ACT, "index": 0},
                "1": {"text": "commits", "color": GOOD, "index": 1},
            },
        }
    ]
    refused = in_range(REJECTIONS, JOB)
    return [
        stat(
            "Ledger",
            now(f"min(tencent_css_exporter_ledger_up{{{INSTANCE}}})"),
            description="Whether every process can commit to the ledger. If not, callbacks are"
            " answered with 503 and sent again by Tencent for about 12 minutes.",
            unit="short",
            empty=NO_ANSWER,
            thresholds=steps((ACT, None), (GOOD, 1)),
            mappings=up,
        ),
        stat(
            "Last callback",
            now(f"time() - max({LAST})"),
            description="Time since the last callback of any event. Amber from 5 minutes, red"
            " from 15.",
            unit="s",
            empty=NO_CALLBACK,
            thresholds=good_below(300, 900),
        ),
        stat(
            "Refused share",
            now(share(refused, f"{refused} + {in_range(CALLBACKS, JOB)}")),
            description="Share of callbacks that were refused in this time range. Amber from 1 %,"
            " red from 10 %; other people's scanners count too.",
            unit="percentunit",
            empty="No callback in this time range",
            thresholds=good_below(0.01, 0.1),
        ),
        stat(
            "Redelivered share",
            now(share(in_range(DUPLICATES, JOB), in_range(CALLBACKS, JOB))),
            description="Redeliveries for each callback accepted in this time range: they show"
            " that the answer to an earlier delivery was lost or late. Amber from 1 %, red from"
            " 10 %.",
            unit="percentunit",
            empty="No callback in this time range",
            thresholds=good_below(0.01, 0.1),
        ),
    ]


def _more_states() -> list[Panel]:
    return [
        stat(
            "Delay that one of ten exceeds",
            now(quantile(0.9, DELAY, JOB, window="$__range")),
            description="From event to receipt, in this time range. Amber from 30 seconds, red"
            " from 2 minutes.",
            unit="s",
            empty=NO_CALLBACK,
            thresholds=good_below(30, 120),
        ),
        stat(
            "Oldest open push",
            now(f"time() - min(tencent_css_oldest_open_push_timestamp_seconds{{{JOB}}})"),
            description="Age of the oldest push that is open. Amber from 2 days: if no stream"
            " runs so long, its interruption was lost. Red from 7, when idle ones expire.",
            unit="s",
            empty="No push is open",
            thresholds=good_below(2 * 86400, 7 * 86400),
        ),
        stat(
            "Overflowed callbacks",
            now(in_range("tencent_css_overflowed_sources_total", JOB)),
            description="Callbacks of this time range that were counted under push_domain other"
            " because of max_sources. Should be 0.",
            unit="short",
            empty=NO_ANSWER,
            thresholds=good_below(1, 100),
            decimals=0,
        ),
        stat(
            "Callback keys",
            now(f"min(tencent_css_exporter_callback_keys{{{INSTANCE}}})"),
            description="Keys that may sign; two while a key is being rotated, 0 if nothing is"
            " verified.",
            unit="short",
            empty=NO_ANSWER,
        ),
    ]


def _callbacks() -> list[Panel]:
    return [
        timeseries(
            "Callbacks per minute by outcome",
            graph(per_minute(CALLBACKS, JOB), "accepted"),
            graph(per_minute(DUPLICATES, JOB), "redelivered"),
            graph(per_minute(REJECTIONS, JOB), "refused"),
            description="Accepted ones are counted exactly once, redelivered ones not again.",
            unit="cpm",
            empty=NO_ANSWER,
            stacked=True,
            overrides=colours(OUTCOMES),
        ),
        timeseries(
            "Accepted callbacks per minute by event",
            graph(f"{per_minute(CALLBACKS, JOB, 'event')} > 0", "{{event}}"),
            description="By event_type; events without any are left out.",
            unit="cpm",
            empty="No callback in this time range",
            stacked=True,
        ),
    ]


def _refused() -> list[Panel]:
    return [
        timeseries(
            "Refused callbacks per minute by reason",
            graph(f"{per_minute(REJECTIONS, JOB, 'reason')} > 0", "{{reason}}"),
            description="bad_signature: was the key rotated? expired, not_yet_valid: is the clock"
            " right? ledger_unavailable: see the ledger below. not_found and bad_method are"
            " usually scanners.",
            unit="cpm",
            empty="No callback was refused in this time range",
            stacked=True,
        ),
        timeseries(
            "Redeliveries per minute by event",
            graph(f"{per_minute(DUPLICATES, JOB, 'event')} > 0", "{{event}}"),
            description="Each shows that the answer to an earlier delivery was lost or late.",
            unit="cpm",
            empty="No redelivery in this time range",
            stacked=True,
        ),
    ]


def _delay() -> list[Panel]:
    return [
        timeseries(
            "Delay that one of ten exceeds, by event",
            graph(quantile(0.9, DELAY, JOB, "event"), "{{event}}"),
            graph("css:callback_delay_seconds:threshold", "alert threshold"),
            description="From event to receipt. Recordings and the like come when they are ready;"
            " pushes and interruptions should come within seconds.",
            unit="s",
            empty=NO_CALLBACK,
            overrides=[faint("alert threshold", ACT)],
        ),
        heatmap(
            "Delay of pushes and interruptions",
            buckets(
                f'sum by (le) (increase({DELAY}_bucket{{{JOB}, event=~"push|interruption"}}'
                "[$__rate_interval]))"
            ),
            description="From event to receipt. Bands a minute apart are retries.",
            unit="s",
            empty=NO_CALLBACK,
        ),
    ]


def _since() -> list[Panel]:
    return [
        bars(
            "Time since the last callback, by event",
            now(f"sort_desc(time() - max by (event) ({LAST}))", "{{event}}"),
            description="An event that usually comes often and does not any more: is its URL"
            " still in the callback template?",
            unit="s",
            empty=NO_CALLBACK,
        ),
    ]
