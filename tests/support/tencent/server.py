"""The HTTP of the double: one POST a call, on the loopback interface."""

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from support.tencent.actions import perform
from support.tencent.lies import Lie, Reply
from support.tencent.signing import ApiFault, Secret, verify
from support.tencent.world import World

ROLE = "/latest/meta-data/cam/security-credentials/"
"""Where a machine of the cloud asks for its role, and for the role's credentials."""


class Call(NamedTuple):
    """A call that was allowed."""

    action: str
    fields: dict[str, Any]


class Double:
    """The API of one account, served to the official package.

    ``allowed`` are the actions that the policy of the key allows, None for all.  ``lies`` wait
    in their order, each for the next call of its action, "" for any.  ``skew_seconds`` is how
    far the server's clock is ahead.
    """

    def __init__(self, world: World | None = None, secret: Secret | None = None) -> None:
        self.world = world or World()
        self.secret = secret or Secret("AKIDtestid", "test-secret-key")
        self.allowed: set[str] | None = None
        self.lies: list[tuple[str, Lie]] = []
        self.calls: list[Call] = []
        self.skew_seconds = 0.0
        self.role = ""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        double = self

        class Handler(_Handler):
            api = double

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._http.shutdown()
        self._http.server_close()

    def lie(self, lie: Lie, action: str = "", times: int = 1) -> None:
        """Answer the next calls wrongly."""
        self.lies += [(action, lie)] * times

    def actions(self) -> list[str]:
        """Return the actions that were called, in their order."""
        return [call.action for call in self.calls]

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""
        self._ended.wait(seconds)

    def reply(self, headers: Any, body: bytes) -> Reply:
        """Return the reply to a call; never raises."""
        action = headers.get("X-TC-Action", "")
        reply = Reply(action, {}, lambda fields: perform(action, self.world, fields))
        with self._lock:
            try:
                verify(headers, body, self.secret, time.time() + self.skew_seconds)
                self._authorize(action)
                reply.asked = json.loads(body)
                self.calls.append(Call(action, reply.asked))
                lie = self._next_lie(action)
                lie.before()
                reply.response = reply.perform(reply.asked)
                lie.after(reply)
            except ApiFault as fault:
                reply.response = {"Error": {"Code": fault.code, "Message": fault.message}}
        return reply

    def _authorize(self, action: str) -> None:
        if self.allowed is not None and action not in self.allowed:
            denied = f"you are not authorized to perform operation (live:{action})"
            raise ApiFault("UnauthorizedOperation", denied)

    def _next_lie(self, action: str) -> Lie:
        for number, (wanted, lie) in enumerate(self.lies):
            if wanted in ("", action):
                del self.lies[number]
                return lie
        return Lie()


class _Handler(BaseHTTPRequestHandler):
    """HTTP of one connection."""

    api: Double
    disable_nagle_algorithm = True  # headers and body are two writes: no wait between them
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.api.reply(self.headers, body)
        response = {"RequestId": "00000000-double", **reply.response}
        if reply.response.get("RequestId", "") is None:
            del response["RequestId"]
        sent = json.dumps({"Response": response}).encode() if reply.body is None else reply.body
        with suppress(OSError):
            self._send(reply, sent)

    def do_GET(self) -> None:
        """Answer a machine of the cloud that asks for its role; a proxy's path is whole."""
        asked = self.path.partition(ROLE)
        if not self.api.role or not asked[1]:
            self.send_error(404)
            return
        secret = self.api.secret
        credentials = {
            "Code": "Success",
            "TmpSecretId": secret.secret_id,
            "TmpSecretKey": secret.secret_key,
            "Token": secret.token,
            "ExpiredTime": int(time.time()) + 3600,
        }
        body = (json.dumps(credentials) if asked[2] else self.api.role).encode()
        self._send(Reply("", {}, lambda fields: fields), body)

    def _send(self, reply: Reply, body: bytes) -> None:
        self.api.pause(reply.hang_seconds)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.cut_after is not None:
            self.wfile.write(body[: reply.cut_after])
            self.close_connection = True
            return
        if reply.drip_seconds:
            for at in range(len(body)):
                self.api.pause(reply.drip_seconds)
                self.wfile.write(body[at : at + 1])
            return
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""
