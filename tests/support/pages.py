"""What tests of the pages share."""

import re
import time
from html import unescape
from typing import Any

from support.daemon import Answer, Daemon, request
from support.packets import packet

PAGES = ("/", "/streams", "/streams.json", "/deliveries", "/deliveries.json")


def text_of(answer: Answer) -> str:
    """Return the text of a page as it is read, without markup."""
    page = answer.body.decode().replace("<wbr>", "")
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def told(exporter: Daemon, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = exporter.get(f"/deliveries.json{query}").json["deliveries"]
    return found


def push(number: int, **fields: Any) -> dict[str, Any]:
    own = {"stream_id": f"camera-{number}", "sequence": str(10**17 + number)}
    return packet("push", **own | {"event_time": int(time.time())} | fields)


def raw(
    exporter: Daemon, body: bytes | None, method: str = "POST", path: str = "/callback"
) -> int:
    return request(exporter.public_port, method, path, body).status
