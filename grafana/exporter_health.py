"""Exporter health: callbacks come, are taken and on time; the ledger and processes are well."""

from typing import Any

from grafana import exporters, forwarding, reconciliation
from grafana.alerts import annotation
from grafana.board import Section, dashboard
from grafana.exporters import LAST_CALLBACK, NOTHING
from grafana.overrides import colours, column, values
from grafana.palette import ACT, GOOD, MAIN, OUTCOMES, QUANTILES
from grafana.panels import TABLE_RIGHT, Panel, good_below, heatmap, stat, steps, timeseries
from grafana.queries import (
    INSTANCE,
    JOB,
    buckets,
    graph,
    if_scraped,
    in_range,
    now,
    per_minute,
    quantile,
    quantiles,
    rate,
    rows,
    share,
)
from grafana.tables import table
from grafana.variables import JOB_VARIABLES, variable

CALLBACKS = "tencent_css_callbacks_total"
DUPLICATES = "tencent_css_callback_duplicates_total"
REJECTIONS = "tencent_css_callback_rejections_total"
DELAY = "tencent_css_callback_delay_seconds"
COMMIT = "tencent_css_exporter_ledger_commit_seconds"
NO_ANSWER = "No data: exporter down or not scraped"
STARTS = f"process_start_time_seconds{{{INSTANCE}}} * 1000"


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-exporter",
        "CSS: exporter health",
        "Whether callbacks come, are taken, are on time and reach the ledger.",
        [
            Section("Is it well?", [(3, _states()), (3, _more_states())]),
            Section(
                "Do callbacks come, are they taken, are they on time?",
                [(7, _callbacks()), (20, [_events(), _delays()])],
            ),
            Section(
                "Consumer: does it take its callbacks?",
                [(7, [*forwarding.courses(), forwarding.events()])],
            ),
            Section(
                "Tencent Cloud's API: which callbacks were missing?",
                [(7, [reconciliation.last_success(), *reconciliation.courses()])],
            ),
            Section("Processes", [(5, [_processes()])]),
        ],
        [
            *JOB_VARIABLES,
            variable("instance", "Instance", f"tencent_css_exporter_build_info{{{JOB}}}"),
        ],
        [annotation("Starts", STARTS, "Exporter started", MAIN)],
    )


def _states() -> list[Panel]:
    refused = in_range(REJECTIONS, JOB)
    return [
        exporters.up(),
        stat(
            "Ledger",
            now(f"min(tencent_css_exporter_ledger_up{{{INSTANCE}}})"),
            description="Whether every process can commit to the ledger. If not, callbacks are"
            " answered with 503 and sent again by Tencent for about 12 minutes.",
            unit="locale",
            empty=NO_ANSWER,
            thresholds=steps((ACT, None), (GOOD, 1)),
            mappings=values({"0": ("cannot commit", ACT), "1": ("commits", GOOD)}),
        ),
        exporters.last_callback(),
        stat(
            "Refused",
            now(if_scraped(share(refused, f"{refused} + {in_range(CALLBACKS, JOB)}"))),
            description="Share of callbacks that were refused in this time range. Amber from 1 %,"
            " red from 10 %; other people's scanners count too.",
            unit="percentunit",
            empty=NOTHING,
            thresholds=good_below(0.01, 0.1),
            decimals=1,
        ),
    ]


