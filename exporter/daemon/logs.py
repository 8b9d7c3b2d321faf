"""Structured logs: one canonical line a callback, those of others in the same form.

Text that a sender made can be in a value, never forge a line or a field: JSON escapes it,
and on a console control characters are spelled out.
"""

import logging
import os
import select
import stat
import sys
import threading
from collections.abc import Callable, MutableMapping
from typing import Any, Final, TextIO, cast

import orjson
import structlog

LONGEST_VALUE: Final = 512


def configure(log_format: str, level: str) -> None:
    """Set up structlog and the standard library's logging, both to standard output.

    ``log_format`` is ``json``, ``console`` or ``auto`` (console on a terminal).
    """
    if log_format == "auto":
        log_format = "console" if sys.stdout.isatty() else "json"
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _bound_values,
    ]
    renderer: structlog.typing.Processor
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(serializer=_json)
    else:
        shared.append(_escape_control_characters)
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    number = logging.getLevelNamesMapping()[level.upper()]

    def tell_lost(count: int) -> str:
        event: Any = {"event": "log.lost", "count": count}
        for processor in (*shared, renderer):
            event = processor(None, "warning", event)
        return str(event)

    output = cast("TextIO", _Output(sys.stdout, tell_lost))
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # Not a PrintLogger: a line and its end are two writes then, apart in a shared file.
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)


class _Output:
    """A stream as far as it takes text at once: who logs must not wait for who reads.

    A full disk, and a pipe that nobody empties, cost lines; how many is told by the next.
    """

    def __init__(self, stream: TextIO, tell_lost: Callable[[int], str]) -> None:
        self._stream = stream
        self._tell_lost = tell_lost
        self._lock = threading.Lock()
        self._lost = 0
        try:
            mode = os.fstat(stream.fileno()).st_mode
        except OSError:
            mode = 0
        self._can_block = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

    def write(self, text: str) -> None:
        with self._lock:
            try:
                # Room for one line: values are bounded, and a pipe says so by the page.
                if self._can_block and not select.select((), (self._stream,), (), 0)[1]:
                    self._lost += 1
                    return
                if self._lost:
                    text = f"{self._tell_lost(self._lost)}\n{text}"
                    self._lost = 0
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self._lost += 1

    def flush(self) -> None:
        """Do nothing: every line is flushed."""


def _json(event: dict[str, Any], **_: Any) -> str:
    # What a reader looks for first comes first.
    head = {name: event.pop(name, None) for name in ("timestamp", "level", "event")}
    return orjson.dumps(head | event, default=repr).decode()


def _bound_values(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and len(value) > LONGEST_VALUE and name != "exception":
            event[name] = f"{value[:LONGEST_VALUE]}…"
    return event


def _escape_control_characters(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable() and name != "exception":
            event[name] = "".join(
                character if character.isprintable() else ascii(character)[1:-1]
                for character in value
            )
    return event
