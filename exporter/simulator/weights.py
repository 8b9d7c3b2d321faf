"""How often things happen to hosts, and the label values that the exporter must give them.

Pure data.  Each table is rows of (weight, value).  Label values are written out as the
documents mean them, so that a mistake in the exporter's own tables shows as a difference.
"""

from collections.abc import Sequence
from random import Random
from typing import Final, Literal, NamedTuple, TypeVar

T = TypeVar("T")


class SimulatedSource(NamedTuple):
    """A push domain and app name as labelled; ``spelling`` is how packets spell the domain."""

    push_domain: str
    app_name: str
    origin: str
    spelling: str = ""

    @property
    def spelt_domain(self) -> str:
        """Return the push domain as the sender spells it."""
        return self.spelling or self.push_domain


SOURCES: Final[Sequence[tuple[int, SimulatedSource]]] = (
    (40, SimulatedSource("push.example.com", "live", "mainland")),
    (15, SimulatedSource("push.example.com", "show", "mainland")),
    (15, SimulatedSource("push.example.org", "live", "mainland", "Push.Example.ORG")),
    (20, SimulatedSource("push-overseas.example.net", "live", "overseas")),
    (7, SimulatedSource("push-overseas.example.net", "events", "overseas")),
    (3, SimulatedSource("push.example.org", "backup", "unknown")),
)

SET_IDS: Final[dict[str, Sequence[int | None]]] = {
    "mainland": (1, 2, 3, 6),
    "overseas": (7, 34, 120, 200),
    "unknown": (None, 0, 201),
}


class SentErrcode(NamedTuple):
    """An errcode as sent, its labels, and the errmsg that comes with it."""

    number: int
    cause: str
    errmsg: str
    label: str = ""

    @property
    def errcode(self) -> str:
        """Return the label value."""
        return self.label or str(self.number)


Errcodes = Sequence[tuple[int, SentErrcode]]

_NETWORK: Final[Errcodes] = (
    (40, SentErrcode(8, "client_network", "No data for a long time")),
    (10, SentErrcode(12, "client_network", "Push link network abnormal")),
    (8, SentErrcode(13, "client_network", "Push link network abnormal")),
    (5, SentErrcode(14, "client_network", "Push link network abnormal")),
    (5, SentErrcode(15, "client_network", "Push link network abnormal")),
    (5, SentErrcode(16, "client_network", "Push link network abnormal")),
    (5, SentErrcode(17, "client_network", "Push link network abnormal")),
    (12, SentErrcode(20, "client_network", "No data for a long time")),
)

ERRCODES: Final[Errcodes] = (
    (300, SentErrcode(1, "client_stop", "The push client actively stopped the push")),
    (220, SentErrcode(2, "client_stop", "recv rtmp closeStream")),
    (180, SentErrcode(3, "client_stop", "recv() return 0")),
    (50, SentErrcode(4, "client_stop", "recv() return error")),
    (6, SentErrcode(35, "client_stop", "The push client actively stopped the push")),
    *_NETWORK,
    (3, SentErrcode(6, "client_network", "RTMP protocol content abnormal")),
    (4, SentErrcode(7, "client_network", "rtmp message larger than 1M")),
    (2, SentErrcode(23, "client_network", "RTMP protocol content abnormal")),
    (2, SentErrcode(33, "client_network", "RTMP AMF data abnormal")),
    (2, SentErrcode(39, "client_network", "frame rate abnormal")),
    (15, SentErrcode(18, "rejected", "push url maybe invalid")),
    (6, SentErrcode(19, "rejected", "3rdparty auth failed")),
    (4, SentErrcode(5, "platform", "Internal error")),
    (3, SentErrcode(9, "platform", "Internal error")),
    (3, SentErrcode(10, "platform", "Proxy interrupted")),
    (4, SentErrcode(11, "platform", "Internal error")),
    (2, SentErrcode(24, "platform", "Internal error")),
    (3, SentErrcode(37, "platform", "srs no player")),
    (2, SentErrcode(38, "platform", "Internal error")),
    (30, SentErrcode(21, "operator", "Drop stream")),
    (3, SentErrcode(0, "unknown", "")),
    (2, SentErrcode(22, "unknown", "Unknown")),
    (2, SentErrcode(31, "unknown", "Unknown")),
    (2, SentErrcode(77, "unknown", "something new", "other")),
)
"""What ends pushes on an ordinary day."""

OUTAGE_ERRCODES: Final[Errcodes] = _NETWORK
"""What ends pushes when the network to the platform is cut."""

SPIKE_ERRCODES: Final[Errcodes] = (
    (8, SentErrcode(11, "platform", "Internal error")),
    (2, SentErrcode(5, "platform", "Internal error")),
)
"""What ends pushes when the platform has trouble."""

REPLACED_ERRCODES: Final[Errcodes] = (
    (6, SentErrcode(21, "operator", "Drop stream")),
    (2, SentErrcode(8, "client_network", "No data for a long time")),
    (2, SentErrcode(1, "client_stop", "The push client actively stopped the push")),
)
"""What ends a push after another of the same stream has begun."""

