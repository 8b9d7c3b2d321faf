"""Recording, capture and moderation: what comes of the streams, and what is wrong in them."""

from typing import Any

from grafana.board import Section, dashboard
from grafana.overrides import colours
from grafana.palette import MAIN, SUGGESTIONS
from grafana.panels import TABLE_RIGHT, Panel, good_below, stat, timeseries
from grafana.queries import (
    JOB,
    SOURCE,
    graph,
    growth,
    highest,
    in_range,
    most_per_minute,
    now,
    per_minute,
    rate,
    share,
    total,
)
from grafana.variables import SOURCE_VARIABLES

RECORDINGS = "tencent_css_recordings_total"
STATUS = "tencent_css_recording_status_total"
EXCEPTIONS = "tencent_css_recording_exceptions_total"
CAPTURES = "tencent_css_screencaptures_total"
NO_RECORDING = "No data: exporter down, or no recording yet"
NOT_FOUND = "No data: exporter down, or nothing was found yet"
ACTIVE = f"tencent_css_active_streams{{{SOURCE}}}"


def build() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "tencent-css-recordings",
        "CSS: recording, capture and moderation",
        "Recordings, screencaptures, moderation, quality and relay, by push domain.",
        [
            Section("Recording", [(3, _numbers()), (8, _recordings())]),
            Section("Does anything go wrong, or is missing?", [(8, _failures()), (8, _missing())]),
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
            "Recordings",
            now(in_range(RECORDINGS, SOURCE)),
            description="Recording files ready in this time range (event_type 100).",
            unit="locale",
            empty=NO_RECORDING,
        ),
        stat(
            "Recorded hours",
            now(f"{hours} / 3600"),
            description="Length of these recordings.",
            unit="suffix:h",
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
            now(f"{total(failed)} or 0 * {in_range(RECORDINGS, SOURCE)}"),
            description="Recordings that failed (event_type 332) and exceptions of level"
            " error or alarm (341). Amber from 1, red from 5.",
            unit="locale",
            empty=NO_RECORDING,
            thresholds=good_below(1, 5),
        ),
    ]


def _recordings() -> list[Panel]:
    seconds = rate("tencent_css_recorded_seconds_total", SOURCE, "file_format")
    return [
        timeseries(
            "Recordings per minute",
            graph(per_minute(RECORDINGS, SOURCE, "file_format"), "{{file_format}}"),
            description="Recording files ready (event_type 100), by format.",
            unit="none",
            empty=NO_RECORDING,
            stacked=True,
        ),
        timeseries(
            "Recorded hours per hour",
            graph(seconds, "{{file_format}}"),
            description="Length of the recordings that became ready, per time: about the"
            " number of streams that are recorded. A recording counts when it is ready.",
            unit="none",
            empty=NO_RECORDING,
            stacked=True,
        ),
        timeseries(
            "Bytes to store per second",
            graph(
                rate("tencent_css_recorded_bytes_total", SOURCE, "file_format"),
                "{{file_format}}",
            ),
            graph(rate("tencent_css_screencapture_bytes_total", SOURCE), "screencaptures"),
            description="Size of the recordings that became ready, and of screencaptures.",
            unit="Bps",
            empty=NO_RECORDING,
            stacked=True,
        ),
    ]


def _failures() -> list[Panel]:
    return [
        timeseries(
            "Recording states per minute",
            graph(per_minute(STATUS, SOURCE, "status"), "{{status}}"),
            description="State changes (event_type 332). record_start_failed and record_error"
            " mean that footage is missing.",
            unit="none",
            empty="No data: exporter down, or no recording state yet",
        ),
        timeseries(
            "Recording exceptions per minute",
            *most_per_minute(EXCEPTIONS, SOURCE, "exception, level", "{{level}}: {{exception}}"),
            description="Abnormal recordings (event_type 341): the eight most frequent kinds, and"
            " all others.",
            unit="none",
            empty="No data: exporter down, or no recording exception yet",
            stacked=True,
            legend=TABLE_RIGHT,
        ),
    ]


def _missing() -> list[Panel]:
    ends = rate("tencent_css_interruptions_total", SOURCE)
    captures = per_minute(CAPTURES, SOURCE, "push_domain")
    for_each = share(captures, total(ACTIVE, "push_domain"))
    busiest = highest(growth(CAPTURES, SOURCE, "push_domain"))
    return [
        timeseries(
            "Recordings for each ended push",
            graph(share(rate(RECORDINGS, SOURCE), ends), "recordings"),
            description="A fall to 0 while pushes end: recordings have stopped coming.",
            unit="none",
            empty="No push ended just now",
            overrides=colours({"recordings": MAIN}),
        ),
        timeseries(
            "Screencaptures per minute for each active stream",
            graph(f"{for_each} and on (push_domain) {busiest}", "{{push_domain}}"),
            description="Constant for a template's interval: 6 for one in ten seconds. A fall"
            " to 0 means that capturing, and image moderation with it, has stopped. The eight"
            " push domains with the most.",
            unit="none",
            empty="No active stream, or no screencapture yet",
            legend=TABLE_RIGHT,
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
            *most_per_minute(metric, SOURCE, "label", "{{label}}"),
            description=f"What was found (event_type {event_type}).",
            unit="none",
            empty=NOT_FOUND,
            stacked=True,
            legend=TABLE_RIGHT,
        ),
        timeseries(
            f"{title} per minute by suggestion",
            graph(per_minute(metric, SOURCE, "suggestion"), "{{suggestion}}"),
            description="What is suggested: block it, have somebody look, or let it pass.",
            unit="none",
            empty=NOT_FOUND,
            stacked=True,
            overrides=colours(SUGGESTIONS),
        ),
    ]


def _quality() -> list[Panel]:
    return [
        timeseries(
            "Quality events per minute",
            *most_per_minute(
                "tencent_css_quality_events_total", SOURCE, "event, class", "{{event}}: {{class}}"
            ),
            description="Faults and assessments (event_type 328, 343, 344, 345): the eight most"
            " frequent, and all others.",
            unit="none",
            empty="No data: exporter down, or no quality event yet",
            stacked=True,
            legend=TABLE_RIGHT,
        ),
        timeseries(
            "Relay events per minute",
            *most_per_minute(
                "tencent_css_relay_events_total", JOB, "relay_event", "{{relay_event}}"
            ),
            description="Events of tasks that pull a stream and push it on (event_type 314)."
            " They name no push domain.",
            unit="none",
            empty="No data: exporter down, or no relay event yet",
            stacked=True,
            legend=TABLE_RIGHT,
        ),
    ]
