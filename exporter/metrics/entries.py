"""What one event means to the ledger.

Pure: an entry holds everything that the ledger needs, so that ledgers know nothing of
packets and events nothing of storage.
"""

from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from exporter.metrics import catalogue
from exporter.metrics.families import LONGEST_SOURCE_LABEL, Increment
from exporter.protocol import events
from exporter.protocol.errcodes import ErrCode
from exporter.protocol.events import Event
from exporter.protocol.vocabulary import OTHER, UNKNOWN, Stream

Source = tuple[str, str]
"""Push domain and app name, as label values."""

NAMELESS: Final = ((UNKNOWN, UNKNOWN), (OTHER, OTHER))
"""Source labels that name no source, and so take no place of one."""

_SOURCED: Final = {family.name for family in catalogue.BY_NAME.values() if family.sourced}
_FAMILY: Final = attrgetter("family")


class Said(NamedTuple):
    """What packets say of a push beside its beginning and end; None: nothing.

    ``errcode``, ``duration_ms`` and ``errmsg`` are the interruption's.
    """

    sequence: str | None = None
    interruption: bytes | None = None
    errcode: int | None = None
    duration_ms: int | None = None
    errmsg: str | None = None
    node: str | None = None
    width: int | None = None
    height: int | None = None


class PushReport(NamedTuple):
    """What a push event, or with ``ends`` an interruption, says of its push.

    ``push`` and ``interruption`` are the identities of the two events of one sequence.
    """

    push: bytes
    interruption: bytes
    ends: bool
    origin: str
    said: Said


class Entry(NamedTuple):
    """One event, as the ledger records it; ``entry_for`` makes it.

    Redeliveries have the same ``identity``.  ``occurred_at_ms`` is the packet's own time,
    Unix milliseconds.  ``report`` says that a push began or ended; ``increments`` are added
    if the entry is new.

    ``stream`` is (push_domain, app_name, stream_id) if the event names a stream in full.
    ``source`` is (push_domain, app_name) if any increment is labelled with them: ``unknown``
    stands for the one that the event does not name, and for both if its packet is not signed,
    since its names may be invented; both are ``other`` if one is too long for a label,
    since two names that are cut could become one.
    """

    event: str
    identity: bytes
    occurred_at_ms: int | None
    push_domain: str | None
    app_name: str | None
    stream_id: str | None
    stream: Stream | None
    source: Source | None
    increments: tuple[Increment, ...]
    report: PushReport | None

    @property
    def occurred_at(self) -> float | None:
        """Return the packet's own time in Unix seconds, None where it has none."""
        return None if self.occurred_at_ms is None else self.occurred_at_ms / 1000

    def counts_at(self, now: float) -> tuple[Increment, ...]:
        """Return all increments of the entry if it is new and received at Unix time ``now``."""
        received = (
            *self.increments,
            catalogue.CALLBACKS.add(self.event),
            *catalogue.LAST_CALLBACK.at(now, self.event),
        )
        if self.occurred_at_ms is None:
            return received
        delay_ms = max(0, round(now * 1000) - self.occurred_at_ms)
        return *received, *catalogue.DELAY.observe(delay_ms / 1000, self.event)

    def counts_again(self) -> tuple[Increment, ...]:
        """Return the increments of the entry if it is a redelivery."""
        return (catalogue.DUPLICATES.add(self.event),)


def entry_for(event: Event, *, signed: bool = True) -> Entry:
    """Return the ledger entry of an event, whose packet may be taken though not ``signed``."""
    domain, app, stream_id = event.push_domain, event.app_name, event.stream_id
    increments = _increments(event)
    return Entry(
        event=event.name,
        identity=event.identity,
        occurred_at_ms=event.occurred_at_ms,
        push_domain=domain,
        app_name=app,
        stream_id=stream_id,
        stream=(domain, app, stream_id) if domain and app and stream_id else None,
        source=source_of(domain, app, signed=signed) if _are_sourced(increments) else None,
        increments=increments,
        report=_report(event),
    )


def _report(event: Event) -> PushReport | None:
    if isinstance(event, events.Interruption):
        said = Said(
            event.sequence,
            event.identity,
            event.errcode_number,
            event.push_duration_ms,
            event.errmsg,
            event.node,
            event.width,
            event.height,
        )
        return PushReport(event.push_identity, event.identity, True, event.origin, said)
    if isinstance(event, events.Push) and event.failure is None:
        interruption = event.interruption_identity
        said = Said(
            event.sequence,
            interruption,
            node=event.node,
            width=event.width,
            height=event.height,
        )
        return PushReport(event.identity, interruption, False, event.origin, said)
    return None


def _are_sourced(increments: tuple[Increment, ...]) -> bool:
    return not _SOURCED.isdisjoint(map(_FAMILY, increments))


def source_of(push_domain: str | None, app_name: str | None, *, signed: bool = True) -> Source:
    """Return the source labels of names; see ``Entry``."""
    return _labels_of(push_domain, app_name) if signed else (UNKNOWN, UNKNOWN)


@lru_cache(maxsize=1000)
def _labels_of(push_domain: str | None, app_name: str | None) -> Source:
    source = (push_domain or UNKNOWN, app_name or UNKNOWN)
    if any(len(label.encode()) > LONGEST_SOURCE_LABEL for label in source):
        return OTHER, OTHER
    return source


def _increments(event: Event) -> tuple[Increment, ...]:  # noqa: PLR0911 - one row an event
    match event:
        case events.Push(failure=None):
            return (catalogue.PUSHES.add(event.origin),)
        case events.Push(failure=ErrCode() as failure):
            return (catalogue.PUSH_FAILURES.add(failure.code, failure.cause),)
        case events.Interruption():
            return _of_interruption(event)
        case events.Recording():
            return _of_recording(event)
        case events.Screencapture():
            size = event.file_size_bytes or 0
            return (
                catalogue.SCREENCAPTURES.add(),
                catalogue.SCREENCAPTURE_BYTES.add(amount=size),
            )
        case events.PornDetection():
            return (catalogue.PORN_DETECTIONS.add(event.label, event.suggestion),)
        case events.AudioModeration():
            return (catalogue.AUDIO_MODERATIONS.add(event.label, event.suggestion),)
        case events.PushError():
            return tuple(
                catalogue.PUSH_ERRORS.add(error, amount=count)
                for error, count in event.counts.items()
            )
        case events.RecordingStatus():
            return (catalogue.RECORDING_STATUS.add(event.status),)
        case events.RecordingException():
            return (catalogue.RECORDING_EXCEPTIONS.add(event.exception, event.level),)
        case events.Relay():
            return (catalogue.RELAY_EVENTS.add(event.relay_event),)
        case (
            events.StreamMonitor()
            | events.QualityControl()
            | events.QualityThreshold()
            | events.QualityAverage()
        ):
            return (catalogue.QUALITY_EVENTS.add(event.name, event.quality_class),)
    return ()


def _of_interruption(event: events.Interruption) -> tuple[Increment, ...]:
    errcode = event.errcode
    counted = catalogue.INTERRUPTIONS.add(event.origin, errcode.code, errcode.cause)
    duration = event.push_duration_seconds
    if duration is None:
        return (counted,)
    return counted, *catalogue.PUSH_DURATION.observe(duration, event.origin)


def _of_recording(event: events.Recording) -> tuple[Increment, ...]:
    file_format = event.file_format
    return (
        catalogue.RECORDINGS.add(file_format),
        catalogue.RECORDED_SECONDS.add(file_format, amount=event.duration_seconds or 0),
        catalogue.RECORDED_BYTES.add(file_format, amount=event.file_size_bytes or 0),
    )