FAILURE_ERRCODES: Final[Errcodes] = (
    (10, SentErrcode(18, "rejected", "push url maybe invalid")),
    (5, SentErrcode(19, "rejected", "3rdparty auth failed")),
    (3, SentErrcode(5, "platform", "Internal error")),
    (1, SentErrcode(77, "unknown", "something new", "other")),
)
"""Errcodes of push events that are not 0: the push has not begun."""

FAILED_SHARE: Final = 0.03
"""Part of all pushes that fail to begin at first."""

OTHER_ENTRANCE_SHARE: Final = 0.1
"""Part of all pushes that come in elsewhere than the host's others: another set_id."""

NODES: Final = ("203.0.113.7", "203.0.113.41", "203.0.113.86", "2001:db8::7")

PICTURES: Final[Sequence[tuple[int, tuple[int, int]]]] = (
    (50, (1280, 720)),
    (25, (1920, 1080)),
    (15, (720, 1280)),
    (10, (0, 0)),  # sound alone, or no video header yet
)
"""``width`` and ``height``."""

TimeSpelling = Literal["seconds", "fraction", "milliseconds", "text"]

TIME_SPELLINGS: Final[Sequence[tuple[int, TimeSpelling]]] = (
    *((90, "seconds"), (4, "fraction"), (4, "milliseconds"), (2, "text")),
)
"""How ``event_time`` is sent: 1800000000, 1800000000.123, 1800000000123, "1800000000"."""

RECORDING_FORMATS: Final[Sequence[tuple[int, tuple[str, str]]]] = (
    (50, ("hls", "hls")),
    (25, ("flv", "flv")),
    (15, ("mp4", "mp4")),
    (5, ("MP4", "mp4")),  # the case varies between documents
    (4, ("aac", "aac")),
    (1, ("mkv", "other")),
)
"""``file_format`` on the wire, and its label."""

IMAGE_FINDINGS: Final[Sequence[tuple[int, tuple[str, str, str, int]]]] = (
    (30, ("Sexy", "SexyHigh", "Review", 2)),
    (25, ("Porn", "PornHigh", "Block", 1)),
    (15, ("Ad", "QrCode", "Review", 8)),
    (8, ("Terror", "Fire", "Review", 5)),
    (8, ("Illegal", "Gambling", "Block", 4)),
    (5, ("Abuse", "", "Block", 6)),
    (4, ("Teenager", "", "Review", 7)),
    (3, ("Politics", "", "Block", 3)),
)
"""``label``, ``subLabel``, ``suggestion``, and the number in ``type``."""

AUDIO_FINDINGS: Final[Sequence[tuple[int, tuple[str, str]]]] = (
    (35, ("Abuse", "Review")),
    (25, ("Ad", "Block")),
    (15, ("Porn", "Block")),
    (12, ("Moan", "Block")),
    (8, ("Teenager", "Review")),
    (5, ("Custom", "Block")),
)

PUSH_ERRORS: Final[Sequence[tuple[int, tuple[int, str]]]] = (
    (30, (6, "video_frame_late")),
    (25, (7, "audio_frame_late")),
    (10, (3, "video_ts_jump")),
    (10, (4, "audio_ts_jump")),
    (6, (1, "video_ts_backward")),
    (6, (2, "audio_ts_backward")),
    (5, (15, "video_fps_low")),
    (4, (16, "gop_too_large")),
    (2, (12, "audio_ts_gap")),
    (2, (8, "video_codec_changed")),
    (1, (99, "other")),
)

RECORDING_EXCEPTIONS: Final[Sequence[tuple[int, tuple[int, str, str]]]] = (
    (40, (-201, "video_ts_uneven", "info")),
    (25, (-200, "audio_ts_uneven", "info")),
    (12, (-130, "video_frames_dropped", "warning")),
    (8, (-100, "resolution_changed", "warning")),
    (6, (-18, "video_missing", "error")),
    (5, (-16, "pull_failed", "error")),
    (4, (-104, "container_write_error", "error")),
)

QUALITY_FAULTS: Final[Sequence[tuple[int, str]]] = (
    *((20, "Blur"), (15, "Mosaic"), (15, "SolidColorScreen"), (15, "Silence")),
    *((10, "FpsJitter"), (10, "VideoDroppingFrames"), (10, "LowLight"), (5, "QRCode")),
)
ASSESSMENTS: Final[Sequence[tuple[int, str]]] = (
    *((5, "VMAF"), (2, "PSNR"), (2, "SSIM"), (1, "VQA")),
)

MONITOR_FINDINGS: Final[Sequence[tuple[int, tuple[str, str]]]] = (
    (6, ("StreamBroken", "StreamBroken")),
    (4, ("LowFrameRate", "other")),
)

RELAY_EVENTS: Final[Sequence[tuple[int, str]]] = (
    *((4, "VodSourceFileStart"), (4, "VodSourceFileFinish"), (2, "TaskStart")),
    *((2, "TaskExit"), (1, "TaskAlarm")),
)


def draw(chance: Random, table: Sequence[tuple[int, T]]) -> T:
    """Return the value of one row, chosen by weight."""
    weights = [weight for weight, _ in table]
    return chance.choices(table, weights)[0][1]
