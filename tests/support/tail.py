"""The log of a daemon to which hostile input is sent, read on line by line."""

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from support.daemon import Daemon
from support.packets import packet
from support.programs import until


class Tail:
    """The log of a daemon, read on."""

    def __init__(self, exporter: Daemon) -> None:
        self.exporter = exporter
        self._file = exporter.log.open("rb")
        self._marks = itertools.count()

    def lines(self) -> list[str]:
        """Return the lines that came since the last call, each whole, whoever had to write them.

        A callback of our own shows that all before it are there.
        """
        mark = f"mark-{next(self._marks)}"
        assert self.exporter.post(packet("subtitles", stream_id=mark)).status == 200
        read = b""

        def is_there() -> bool:
            nonlocal read
            read += self._file.read()
            return mark.encode() in read and read.endswith(b"\n")

        until(is_there, "the log is written")
        return [line for line in read.decode().split("\n")[:-1] if mark not in line]

    def close(self) -> None:
        self._file.close()


@contextmanager
def tailing(directory: Path, log_format: str) -> Iterator[Tail]:
    """Yield the log of a new daemon, which must be well at the end: no worker lost, no failure."""
    with (
        Daemon(directory / "data", log_format=log_format) as exporter,
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
