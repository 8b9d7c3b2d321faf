"""What is asked of the contenders, each question with a table of its own."""

import http.client
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from support.postgres import Postgres

from bench.contenders import (
    BARE,
    NAIVE,
    PUSHGATEWAY,
    Contender,
    Contest,
    Running,
    flask_view,
    ours,
    running,
)
from bench.fill import fill, many_series
from bench.load import Load, Outcome, send, signature

CAPTURES: Final = Load("captures, 32 connections kept alive")
CAPTURES_256: Final = Load("captures, 256 connections kept alive", connections=256)
PUSHES: Final = Load("pushes, 32 connections kept alive", kind="push")
NEW: Final = Load("captures, a new connection each", close=True)
LATE: Final = Load("captures, 256 clients that close 20 ms late", connections=256, late=True)


@dataclass
class Options:
    """How long and how often; ``home`` is a directory to work in."""

    home: Path
    rounds: int
    seconds: float
    say: Callable[[str], None]


@dataclass
class Table:
    """The answer to one question: loads as columns, what was measured as rows.

    ``rows`` maps a name to its runs for each column, in the order of the rounds.
    """

    title: str
    about: str
    columns: list[str]
    rows: dict[str, dict[str, list[Outcome]]] = field(default_factory=dict)
    numbers: list[tuple[str, list[str]]] = field(default_factory=list)
    """Rows of plain text, for what is no rate."""

    def add(self, row: str, column: str, outcome: Outcome) -> None:
        """Add a run."""
        self.rows.setdefault(row, {}).setdefault(column, []).append(outcome)


def by_turns(
    options: Options,
    table: Table,
    loads: Sequence[Load],
    contenders: Sequence[tuple[str, Running]],
    *,
    core: str | None = "1",
) -> Table:
    """Send each load to each contender, in turns, for all rounds."""
    for turn in range(options.rounds):
        for load in loads:
            for name, to in contenders:
                options.say(f"{table.title}: round {turn + 1}, {load.title}, {name}")
                if load.kind == "push" and to.contender is PUSHGATEWAY:
                    continue
                table.add(name, load.title, send(load, to, options.seconds, core=core))
    return table


@contextmanager
def _all(
    options: Options, contenders: Sequence[Contender], **more: Any
) -> Iterator[list[tuple[str, Running]]]:
    """Run contenders side by side."""
    with Contest(options.home) as contest:
        server: Postgres | None = None
        for contender in contenders:
            url = None
            if contender.database:
                server = server or contest.enter_context(Postgres(fsync="on"))
                url = server.database()
            contest.start(contender.name, contender, url=url, **more)
        yield contest.running


def rates(options: Options) -> Table:
    """Measure all contenders with one worker, pinned to a core."""
    loads = (CAPTURES, CAPTURES_256, PUSHES, NEW, LATE)
    table = Table(
        "One worker, pinned to one core",
        "Callbacks a second, and as a ratio to the bare Flask view.",
        [load.title for load in loads],
    )
    contenders = (flask_view(), BARE, NAIVE, PUSHGATEWAY, ours(), ours(database=True))
    with _all(options, contenders) as started:
        return by_turns(options, table, loads, started)


def unpinned(options: Options) -> Table:
    """Measure processes that the system may move."""
    loads = (CAPTURES, CAPTURES_256)
    table = Table(
        "One and two workers, not pinned",
        "Two cores for receiver and load together.",
        [load.title for load in loads],
    )
    contenders = (
        *(flask_view(), ours(), ours(database=True)),
        *(flask_view(2), ours(2), ours(2, database=True)),
    )
    with _all(options, contenders, cores=None) as started:
        return by_turns(options, table, loads, started, core=None)


