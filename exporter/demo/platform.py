"""A platform for the demonstration: it passes callbacks on, loses some, and answers its API.

``python -m exporter.demo.platform PORT EXPORTER_PORT``.  It stands between the simulated hosts and
the exporter, so it knows which streams are online.  Now and then it answers a push or an
interruption itself: the hosts believe that it came, and the exporter never sees it.  ``GET /``
says how many streams are online, and what was lost.
"""

import signal
import sys
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, Final

import orjson

from exporter.demo.programs import HOST
from exporter.demo.serving import Handler, serve_until_sigterm
from exporter.protocol.envelope import Envelope
from exporter.protocol.events import Interruption, Push
from exporter.protocol.refusals import Refusal
from exporter.protocol.vocabulary import Stream

FIRST_SECONDS: Final = 10.0
"""How long after its start it loses a push and an interruption."""

LOSE_SECONDS: Final = 20.0
"""How long after that it loses the next ones."""


class OnlinePushes:
    """Which pushes go on, as the callbacks that pass say."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: dict[Stream, dict[str, float]] = defaultdict(dict)
        self._ended: set[str] = set()
        self._lost: dict[tuple[str, str], Stream] = {}
        first = time.monotonic() + FIRST_SECONDS
        self._loses = {event.name: first for event in (Push, Interruption)}

    def hear(self, body: bytes) -> bool:
        """Learn from a callback, and return whether it is passed on."""
        try:
            event = Envelope.of(orjson.loads(body)).event()
        except (orjson.JSONDecodeError, Refusal):
            return True  # forged, or cut off: that is for the exporter to say
        if not isinstance(event, Push | Interruption) or (
            isinstance(event, Push) and event.failure
        ):
            return True
        stream, sequence = (event.push_domain, event.app_name, event.stream_id), event.sequence
        with self._lock:
            pushes = self._began[stream]
            is_new = sequence not in (pushes if isinstance(event, Push) else self._ended)
            if isinstance(event, Interruption):
                pushes.pop(sequence, None)
                self._ended.add(sequence)
            elif sequence not in self._ended:
                pushes[sequence] = event.event_time_ms / 1000
            if is_new and time.monotonic() > self._loses[event.name]:
                self._loses[event.name] = time.monotonic() + LOSE_SECONDS
                self._lost[event.name, sequence] = stream
            return (event.name, sequence) not in self._lost

    def document(self) -> dict[str, Any]:
        """Return what ``GET /`` shows."""
        with self._lock:
            online = sum(map(bool, self._began.values()))
            lost = [f"{event} of {'/'.join(of)}" for (event, _), of in self._lost.items()]
        return {"online": online, "lost": lost}

    def answer(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the API's answer to a call: the online list, or a stream's state."""
        with self._lock:
            online = {stream: list(own.values()) for stream, own in self._began.items() if own}
        if action == "DescribeLiveStreamState":
            stream = (asked["DomainName"], asked["AppName"], asked["StreamName"])
            return {"StreamState": "active" if stream in online else "inactive"}
        if action != "DescribeLiveStreamOnlineList":
            return {"Error": {"Code": "InvalidAction", "Message": "not in the demonstration"}}
        pair = (asked["DomainName"], asked["AppName"])
        found = [_listed(stream, times) for stream, times in online.items() if stream[:2] == pair]
        start = (asked["PageNum"] - 1) * asked["PageSize"]
        return {
            "OnlineInfo": found[start : start + asked["PageSize"]],
            "TotalNum": len(found),
            "TotalPage": -(-len(found) // asked["PageSize"]),
            "PageNum": asked["PageNum"],
            "PageSize": asked["PageSize"],
        }


def _listed(stream: Stream, times: list[float]) -> dict[str, Any]:
    began = [datetime.fromtimestamp(one, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for one in times]
    names = zip(("DomainName", "AppName", "StreamName"), stream, strict=True)
    return {**dict(names), "PublishTimeList": [{"PublishTime": one} for one in began]}


def serve(port: int, exporter_port: int) -> None:
    """Serve until SIGTERM."""
    pushes = OnlinePushes()

    class Platform(Handler):
        def get(self) -> None:
            self.answer(200, orjson.dumps(pushes.document(), option=orjson.OPT_INDENT_2))

        def post(self, body: bytes) -> None:
            if action := self.headers["X-TC-Action"]:
                response = {"RequestId": "demo", **pushes.answer(action, orjson.loads(body))}
                self.answer(200, orjson.dumps({"Response": response}))
            elif pushes.hear(body):
                self.answer(*_passed_on(exporter_port, self.path, body))
            else:
                self.answer(200, b'{"code":0}')

    serve_until_sigterm(port, Platform)


def _passed_on(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    connection = HTTPConnection(HOST, port, timeout=20)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 502, b"the exporter cannot be reached\n"
    finally:
        connection.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    serve(int(sys.argv[1]), int(sys.argv[2]))
