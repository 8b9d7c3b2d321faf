"""The command ``simulate``."""

import secrets
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from exporter.sending.connection import CallbackUrl
from exporter.sending.options import callback_key_of, receiver_options
from exporter.sending.progress import interrupt_on
from exporter.simulator.callback import SimulatedStream
from exporter.simulator.check import CheckError, Exporter
from exporter.simulator.gauges import Window
from exporter.simulator.options import Options
from exporter.simulator.report import Report, ReportError
from exporter.simulator.run import Run
from exporter.simulator.scenarios import SCENARIOS

T = TypeVar("T")

_DEFAULTS: Final = Options()
_WINDOW: Final = Window()
_SCENARIO_HELP: Final = "; ".join(f"{name}: {one.summary}" for name, one in SCENARIOS.items())


def _streams(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[SimulatedStream, ...]:
    try:
        return tuple(map(SimulatedStream.of, texts))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    epilog="\b\nExamples:\n"
    "  css-exporter simulate --url http://127.0.0.1:8080/callback --key-file data/callback-key\n"
    "  css-exporter simulate --url URL --key KEY --scenario receiver-outage --time-scale 20 \\\n"
    "      --check http://127.0.0.1:10063/metrics\n"
    "  css-exporter simulate --url URL --key KEY --rate 0 --duration 30 --report run.json\n"
    "  css-exporter simulate --check http://127.0.0.1:10063/metrics --report run.json"
)
@receiver_options
@click.option(
    "--scenario",
    type=click.Choice(list(SCENARIOS)),
    default=_DEFAULTS.scenario,
    help=_SCENARIO_HELP,
    show_default=True,
)
@click.option(
    "--streams",
    type=click.IntRange(1, 100_000),
    default=_DEFAULTS.streams,
    show_default=True,
    help="Hosts, each with a stream of its own.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0),
    default=_DEFAULTS.rate,
    show_default=True,
    help="Requests a second, retries apart; 0: as fast as they are answered.",
)
@click.option(
    "--duration",
    type=click.FloatRange(0),
    default=_DEFAULTS.duration,
    show_default=True,
    help="Seconds of new callbacks; waiting for the last retries comes on top. 0: until Ctrl-C.",
)
@click.option(
    "--time-scale",
    type=click.FloatRange(0, min_open=True),
    default=_DEFAULTS.time_scale,
    show_default=True,
    help="Divides the waits of the documented retry schedule (12 times a minute apart).",
)
@click.option("--diurnal", is_flag=True, help="More hosts in the evening of the hosts' days.")
@click.option(
    "--watched",
    multiple=True,
    callback=_streams,
    metavar="STREAM",
    help="A channel that pushes all day, push_domain/app_name/stream_id, that the exporter has"
    " in watched_streams; more than once for more.",
)
@click.option("--seed", type=int, help="The same seed, the same lives.  [default: by chance]")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for what the run expects, as JSON; without --url: the one to read.",
)
@click.option(
    "--check",
    "metrics_url",
    help="Address of /metrics, compared with what is expected: status 1 on any difference.",
)
@click.option("--metrics-token", help="The exporter's metrics_token, for --check.")
@click.option(
    "--dropped-stream-minutes",
    type=click.FloatRange(0, min_open=True),
    default=_WINDOW.longest / 60,
    show_default=True,
    help="The exporter's dropped_stream_minutes, for --check.",
)
@click.option(
    "--return-grace-seconds",
    type=click.FloatRange(0),
    default=_WINDOW.grace,
    show_default=True,
    help="The exporter's return_grace_seconds, for --check.",
)
def simulate(
    url: CallbackUrl | None,
    key: str | None,
    key_file: Path | None,
    report: Path | None,
    metrics_url: str | None,
    metrics_token: str | None,
    dropped_stream_minutes: float,
    return_grace_seconds: float,
    connections: int,
    seed: int | None,
    **options: Any,
) -> None:
    """Send realistic callbacks to a receiver, as the platform would.

    Hosts push, are recorded, captured and moderated, and are interrupted with the usual mix
    of errcodes. Whatever is not answered 200 is sent again by the documented schedule; a few
    callbacks come twice or late. Ctrl-C ends the run with its report.

    --check looks at the metrics before and after the run, and compares by how much each
    series grew: nobody else may be sending meanwhile. Without --url nothing is sent, and
    --check compares with the --report of an earlier run.
    """
    window = Window(return_grace_seconds, 60 * dropped_stream_minutes)
    exporter = None
    if metrics_url:
        exporter = _or_exit(lambda: Exporter(metrics_url, metrics_token, window))
    if url is None:
        if not (exporter and report):
            raise click.UsageError("give --url to send, or --check and --report to compare")
        _check(_read_report(report), exporter)
        return
    callback_key = callback_key_of(key, key_file)
    if options["scenario"] == "forged" and callback_key is None:
        raise click.UsageError("nothing can be forged without a key: give --key or --key-file")
    before = _or_exit(exporter.look).samples if exporter else None
    run = Run(Options(**options, seed=secrets.randbelow(2**31) if seed is None else seed))
    interrupt_on(signal.SIGINT, signal.SIGTERM)
    run.send(url, callback_key, connections)
    result = run.report(before)
    click.echo(run.summary())
    if report:
        _write(report, result)
    if exporter:
        _check(result, exporter)
    if not run.accepted:
        raise click.ClickException("nothing was accepted")


def _check(report: Report, exporter: Exporter) -> None:
    """Print every difference; end with status 1 if there is one."""
    differences = _or_exit(lambda: exporter.differences(report))
    for difference in differences:
        click.echo(str(difference))
    if differences:
        raise click.ClickException(f"{len(differences)} samples are not what was sent")
    click.echo(f"check: all {len(report.samples):,} samples are exactly what was sent")


def _or_exit(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except CheckError as error:
        raise click.ClickException(str(error)) from None


def _write(path: Path, report: Report) -> None:
    try:
        path.write_bytes(report.document())
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None


def _read_report(path: Path) -> Report:
    try:
        return Report.read(path.read_bytes())
    except (OSError, ReportError) as error:
        raise click.ClickException(f"{path}: {error}") from None
