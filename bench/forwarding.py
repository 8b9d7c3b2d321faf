"""What a consumer behind the exporter costs, and what a thousand that wait cost the others."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from bench.contenders import Contest, Running, free_port, ours
from bench.load import signature
from bench.measures import CAPTURES, CAPTURES_256, Options, Table, by_turns

WAITING: Final = 1000


def forwarding(options: Options) -> Table:
    """Measure the exporter alone, and in front of consumers that answer sooner or later."""
    loads = (CAPTURES, CAPTURES_256)
    table = Table(
        "In front of a consumer",
        "One worker on SQLite, pinned; the consumer shares the core of the load. At most 256"
        " connections go to it, so one that takes 200 ms can have 1,280 callbacks a second.",
        [load.title for load in loads],
    )
    with Contest(options.home) as contest:
        quick, slow, mute = (
            contest.enter_context(_consumer(milliseconds)) for milliseconds in (1, 200, -1)
        )
        waiting = {
            "CSS_EXPORTER_FORWARD_TO": quick,
            "CSS_EXPORTER_FORWARD_TO_BY_EVENT": json.dumps({"push": mute}),
            "CSS_EXPORTER_FORWARD_TIMEOUT_SECONDS": "15",
        }
        for name, environment in (
            ("no consumer", {}),
            ("a consumer that takes 1 ms", {"CSS_EXPORTER_FORWARD_TO": quick}),
            ("a consumer that takes 200 ms", {"CSS_EXPORTER_FORWARD_TO": slow}),
            (f"1 ms, while {WAITING:,} wait for another", waiting),
        ):
            one = contest.start(name, ours(), **environment)
            if environment is waiting:
                contest.enter_context(_pushes(one))
        return by_turns(options, table, loads, contest.running)


@contextmanager
def _consumer(milliseconds: float) -> Iterator[str]:
    """Run a consumer, and yield its URL."""
    port = free_port()
    command = ["taskset", "-c", "1", sys.executable, "-m", "bench.consumer"]
    process = subprocess.Popen([*command, str(port), str(milliseconds)])
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


@contextmanager
def _pushes(to: Running) -> Iterator[None]:
    """Keep so many pushes waiting, each sent again when it is given up."""
    ended = threading.Event()
    threads = [
        threading.Thread(target=_push, args=(to.port, number, ended)) for number in range(WAITING)
    ]
    for thread in threads:
        thread.start()
    time.sleep(3)
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _push(port: int, number: int, ended: threading.Event) -> None:
    fields = {"event_type": 1, "app": "live.example", "appname": "a", "stream_id": f"s{number}"}
    own = fields | {"sequence": str(number), "event_time": int(time.time())}
    while not ended.is_set():
        body = json.dumps(own | signature()).encode()
        head = f"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(1)
            connection.sendall(head.encode() + body)
            while not ended.is_set():
                with suppress(TimeoutError):
                    connection.recv(4096)
                    break
