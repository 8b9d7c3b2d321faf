"""A sender that does not give up, in as many threads as a test wants."""

import http.client
import random
import threading
import time
from contextlib import suppress
from typing import Self

from support.daemon import Daemon
from support.packets import Packet, body_of


class Kept:
    """Connections to a daemon's callbacks that are kept, as the platform keeps them."""

    def __init__(self, exporter: Daemon) -> None:
        self._port = exporter.public_port
        self._idle: list[http.client.HTTPConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._idle:
            connection.close()

    def post(self, body: bytes) -> int:
        """Send a body and return the status of the answer, 0 if there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with suppress(IndexError):
            connection = self._idle.pop()
        try:
            connection.request("POST", "/callback", body)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0
        self._idle.append(connection)
        return response.status


class Sender:
    """Sends packets as the platform does: each again until it is acknowledged, some twice."""

    def __init__(self, exporter: Daemon, work: list[Packet]) -> None:
        self.exporter = exporter
        self.work = work
        self.acknowledged = 0
        self._answered: set[str] = set()
        self.stop = threading.Event()

    @property
    def distinct(self) -> int:
        """Return how many different packets were acknowledged."""
        return len(self._answered)

    def run(self, seed: int) -> None:
        """Send until all is acknowledged or the sender is stopped."""
        chance = random.Random(seed)
        with Kept(self.exporter) as kept:
            while self.work and not self.stop.is_set():
                try:
                    one = self.work.pop()
                except IndexError:
                    return
                body = body_of(one)
                status = kept.post(body)
                assert status in (0, 200, 503), status
                if status == 0:
                    time.sleep(0.02)
                if status == 200:
                    self.acknowledged += 1
                    self._answered.add(body.decode().partition('"t":')[0])
                if status != 200 or chance.random() < 0.1:
                    self.work.insert(0, one)
