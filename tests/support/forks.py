"""Programs of the exporter as forks of one process that has imported it, and done nothing else.

Hundreds of tests start one; its imports are half a second of CPU time each, and half of what is
left is to take them apart at the end.  Everything in between is what a fresh interpreter does, in
a process of its own.  With ``FRESH=1`` in the environment each begins with an interpreter of its
own, as those of the image, of the unit file, of the recipes, of the first run and of the smoke
test always do.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn, Protocol

import exporter
from support.programs import python_path

_MOST_BYTES = 1 << 17
_LOCK = threading.Lock()
_PATHS = (os.environ.get("PYTHONPATH"), python_path())


class Process(Protocol):
    """What tests use of a started program, in the words of ``subprocess.Popen``."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...


def start(
    command: Sequence[str],
    env: Mapping[str, str],
    output: IO[Any],
    errors: IO[Any] | None = None,
    *,
    under: Sequence[str] = (),
) -> Process:
    """Start ``-m module argument...`` in a session of its own, with the output into files.

    Run by another command, ``under``, or with another path of modules, it begins with an
    interpreter of its own.
    """
    if under or env.get("PYTHONPATH") not in _PATHS or os.environ.get("FRESH"):
        return subprocess.Popen(
            [*under, sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors or output,
            env=env,
            start_new_session=True,
        )
    return Fork(command, env, output, errors or output)


class Fork:
    """A started program; its parent is the process that it was forked from."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], output: IO[Any], errors: IO[Any]
    ) -> None:
        self.args = command
        self.returncode: int | None = None
        self._ended, its_end = socket.socketpair()
        message = json.dumps([*command[1:], str(Path.cwd()), dict(env)]).encode()
        with its_end, Path(os.devnull).open() as nothing:
            files = [nothing.fileno(), output.fileno(), errors.fileno(), its_end.fileno()]
            with _LOCK:
                connection, _process = _origin()
                socket.send_fds(connection, [message], files)
                self.pid = int(connection.recv(16))

    def poll(self) -> int | None:
        """Return its exit status if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status, once it has ended; raise ``TimeoutExpired`` if it does not."""
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._ended.recv(16))
            self._ended.close()
        return self.returncode

    def send_signal(self, number: int, /) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


@functools.cache
def _origin() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Return the process that forks, and the connection to it; it ends with this one."""
    ours, its_own = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its_own:
        process = subprocess.Popen(
            [sys.executable, "-m", "support.forks", str(its_own.fileno())],
            env=os.environ | {"PYTHONPATH": python_path()},
            pass_fds=[its_own.fileno()],
            stdin=subprocess.DEVNULL,
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours, process


def _fork_as_asked(connection: socket.socket) -> list[str]:
    """Fork whenever asked; return what to run, in each child."""
    children: dict[int, int] = {}

    def reap(_number: int, _frame: FrameType | None) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                with suppress(BrokenPipeError):  # nobody waits for it
                    os.write(children[ended[0]], b"%d" % os.waitstatus_to_exitcode(ended[1]))
                os.close(children.pop(ended[0]))

    signal.signal(signal.SIGCHLD, reap)
    while True:
        message, files, *_ = socket.recv_fds(connection, _MOST_BYTES, 4)
        if not message:
            os._exit(0)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid:
            children[pid] = files.pop()
            for one in files:
                os.close(one)
            connection.send(b"%d" % pid)
        else:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        if not pid:
            return _as_if_fresh(message, files)


def _as_if_fresh(message: bytes, files: Sequence[int]) -> list[str]:
    """Give a child the session, files and environment of a new program; return what to run."""
    os.setsid()
    for number, one in enumerate(files[:3]):
        os.dup2(one, number)
    os.closerange(3, max(files) + 1024)
    *command, directory, variables = json.loads(message)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    return list(command)


def _import_all() -> None:
    """Import the exporter, each module of it but those that ``-m`` is to run, and no more."""
    for module in pkgutil.walk_packages(exporter.__path__, "exporter."):
        if not module.name.endswith("__main__") and not module.name.startswith("exporter.demo"):
            importlib.import_module(module.name)
    gc.freeze()


def _run(command: Sequence[str]) -> int:
    """Run a module as ``-m`` does; return its exit status, raise what ends it otherwise."""
    sys.argv = list(command)
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        return end.code or 0
    return 0


def _end(status: int) -> NoReturn:
    """End as an interpreter does, but for taking apart all that was imported."""
    # Waits for threads and ends pools of them first; there is no public way to do both.
    threading._shutdown()  # type: ignore[attr-defined]  # it has no type
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(status)  # an interpreter has its own way with that
    os._exit(status & 0xFF)


if __name__ == "__main__":
    _import_all()
    _end(_run(_fork_as_asked(socket.socket(fileno=int(sys.argv[1])))))
