"""The log's output: logging never waits for the reader."""

import fcntl
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemon import Start
from support.packets import packet
from support.programs import until

from exporter.daemon.log_output import LONGEST_LINE, Output

WIDE = "\N{GRINNING FACE}" * 512
"""A name as long as it may be, in characters of four bytes."""


class Pipe:
    """A pipe for a daemon's log, as small as pipes are, read only when asked."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, 4096)
        self.read = b""

    def said(self, word: str = "\n") -> bool:
        """Read what there is, and return whether a word, or a line, was in anything read."""
        try:
            while some := os.read(self._reader, 65536):
                self.read += some
        except BlockingIOError:
            pass
        return word.encode() in self.read

    def close(self) -> None:
        os.close(self._reader)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    """Return what the next daemon's log is read from."""
    pipe = Pipe(tmp_path / "data.log")
    yield pipe
    pipe.close()


def wide(number: int) -> dict[str, object]:
    """Return a packet whose line is as long as a sender can make it."""
    own = f"{number:03}{WIDE[3:]}"
    return packet("push", sequence=own, stream_id=WIDE, app=WIDE[:253], appname=WIDE)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_log_that_nobody_reads_holds_up_nothing(
    daemon: Start, pipe: Pipe, log_format: str
) -> None:
    """Callbacks are answered and SIGTERM ends the daemon, however long lines are."""
    exporter = daemon(log_format=log_format)
    until(pipe.said, "the start is read, so that there is room for a part of a line")
    for number in range(40):
        assert exporter.post(wide(number)).status == 200
    assert exporter.get("/-/ready").status == 200
    assert exporter.terminate() == 0


def test_lines_are_lost_and_counted(daemon: Start, pipe: Pipe) -> None:
    """What there was no room for is one line with their number, once the log is read again."""
    exporter = daemon(log_format="json")
    for number in range(600):
        assert exporter.post(wide(number)).status == 200
    found: Counter[str] = Counter()

    def all_known() -> bool:
        pipe.said()
        lines = [json.loads(line) for line in pipe.read.split(b"\n")[:-1]]
        found.clear()
        for line in lines:
            found[line["event"]] += line.get("count", 1)
        return found["callback.accepted"] + found["log.lost"] == 600

    until(all_known, "each line was read or is counted as lost")
    assert found["callback.accepted"] > 0
    assert found["log.lost"] > 0
    assert max(map(len, pipe.read.split(b"\n"))) < LONGEST_LINE


def lost(count: int) -> bytes:
    return f"lost {count}\n".encode()


def test_lines_are_written_in_order(tmp_path: Path) -> None:
    """What was handed over is in the file after a drain, line by line."""
    with (tmp_path / "log").open("wb") as file:
        output = Output(file.fileno(), lost)
        expected = [f"line {number}\n".encode() for number in range(5000)]
        output.write(expected[:4000])
        for line in expected[4000:]:
            output.write([line])
        output.drain()
    assert (tmp_path / "log").read_bytes() == b"".join(expected)


def test_a_reader_that_went_away_costs_lines_only() -> None:
    """With nobody at the other end of the pipe all lines are lost, and nothing else happens."""
    reader, writer = os.pipe()
    os.close(reader)
    output = Output(writer, lost)
    for _ in range(100):
        output.write([b"line\n"])
        output.drain()
    os.close(writer)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_what_a_full_disk_cost_is_said_by_the_next_line(tmp_path: Path) -> None:
    """All lines that were lost are in one number, those about earlier losses included."""
    place = os.open("/dev/full", os.O_WRONLY)
    output = Output(place, lost)
    for _ in range(3):
        output.write([b"one\n", b"two\n"])
        output.drain()
    with (tmp_path / "log").open("wb") as file:
        os.dup2(file.fileno(), place)
        output.write([b"three\n"])
        output.drain()
    os.close(place)
    assert (tmp_path / "log").read_bytes() == b"lost 6\nthree\n"


def test_a_line_cut_by_a_full_disk_is_ended(tmp_path: Path) -> None:
    """The next line that there is room for begins on a line of its own."""
    path = tmp_path / "log"
    script = f"""
import os, resource, signal
from exporter.daemon.log_output import Output
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
descriptor = os.open({str(path)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
output = Output(descriptor, lambda count: b"lost %d\\n" % count)
for limit in (8, 1000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, 1000))
    output.write([b"first\\n", b"second\\n"])
    output.drain()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
    assert path.read_bytes() == b"first\nse\nlost 1\nfirst\nsecond\n"


def test_a_fork_writes_its_own_lines_only(tmp_path: Path) -> None:
    """A child neither repeats what its parent has not written yet, nor waits for its thread."""
    script = """
import os, sys
from exporter.daemon.log_output import Output
reader, writer = os.pipe()
output = Output(writer, lambda count: b"")
output.write([b"parent\\n"] * 20_000)  # more than a pipe holds
if os.fork() == 0:
    os.dup2(1, writer)
    output.write([b"child\\n"])
    output.drain()
    os._exit(0)
os.wait()
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], check=True, timeout=30, capture_output=True
    )
    assert ended.stdout == b"child\n"
