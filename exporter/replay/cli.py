"""The command ``replay``."""

import shutil
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

import click

from exporter.replay.resending import Outcome, Replay, Survey, Tempo
from exporter.simulator.cli import receiver_options, signer_of
from exporter.simulator.connection import Target
from exporter.simulator.progress import Progress, interrupt_on
from exporter.simulator.run import LOOK_SECONDS, hint

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
    url: Target | None,
    key: str | None,
    key_file: Path | None,
    connections: int,
    speed: float,
    shift: bool,
) -> None:
    """Send the callbacks of FILE again, signed afresh.

    FILE holds one packet a line, as JSON, or an object with the packet under packet, body or
    request; - is standard input. Bad lines are reported with their number and skipped. What
    is refused is reported; what is not answered is sent again for half a minute. Status 1
    if any line was bad or not accepted.

    A receiver that has counted these callbacks already (in the last 24 hours) counts them as
    redeliveries. With --shift, events that are told apart by their time alone are new ones.
    """
    if url is None:
        raise click.UsageError("give --url to say where to send")
    signer = signer_of(key, key_file)
    interrupt_on(signal.SIGINT, signal.SIGTERM)
    with TemporaryFile() as copy:
        if not file.seekable():
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            file = copy
        survey = Survey.of(file)
        for line in survey.faults:
            click.echo(f"line {line.number}: {line.fault}", err=True)
        tempo = Tempo.of(survey, speed, time.time(), shift=shift)
        running = Replay(file, tempo, url, signer, connections)
        with Progress("replay", survey.packets) as progress:
            try:
                done = False
                while not done:
                    done = running.wait(LOOK_SECONDS)
                    progress.show(running.outcome.done, f"{running.outcome.done:,} sent")
            except KeyboardInterrupt:
                running.stop()
                while not running.wait(LOOK_SECONDS):
                    progress.show(running.outcome.done, "ending")
    _tell(survey, running.outcome)


def _tell(survey: Survey, outcome: Outcome) -> None:
    """Say what became of all lines, and end with status 1 unless all is well."""
    for number, reason in sorted(outcome.refused)[:_LISTED_LINES]:
        click.echo(f"line {number}: {reason}{hint(reason)}", err=True)
    for reason, times in outcome.reasons.most_common():
        click.echo(f"not accepted: {reason} {times:,}")
    left = survey.packets - outcome.done
    click.echo(
        f"accepted {outcome.accepted:,} of {survey.packets:,};"
        f" bad lines {len(survey.faults):,}; not sent {left:,}"
    )
    if survey.faults or outcome.refused or left:
        sys.exit(1)
