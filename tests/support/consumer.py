"""A real consumer behind the exporter: Flask under gunicorn, which records what arrives.

As a module it is the application; the class runs it.
"""

import base64
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

from flask import Flask, Response, request

from support import forks
from support.daemon import Daemon
from support.daemon import request as ask
from support.programs import free_port, program, python_path, until


class Arrival(NamedTuple):
    """A request as it arrived; ``target`` is path and query as they were sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def packet(self) -> Any:
        return json.loads(self.body)


class Certificate(NamedTuple):
    """A certificate that signs itself, and its key."""

    chain: Path
    key: Path


class Consumer:
    """One consumer; may be stopped and started again at the same port."""

    def __init__(
        self, directory: Path, certificate: Certificate | None = None, threads: int = 64
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.port = free_port()
        self.scheme = "https" if certificate else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}/hooks"
        self._arrivals = directory / "arrivals"
        self._behaviour = directory / "behaviour"
        self._log = directory / "log"
        self._threads = threads
        self._tls = (
            [f"--certfile={certificate.chain}", f"--keyfile={certificate.key}"]
            if certificate
            else []
        )
        self._process: forks.Process | None = None
        self.behave()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until requests are answered."""
        environment = os.environ | {
            "PYTHONPATH": python_path(),
            "CONSUMER_ARRIVALS": str(self._arrivals),
            "CONSUMER_BEHAVIOUR": str(self._behaviour),
        }
        with self._log.open("ab") as log:
            self._process = forks.start(
                [
                    *("-m", "gunicorn", f"--bind=127.0.0.1:{self.port}"),
                    *("--worker-class=gthread", f"--threads={self._threads}", "--keep-alive=5"),
                    *(*self._tls, "support.consumer:create_app()"),
                ],
                environment,
                log,
            )
        until(self._listens, "the consumer listens")

    def stop(self) -> None:
        """End it at once: its connections break, and new ones are refused."""
        if self._process:
            # Asked to end, it would wait for connections that the exporter keeps.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def behave(self, **behaviour: Any) -> None:
        """Answer so from now on: ``status``, ``text``, ``headers``, ``seconds`` of delay."""
        new = self._behaviour.with_suffix(".new")
        new.write_text(json.dumps(behaviour))
        new.rename(self._behaviour)

    def arrivals(self) -> list[Arrival]:
        """Return every request so far."""
        if not self._arrivals.exists():
            return []
        whole = self._arrivals.read_text().rpartition("\n")[0]
        found = [json.loads(line) for line in whole.splitlines()]
        return [Arrival(**one | {"body": base64.b64decode(one["body"])}) for one in found]

    def arrival(self) -> Arrival:
        """Return the newest request."""
        return self.arrivals()[-1]

    def _listens(self) -> bool:
        if self.scheme == "https":
            return "Listening" in self._log.read_text()
        try:
            return ask(self.port, "GET", "/").status == 200
        except OSError:
            return False


def certificate(directory: Path, name: str) -> Certificate:
    """Return a certificate for a name, ``DNS:…`` or ``IP:…``."""
    directory.mkdir()
    made = Certificate(directory / "chain.pem", directory / "key.pem")
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-nodes", "-days", "2"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-subj", "/CN=consumer", "-addext", f"subjectAltName={name}"),
            *("-out", made.chain, "-keyout", made.key),
        ],
        check=True,
        capture_output=True,
    )
    return made


def forwards(exporter: Daemon, event: str, result: str) -> float:
    """Return how many callbacks of an event were forwarded with this result."""
    shown = exporter.metrics("/metrics?collect[]=ledger")
    return shown.get(f'tencent_css_forwards_total{{event="{event}",result="{result}"}}', 0)


def counted(exporter: Daemon, event: str, result: str, more: float) -> None:
    """Wait until so many are counted: tallies ride with a commit, at most a second later."""
    until(lambda: forwards(exporter, event, result) == more, f"{more} {result}")


def create_app() -> Flask:
    """Return the application that gunicorn runs."""
    app = Flask(__name__)
    arrivals = Path(os.environ["CONSUMER_ARRIVALS"])
    behaviour = Path(os.environ["CONSUMER_BEHAVIOUR"])

    @app.get("/")
    def index() -> str:
        return "the consumer"

    @app.route("/hooks", methods=["POST"])
    @app.route("/hooks/<path:_below>", methods=["POST"])
    def take(_below: str = "") -> Response:
        line = {
            "method": request.method,
            "target": request.environ["RAW_URI"],
            "headers": dict(request.headers),
            "body": base64.b64encode(request.get_data()).decode(),
        }
        with arrivals.open("a") as file:
            file.write(json.dumps(line) + "\n")
        wanted = json.loads(behaviour.read_text())
        time.sleep(wanted.get("seconds", 0))
        return Response(
            wanted.get("text", '{"code":0,"from":"consumer"}'),
            wanted.get("status", 200),
            wanted.get("headers", {"Content-Type": "application/json"}),
        )

    return app
