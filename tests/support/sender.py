"""A sender that does not give up, in as many threads as a test wants."""

import http.client
import json
import random
import threading
import time

from support.daemon import Daemon
from support.packets import Packet, signed


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
        connection: http.client.HTTPConnection | None = None
        while self.work and not self.stop.is_set():
            try:
                one = self.work.pop()
            except IndexError:
                return
            body = json.dumps(signed(one)).encode()
            try:
                connection = connection or http.client.HTTPConnection(
                    "127.0.0.1", self.exporter.public_port, timeout=20
                )
                connection.request("POST", "/callback", body)
                response = connection.getresponse()
                response.read()
                assert response.status in (200, 503), response.status
                acknowledged = response.status == 200
            except (OSError, http.client.HTTPException):
                acknowledged = False
                if connection:
                    connection.close()
                connection = None
                time.sleep(0.02)
            if acknowledged:
                self.acknowledged += 1
                self._answered.add(body.decode().partition('"t":')[0])
            if not acknowledged or chance.random() < 0.1:
                self.work.insert(0, one)
        if connection:
            connection.close()
