"""The command ``backfill``: the settings and the ledger, handed to what asks Tencent Cloud."""

import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from exporter.daemon import logs
from exporter.daemon.flags import load_or_exit, some_setting_options
from exporter.daemon.settings import Settings
from exporter.ledger import (
    Ledger,
    LedgerUnavailable,
    Limits,
    UnusableLedger,
    mark_used,
    open_ledger,
)
from exporter.tencent.backfill import (
    DAY,
    OLDEST_EVENT_DAYS,
    Backfill,
    BackfillPlan,
    Recorded,
    Span,
)
from exporter.tencent.backfill_words import document, done, lines
from exporter.tencent.calling import Account, Caller
from exporter.tencent.errors import ApiError, TencentError
from exporter.tencent.output import CommandOutput, now_and_then
from exporter.tencent.pairs import known_pairs
from exporter.tencent.reading import Pair
from exporter.tencent.streams import CALLBACK_RECORDS, StreamClient

DEFAULT_APP_NAME: Final = "live"
"""What the platform takes a push for that names none."""

BACKFILL_LEASE: Final = "backfill"
LEASE_SECONDS: Final = 1800.0


def _moment(
    _context: click.Context, parameter: click.Parameter, text: str | None
) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time; write 2026-11-01T08:00 (UTC) or 2026-11-01T16:00+08:00",
            param=parameter,
        ) from None