def _more_states() -> list[Panel]:
    return [
        stat(
            "Redelivered",
            now(if_scraped(share(in_range(DUPLICATES, JOB), in_range(CALLBACKS, JOB)))),
            description="Redeliveries for each callback accepted in this time range: they show"
            " that the answer to an earlier delivery was lost or late. A few are usual. Amber"
            " from 5 %, red from 10 %.",
            unit="percentunit",
            empty=NOTHING,
            thresholds=good_below(0.05, 0.1),
            decimals=1,
        ),
        stat(
            "Delay, one of ten exceeds",
            now(if_scraped(quantile(0.9, DELAY, JOB, window="$__range"))),
            description="From event to receipt, in this time range. Amber from 30 seconds, red"
            " from 2 minutes.",
            unit="s",
            empty=NOTHING,
            thresholds=good_below(30, 120),
            decimals=1,
        ),
        stat(
            "Overflowed callbacks",
            now(if_scraped(in_range("tencent_css_overflowed_sources_total", JOB))),
            description="Callbacks of this time range that were counted under push_domain other"
            " because of max_sources. Should be 0.",
            unit="locale",
            empty=NOTHING,
            thresholds=good_below(1, 100),
        ),
        stat(
            "Oldest open push",
            now(f"time() - min(tencent_css_oldest_open_push_timestamp_seconds{{{JOB}}})"),
            description="Age of the oldest push that is open. Amber from 2 days: if no stream"
            " runs so long, its interruption was lost. Red from 7, when idle ones expire.",
            unit="s",
            empty="No data: exporter down, or no push is open",
            thresholds=good_below(2 * 86400, 7 * 86400),
            decimals=1,
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
            unit="none",
            empty=NO_ANSWER,
            stacked=True,
            overrides=colours(OUTCOMES),
        ),
        timeseries(
            "Refused callbacks per minute by reason",
            graph(f"{per_minute(REJECTIONS, JOB, 'reason')} > 0", "{{reason}}"),
            description="bad_signature: was the key rotated? expired, not_yet_valid: is the clock"
            " right? ledger_unavailable: see the ledger's commits below. not_found and bad_method"
            " are usually scanners.",
            unit="none",
            empty="No callback was refused in this time range",
            stacked=True,
            legend=TABLE_RIGHT,
        ),
    ]


def _events() -> Panel:
    return table(
        "Events, in this time range",
        rows(in_range(CALLBACKS, JOB, "event")),
        rows(in_range(DUPLICATES, JOB, "event")),
        rows(quantile(0.9, DELAY, JOB, "event", window="$__range")),
        rows(f"time() - max by (event) ({LAST_CALLBACK})"),
        description="One of ten callbacks exceeds the delay from event to receipt; pushes and"
        " interruptions should come within seconds. Last: how long ago the last one came. An event"
        " that usually comes often and does not any more: is its URL still in the callback"
        " template?",
        empty=NOTHING,
        columns={
            "event": "Event",
            "Value #A": "Accepted",
            "Value #B": "Redelivered",
            "Value #C": "Delay",
            "Value #D": "Last",
        },
        sort="Last",
        overrides=[
            column("Event", width=170),
            column("Delay", unit="s", decimals=1),
            column("Last", unit="s", decimals=1),
        ],
    )


def _delays() -> list[Panel]:
    times = f'{DELAY}_bucket{{{JOB}, event=~"push|interruption"}}[$__rate_interval]'
    return [
        heatmap(
            "Delay of pushes and interruptions",
            buckets(f"sum by (le) (increase({times}))"),
            description="From event to receipt. Bands a minute apart are retries.",
            unit="s",
            empty=NOTHING,
        ),
        timeseries(
            "Duration of the ledger's commits",
            *quantiles((0.99, 0.5), COMMIT, JOB),
            description="Each transaction is shared by the callbacks that waited for it.",
            unit="s",
            empty="No commit just now",
            overrides=colours(QUANTILES),
        ),
    ]


def _processes() -> Panel:
    version = f"tencent_css_exporter_build_info{{{INSTANCE}}}"
    return table(
        "Processes",
        rows(f"max by (instance, version, python_version) ({version})"),
        rows(f"min by (instance) (tencent_css_exporter_callback_keys{{{INSTANCE}}})"),
        rows(f"max by (instance) (process_resident_memory_bytes{{{INSTANCE}}})"),
        rows(rate("process_cpu_seconds_total", INSTANCE, "instance")),
        rows(f"time() - max by (instance) (process_start_time_seconds{{{INSTANCE}}})"),
        description="What each process says of itself. Two keys may sign while a key is being"
        " rotated; with none nothing is verified.",
        empty=NO_ANSWER,
        columns={
            "instance": "Instance",
            "version": "Exporter",
            "python_version": "Python",
            "Value #B": "Callback keys",
            "Value #C": "Memory",
            "Value #D": "Cores used",
            "Value #E": "Started ago",
        },
        overrides=[
            column("Memory", unit="bytes"),
            column("Cores used", unit="percentunit", decimals=1),
            column("Started ago", unit="s", decimals=1),
        ],
    )
