"""A real ``css-exporter serve`` on free ports, to be talked to over HTTP."""

import http.client
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from werkzeug.datastructures import Headers

from support import forks
from support.expositions import samples
from support.packets import KEY, Packet, body_of
from support.programs import environment, free_port, python_path, until


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Headers

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 20,
) -> Answer:
    """Send one HTTP request to the loopback interface."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.read(), Headers(response.getheaders()))
    finally:
        connection.close()


class Daemon:
    """One daemon on a data directory; may be killed and started again.

    A setting that is None is not given.
    """

    under: tuple[str, ...] = ()
    """The command that runs it, if it is not run by itself."""

    command: tuple[str, ...] = ("-m", "exporter", "serve")
    """What Python is to run."""

    def __init__(self, data_dir: Path, **settings: Any) -> None:
        self.data_dir = data_dir
        self.public_port = free_port()
        self.private_port = free_port()
        self.log = data_dir.with_suffix(".log")
        self.settings = {
            "callback_listen": f"127.0.0.1:{self.public_port}",
            "metrics_listen": f"127.0.0.1:{self.private_port}",
            "callback_keys": KEY,
            "data_dir": str(data_dir),
        } | settings
        self.process: forks.Process | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            # How it ends by itself is what some tests are about; here nobody looks, and waits.
            with suppress(ProcessLookupError):
                self.kill()

    def start(self) -> None:
        """Start and wait until callbacks are answered."""
        env = environment(**self.settings) | {"PYTHONPATH": python_path()}
        with self.log.open("ab") as log:
            self.process = forks.start(self.command, env, log, under=self.under)
        until(self.answers, "the daemon answers")

    def kill(self) -> None:
        """End the daemon and its workers at once, as a crash would."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> int:
        """Ask the daemon to end and return its exit status."""
        assert self.process
        self.process.terminate()
        return self.process.wait(30)

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        assert self.process
        pid = self.process.pid
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]

    def post(
        self, packet: Packet, path: str = "/callback", *, key: str = KEY, timeout: float = 20
    ) -> Answer:
        """Send a packet, signed now."""
        body = body_of(packet, key=key)
        return request(self.public_port, "POST", path, body, timeout=timeout)

    def get(self, path: str, **headers: str) -> Answer:
        """Get a path of the private listener."""
        return request(self.private_port, "GET", path, headers=headers)

    def metrics(self, path: str = "/metrics", **headers: str) -> dict[str, float]:
        """Return every sample as ``name{label="value",...}`` with labels sorted."""
        return samples(self.get(path, **headers).body.decode())

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the log's JSON lines so far, of one event if given."""
        whole = self.log.read_text().rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines() if line[:1] == "{"]
        return [line for line in lines if event in (None, line["event"])]

    def line(self, **fields: Any) -> dict[str, Any]:
        """Return the newest JSON line with these values, which may take a moment."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines() if fields.items() <= line.items()]

        until(found, f"a line with {fields}")
        return found()[-1]

    def answers(self) -> bool:
        """Return whether callbacks are answered; raise if the daemon ended."""
        assert self.process
        if self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended: {self.log.read_text()}")
        try:
            return request(self.public_port, "GET", "/-/healthy", timeout=2).status == 200
        except OSError:
            return False


class Shell(Daemon):
    """The Flask applications under an ordinary WSGI server."""

    command = ("-m", "support.wsgi")


class Start(Protocol):
    """Starts a daemon with settings, on a directory of the test's: the fixture ``daemon``."""

    def __call__(self, name: str | Path = "data", **settings: Any) -> Daemon:
        """Return it started; it ends with the test."""
        ...
