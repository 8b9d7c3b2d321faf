"""Importing a module of ours does nothing but define what is in it."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import exporter

IMPORT_ALL = """
import logging, os, signal, socket, sys, threading
import structlog
before = dict(os.environ), signal.getsignal(signal.SIGTERM), list(logging.root.handlers)
def audit(event, arguments):
    if event in ("socket.bind", "socket.connect", "sqlite3.connect", "subprocess.Popen"):
        print(event, arguments)
    if event == "open" and isinstance(arguments[2], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            print(event, arguments)
sys.addaudithook(audit)
sys.dont_write_bytecode = True
for name in sys.argv[1:]:
    __import__(name)
after = dict(os.environ), signal.getsignal(signal.SIGTERM), list(logging.root.handlers)
assert after == before, "environment, signals or logging changed"
assert threading.active_count() == 1, threading.enumerate()
assert not structlog.is_configured()
"""


def test_importing_does_nothing(tmp_path: Path) -> None:
    """All modules are imported without a file, socket, thread, handler or word of output."""
    found = pkgutil.walk_packages(exporter.__path__, "exporter.")
    names = sorted(one.name for one in found if not one.name.endswith(".__main__"))
    assert len(names) > 50
    ended = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_command_imports_what_it_alone_needs() -> None:
    """The settings are shown without a server, and the command line needs no other command."""
    code = "import sys, exporter.cli; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(ended.stdout.split())
    assert "exporter.daemon.settings" in loaded
    assert not loaded & {"flask", "gunicorn", "uvicorn", "aiohttp", "prometheus_client"}
    assert not [name for name in loaded if name.startswith(("exporter.simulator", "exporter.web"))]
