"""The command ``copy-ledger``: from one machine to a database that replicas share."""

from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import click

from exporter.ledger import LedgerRefused, LedgerUnavailable, check_url
from exporter.settings import ENV_PREFIX


@click.command("copy-ledger")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO", envvar=f"{ENV_PREFIX}LEDGER")
def copy_ledger(source: str, target: str) -> None:
    """Copy the SQLite ledger FROM (a file) to the empty PostgreSQL ledger TO (a URL).

    Counts, open pushes and remembered packets go on as if nothing had happened. Stop the
    exporter first and start it on TO; meanwhile the platform keeps its callbacks. All is
    copied or nothing, and FROM stays as it is. TO can be given as CSS_EXPORTER_LEDGER, out of
    sight of those who list processes.
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
            copying = import_module("exporter.ledger.postgres.copying")  # needs an extra
            rows = copying.copy(path, target, begin)
        except (LedgerRefused, LedgerUnavailable, OSError) as error:
            raise click.ClickException(f"{error}. Nothing was copied.") from None
    click.echo(f"Copied {rows} rows. Start the exporter with this ledger now.")
