"""A real PostgreSQL on a temporary directory, as a user that is not root."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

import psycopg

from exporter.ledger.postgres.connection import Connection
from exporter.ledger.postgres.schema import prepare
from support.programs import cache_directory, free_port, program

_SETTINGS = {
    # What the kernel has survives every crash that these tests make.
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}

_INITDB = ("--no-sync", "--username=admin", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")

_EMPTY = """
    DO $$ BEGIN
        EXECUTE (
            SELECT 'TRUNCATE ' || string_agg('css_exporter.' || tablename, ', ')
                || ' RESTART IDENTITY'
            FROM pg_tables WHERE schemaname = 'css_exporter');
        INSERT INTO css_exporter.ledger TABLE as_made;
    END $$"""


def database_of(url: str) -> str:
    """Return the name of a URL's database."""
    return url.rpartition("/")[2]


class Postgres:
    """One server; may be stopped in any way and started again."""

    def __init__(self, **settings: str) -> None:
        self._settings = _SETTINGS | settings
        self._initdb, self._pg_ctl = program("initdb"), program("pg_ctl")
        self._databases = count()
        self._only: str | None = None
        self._user: dict[str, Any] = {}
        if os.getuid() == 0:  # the server refuses to run as root
            nobody = pwd.getpwnam("postgres")
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        # In memory if tests are; not below pytest's own directory, which only root may enter.
        place = os.environ.get("PYTEST_DEBUG_TEMPROOT", "/var/tmp")
        self.directory = Path(tempfile.mkdtemp(prefix="css-postgres-", dir=place))
        self.port = free_port()

    def __enter__(self) -> Self:
        if self._user:
            os.chown(self.directory, self._user["user"], self._user["group"])
        data = self.directory / "data"
        subprocess.run(["cp", "-a", self._made(), data], check=True)
        settings = self._settings | {
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
        }
        with (data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.start()
        with self.admin() as connection:
            # All that the exporter's role needs.
            connection.execute("CREATE ROLE css LOGIN PASSWORD 'pass:word'")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop("immediate")
        shutil.rmtree(self.directory)

    def start(self) -> None:
        """Start and wait until connections are taken."""
        self._control("start", "-l", str(self.directory / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop: ``fast`` ends connections, ``immediate`` is a crash."""
        self._control("stop", "-m", mode)

    def restart(self, mode: str) -> None:
        """Stop and start."""
        self.stop(mode)
        self.start()

    def admin(self, url: str = "/postgres") -> psycopg.Connection[Any]:
        """Return a connection of the superuser to the database of a ledger's URL."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="admin",
            dbname=database_of(url),
            autocommit=True,
        )

    def only_database(self) -> str:
        """Return the URL of an empty ledger in a database that is used over and over."""
        if self._only is None:
            self._only = self.database()
            with Connection.connect(self._only, autocommit=True) as connection:
                prepare(connection)
            self._emptying = self.admin(self._only)
            self._emptying.execute("CREATE TABLE as_made AS TABLE css_exporter.ledger")
        self._emptying.execute(_EMPTY)
        return self._only

    def through(self, port: int, url: str) -> str:
        """Return the URL of a ledger as it is reached through another port."""
        return url.replace(f":{self.port}/", f":{port}/")

    def database(self) -> str:
        """Make an empty database and return the URL of a ledger in it."""
        name = f"css{next(self._databases)}"
        with self.admin() as connection:
            connection.execute(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
            connection.execute(f"GRANT CREATE ON DATABASE {name} TO css")
        return f"postgresql://css:pass%3Aword@127.0.0.1:{self.port}/{name}"

    def _made(self) -> Path:
        """Return the files of a new server, made once on a machine for all that begin so."""
        version = subprocess.check_output([self._initdb, "--version"], text=True)
        recipe = hashlib.sha256(" ".join([version, *_INITDB]).encode()).hexdigest()
        made = cache_directory() / f"server-{recipe[:12]}"
        if not made.is_dir():
            new = self.directory / "new"
            self._run(self._initdb, *_INITDB, f"--pgdata={new}")
            copy = Path(tempfile.mkdtemp(dir=made.parent))
            subprocess.run(["cp", "-aT", new, copy], check=True)
            with suppress(OSError):
                copy.rename(made)
            shutil.rmtree(copy, ignore_errors=True)  # another was first
        return made

    def _control(self, *arguments: str) -> None:
        self._run(self._pg_ctl, *arguments, "-w", "-D", str(self.directory / "data"))

    def _run(self, *command: str) -> None:
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, cwd=self.directory, **self._user
        )
