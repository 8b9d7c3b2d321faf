"""The command ``replay``."""

import shutil
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

import click

from exporter.replay.pace import Pace, Survey
from exporter.replay.run import Replay, ReplayResults
from exporter.sending.connection import CallbackUrl
from exporter.sending.options import callback_key_of, receiver_options
from exporter.sending.progress import follow, interrupt_on
from exporter.sending.requests import hint

_LISTED_LINES: Final = 20
"""How many refused lines are printed one by one."""


@click.command(
    epilog="\b\nExamples:\n"
    "  css-exporter replay log.jsonl --url http://127.0.0.1:8080/callback --key KEY\n"
    "  css-exporter replay log.jsonl --url URL --key-file data/callback-key --shift --speed 10\n"
    "  zcat log.jsonl.gz | css-exporter replay - --url URL --key KEY"
)
@click.argument("file", type=click.File("rb"))
@receiver_options
@click.option(
    "--speed",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="How much faster than it happened; 0: as fast as possible.",
)
@click.option(
    "--shift",
    is_flag=True,
    help="Move all times by as much as brings the last event to now.",
)
def replay(
    file: BinaryIO,
    url: CallbackUrl | None,
    key: str | None,
    key_file: Path | None,
    connections: int,
    speed: float,
    shift: bool,
) -> None:
    """Send the callbacks of FILE again, signed afresh.

    Each line of FILE is a packet as JSON, or an object that holds one under packet, body or
    request; - is standard input. Bad lines are reported with their number and skipped, and so
    is what the receiver refuses. What it does not answer is sent again for half a minute.
    Status 1 if any line was bad or not accepted.

    A receiver that has counted these callbacks already (in the last 24 hours) counts them as
    redeliveries. With --shift, events whose identity holds their time are new ones.
    """
    if url is None:
        raise click.UsageError("give --url to say where to send")
    callback_key = callback_key_of(key, key_file)
    interrupt_on(signal.SIGINT, signal.SIGTERM)
    with TemporaryFile() as copy:
        if not file.seekable():
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            file = copy
        survey = Survey.of(file)
        file.seek(0)
        for line in survey.faults:
            click.echo(f"line {line.number}: {line.fault}", err=True)
        pace = Pace.of(survey, speed, time.time(), shift=shift)
        running = Replay(file, pace, url, callback_key, connections)
        results = running.results
        follow(
            running.threads,
            "replay",
            survey.packets,
            lambda: (results.done, f"{results.done:,} sent"),
        )
    _report(survey, results)


def _report(survey: Survey, results: ReplayResults) -> None:
    """Print what became of all lines; end with status 1 unless all were accepted."""
    for number, reason in sorted(results.refused)[:_LISTED_LINES]:
        click.echo(f"line {number}: {reason}{hint(reason)}", err=True)
    for reason, times in results.reasons.most_common():
        click.echo(f"not accepted: {reason} {times:,}")
    left = survey.packets - results.done
    click.echo(
        f"accepted {results.accepted:,} of {survey.packets:,};"
        f" bad lines {len(survey.faults):,}; not sent {left:,}"
    )
    if survey.faults or results.refused or left:
        sys.exit(1)
