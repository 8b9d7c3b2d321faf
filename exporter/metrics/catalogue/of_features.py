"""What is made of streams: recordings, captures, moderation, relays, quality.  Pure."""

from typing import Final

from exporter.metrics.families import Family
from exporter.protocol import events, vocabulary

_FORMAT: Final = {"file_format": vocabulary.FILE_FORMATS}
_QUALITY: Final = (
    events.StreamMonitor,
    events.QualityControl,
    events.QualityThreshold,
    events.QualityAverage,
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
