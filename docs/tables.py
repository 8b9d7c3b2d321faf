"""The tables of the documents, each made from the code that it describes."""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

import exporter
from docs.log_events import LEVELS, log_events
from docs.repository import ROOT
from exporter.cli import main
from exporter.daemon.flags import text_of_value
from exporter.daemon.settings import Settings
from exporter.metrics import catalogue
from exporter.protocol import events
from exporter.protocol.refusals import REASONS
from grafana.build import files as dashboard_files

LOG_EVENTS: Final = {
    "callback.accepted": "a callback was counted; a warning for a push that failed, and for an"
    " interruption whose cause is not `client_stop`",
    "callback.duplicate": "a redelivery was recognised",
    "callback.late": "a push came after its own interruption",
    "callback.rejected": "a callback was refused",
    "callback.rejected_suppressed": "this many more lines about a reason were left out in the"
    " last ten seconds: the first ten are logged",
    "http.refused": "a connection was cut, or a request was no HTTP",
    "http.refused_suppressed": "this many more lines about connections and requests were left out",
    "ledger.available": "commits work again, after this failure",
    "ledger.clock_doubted": "the clock jumped, or nobody tended the ledger for minutes: nothing is"
    " forgotten for so long",
    "ledger.clock_trusted": "the clock has run steadily since it was doubted",
    "ledger.created": "a new ledger was made",
    "ledger.failed": "a fault of the exporter itself: please report it",
    "ledger.gauges_repaired": "gauges differed from the open pushes, or other rows, at the start",
    "ledger.not_recounted": "gauges could not be compared with the rows at the start",
    "ledger.unavailable": "commits fail; a warning if the ledger could not be opened at the start",
    "ledger.upgraded": "the ledger of an earlier version was brought up to date",
    "log.lost": "this many lines were lost: nobody read the log, or the disk was full",
    "reconciliation.broke": "a fault of the exporter itself: please report it",
    "reconciliation.changed": "pushes were opened or closed because Tencent Cloud's API says so",
    "reconciliation.failed": "Tencent Cloud's API was asked in vain this many times, for this"
    " reason first: its error code, or `other`",
    "reconciliation.withheld": "this many pushes were not closed, because they are more than a"
    " third of all that are open",
    "tls.not_renewed": "the certificate or key found at SIGHUP cannot serve: the old ones stay in"
    " force",
}
"""When each log event is written."""

ONLY: Final = {"callback.duplicate": {"info"}, "callback.late": {"info"}}
"""Levels of log events that share a line of code with others of more levels."""

UNLISTED: Final = ("description", "version", "python_version")
"""Labels whose values are no list to choose from."""


def commands() -> str:
    """Return a row for each command."""
    rows = (
        (f"`{_usage(path, command)}`", command.get_short_help_str(limit=200))
        for path, command in _commands(main, "css-exporter")
    )
    return _table(("command", "does"), rows)


def options() -> str:
    """Return a row for each option of a command, the settings' own flags left out."""
    rows = (
        (f"`{path}`", f"`{option.opts[0]}`", _code(_default(option)), option.help or "")
        for path, command in _commands(main, "css-exporter")
        for option in _own_options(command)
    )
    return _table(("command", "option", "default", "meaning"), rows)


