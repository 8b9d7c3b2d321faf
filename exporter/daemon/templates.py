"""The command group ``template``: the settings, handed to what talks with Tencent Cloud."""

from pathlib import Path

import click

from exporter.daemon.flags import load_or_exit, some_setting_options
from exporter.daemon.keys import KEY_FILE, keys_of
from exporter.daemon.settings import Settings
from exporter.protocol.signature import Keyring
from exporter.tencent.calling import Account
from exporter.tencent.commands import COMMANDS
from exporter.tencent.desk import Setup


@click.group(commands=COMMANDS)
@some_setting_options(
    *("tencent_site", "tencent_endpoint", "tencent_credentials_file"),
    *("callback_path", "callback_keys", "callback_keys_file", "accept_unsigned", "data_dir"),
)
@click.pass_context
def template(context: click.Context, /, config: Path | None, **flags: str | None) -> None:
    """Look at and change callback templates and rules, through Tencent Cloud's API.

    A template has a callback key and a URL for each event; a rule binds it to a push domain.
    Give these settings as serve has them, best by the same --config or environment. This needs
    the extra tencentcloud and credentials of an account (docs/tencent-cloud.md).
    """
    context.obj = lambda: _setup_of(load_or_exit(config, flags).settings)


def _setup_of(settings: Settings) -> Setup:
    try:
        keyring = _keyring(settings)
    except OSError as error:
        raise click.ClickException(str(error)) from None
    return settings.part(Setup, account=settings.part(Account), keyring=keyring)


def _keyring(settings: Settings) -> Keyring:
    """Return the exporter's keys; none is made here, for it would belong to another user."""
    is_given = settings.callback_keys or settings.callback_keys_file
    if is_given or settings.callback_keys_by_domain or (settings.data_dir / KEY_FILE).exists():
        return keys_of(settings).keyring
    return Keyring()
