"""What tests of the pages share."""

import re
import time
from html import unescape
from typing import Any

from exporter.web.streams import address_of
from support.daemon import Answer, Daemon, request
from support.packets import LONG_NAME, ODD_NAME, all_packets, packet

PAGES = ("/", "/streams", "/streams.json", "/deliveries", "/deliveries.json")

HOSTILE = "<script>document.title='taken over'</script><img src=x onerror=alert(1)>\u202e"


def text_of(answer: Answer) -> str:
    """Return the text of a page as it is read, without markup."""
    page = answer.body.decode().replace("<wbr>", "")
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def deliveries_of(exporter: Daemon, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = exporter.get(f"/deliveries.json{query}").json["deliveries"]
    return found


def push(number: int, **fields: Any) -> dict[str, Any]:
    own = {"stream_id": f"camera-{number}", "sequence": str(10**17 + number)}
    return packet("push", **own | {"event_time": int(time.time())} | fields)


def raw(
    exporter: Daemon, body: bytes | None, method: str = "POST", path: str = "/callback"
) -> int:
    return request(exporter.public_port, method, path, body).status


def address(exporter: Daemon, path: str = "/", user: str = "") -> str:
    """Return the address of a page for a browser."""
    return f"http://{user}127.0.0.1:{exporter.private_port}{path}"


def stream(name: str) -> str:
    """Return the path of a stream's page."""
    return address_of(("live.test.example", "stage", name))


def send_of_everything(exporter: Daemon) -> None:
    """Send every event, and deliveries of every outcome and of most reasons."""
    for sample in all_packets().values():
        assert exporter.post(sample).status == 200
    for number in range(4):
        exporter.post(push(number, set_id=10 * number))
    exporter.post(push(0))
    exporter.post(push(5, stream_id=HOSTILE + "long" * 100, app="x" * 250))
    exporter.post(push(6), key="wrong")
    for method, path, body in (
        ("POST", "/callback", b"["),
        ("POST", "/callback", b"{}"),
        ("POST", "/elsewhere", b"{}"),
        ("GET", "/callback", None),
    ):
        raw(exporter, body, method, path)


def send_streams(exporter: Daemon) -> None:
    """Send streams of every state; ``ODD_NAME`` is live, and was dropped before."""
    now = int(time.time())
    cases = (
        (ODD_NAME, 7200, 5400, 12),
        (ODD_NAME, 5000, 4000, 1),
        (ODD_NAME, 600, None, None),
        (LONG_NAME, 900, 300, 5),
        ("stopped", 900, 200, 1),
    )
    for number, (name, began, ended, errcode) in enumerate(cases, 11):
        assert exporter.post(push(number, stream_id=name, event_time=now - began)).status == 200
        if ended is not None:
            own = {"stream_id": name, "sequence": str(10**17 + number), "errcode": errcode}
            ending = packet("interruption", event_time=now - ended, **own)
            assert exporter.post(ending).status == 200
