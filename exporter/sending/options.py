"""The flags that ``simulate`` and ``replay`` share: where to send, and signed with which key."""

from pathlib import Path
from typing import Any

import click

from exporter.sending.connection import CallbackUrl


def receiver_options(command: Any) -> Any:
    """Give a command ``--url``, ``--key``, ``--key-file`` and ``--connections``."""
    for option in (
        click.option(
            "--connections",
            type=click.IntRange(1, 256),
            default=16,
            show_default=True,
            help="Parallel connections.",
        ),
        click.option(
            "--key-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="File whose first line is the callback key, such as data/callback-key.",
        ),
        click.option("--key", help="Callback key to sign with; without one nothing is signed."),
        click.option(
            "--url", callback=_callback_url, help="Callback URL, http://127.0.0.1:8080/callback."
        ),
    ):
        command = option(command)
    return command


def callback_key_of(key: str | None, key_file: Path | None) -> bytes | None:
    """Return the key to sign with, None to sign nothing.  Raises click's errors."""
    if key and key_file:
        raise click.UsageError("give --key or --key-file, not both")
    if key_file is None:
        return key.encode() if key else None
    lines = key_file.read_text(encoding="utf-8").split()
    if not lines:
        raise click.ClickException(f"{key_file} holds no key")
    return lines[0].encode()


def _callback_url(_context: click.Context, _parameter: click.Parameter, url: str | None) -> Any:
    try:
        return url and CallbackUrl.of(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
