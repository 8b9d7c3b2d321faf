"""Run the benchmarks: ``python -m bench``."""

import json
import os
import platform
import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench import report
from bench.forwarding import forwarding
from bench.measures import MEASURES, Options
from docs.repository import ROOT

ALL = MEASURES | {"forwarding": forwarding}
DOCS = ROOT / "docs"


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(ALL)), help="A part of it.")
@click.option("--rounds", default=5, show_default=True, help="How often each is measured.")
@click.option("--seconds", default=5.0, show_default=True, help="How long each time.")
@click.option(
    "--out", default=DOCS, type=click.Path(path_type=Path), help="Directory to write to."
)
def main(only: tuple[str, ...], rounds: int, seconds: float, out: Path) -> None:
    """Measure all contenders in turns, and write benchmarks.md and benchmarks.json.

    Takes about three quarters of an hour, on a machine that does nothing else. Parts that are
    not measured keep the figures that benchmarks.json has.
    """
    raw_path = out / "benchmarks.json"
    raw = json.loads(raw_path.read_text()) if raw_path.exists() else {"tables": {}}
    raw["machine"] = _machine(rounds, seconds)
    with TemporaryDirectory(prefix="css-bench-") as home:
        options = Options(Path(home), rounds, seconds, lambda text: click.echo(text, err=True))
        for name in only or ALL:
            raw["tables"][name] = asdict(ALL[name](options))
            raw_path.write_text(json.dumps(raw, indent=1) + "\n")
    tables = {name: raw["tables"][name] for name in ALL if name in raw["tables"]}
    (out / "benchmarks.md").write_text(report.document(tables, raw["machine"]))


def _machine(rounds: int, seconds: float) -> list[str]:
    names = ("gunicorn", "flask", "uvicorn", "uvloop", "httptools", "psycopg")
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        ", ".join(f"{name} {version(name)}" for name in names),
        f"{rounds} rounds of {seconds:g} s; load from wrk on another core where pinned",
    ]


main()
