"""Every metric family, declared once, in the order in which they are shown.  Pure."""

from typing import Final, get_args

from exporter.metrics.families import Family
from exporter.protocol import events, vocabulary
from exporter.protocol.errcodes import CAUSES, ERRCODES
from exporter.protocol.refusals import STATUS, ForwardResult

_EVENT: Final = {"event": events.EVENT_NAMES}
_QUALITY: Final = (
    events.StreamMonitor,
    events.QualityControl,
    events.QualityThreshold,
    events.QualityAverage,
)
_ERRCODE: Final = {"errcode": tuple(errcode.code for errcode in ERRCODES), "cause": CAUSES}
_STREAM: Final[dict[str, tuple[str, ...]]] = {"push_domain": (), "app_name": (), "stream_id": ()}
_ORIGIN: Final = {"origin": vocabulary.ORIGINS}
_FORMAT: Final = {"file_format": vocabulary.FILE_FORMATS}

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
    " cause. They are no pushes begun and open nothing.",
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
RECORDINGS = Family(
    "tencent_css_recordings_total",
    "counter",
    "Recording files ready (event_type 100), by file_format.",
    _FORMAT,
    sourced=True,
)
RECORDED_SECONDS = Family(
    "tencent_css_recorded_seconds_total",
    "counter",
    "Recorded time (duration of event_type 100).",
    _FORMAT,
    sourced=True,
)
RECORDED_BYTES = Family(
    "tencent_css_recorded_bytes_total",
    "counter",
    "Size of recording files (file_size of event_type 100).",
    _FORMAT,
    sourced=True,
)
RECORDING_STATUS = Family(
    "tencent_css_recording_status_total",
    "counter",
    "State changes of recordings (record_event of event_type 332).",
    {"status": vocabulary.RECORDING_STATUSES},
    sourced=True,
)
RECORDING_EXCEPTIONS = Family(
    "tencent_css_recording_exceptions_total",
    "counter",
    "Abnormal recordings reported (event_type 341), by exception.type and exception_level."
    " One for each callback, whatever its occurs.",
    {
        "exception": (*vocabulary.RECORDING_EXCEPTIONS.values(), vocabulary.OTHER),
        "level": vocabulary.EXCEPTION_LEVELS,
    },
    sourced=True,
)
SCREENCAPTURES = Family(
    "tencent_css_screencaptures_total",
    "counter",
    "Screencaptures taken (event_type 200).",
    sourced=True,
)
SCREENCAPTURE_BYTES = Family(
    "tencent_css_screencapture_bytes_total",
    "counter",
    "Size of screencaptures (file_size of event_type 200).",
    sourced=True,
)
PORN_DETECTIONS = Family(
    "tencent_css_porn_detections_total",
    "counter",
    "Suspicious pictures (event_type 317), by label and suggestion.",
    {"label": vocabulary.IMAGE_LABELS, "suggestion": vocabulary.SUGGESTIONS},
    sourced=True,
)
AUDIO_MODERATIONS = Family(
    "tencent_css_audio_moderations_total",
    "counter",
    "Suspicious sound (event_type 315), by label and suggestion.",
    {"label": vocabulary.AUDIO_LABELS, "suggestion": vocabulary.SUGGESTIONS},
    sourced=True,
)
RELAY_EVENTS = Family(
    "tencent_css_relay_events_total",
    "counter",
    "Events of relay (stream pulling) tasks (callback_event of event_type 314).",
    {"relay_event": vocabulary.RELAY_EVENTS},
)
QUALITY_EVENTS = Family(
    "tencent_css_quality_events_total",
    "counter",
    "Quality faults and assessments (event_type 328, 343, 344, 345), by class.",
    {"event": tuple(event.name for event in _QUALITY), "class": vocabulary.QUALITY_CLASSES},
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
OLDEST_OPEN_PUSH = Family(
    "tencent_css_oldest_open_push_timestamp_seconds",
    "gauge",
    "When the oldest open push began (event_time of event_type 1). Absent if none is open.",
)
OVERFLOWED_SOURCES = Family(
    "tencent_css_overflowed_sources_total",
    "counter",
    "Callbacks counted under push_domain and app_name other because of max_sources.",
    zeros=True,
)
ERRCODE_INFO = Family(
    "tencent_css_errcode_info",
    "gauge",
    "What each errcode means; 1 for every documented code.",
    {**_ERRCODE, "description": tuple({errcode.description for errcode in ERRCODES})},
)
OPEN_PUSHES = Family(
    "tencent_css_exporter_open_pushes", "gauge", "Open pushes in the ledger.", zeros=True
)
SOURCES = Family(
    "tencent_css_exporter_sources",
    "gauge",
    "Pairs of push_domain and app_name that have labels of their own, at most max_sources.",
    zeros=True,
)
SERIES = Family(
    "tencent_css_exporter_series",
    "gauge",
    "Series stored of all sources, at most max_series; a histogram counts as one.",
    zeros=True,
)
MAX_SERIES = Family(
    "tencent_css_exporter_max_series",
    "gauge",
    "The setting max_series: a series that would be one too many counts under other.",
)
COMMIT_SECONDS = Family(
    "tencent_css_exporter_ledger_commit_seconds",
    "histogram",
    "Duration of the ledger's transactions, each shared by the callbacks that waited for it.",
    scale=1_000_000,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
SCRAPE_SECONDS = Family(
    "tencent_css_exporter_scrape_seconds",
    "histogram",
    "Duration of earlier scrapes of the ledger's metrics.",
    scale=1_000_000,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
LAST_SCRAPE = Family(
    "tencent_css_exporter_last_scrape_timestamp_seconds",
    "gauge",
    "When Prometheus last scraped these metrics. A series that was shown with its value by then"
    " is not shown at 0 again, whatever the clocks of the exporter's machines do.",
    latest=True,
    scale=1000,
)
BUILD_INFO = Family(
    "tencent_css_exporter_build_info",
    "gauge",
    "Version of the exporter and of the Python that runs it; always 1.",
    {"version": (), "python_version": ()},
    of_process=True,
)
LEDGER_UP = Family(
    "tencent_css_exporter_ledger_up",
    "gauge",
    "1 while this process can commit to the ledger, else 0.",
    of_process=True,
)
CALLBACK_KEYS = Family(
    "tencent_css_exporter_callback_keys", "gauge", "Callback keys that may sign.", of_process=True
)
UNCOMMITTED_REJECTIONS = Family(
    "tencent_css_exporter_uncommitted_rejections",
    "gauge",
    "Callbacks refused by this process that tencent_css_callback_rejections_total does not have"
    " yet, because the ledger could not commit.",
    {"reason": REJECTIONS.labels["reason"]},
    of_process=True,
)

BY_NAME: Final = {
    family.name: family for family in tuple(globals().values()) if isinstance(family, Family)
}
"""Every family declared above, in that order."""

LEDGER_FAMILIES: Final = tuple(one for one in BY_NAME.values() if not one.of_process)
"""What every process that shares the ledger shows alike (``collect[]=ledger``)."""

PROCESS_FAMILIES: Final = tuple(one for one in BY_NAME.values() if one.of_process)
"""What each process shows of itself (``collect[]=process``)."""