def settings() -> str:
    """Return a row for each setting."""
    rows = (
        (f"`{name}`", _code(text_of_value(field.default)), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return _table(("setting", "default", "meaning"), rows)


def reasons() -> str:
    """Return a row for each reason for which a callback is refused."""
    counted = catalogue.REJECTIONS.labels["reason"]
    rows = (
        (f"`{reason.word}`", str(reason.status), reason.meaning)
        for reason in REASONS.values()
        if reason.word in counted
    )
    return _table(("reason", "status", "means"), rows)


def metrics() -> str:
    """Return a row for each metric family."""
    rows = (
        (f"`{family.name}`", family.kind, _codes(family.label_names), family.help)
        for family in catalogue.BY_NAME.values()
    )
    return _table(("family", "kind", "labels", "meaning"), rows)


def labels() -> str:
    """Return a row for each closed set of label values, with the families that have it."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for family in catalogue.BY_NAME.values():
        for name, values in family.labels.items():
            if name not in UNLISTED:
                found.setdefault((name, values), []).append(family.name)
    rows = (
        (f"`{name}`", _codes(values), _codes(families))
        for (name, values), families in found.items()
    )
    return _table(("label", "values", "of"), rows)


def logs() -> str:
    """Return a row for each log event; each has its sentence in ``LOG_EVENTS``."""
    found = log_events(ROOT / "exporter")
    if found.keys() != LOG_EVENTS.keys():
        raise ValueError(f"logged or described, not both: {found.keys() ^ LOG_EVENTS.keys()}")
    rows = (
        (
            f"`{event.name}`",
            ", ".join(sorted(ONLY.get(event.name, event.levels), key=list(LEVELS).index)),
            _codes(event.fields),
            LOG_EVENTS[event.name],
        )
        for event in found.values()
    )
    return _table(("event", "level", "fields", "when"), rows)


def details() -> str:
    """Return a row for each callback event: its number, and the fields of its log lines."""
    rows = (
        (str(event.event_type), f"`{event.name}`", _codes(_details_of(event)))
        for event in events.EVENTS
    )
    return _table(("event_type", "event", "fields"), rows)


def dashboards() -> str:
    """Return a row for each dashboard."""
    boards = (json.loads(text) for text in dashboard_files().values())
    rows = ((board["title"], board["description"]) for board in boards)
    return _table(("dashboard", "shows"), rows)


def alerts() -> str:
    """Return a row for each alert, in the order of the rules, from the head of its runbook."""
    rows = []
    for rules in sorted((ROOT / "prometheus" / "rules").glob("*.yml"), reverse=True):
        for name in re.findall(r"- alert: (\w+)", rules.read_text(encoding="utf-8")):
            page, severity, condition = _runbook(name)
            rows.append((f"[{name}]({page.name})", severity, condition))
    return _table(("alert", "severity", "fires when"), rows)


def rooms() -> str:
    """Return a row for each room of the package, in the words of its introduction."""
    introduced = re.findall(r"^``(\w+)`` {2,}(\S.*)$", exporter.__doc__ or "", re.MULTILINE)
    rows = ((f"`exporter/{name}/`", text) for name, text in introduced)
    return _table(("room", "what is in it"), rows)


TABLES: Final = {
    table.__name__: table
    for table in (
        *(commands, options, settings, reasons, metrics, labels, logs, details),
        *(dashboards, alerts, rooms),
    )
}
"""Name of a generated part -> the function that makes it."""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    first, *others = (f"| {' | '.join(map(_cell, line))} |" for line in (head, *rows))
    return "\n".join((first, f"|{'---|' * len(head)}", *others))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _code(text: str) -> str:
    return f"`{text}`" if text else "none"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        elif command:
            yield f"{path} {name}", command


def _usage(path: str, command: click.Command) -> str:
    arguments = (part for part in command.params if isinstance(part, click.Argument))
    return " ".join((path, *(part.human_readable_name for part in arguments)))


def _own_options(command: click.Command) -> list[click.Option]:
    options = [option for option in command.params if isinstance(option, click.Option)]
    if any(option.name == "callback_listen" for option in options):
        return [option for option in options if option.name not in Settings.model_fields]
    return options


def _default(option: click.Option) -> str:
    given = option.default
    return f"{given:g}" if isinstance(given, float) else str(given) * isinstance(given, str | int)


def _details_of(event: type[events.Event]) -> Iterable[str]:
    """Return the keys of an event's ``details``, those of its bases and helpers included."""
    found: dict[str, None] = {}
    for owner in event.__mro__:
        if "details" in vars(owner):
            source = inspect.getsource(vars(owner)["details"].fget)
            found |= dict.fromkeys(_keys_in(source, vars(inspect.getmodule(owner))))
            if "super()" not in source:
                break
    return found


def _keys_in(source: str, known: Mapping[str, Any]) -> Iterator[str]:
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        match node:
            case ast.Dict(keys):
                yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))
            case ast.Call(func=ast.Name(name)) if inspect.isfunction(known.get(name)):
                yield from _keys_in(inspect.getsource(known[name]), known)


def _runbook(alert: str) -> tuple[Path, str, str]:
    """Return an alert's page, its severity, and when it fires."""
    head = re.compile(rf"^- `{alert}` \((\w+)\) fires when (.+?)\.$", re.MULTILINE | re.DOTALL)
    for page in sorted((ROOT / "docs" / "runbooks").glob("*.md")):
        found = head.search(page.read_text(encoding="utf-8"))
        if found:
            return page, found[1], found[2]
    raise ValueError(f"no runbook begins with: - `{alert}` (severity) fires when ...")
