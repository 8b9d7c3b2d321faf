"""The consumer behind the exporter: whether it takes its callbacks, and how fast."""

from typing import Final

from grafana.overrides import colours, column
from grafana.palette import FORWARDS, QUANTILES
from grafana.panels import Panel, timeseries
from grafana.queries import JOB, graph, in_range, per_minute, quantile, quantiles, rows
from grafana.tables import table

RESULTS: Final = "tencent_css_forwards_total"
SECONDS: Final = "tencent_css_forward_seconds"
NO_CONSUMER: Final = "No callback was forwarded in this time range"


def courses() -> list[Panel]:
    """Return what becomes of callbacks at the consumer, and how long it takes."""
    return [
        timeseries(
            "Forwarded callbacks per minute by result",
            graph(per_minute(RESULTS, JOB, "result"), "{{result}}"),
            description="taken: the consumer answered 200. refused: with another status, which"
            " the log has as forward_status. All but taken ones are sent again by Tencent. Shown"
            " only where forward_to is set.",
            unit="none",
            empty=NO_CONSUMER,
            stacked=True,
            overrides=colours(FORWARDS),
        ),
        timeseries(
            "Time that the consumer takes",
            *quantiles((0.99, 0.9, 0.5), SECONDS, JOB),
            description="Until its answer, or until it was given up. Tencent waits 20 seconds,"
            " for push errors 5.",
            unit="s",
            empty=NO_CONSUMER,
            overrides=colours(QUANTILES),
        ),
    ]


def events() -> Panel:
    """Return what became of each kind of event."""
    return table(
        "Forwarded events, in this time range",
        rows(in_range(RESULTS, f'{JOB}, result="taken"', "event")),
        rows(in_range(RESULTS, f'{JOB}, result!="taken"', "event")),
        rows(quantile(0.9, SECONDS, JOB, "event", window="$__range")),
        description="One of ten takes longer than the time shown. Not taken: each attempt counts,"
        " so that a callback which is sent again may be there several times.",
        empty=NO_CONSUMER,
        columns={
            "event": "Event",
            "Value #A": "Taken",
            "Value #B": "Not taken",
            "Value #C": "Time",
        },
        sort="Not taken",
        overrides=[
            column("Event", width=170),
            column("Time", unit="s", decimals=2),
        ],
    )