def slow_disk(options: Options) -> Table:
    """Measure the exporter on disks whose flushes take longer."""
    loads = (CAPTURES, CAPTURES_256)
    table = Table(
        "A slower disk",
        "The same exporter, each flush of SQLite's file lengthened.",
        [load.title for load in loads],
    )
    library = options.home / "slow_fsync.so"
    source = Path(__file__).with_name("slow_fsync.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    with Contest(options.home) as contest:
        for extra in (0, 1, 5):
            environment = {
                "LD_PRELOAD": str(library),
                "SLOW_FSYNC_MICROSECONDS": str(extra * 1000),
            }
            contest.start(f"+{extra} ms", ours(), **environment)
        return by_turns(options, table, loads, contest.running)


def full_ledgers(options: Options) -> Table:
    """Measure the exporter on an empty ledger and on full ones."""
    loads = (CAPTURES, PUSHES)
    table = Table(
        "A full ledger",
        "One worker, pinned, on SQLite.",
        [load.title for load in loads],
    )
    with Contest(options.home) as contest:
        for name, identities, pushes in (
            ("empty", 0, 0),
            ("1,000,000 identities remembered", 1_000_000, 0),
            ("and 100,000 open pushes", 1_000_000, 100_000),
        ):
            options.say(f"{table.title}: filling {name}")
            contest.start(name, ours(), partial(fill, identities=identities, pushes=pushes))
        return by_turns(options, table, loads, contest.running)


def scrapes(options: Options) -> Table:
    """Measure scrapes, and callbacks beside them."""
    table = Table(
        "Scrapes",
        "Median of 20 requests for /metrics, and the 99th percentile of callbacks meanwhile.",
        ["seconds", "page", "callbacks alone", "beside a scrape a second"],
    )
    cases: list[tuple[str, Contender, Callable[[Path], object]]] = [
        ("exporter, 100 series", ours(), partial(many_series, series=100)),
        ("exporter, 100,000 open pushes", ours(), partial(fill, identities=0, pushes=100_000)),
        ("exporter, 10,000 series", ours(), partial(many_series, series=10_000)),
        ("MultiProcessCollector, 10,000 series", NAIVE, Path.mkdir),
    ]
    for name, contender, prepare in cases:
        options.say(f"{table.title}: {name}")
        home = options.home / f"scrape-{len(table.numbers)}"
        prepare(home)
        with running(contender, home) as one:
            port = one.metrics_port if contender.is_ours else one.port
            if contender is NAIVE:
                _fill_naive(one.port, 10_000)
            alone = send(CAPTURES, one, options.seconds)
            took, size = _scrape(port, 20)
            with _scraping(port):
                beside = send(CAPTURES, one, options.seconds)
            table.numbers.append(
                (
                    name,
                    [
                        f"{took:.3f}",
                        f"{size / 2**20:.1f} MiB",
                        f"p99 {alone.p99 * 1000:.1f} ms",
                        f"p99 {beside.p99 * 1000:.1f} ms",
                    ],
                )
            )
    return table


def life(options: Options) -> Table:
    """Measure the start, and memory over a million callbacks."""
    table = Table("Start and memory", "One worker, SQLite.", ["first answer", "at start", "later"])
    home = options.home / "life"
    began = time.monotonic()
    with running(ours(), home) as one:
        started = time.monotonic() - began - 0.5  # what ``running`` waits for other workers
        at_start = one.memory_bytes()
        sent = 0.0
        while sent < 1_000_000:
            options.say(f"{table.title}: {sent:,.0f} of 1,000,000 callbacks")
            sent += send(CAPTURES_256, one, 20).rate * 20
        later = one.memory_bytes()
    row = [f"{started:.2f} s", f"{at_start / 2**20:.0f} MiB", f"{later / 2**20:.0f} MiB"]
    table.numbers.append((f"after {sent:,.0f} callbacks", row))
    return table


MEASURES: Final = {
    "rates": rates,
    "unpinned": unpinned,
    "slow-disk": slow_disk,
    "full-ledgers": full_ledgers,
    "scrapes": scrapes,
    "life": life,
}


def _scrape(port: int, times: int) -> tuple[float, int]:
    seconds = []
    size = 0
    for _ in range(times):
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/metrics")
        size = len(connection.getresponse().read())
        connection.close()
        seconds.append(time.monotonic() - began)
    return median(seconds), size


@contextmanager
def _scraping(port: int) -> Iterator[None]:
    """Scrape once a second meanwhile, from another process."""
    shell = f"while :; do curl -s -o /dev/null http://127.0.0.1:{port}/metrics; sleep 1; done"
    process = subprocess.Popen(["sh", "-c", shell])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _fill_naive(port: int, series: int) -> None:
    """Send a packet for each series."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in range(series):
        fields = {"app": f"live{number}.example", "appname": "stage", "event_type": 200}
        body = json.dumps(fields | signature())
        connection.request("POST", "/callback", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
    connection.close()
