"""What one event means to the ledger.

Pure: an entry holds everything that the ledger needs, so that ledgers know nothing of
packets and events nothing of storage.
"""

from typing import NamedTuple

from exporter.metrics import catalogue
from exporter.metrics.families import Increment
from exporter.protocol import events
from exporter.protocol.events import Event
from exporter.protocol.vocabulary import UNKNOWN


class Opening(NamedTuple):
    """The push that an entry opens: unless ``interruption`` was already recorded."""

    origin: str
    interruption: bytes


class Entry(NamedTuple):
    """One event, as the ledger records it.  Made by ``entry_for``.

    Redeliveries have the same ``identity``; ``opens`` and ``closes`` (the identity of a push)
    change the set of open pushes; ``increments`` are added if the entry is new.

    ``stream`` is (push_domain, app_name, stream_id) if the event names a stream in full;
    ``source`` is (push_domain, app_name) if any increment is labelled with them, ``unknown``
    for the one that the event does not name.
    """

    event: str
    identity: bytes
    occurred_at: float | None
    push_domain: str | None
    app_name: str | None
    stream_id: str | None
    stream: tuple[str, str, str] | None
    source: tuple[str, str] | None
    increments: tuple[Increment, ...]
    opens: Opening | None
    closes: bytes | None

    def counts_at(self, now: float) -> tuple[Increment, ...]:
        """Return all increments of the entry if it is new and received at Unix time ``now``."""
        received = (
            *self.increments,
            catalogue.CALLBACKS.add(self.event),
            catalogue.LAST_CALLBACK.add(
                self.event, amount=round(now * catalogue.LAST_CALLBACK.scale)
            ),
        )
        if self.occurred_at is None:
            return received
        delay = max(0.0, now - self.occurred_at)
        return *received, *catalogue.DELAY.observe(delay, self.event)

    def counts_again(self) -> tuple[Increment, ...]:
        """Return the increments of the entry if it is a redelivery."""
        return (catalogue.DUPLICATES.add(self.event),)


def entry_for(event: Event) -> Entry:
    """Return the ledger entry of an event."""
    domain, app, stream_id = event.push_domain, event.app_name, event.stream_id
    increments = _increments(event)
    is_sourced = any(catalogue.BY_NAME[increment.family].sourced for increment in increments)
    opens = closes = None
    if isinstance(event, events.Push):
        opens = Opening(event.origin, event.interruption_identity)
    elif isinstance(event, events.Interruption):
        closes = event.push_identity
    return Entry(
        event.name,
        event.identity,
        event.occurred_at,
        domain,
        app,
        stream_id,
        stream=(domain, app, stream_id) if domain and app and stream_id else None,
        source=(domain or UNKNOWN, app or UNKNOWN) if is_sourced else None,
        increments=increments,
        opens=opens,
        closes=closes,
    )


def _increments(event: Event) -> tuple[Increment, ...]:  # noqa: PLR0911 - one row an event
    match event:
        case events.Push():
            return (catalogue.PUSHES.add(event.origin),)
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
