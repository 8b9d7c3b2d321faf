"""A real Prometheus on a free port, to be asked what it scraped."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from support.daemon import request
from support.programs import free_port, program, until


class Value(NamedTuple):
    """One element of an instant vector."""

    labels: dict[str, str]
    value: float


class Prometheus:
    """One Prometheus on a directory; ``config`` is the text of its configuration file.

    ``program_name`` chooses another version: ``prometheus-2.53``.
    """

    def __init__(self, directory: Path, config: str, program_name: str = "prometheus") -> None:
        self.directory = directory
        self._program = program(program_name)
        self.port = free_port()
        self.log = directory / "prometheus.log"
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            # Nobody looks at what it would still write.
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        """Start and wait until queries are answered."""
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "prometheus.yml"
        config.write_text(self._config, encoding="utf-8")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self.directory / 'tsdb'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=warn",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._ready, "Prometheus is ready", 60)

    def query(self, expression: str) -> list[Value]:
        """Return the instant vector of an expression, now; a scalar as one value."""
        data = self._get(f"/api/v1/query?query={quote(expression, safe='')}")
        if data["resultType"] == "scalar":
            return [Value({}, float(data["result"][1]))]
        return [Value(item["metric"], float(item["value"][1])) for item in data["result"]]

    def value(self, expression: str) -> float | None:
        """Return the only value of an expression, None if there is none."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return found[0].value if found else None

    def targets(self) -> list[dict[str, Any]]:
        """Return the active targets, with ``health`` and ``lastError``."""
        found: list[dict[str, Any]] = self._get("/api/v1/targets?state=active")["activeTargets"]
        return found

    def groups(self) -> list[dict[str, Any]]:
        """Return the rule groups, each rule with its ``health``."""
        found: list[dict[str, Any]] = self._get("/api/v1/rules")["groups"]
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or fire, with their ``annotations``."""
        found: list[dict[str, Any]] = self._get("/api/v1/alerts")["alerts"]
        return found

    def until_up(self, seconds: float = 30) -> None:
        """Wait until every target was scraped without an error."""
        until(
            lambda: (found := self.targets()) and all(one["health"] == "up" for one in found),
            "every target is up",
            seconds,
        )

    def _get(self, path: str) -> Any:
        answer = json.loads(request(self.port, "GET", path).body)
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        return answer["data"]

    def _ready(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise RuntimeError(f"Prometheus ended: {self.log.read_text()}")
        try:
            return request(self.port, "GET", "/-/ready", timeout=2).status == 200
        except OSError:
            return False
