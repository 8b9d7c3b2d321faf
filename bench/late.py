"""Clients that close their connections late, as any client on a real network does.

Run as a program; prints what bench/load.lua prints.
"""

import asyncio
import json
import os
import sys
import time
from hashlib import md5
from itertools import count
from typing import Final, cast

import uvloop

CLOSES_AFTER_SECONDS: Final = 0.02


class Client(asyncio.Protocol):
    """One connection: sends a packet, and closes some time after the answer."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._began = time.perf_counter()
        self._is_answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send."""
        self._transport = cast("asyncio.Transport", transport)
        self._run.number += 1
        self._transport.write(self._run.request())

    def data_received(self, data: bytes) -> None:
        """Take the answer by its beginning, and let another client begin."""
        if self._is_answered:
            return
        self._is_answered = True
        self._run.taken(time.perf_counter() - self._began, good=data.startswith(b"HTTP/1.1 200"))
        asyncio.get_running_loop().call_later(CLOSES_AFTER_SECONDS, self._transport.close)


class Run:
    """All clients of a run."""

    def __init__(self, port: int, seconds: float, path: str) -> None:
        self.number = 0
        self._port = port
        self._path = path
        self._ends = time.monotonic() + seconds
        self._seconds = seconds
        self._latencies: list[float] = []
        self._errors = 0
        self._tasks: set[asyncio.Task[None]] = set()
        expires_at = int(time.time()) + 600
        sign = md5(f"bench{expires_at}".encode(), usedforsecurity=False).hexdigest()
        self._fields = {"event_type": 200, "app": "live.bench.example", "appname": "stage"}
        self._fields |= {"create_time": expires_at - 600, "file_size": 7520, "t": expires_at}
        self._fields |= {"sign": sign}
        self._names = count()
        self._name = os.environ["BENCH_RUN"]

    def request(self) -> bytes:
        """Return the next request."""
        number = next(self._names)
        own = {"stream_id": f"c{number % 500}", "pic_full_url": f"http://x/{self._name}-{number}"}
        body = json.dumps(self._fields | own).encode()
        head = f"POST {self._path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def taken(self, seconds: float, *, good: bool) -> None:
        """Note an answer, and begin the next client."""
        self._latencies.append(seconds)
        self._errors += not good
        self.begin()

    def begin(self) -> None:
        """Begin a client."""
        if time.monotonic() < self._ends:
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def wait(self) -> str:
        """Wait for the end and return the result's line."""
        await asyncio.sleep(self._seconds + 0.5)
        ordered = sorted(self._latencies)
        half, most = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
        rate = len(ordered) / self._seconds
        return f"RESULT {rate:f} {half:f} {most:f} {self._errors}"

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: Client(self), "127.0.0.1", self._port)
        except OSError:
            self._errors += 1
            self.begin()


async def main(port: int, clients: int, seconds: float, path: str) -> None:
    """Run so many clients at a time."""
    run = Run(port, seconds, path)
    for _ in range(clients):
        run.begin()
    sys.stdout.write(await run.wait() + "\n")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
