"""The closed sets of label values, and how open values of the wire map into them.

Whatever is not documented becomes ``other``, so no sender can grow a label
(docs/protocol.md).
"""

from typing import Final

Stream = tuple[str, str, str]
"""Push domain, app name and stream name."""

OTHER: Final = "other"
UNKNOWN: Final = "unknown"

ORIGINS: Final = ("mainland", "overseas", UNKNOWN)

FILE_FORMATS: Final = ("flv", "hls", "mp4", "aac", OTHER)

PUSH_ERRORS: Final[dict[int, str]] = {
    1: "video_ts_backward",
    2: "audio_ts_backward",
    3: "video_ts_jump",
    4: "audio_ts_jump",
    5: "chunk_size_too_big",
    6: "video_frame_late",
    7: "audio_frame_late",
    8: "video_codec_changed",
    9: "audio_codec_changed",
    10: "video_header_missing",
    11: "audio_header_missing",
    12: "audio_ts_gap",
    13: "codec_uncommon",
    14: "video_header_unparsable",
    15: "video_fps_low",
    16: "gop_too_large",
}

RECORDING_STATUSES: Final = (
    "record_start_succeeded",
    "record_start_failed",
    "record_paused",
    "record_resumed",
    "record_error",
    "record_ended",
    OTHER,
)

RECORDING_EXCEPTIONS: Final[dict[int, str]] = {
    -8: "audio_ts_change_great",
    -9: "video_ts_change_great",
    -10: "av_ts_difference",
    -11: "video_ts_invalid",
    -16: "pull_failed",
    -17: "audio_missing",
    -18: "video_missing",
    -22: "audio_ts_constant",
    -23: "video_ts_constant",
    -24: "audio_ts_invalid",
    -100: "resolution_changed",
    -104: "container_write_error",
    -120: "file_truncated_codec",
    -130: "video_frames_dropped",
    -131: "audio_frames_dropped",
    -132: "gop_abnormal",
    -200: "audio_ts_uneven",
    -201: "video_ts_uneven",
}

EXCEPTION_LEVELS: Final = ("info", "warning", "error", "alarm", OTHER)

SUGGESTIONS: Final = ("Block", "Review", "Pass", OTHER)

IMAGE_TYPES: Final[dict[int, str]] = {
    0: "Normal",
    1: "Porn",
    2: "Sexy",
    3: "Politics",
    4: "Illegal",
    5: "Terror",
    6: "Abuse",
    7: "Teenager",
    8: "Ad",
}
"""Number of ``type`` in older image moderation packets -> the label that newer ones spell."""

IMAGE_LABELS: Final = (*IMAGE_TYPES.values(), "Custom", OTHER)

AUDIO_LABELS: Final = (
    "Normal",
    "Porn",
    "Abuse",
    "Ad",
    "Custom",
    "Moan",
    "Teenager",
    "Gender",
    OTHER,
)

RELAY_EVENTS: Final = (
    "TaskStart",
    "TaskExit",
    "VodSourceFileStart",
    "VodSourceFileFinish",
    "ResetTaskConfig",
    "TaskAlarm",
    OTHER,
)

QUALITY_CLASSES: Final = (
    *("VideoResolutionChanged", "AudioSampleRateChanged", "AudioChannelsChanged"),
    *("ParameterSetsChanged", "DarOrSarInvalid", "TimestampFallback", "DtsJitter", "PtsJitter"),
    *("AACDurationDeviation", "AudioDroppingFrames", "VideoDroppingFrames"),
    *("AVTimestampInterleave", "FpsJitter", "StreamOpenFailed", "StreamParseFailed"),
    *("VideoFirstFrameNotIdr", "Mosaic", "CrashScreen", "Blur", "VideoNoise", "VideoJitter"),
    *("LowLight", "Overexposure", "BlackWhiteEdge", "SolidColorScreen", "QRCode", "Barcode"),
    *("AppletCode", "Silence", "LowVoice", "HighVoice", "PSNR", "SSIM", "VMAF", "VQA"),
    # The monitor's own event, its spelling from the one packet that is known.
    "StreamBroken",
    OTHER,
)


def closed(value: str, values: tuple[str, ...]) -> str:
    """Return the value of the closed set that equals ``value`` in any case, else ``other``."""
    folded = value.casefold()
    return next((known for known in values if known.casefold() == folded), OTHER)


def origin_of(set_id: int | None) -> str:
    """Return where a push came in: ``set_id`` 1-6 mainland, 7-200 overseas, else unknown."""
    if set_id is not None and 1 <= set_id <= 6:
        return "mainland"
    if set_id is not None and 7 <= set_id <= 200:
        return "overseas"
    return UNKNOWN
