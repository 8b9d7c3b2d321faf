"""The log of a daemon to which hostile input is sent, read on line by line."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from support.daemon import Daemon
from support.packets import packet


class Tail:
    """The log of a daemon, read on."""

    def __init__(self, exporter: Daemon) -> None:
        self.exporter = exporter
        self._file = exporter.log.open("rb")

    def lines(self) -> list[str]:
        """Return the lines that came since the last call, each whole."""
        read = self._file.read().decode()
        assert not read or read[-1] == "\n"
        return read.split("\n")[:-1]

    def close(self) -> None:
        self._file.close()


@contextmanager
def tailing(directory: Path, log_format: str) -> Iterator[Tail]:
    """Yield the log of a new daemon, which must be well at the end: no worker lost, no failure."""
    with (
        Daemon(directory / "data", log_format=log_format, threads=8) as exporter,
        closing(Tail(exporter)) as tail,
    ):
        workers = exporter.workers()
        tail.lines()
        yield tail
        assert exporter.post(packet("push", sequence="after")).status == 200
        assert exporter.get("/-/ready").status == 200
        assert exporter.workers() == workers
        assert exporter.terminate() == 0
        logged = exporter.log.read_text()
        assert "ledger.failed" not in logged
        assert "Traceback" not in logged
