"""The command line: ``css-exporter``."""

from pathlib import Path

import click

from exporter import logs
from exporter.copying import copy_ledger
from exporter.exposition import own_version
from exporter.flags import load_or_exit, setting_options, shown
from exporter.keys import Keys, keys_of
from exporter.ledger import LedgerRefused, open_ledger
from exporter.server import Server
from exporter.settings import ENV_PREFIX, Settings
from exporter.simulator.cli import replay, simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(own_version(), prog_name="css-exporter")
def main() -> None:
    """Prometheus exporter for the event callbacks of Tencent Cloud Streaming Services.

    Begin with: css-exporter serve
    """


main.add_command(copy_ledger)
main.add_command(simulate)
main.add_command(replay)


@main.command(
    epilog=f"Each flag is also a variable {ENV_PREFIX}<NAME> and a key of the TOML file."
)
@setting_options
def serve(config: Path | None, **flags: str | None) -> None:
    """Receive callbacks and serve metrics, until SIGTERM."""
    settings = load_or_exit(config, flags).settings
    logs.configure(settings.log_format, settings.log_level)
    try:
        keys = keys_of(settings)
        # Refuse before the first worker, with a sentence instead of a traceback.
        open_ledger(settings.ledger_url, settings.ledger_limits).close()
    except (LedgerRefused, OSError) as error:
        raise click.ClickException(str(error)) from None
    if keys.generated:
        _tell_key(settings, keys)
    Server(settings, keys).run()


@main.command("settings")
@setting_options
def show_settings(config: Path | None, **flags: str | None) -> None:
    """Print every setting with its source and effective value; secrets are masked.

    Ends with status 1 if any of them is invalid.
    """
    settings, sources = load_or_exit(config, flags)
    width = max(map(len, Settings.model_fields))
    for name in Settings.model_fields:
        value = getattr(settings, name)
        click.echo(f"{name:{width}}  {sources.get(name, 'default'):11}  {shown(value)}".rstrip())


def _tell_key(settings: Settings, keys: Keys) -> None:
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
