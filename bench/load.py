"""What is sent, and what came of it."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.applications import KEY
from bench.contenders import PUSHGATEWAY, Running, new_run

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Load:
    """One kind of load: events, connections at a time, and what becomes of these."""

    title: str
    kind: str = "capture"
    connections: int = 32
    close: bool = False
    late: bool = False


class Outcome(NamedTuple):
    """What a run came to: answers a second, latencies in seconds, CPU seconds an answer."""

    rate: float
    median: float
    p99: float
    cpu: float
    errors: int


def signature() -> dict[str, Any]:
    """Return t and sign of a packet that is sent now."""
    expires_at = int(time.time()) + 600
    sign = md5(f"{KEY}{expires_at}".encode(), usedforsecurity=False).hexdigest()
    return {"t": expires_at, "sign": sign}


def send(load: Load, to: Running, seconds: float, *, core: str | None = "1") -> Outcome:
    """Send a load for some seconds, from a core of its own if one is given."""
    signed = signature()
    environment = os.environ | {
        "BENCH_KIND": load.kind,
        "BENCH_RUN": new_run(),
        "BENCH_T": str(signed["t"]),
        "BENCH_SIGN": signed["sign"],
        "BENCH_CLOSE": "1" if load.close else "0",
        "BENCH_PATH": to.contender.path,
        "LUA_PATH": str(_HERE / "?.lua"),
    }
    if load.late:
        given = (to.port, load.connections, seconds, to.contender.path)
        command = [sys.executable, "-m", "bench.late", *map(str, given)]
    else:
        script = "pushgateway.lua" if to.contender is PUSHGATEWAY else "load.lua"
        command = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds:g}s", "--timeout", "20s"]
        command += ["-s", str(_HERE / script), f"http://127.0.0.1:{to.port}/"]
    pinned = ["taskset", "-c", core] if core else []
    before = to.cpu_seconds()
    printed = subprocess.run(
        [*pinned, *command], env=environment, capture_output=True, text=True, check=True
    ).stdout
    used = to.cpu_seconds() - before
    [line] = [line for line in printed.splitlines() if line.startswith("RESULT")]
    rate, median, p99, errors = map(float, line.split()[1:])
    answers = max(1.0, rate * seconds)
    return Outcome(rate, median, p99, used / answers, int(errors))
