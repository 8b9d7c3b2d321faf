"""Callbacks themselves, whatever they are about: taken, refused, forwarded.  Pure."""

from typing import Final, get_args

from exporter.metrics.families import Family
from exporter.protocol import events
from exporter.protocol.refusals import STATUS, ForwardResult

_EVENT: Final = {"event": events.EVENT_NAMES}

CALLBACKS = Family(
    "tencent_css_callbacks_total",
    "counter",
    "Callbacks applied, each exactly once, by event (event_type).",
    _EVENT,
    zeros=True,
)
DUPLICATES = Family(
    "tencent_css_callback_duplicates_total",
    "counter",
    "Redeliveries of callbacks that were already applied, by event (event_type).",
    _EVENT,
    zeros=True,
)
REJECTIONS = Family(
    "tencent_css_callback_rejections_total",
    "counter",
    "Callbacks refused, by reason.",
    {"reason": tuple(STATUS)},
    zeros=True,
)
DELAY = Family(
    "tencent_css_callback_delay_seconds",
    "histogram",
    "Receipt of a callback minus the packet's own time (event_time and the like), by event.",
    _EVENT,
    scale=1000,
    buckets=(1, 2, 5, 15, 30, 60, 120, 300, 600, 900, 3600),
)
FORWARDS = Family(
    "tencent_css_forwards_total",
    "counter",
    "Callbacks forwarded to the consumer behind us, redeliveries too, by event and result: taken"
    " (answered with 200), refused (another status), unreachable, timed_out, overloaded (not sent"
    " because too many waited).",
    {**_EVENT, "result": get_args(ForwardResult)},
)
FORWARD_SECONDS = Family(
    "tencent_css_forward_seconds",
    "histogram",
    "From forwarding a callback to the consumer's answer, or until it was given up, by event.",
    _EVENT,
    scale=1_000_000,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15),
)
LAST_CALLBACK = Family(
    "tencent_css_last_callback_timestamp_seconds",
    "gauge",
    "When the last callback that was no redelivery was received, by event (event_type).",
    _EVENT,
    latest=True,
    scale=1000,
)
OVERFLOWED_SOURCES = Family(
    "tencent_css_overflowed_sources_total",
    "counter",
    "Callbacks counted under push_domain and app_name other because of max_sources.",
    zeros=True,
)
