"""Settings on the command line: a flag for each, all errors at once, secrets masked."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from exporter.daemon.loading import CONFIG_VARIABLE, Loaded, SettingsError, load
from exporter.daemon.setting_types import without_password
from exporter.daemon.settings import Settings


def setting_options(command: Any) -> Any:
    """Give a command ``--config`` and a flag for each setting.

    Values stay text here, to be checked together with those of the other sources.
    """
    return some_setting_options(*Settings.model_fields)(command)


def some_setting_options(*names: str) -> Callable[[Any], Any]:
    """Return a decorator that gives a command ``--config`` and a flag for each named setting."""
    return lambda command: _with_options(names, command)


def _with_options(names: tuple[str, ...], command: Any) -> Any:
    for name in reversed(names):
        field = Settings.model_fields[name]
        if isinstance(field.default, dict):
            continue  # a table: only in the file
        # A switch needs no value, and takes one.
        switch: dict[str, Any] = (
            {"is_flag": False, "flag_value": "true"} if field.annotation is bool else {}
        )
        command = click.option(
            f"--{name.replace('_', '-')}",
            help=f"{field.description} [{text_of_value(field.default) or 'none'}]",
            metavar="TEXT",
            **switch,
        )(command)
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        help=f"TOML file of settings; also {CONFIG_VARIABLE}.",
    )
    return config(command)


def load_given(config: Path | None, flags: dict[str, str | None]) -> Loaded:
    """Return the settings, with those of the flags that were given.  Raises ``SettingsError``."""
    return load({name: value for name, value in flags.items() if value is not None}, config)


def load_or_exit(config: Path | None, flags: dict[str, str | None]) -> Loaded:
    """Return the settings, or print every error and end with status 1."""
    try:
        loaded = load_given(config, flags)
    except SettingsError as error:
        for sentence in error.errors:
            click.echo(f"css-exporter: {sentence}", err=True)
        sys.exit(1)
    for sentence in loaded.warnings:
        click.echo(f"css-exporter: warning: {sentence}", err=True)
    return loaded


def text_of_value(value: Any) -> str:
    """Return a setting's value as text; of secrets it shows only that they are set."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{key}: {text_of_value(item)}" for key, item in value.items())
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return ", ".join(map(text_of_value, value))
    if isinstance(value, str):
        return without_password(value)
    return "" if value is None else str(value)
