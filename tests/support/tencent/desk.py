"""What tests need to talk with the double: clients, rounds, the commands."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from click.testing import CliRunner, Result

from exporter.cli import main
from exporter.ledger import Ledger
from exporter.tencent.calling import Account, Caller, Patience
from exporter.tencent.client import Client
from exporter.tencent.reading import Pair
from exporter.tencent.rounds import Rounds
from exporter.tencent.streams import StreamClient
from support.packets import KEY
from support.tencent.server import Double

URL = "https://css.example.com/callback"
HASTY = Patience(read_seconds=0.5, call_seconds=2, pauses=(0.01, 0.01, 0.01))
ONCE = Patience(read_seconds=0.5, call_seconds=1, pauses=())


def client(double: Double, patience: Patience = HASTY) -> Client:
    """Return a client of the double, with the credentials of the environment."""
    waited: list[str] = []
    caller = Caller(Account(tencent_endpoint=double.endpoint), waited.append, patience)
    return Client(caller, waited.append)


def stream_client(double: Double, patience: Patience = ONCE) -> StreamClient:
    """Return a client that asks the double for streams."""
    site = double.world.site
    account = Account(tencent_endpoint=double.endpoint)
    assert site == account.tencent_site
    return StreamClient(Caller(account, lambda _: None, patience), site)


def rounds(
    double: Double,
    ledger: Ledger,
    configured: Iterable[Pair] = (),
    clock: Callable[[], float] = time.time,
) -> Rounds:
    """Return rounds of reconciliation with the double."""
    return Rounds(ledger, stream_client(double), configured, 60, clock=clock)


def template(double: Double, *arguments: object, stdin: str = "", **settings: Any) -> Result:
    """Run ``css-exporter template`` against the double, with the tests' callback key.

    An empty setting is not given.
    """
    given = {"callback_keys": KEY, "tencent_endpoint": double.endpoint} | settings
    variables = {f"CSS_EXPORTER_{name.upper()}": value for name, value in given.items() if value}
    result = CliRunner().invoke(
        main, ["template", *map(str, arguments)], env=variables, input=stdin
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def document(double: Double, *arguments: object, **settings: Any) -> Any:
    """Run a command with ``--json`` and return what it answers."""
    return json.loads(template(double, *arguments, "--json", **settings).stdout)
