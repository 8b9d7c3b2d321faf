"""A body may be nested deeper than it can be written again."""

import pytest
from support.daemon import Start, request
from support.packets import packet

from exporter.protocol import events
from exporter.protocol.refusals import Refusal


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def test_deep_nesting_has_no_identity() -> None:
    """A body of which no digest can be made is refused, by a word of the closed list."""
    with pytest.raises(Refusal, match="bad_field"):
        events.parse({"event_type": 999, "deep": nested(300)}).identity  # noqa: B018 - asking is the test


def test_deep_nesting_is_refused_not_failed(daemon: Start) -> None:
    """An authentic packet, nested too deep, is answered with 400, never with 500."""
    exporter = daemon()
    body = packet("push", event_type=999, deep=nested(300))
    assert exporter.post(body).status == 400
    assert request(exporter.public_port, "POST", "/callback", b"[" * 2000).status == 400
