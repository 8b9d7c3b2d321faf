"""Pushes: those that are open, began, failed, ended, and why.  Pure."""

from typing import Final

from exporter.metrics.families import Family
from exporter.protocol import vocabulary
from exporter.protocol.errcodes import CAUSES, ERRCODES

_ERRCODE: Final = {"errcode": tuple(errcode.code for errcode in ERRCODES), "cause": CAUSES}
_STREAM: Final[dict[str, tuple[str, ...]]] = {"push_domain": (), "app_name": (), "stream_id": ()}
_ORIGIN: Final = {"origin": vocabulary.ORIGINS}

ACTIVE_STREAMS = Family(
    "tencent_css_active_streams",
    "gauge",
    "Streams with at least one open push: a sequence with its push event (event_type 1) and"
    " not its interruption (0). The origin is that of the newest open push.",
    _ORIGIN,
    sourced=True,
)
DROPPED_STREAMS = Family(
    "tencent_css_dropped_streams",
    "gauge",
    "Streams without an open push whose newest push ended with another cause than client_stop or"
    " operator, at least return_grace_seconds and at most dropped_stream_minutes ago.",
    _ORIGIN,
    sourced=True,
)
WATCHED_ACTIVE = Family(
    "tencent_css_watched_stream_active",
    "gauge",
    "1 while a stream of watched_streams has an open push, else 0.",
    _STREAM,
)
WATCHED_LAST_CHANGE = Family(
    "tencent_css_watched_stream_last_change_timestamp_seconds",
    "gauge",
    "When a push of a watched stream last began or ended (event_time); 0: never.",
    _STREAM,
    latest=True,
    scale=1000,
)
WATCHED_INTERRUPTIONS = Family(
    "tencent_css_watched_stream_interruptions_total",
    "counter",
    "Pushes of a watched stream that ended (event_type 0), by cause.",
    {**_STREAM, "cause": CAUSES},
)
PUSHES = Family(
    "tencent_css_pushes_total",
    "counter",
    "Pushes begun (event_type 1), by where they came in (set_id).",
    _ORIGIN,
    sourced=True,
)
INTERRUPTIONS = Family(
    "tencent_css_interruptions_total",
    "counter",
    "Pushes ended (event_type 0), by errcode and its cause.",
    {**_ORIGIN, **_ERRCODE},
    sourced=True,
)
PUSH_FAILURES = Family(
    "tencent_css_push_failures_total",
    "counter",
    "Pushes that failed to begin (event_type 1 whose errcode is not 0), by errcode and its"
    " cause. They do not count as begun, and open nothing.",
    _ERRCODE,
    sourced=True,
)
PUSH_DURATION = Family(
    "tencent_css_push_duration_seconds",
    "histogram",
    "Duration of ended pushes (push_duration of event_type 0).",
    _ORIGIN,
    sourced=True,
    scale=1000,
    buckets=(10, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400),
)
PUSH_ERRORS = Family(
    "tencent_css_push_errors_total",
    "counter",
    "Faults of running pushes (event_type 321): sum of count for each type of abnormal_event.",
    {"error": (*vocabulary.PUSH_ERRORS.values(), vocabulary.OTHER)},
    sourced=True,
)
EXPIRED_PUSHES = Family(
    "tencent_css_expired_pushes_total",
    "counter",
    "Open pushes closed without their interruption: nothing was heard of the stream for"
    " push_idle_days (idle), or the platform does not know it any more (reconciled).",
    {"reason": ("idle", "reconciled")},
    sourced=True,
)
OLDEST_OPEN_PUSH = Family(
    "tencent_css_oldest_open_push_timestamp_seconds",
    "gauge",
    "When the oldest open push began (event_time of event_type 1). Absent if none is open.",
)
ERRCODE_INFO = Family(
    "tencent_css_errcode_info",
    "gauge",
    "What each errcode means; 1 for every documented code.",
    {**_ERRCODE, "description": tuple({errcode.description for errcode in ERRCODES})},
)
