"""Programs that run beside each other: start, wait for an answer, watch, end."""

import os
import socket
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from signal import Signals
from typing import Final

import click

from exporter.daemon.loading import ENV_PREFIX

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 30.0

_LOOK_SECONDS: Final = 0.2
_LAST_LINES: Final = 10


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was started; without a ``log`` it writes to our own output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None

    @property
    def has_ended(self) -> bool:
        """Return whether it has ended."""
        return self.process.poll() is not None

    def failed(self, what: str) -> click.ClickException:
        """Return what to raise when it failed, with the end of its log."""
        if self.log is None:
            return click.ClickException(f"{self.name} {what}")
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return click.ClickException("\n".join([f"{self.name} {what}:", *lines]))


@contextmanager
def running(
    name: str, command: list[str], ending: Signals, log: Path | None = None
) -> Iterator[Program]:
    """Run a program; at the end send it the signal ``ending`` and wait for it."""
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else None
        # In a process group of its own: Ctrl-C is for us alone, who end the parts in order.
        process = subprocess.Popen(  # noqa: S603 - our own words, no shell
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env={k: v for k, v in os.environ.items() if not k.startswith(ENV_PREFIX)},
            process_group=0,
        )
        try:
            yield Program(name, process, log)
        finally:
            _end(process, ending)


def wait_for_answer(program: Program, port: int, path: str) -> None:
    """Wait until a program answers 200 at a path; raise ``ClickException`` if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port, path):
        if program.has_ended or time.monotonic() > deadline:
            raise program.failed("does not start")
        time.sleep(_LOOK_SECONDS)


def watch(programs: Collection[Program]) -> None:
    """Wait for Ctrl-C; raise ``ClickException`` when a program ends by itself."""
    while True:
        for program in programs:
            if program.has_ended:
                raise program.failed("ended by itself")
        time.sleep(_LOOK_SECONDS)


def refuse_taken(port: int, option: str) -> None:
    """Raise ``ClickException`` if a port cannot be used; ``option`` chooses another."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} cannot be used ({error.strerror}): end what uses it, or choose"
                f' another: make demo DEMO="{option} PORT"'
            ) from None


def _end(process: subprocess.Popen[bytes], ending: Signals) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    if process.poll() is None:
        process.send_signal(ending)
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