@click.command()
@click.option(
    "--from",
    "start",
    required=True,
    callback=_moment,
    metavar="TIME",
    help="Look at pushes that ended from then on. UTC, or with a zone: 2026-11-01T16:00+08:00.",
)
@click.option(
    "--to", "end", callback=_moment, metavar="TIME", help="And until then.  [default: now]"
)
@click.option(
    "--domain",
    "domains",
    multiple=True,
    help="Push domain; can be repeated.  [default: all that the ledger knows]",
)
@click.option(
    "--app-name",
    "app_names",
    multiple=True,
    help="App name; can be repeated.  [default: those that the ledger knows of the push domain,"
    f" or {DEFAULT_APP_NAME}]",
)
@click.option(
    "--no-packets",
    is_flag=True,
    help="Do not ask for the packets of the callbacks that were sent in vain.",
)
@click.option("--apply", "is_to_apply", is_flag=True, help="Record what is shown.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
@some_setting_options(
    *("tencent_site", "tencent_endpoint", "tencent_credentials_file", "ledger", "data_dir"),
    *("max_sources", "max_series", "watched_streams", "max_watched_streams"),
)
def backfill(
    start: datetime,
    end: datetime | None,
    domains: tuple[str, ...],
    app_names: tuple[str, ...],
    config: Path | None,
    *,
    no_packets: bool,
    is_to_apply: bool,
    as_json: bool,
    **flags: str | None,
) -> None:
    r"""Record pushes and interruptions whose callbacks never came, from Tencent Cloud's lists.

    For after an outage longer than the 12 minutes in which the platform sends a callback again.
    Without --apply it changes nothing: it shows what it would record, and what it leaves out
    and why. What is not sure is left out, rather than counted twice.

    \b
      css-exporter backfill --from 2026-11-01T08:00 --to 2026-11-01T10:00
      css-exporter backfill --from 2026-11-01T08:00 --to 2026-11-01T10:00 --apply

    The exporter may run meanwhile. Give these settings as serve has them, best by the same
    --config or environment. This needs the extra tencentcloud and credentials of an account
    (docs/tencent-cloud.md). It ends with status 1 if the API or the ledger fails; then nothing
    was recorded, or not all, and it can be run again.
    """
    settings = load_or_exit(config, flags).settings
    logs.configure("console", "critical")  # what fails is said here
    now = time.time()
    span = _span(start, end, now)
    output = CommandOutput(as_json=as_json)
    try:
        with _opened(settings) as ledger, _alone(ledger, is_to_apply=is_to_apply):
            pairs = pairs_to_ask(known_pairs(ledger), domains, app_names)
            work = _work(settings, ledger, output)
            plan = work.plan(pairs, span, now, with_packets=not no_packets)
            recorded = None
            if is_to_apply and plan.entries:
                recorded = work.record(plan.entries, time.time())
    except ApiError as error:
        is_of_packets = error.action == CALLBACK_RECORDS
        output.fail(f"{error}{' Or do without: --no-packets.' if is_of_packets else ''}")
    except TencentError as error:
        output.fail(error)
    except (UnusableLedger, LedgerUnavailable, OSError) as error:
        output.fail(f"the ledger cannot be used: {error}. Give the settings that serve has")
    _show(output, pairs, span, plan, recorded)
    if not is_to_apply and plan.entries:
        output.say("Nothing was recorded; --apply does it.")
    sys.exit(1 if recorded and recorded.failure else 0)


def pairs_to_ask(
    known: Iterable[Pair], domains: Sequence[str], app_names: Sequence[str]
) -> list[Pair]:
    """Return the pairs to ask for.  Raises ``TencentError`` if there are none."""
    known = sorted(known)
    wanted = list(dict.fromkeys(app_names))
    if domains:
        pairs = []
        for domain in dict.fromkeys(name.lower() for name in domains):
            own = wanted or [app_name for one, app_name in known if one == domain]
            pairs += [(domain, app_name) for app_name in own or [DEFAULT_APP_NAME]]
        return pairs
    pairs = [pair for pair in known if not wanted or pair[1] in wanted]
    if not pairs:
        raise TencentError("the ledger knows no such push domain: name it with --domain")
    return pairs


def _span(start: datetime, end: datetime | None, now: float) -> Span:
    """Return the span of two moments.  Raises ``UsageError``."""
    span = Span(int(start.timestamp()), int(end.timestamp() if end else now))
    if max(span.start, span.end) > now:
        raise click.UsageError(f"--{'from' if span.start > now else 'to'} is in the future")
    if span.start < now - OLDEST_EVENT_DAYS * DAY:
        raise click.UsageError(
            f"--from is more than {OLDEST_EVENT_DAYS} days ago: the platform's lists begin later"
        )
    if span.end <= span.start:
        raise click.UsageError("--to must be later than --from")
    return span


@contextmanager
def _opened(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger beside an exporter that may run, as a guest of it."""
    url = settings.ledger_url
    with closing(open_ledger(url, settings.part(Limits), guest=True)) as ledger:
        ledger.snapshot()  # raises if it is not there
        mark_used(url)
        yield ledger


@contextmanager
def _alone(ledger: Ledger, *, is_to_apply: bool) -> Iterator[None]:
    """Let nobody else record meanwhile: two might know one push by different identities."""
    holder = uuid.uuid4().hex
    if is_to_apply and not ledger.lease(BACKFILL_LEASE, holder, LEASE_SECONDS):
        raise TencentError(
            "another backfill is recording: wait until it has ended, or for"
            f" {LEASE_SECONDS // 60:.0f} minutes if it was killed"
        )
    try:
        yield
    finally:
        if is_to_apply:
            with suppress(LedgerUnavailable):
                ledger.lease(BACKFILL_LEASE, holder, 0)


def _work(settings: Settings, ledger: Ledger, output: CommandOutput) -> Backfill:
    account = settings.part(Account)
    progress = now_and_then(output.wait)
    client = StreamClient(Caller(account, output.wait), account.tencent_site, progress)
    return Backfill(client, ledger, progress)


def _show(
    output: CommandOutput,
    pairs: list[Pair],
    span: Span,
    plan: BackfillPlan,
    recorded: Recorded | None,
) -> None:
    output.answer(document(plan, recorded, pairs, span))
    for line in lines(plan, pairs, span):
        output.say(line)
    if recorded:
        output.say(done(recorded))
