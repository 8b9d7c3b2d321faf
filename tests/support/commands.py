"""The command line as a user runs it."""

import subprocess
import sys
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import Any

from support import forks
from support.daemon import Daemon
from support.packets import KEY
from support.programs import environment


def css_exporter(
    *arguments: Any, variables: Mapping[str, str] | None = None, **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Run ``css-exporter`` to its end, with settings, and with further variables if given."""
    command = ["-m", "exporter", *map(str, arguments)]
    env = environment(**settings) | dict(variables or {})
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        status = forks.start(command, env, output, errors).wait(120)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(command, status, output.read(), errors.read())


def css_exporter_as_nobody(*arguments: Any) -> subprocess.CompletedProcess[str]:
    """Run it as a user with no rights; only root can become that user."""
    # All is imported before: Python's own files may be for root alone.
    script = (
        "import encodings.idna, os, sys; import exporter.daemon.doctor, exporter.daemon.server;"
        "from exporter.cli import main; os.setuid(65534); main(sys.argv[1:])"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(),
    )


def started(*arguments: Any, stdin: bool = False, quiet: bool = False) -> subprocess.Popen[str]:
    """Start ``css-exporter``; the caller ends it, and reads what it says unless ``quiet``."""
    output = subprocess.DEVNULL if quiet else subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-m", "exporter", *map(str, arguments)],
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        text=True,
        env=environment(),
    )


def towards(exporter: Daemon) -> tuple[str, ...]:
    """Return the flags that send to a daemon, signed with the tests' key."""
    return ("--url", f"http://127.0.0.1:{exporter.public_port}/callback", "--key", KEY)


def metrics_url(exporter: Daemon) -> str:
    """Return the address of a daemon's metrics."""
    return f"http://127.0.0.1:{exporter.private_port}/metrics"
