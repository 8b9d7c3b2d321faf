"""Structured logs: one canonical line a callback, those of others in the same form.

Text that a sender made can be in a value, never forge a line or a field: JSON escapes it,
and on a console control characters are spelled out.  Every line is bounded in bytes.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog
from structlog.processors import format_exc_info
from structlog.typing import EventDict

from exporter.daemon.log_output import LONGEST_LINE, Output
from exporter.web.receiver import LogLine

LONGEST_VALUE: Final = 512
"""Characters of a value; fewer where the line would be too long."""

_TRACEBACK: Final = 6
"""How many times longer a traceback may be."""

_LEVEL: Final = {"exception": "error", "warn": "warning"}

_log = structlog.get_logger()


def configure(log_format: str, level: str) -> None:
    """Set up structlog and the standard library's logging, both to standard output.

    ``log_format`` is ``json``, ``console`` or ``auto`` (console on a terminal).
    """
    if log_format == "auto":
        log_format = "console" if sys.stdout.isatty() else "json"
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer = _Renderer(_json if log_format == "json" else _Console(), number)
    structlog.configure(
        processors=[renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Logger(renderer.output),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Handler(renderer)], level=number, force=True)


def write(lines: Iterable[LogLine]) -> None:
    """Log lines that come together, like those of a commit, at less cost than one by one."""
    renderer = structlog.get_config()["processors"][-1]
    if isinstance(renderer, _Renderer):
        renderer.write(lines)
        return
    for level, event, fields in lines:  # not configured, or captured by a test
        getattr(_log, level)(event, **fields)


class _Renderer:
    """The last processor: makes an event a line of at most ``LONGEST_LINE`` bytes."""

    def __init__(self, form: Callable[[EventDict], bytes], least: int) -> None:
        """``form`` makes a line of any length; ``least`` is the lowest level logged."""
        self._form = form
        self._names = {
            name for name, number in logging.getLevelNamesMapping().items() if number >= least
        }
        self.output = Output(sys.stdout.fileno(), self._lost)

    def __call__(self, _logger: Any, method: str, fields: EventDict) -> bytes:
        """Return an event as a line."""
        if "exc_info" in fields:
            fields = format_exc_info(None, method, fields)
        event = {
            "timestamp": datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z",
            "level": _LEVEL.get(method, method),
            "event": fields.pop("event", None),
            **fields,
        }
        line = self._form(event)
        if len(line) <= LONGEST_VALUE:
            return line  # no value in it is longer
        for longest in (LONGEST_VALUE, LONGEST_VALUE // 4, LONGEST_VALUE // 16):
            line = self._form({name: _short(name, event[name], longest) for name in event})
            if len(line) <= LONGEST_LINE:
                return line
        event = {name: event[name] for name in ("timestamp", "level", "event")}
        return self._form({name: _short(name, event[name], LONGEST_VALUE // 16) for name in event})

    def write(self, lines: Iterable[LogLine]) -> None:
        """Write those lines that the level admits."""
        self.output.write(
            [
                self(None, level, {"event": event, **fields})
                for level, event, fields in lines
                if level.upper() in self._names
            ]
        )

    def _lost(self, count: int) -> bytes:
        return self(None, "warning", {"event": "log.lost", "count": count})


class _Logger:
    """What structlog hands lines to."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def msg(self, line: bytes) -> None:
        self._output.write((line,))

    debug = info = warning = error = critical = exception = msg


class _Handler(logging.Handler):
    """What the standard library hands records to, gunicorn's too."""

    def __init__(self, renderer: _Renderer) -> None:
        super().__init__()
        self._renderer = renderer

    def emit(self, record: logging.LogRecord) -> None:
        event: EventDict = {"event": record.getMessage(), "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        self._renderer.output.write((self._renderer(None, record.levelname.lower(), event),))

    def close(self) -> None:
        """Wait for the last lines: ``logging`` closes its handlers at the process's end."""
        self._renderer.output.drain()
        super().close()


def _json(event: EventDict) -> bytes:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # half a surrogate pair, a very large number
        return json.dumps(event, default=repr).encode() + b"\n"


class _Console:
    """Lines for people."""

    def __init__(self) -> None:
        self._render = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())

    def __call__(self, event: EventDict) -> bytes:
        plain = {name: _spelled_out(name, value) for name, value in event.items()}
        return self._render(None, "", plain).encode(errors="backslashreplace") + b"\n"


def _short(name: str, value: Any, longest: int) -> Any:
    """Return a value of at most so many characters; of a traceback the end."""
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    if name == "exception":
        longest *= _TRACEBACK
        return text if len(text) <= longest else f"…{text[-longest:]}"
    return text if len(text) <= longest else f"{text[:longest]}…"


def _spelled_out(name: str, value: Any) -> Any:
    """Return a text with its control characters spelled out, but a traceback's ends of lines."""
    if not isinstance(value, str) or value.isprintable():
        return value
    kept = "\n" if name == "exception" else ""
    return "".join(
        character if character.isprintable() or character in kept else ascii(character)[1:-1]
        for character in value
    )
