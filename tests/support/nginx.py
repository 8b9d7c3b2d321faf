"""A real nginx on the files that are shipped, its names and ports replaced by free ones."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.daemon import request
from support.programs import program, stop, until


def replaced(text: str, replacements: Mapping[str, str]) -> str:
    """Return a text with every one of the replacements made; each must be there."""
    for old, new in replacements.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(directory: Path, configuration: str) -> Iterator[Path]:
    """Check a main configuration, run it, and yield the error log."""
    path = directory / "nginx.conf"
    path.write_text(configuration)
    log = directory / "nginx.log"
    command = [program("nginx"), "-e", str(log), "-c", str(path), "-g", "daemon off;"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr + log.read_text()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield log
    finally:
        stop(process)


def until_it_answers(port: int) -> None:
    """Wait until a listener without TLS answers."""

    def answers() -> bool:
        try:
            return bool(request(port, "GET", "/").status)
        except OSError:
            return False

    until(answers, f"nginx answers at {port}")
