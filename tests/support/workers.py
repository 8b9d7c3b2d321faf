"""Pytest's processes side by side, each a fork of one that has imported all tests.

``workers.py NUMBER ARGUMENT...`` is ``pytest -n NUMBER ARGUMENT...``, but that there each process
imports every test for itself, and compiles those that have changed.  pytest-xdist starts this
file in place of an interpreter: it hands its input and output on to a fork, and stays as long as
that does.
"""

import atexit
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import NoReturn

_MOST_WAITING = 100
_MOST_BYTES = 4096


def _side_by_side(number: str, arguments: Sequence[str]) -> int:
    """Test with a number of processes; return pytest's exit status."""
    directory = tempfile.mkdtemp()
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{directory}/socket")
            listener.listen(_MOST_WAITING)
            interpreter = f"{sys.executable} -I {Path(__file__).resolve()} {directory}/socket"
            processes = ("--tx", f"{number}*popen//python={interpreter}")
            ended, its_end = os.pipe()  # readable once nobody holds the other end
            command = [sys.executable, "-m", "pytest", *processes, *arguments]
            pytest = subprocess.Popen(command, pass_fds=[its_end])
            os.close(its_end)
            _import_tests(arguments)
            _fork_until(ended, listener)
            return pytest.wait()
    finally:
        shutil.rmtree(directory)


def _import_tests(arguments: Sequence[str]) -> None:
    """Collect as the others will; what goes wrong they will say."""
    sys.argv = ["pytest", "--collect-only", "--quiet", *arguments]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), suppress(SystemExit):
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)


def _fork_until(ended: int, listener: socket.socket) -> None:
    """Fork whenever pytest-xdist asks: also in place of a process that crashed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # pytest has its own way to end
    while ended not in select.select([ended, listener.fileno()], [], [])[0]:
        connection, _ = listener.accept()
        script, pipes, *_ = socket.recv_fds(connection, _MOST_BYTES, 2)
        if not os.fork():
            _be_interpreter(script, pipes)
        for one in (*pipes, connection.detach()):
            os.close(one)


def _be_interpreter(script: bytes, pipes: Sequence[int]) -> NoReturn:
    """Do what ``python -c`` would: run the line with which execnet begins, and end."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, one in enumerate(pipes):
        os.dup2(one, number)
        os.close(one)
    try:
        exec(script, {"__name__": "__main__"})
    finally:
        # As `support.forks` does, and not as an interpreter: that would take apart all tests.
        threading._shutdown()  # type: ignore[attr-defined]  # it has no type
        atexit._run_exitfuncs()
        os._exit(0)


def _hand_on(path: str) -> None:
    """Give input and output to a fork; return once it has ended."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [sys.argv[-1].encode()], [0, 1])
        os.closerange(0, 2)  # so that their ends are seen
        connection.recv(1)


if __name__ == "__main__":
    first, *others = sys.argv[1:]
    if first.isdigit():
        sys.exit(_side_by_side(first, others))
    _hand_on(first)
