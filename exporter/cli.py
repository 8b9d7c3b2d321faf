"""The command line: ``css-exporter``.  A command imports what it alone needs: starts are quick."""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from exporter import DISTRIBUTION
from exporter.daemon import files
from exporter.daemon.flags import load_given, load_or_exit, setting_options, text_of_value
from exporter.daemon.keys import Keys, keys_of
from exporter.daemon.loading import ENV_PREFIX, SettingsError
from exporter.daemon.settings import Settings
from exporter.ledger import (
    LedgerUnavailable,
    Limits,
    UnusableLedger,
    check_url,
    forget_sources,
    mark_used,
    open_ledger,
)

_ELSEWHERE: Final = {
    "backfill": "exporter.daemon.backfill",
    "replay": "exporter.replay.cli",
    "simulate": "exporter.simulator.cli",
    "template": "exporter.daemon.templates",
}
"""Commands to the modules that define them, each under its own name."""


class _Commands(click.Group):
    """A group that imports a command's module only if it is run or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted((*super().list_commands(ctx), *_ELSEWHERE))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _ELSEWHERE:
            command: click.Command = getattr(import_module(_ELSEWHERE[cmd_name]), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name=DISTRIBUTION, prog_name="css-exporter")
def main() -> None:
    """Prometheus exporter for the event callbacks of Tencent Cloud Streaming Services.

    Begin with: css-exporter serve
    """


@main.command(
    epilog=f"Each flag is also a variable {ENV_PREFIX}<NAME> and a key of the TOML file."
)
@setting_options
def serve(config: Path | None, **flags: str | None) -> None:
    """Receive callbacks and serve metrics, until SIGTERM."""
    settings = load_or_exit(config, flags).settings
    from exporter.daemon import logs
    from exporter.daemon.server import Server

    logs.configure(settings.log_format, settings.log_level)
    try:
        keys = keys_of(settings)
        # Refuse before the first worker, with a sentence instead of a traceback.
        open_ledger(settings.ledger_url, settings.part(Limits)).close()
        mark_used(settings.ledger_url)
    except (UnusableLedger, OSError) as error:
        raise click.ClickException(str(error)) from None
    if keys.generated:
        _show_key(settings, keys)
    Server(settings, keys).run()


@main.command("settings")
@setting_options
def show_settings(config: Path | None, **flags: str | None) -> None:
    """Print every setting with its source and effective value; secrets are masked.

    Ends with status 1 if any of them is invalid.
    """
    settings, sources, _ = load_or_exit(config, flags)
    width = max(map(len, Settings.model_fields))
    for name in Settings.model_fields:
        text = text_of_value(getattr(settings, name))
        click.echo(f"{name:{width}}  {sources.get(name, 'default'):11}  {text}".rstrip())


@main.command("copy-ledger")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO", envvar=f"{ENV_PREFIX}LEDGER")
def copy_ledger(source: str, target: str) -> None:
    """Copy the SQLite ledger FROM (a file) to the empty PostgreSQL ledger TO (a URL).

    Counts, open pushes and remembered packets go on as if nothing had happened. Stop the
    exporter first and start it on TO; meanwhile the platform keeps its callbacks. All is
    copied or nothing, and FROM keeps all that it has. TO can be given as CSS_EXPORTER_LEDGER,
    out of sight of those who list processes.
    """
    if not target.startswith(("postgresql://", "postgres://")):
        raise click.UsageError("TO must be postgresql://user:password@host:port/database")
    path = Path(source.removeprefix("sqlite:///"))
    with ExitStack() as stack:

        def begin(rows: int) -> Callable[[int], None]:
            bar = click.progressbar(length=rows, label="Copying the ledger")
            return stack.enter_context(bar).update

        try:
            check_url(target)
            postgres = import_module("exporter.ledger.postgres.copy_ledger")  # needs an extra
            rows = postgres.copy_ledger(path, target, begin)
        except (UnusableLedger, LedgerUnavailable, OSError) as error:
            raise click.ClickException(f"{error}. Nothing was copied.") from None
    click.echo(f"Copied {rows} rows. Start the exporter with this ledger now.")


@main.command("forget-source")
@click.argument("push_domain")
@click.argument("app_name")
@setting_options
def forget_source(
    push_domain: str, app_name: str, config: Path | None, **flags: str | None
) -> None:
    """Forget the series and open pushes of PUSH_DOMAIN and APP_NAME, as if it had never been.

    In both * stands for any text. Gives back what made-up names took of max_sources and
    max_series. Stop the exporter first, all replicas; meanwhile the platform keeps its callbacks.
    """
    settings = load_or_exit(config, flags).settings
    from exporter.daemon import logs

    logs.configure("console", "warning")
    try:
        forgotten = forget_sources(settings.ledger_url, push_domain, app_name)
    except (UnusableLedger, LedgerUnavailable, OSError) as error:
        raise click.ClickException(f"{error}. Nothing was forgotten.") from None
    click.echo(
        f"Forgot {forgotten.sources} sources, {forgotten.series} series and"
        f" {forgotten.open_pushes} open pushes."
    )


@main.command("files")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Also write over files that are not the same.")
def show_files(directory: Path | None, *, replace: bool) -> None:
    """List the dashboards, rules and examples that come with the exporter.

    Or write them into DIR, which is made if need be.
    """
    names = files.carried()
    if directory is None:
        click.echo("\n".join(map(str, names)))
        return
    try:
        changed = files.differing(directory, names)
        if changed and not replace:
            raise click.ClickException(
                f"{', '.join(map(str, changed))}: there already, and different. Nothing was"
                " written; --replace writes over them."
            )
        files.write(directory, names)
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Wrote {len(names)} files into {directory}.")


@main.command("doctor")
@setting_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def show_findings(config: Path | None, *, as_json: bool, **flags: str | None) -> None:
    """Say what is wrong with this installation, and what to do about it.

    Give it the settings, the user and the machine of the exporter. It changes nothing, and ends
    with status 1 if something is wrong.
    """
    from exporter.daemon import doctor, logs

    logs.configure("console", "critical")  # the findings say it
    try:
        findings = list(doctor.examine(load_given(config, flags)))
    except SettingsError as error:
        findings = [doctor.Finding("wrong", "settings", sentence) for sentence in error.errors]
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        for level, about, sentence in findings:
            click.echo(f"{level:5}  {about:15}  {sentence}.")
    sys.exit(any(finding.level == "wrong" for finding in findings))


def _show_key(settings: Settings, keys: Keys) -> None:
    if not keys.is_new:
        click.echo(f"css-exporter: using the generated callback key in {keys.generated}", err=True)
        return
    key = keys.keyring.general[0].decode()
    scheme = "https" if settings.tls_certfile else "http"
    port = settings.callback_listen.port
    click.echo(
        f"""
  No callback key is configured, so one was made. It is kept in
  {keys.generated}

  Enter this in a callback template in the Tencent console (CSS > Event Center >
  Live Stream Callback) and bind the template to your push domain:

    Callback key   {key}
    Callback URL   {scheme}://<public name of this host>:{port}{settings.callback_path}

  A binding takes effect after 5 to 10 minutes.
  Metrics: {scheme}://{settings.metrics_listen}/metrics
""",
        err=True,
    )
