"""Recording, capture and moderation: what comes of the streams, and what is wrong in them."""

from typing import Any

from grafana.board import SOURCE_VARIABLES, Section, dashboard
from grafana.palette import SUGGESTIONS
from grafana.panels import Panel, colours, good_below, stat, timeseries
from grafana.queries import JOB, SOURCE, graph, in_range, now, per_minute, rate, share, total

RECORDINGS = "tencent_css_recordings_total"
STATUS = "tencent_css_recording_status_total"
EXCEPTIONS = "tencent_css_recording_exceptions_total"
CAPTURES = "tencent_css_screencaptures_total"
NO_RECORDING = "No recording yet"
NO_FAILURE = "None in this time range"
NO_CAPTURE = "No screencapture yet"
ACTIVE = f"tencent_css_active_streams{{{SOURCE}}}"


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-recordings",
        "CSS: recording, capture and moderation",
        "Recordings, screencaptures, moderation, quality and relay, by push domain.",
        [
            Section("Recording", [(4, _numbers()), (8, _recordings())]),
            Section("What goes wrong with recordings", [(8, _failures())]),
            Section("Screencapture", [(7, _captures())]),
            Section("Moderation", [(8, _pictures()), (8, _sounds())]),
            Section("Quality and relay", [(8, _quality())]),
        ],
        SOURCE_VARIABLES,
    )


def _numbers() -> list[Panel]:
    failed = (
        f'increase({STATUS}{{{SOURCE}, status=~"record_start_failed|record_error"}}[$__range])'
        f' or increase({EXCEPTIONS}{{{SOURCE}, level=~"error|alarm"}}[$__range])'
    )
    hours = in_range("tencent_css_recorded_seconds_total", SOURCE)
    size = in_range("tencent_css_recorded_bytes_total", SOURCE)
    return [
        stat(
            "Recordings in this time range",
            now(in_range(RECORDINGS, SOURCE)),
            description="Recording files ready (event_type 100).",
            unit="short",
            empty=NO_RECORDING,
            decimals=0,
        ),
        stat(
            "Recorded hours",
            now(f"{hours} / 3600"),
            description="Length of these recordings.",
            unit="h",
            empty=NO_RECORDING,
            decimals=1,
        ),
        stat(
            "Recorded bytes",
            now(size),
            description="Size of these recordings.",
            unit="bytes",
            empty=NO_RECORDING,
        ),
        stat(
            "Failures",
            now(total(failed)),
            description="Recordings that failed (event_type 332) and exceptions of level"
            " error or alarm (341). Amber from 1, red from 5.",
            unit="short",
            empty=NO_FAILURE,
            thresholds=good_below(1, 5),
            decimals=0,
        ),
    ]


def _recordings() -> list[Panel]:
    seconds = rate("tencent_css_recorded_seconds_total", SOURCE, "file_format")
    return [
        timeseries(
            "Recordings per minute",
            graph(per_minute(RECORDINGS, SOURCE, "file_format"), "{{file_format}}"),
            description="Recording files ready (event_type 100), by format.",
            unit="cpm",
            empty=NO_RECORDING,
            stacked=True,
        ),
        timeseries(
            "Recorded hours per hour",
            graph(seconds, "{{file_format}}"),
            description="Length of the recordings that became ready, per time: about the"
            " number of streams that are recorded. A recording counts when it is ready.",
            unit="short",
            empty=NO_RECORDING,
            stacked=True,
        ),
        timeseries(
            "Recorded bytes per second",
            graph(
                rate("tencent_css_recorded_bytes_total", SOURCE, "file_format"),
                "{{file_format}}",
            ),
            description="Size of the recordings that became ready, per time.",
            unit="Bps",
            empty=NO_RECORDING,
            stacked=True,
        ),
    ]


def _failures() -> list[Panel]:
    ends = rate("tencent_css_interruptions_total", SOURCE)
    return [
        timeseries(
            "Recording states per minute",
            graph(per_minute(STATUS, SOURCE, "status"), "{{status}}"),
            description="State changes (event_type 332). record_start_failed and record_error"
            " mean that footage is missing.",
            unit="cpm",
            empty="No recording state yet",
        ),
        timeseries(
            "Recording exceptions per minute",
            graph(per_minute(EXCEPTIONS, SOURCE, "exception, level"), "{{level}}: {{exception}}"),
            description="Abnormal recordings (event_type 341), by kind and level.",
            unit="cpm",
            empty="No recording exception yet",
            stacked=True,
        ),
        timeseries(
            "Recordings for each ended push",
            graph(share(rate(RECORDINGS, SOURCE), ends), "recordings"),
            description="A fall to 0 while pushes end: recordings have stopped coming.",
            unit="short",
            empty="No push ended just now",
        ),
    ]


def _captures() -> list[Panel]:
    captures = per_minute(CAPTURES, SOURCE, "push_domain")
    return [
        timeseries(
            "Screencaptures per minute for each active stream",
            graph(share(captures, total(ACTIVE, "push_domain")), "{{push_domain}}"),
            description="Constant for a template's interval: 6 for one in ten seconds. A fall"
            " to 0 means that capturing, and image moderation with it, has stopped.",
            unit="cpm",
            empty="No active stream",
        ),
        timeseries(
            "Screencapture bytes per second",
            graph(
                rate("tencent_css_screencapture_bytes_total", SOURCE, "push_domain"),
                "{{push_domain}}",
            ),
            description="Size of screencaptures (event_type 200), what their store must take.",
            unit="Bps",
            empty=NO_CAPTURE,
            stacked=True,
        ),
    ]


def _pictures() -> list[Panel]:
    return _moderation("tencent_css_porn_detections_total", "Suspicious pictures", "317")


def _sounds() -> list[Panel]:
    return _moderation("tencent_css_audio_moderations_total", "Suspicious sounds", "315")


def _moderation(metric: str, title: str, event_type: str) -> list[Panel]:
    return [
        timeseries(
            f"{title} per minute by label",
            graph(per_minute(metric, SOURCE, "label"), "{{label}}"),
            description=f"What was found (event_type {event_type}).",
            unit="cpm",
            empty="Nothing was found yet",
            stacked=True,
        ),
        timeseries(
            f"{title} per minute by suggestion",
            graph(per_minute(metric, SOURCE, "suggestion"), "{{suggestion}}"),
            description="What is suggested: block it, have somebody look, or let it pass.",
            unit="cpm",
            empty="Nothing was found yet",
            stacked=True,
            overrides=colours(SUGGESTIONS),
        ),
    ]


def _quality() -> list[Panel]:
    quality = per_minute("tencent_css_quality_events_total", SOURCE, "event, class")
    return [
        timeseries(
            "Quality events per minute",
            graph(f"topk(20, {quality})", "{{event}}: {{class}}"),
            description="Faults and assessments (event_type 328, 343, 344, 345), the twenty"
            " most frequent at each time.",
            unit="cpm",
            empty="No quality event yet",
            stacked=True,
        ),
        timeseries(
            "Relay events per minute",
            graph(
                per_minute("tencent_css_relay_events_total", JOB, "relay_event"),
                "{{relay_event}}",
            ),
            description="Events of tasks that pull a stream and push it on (event_type 314)."
            " They name no push domain.",
            unit="cpm",
            empty="No relay event yet",
            stacked=True,
        ),
    ]
