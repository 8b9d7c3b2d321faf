"""What is read of a packet before it is believed."""

from typing import Any

import pytest
from support.packets import EMPTY, all_packets, packet

from exporter.protocol import events
from exporter.protocol.envelope import Envelope
from exporter.protocol.refusals import Refusal


@pytest.mark.parametrize("name", all_packets())
def test_an_envelope_says_what_the_event_says(name: str) -> None:
    """Event and push domain, for which a key is chosen, are those that are counted."""
    envelope = Envelope.of(packet(name))
    event = envelope.event()
    assert type(event) is envelope.kind
    assert (envelope.event_name, envelope.push_domain) == (event.name, event.push_domain)
    assert not envelope.is_signed
    assert envelope.expires_at is None


@pytest.mark.parametrize(
    ("fields", "domain"),
    [
        ({"app": "A.Example"}, "a.example"),
        ({"domain": "b.example"}, "b.example"),
        ({"app": "a.example", "domain": "b.example"}, "a.example"),
        ({"app": None, "domain": "b.example"}, "b.example"),
        ({"app": 5}, "5"),
        *(({"app": none}, None) for none in (None, "", True, {"x": 1}, *EMPTY)),
    ],
)
def test_the_push_domain_is_that_of_the_label(fields: Any, domain: str | None) -> None:
    """The domain that chooses the keys is read as the one that is counted."""
    assert Envelope.of({"event_type": 328} | fields).push_domain == domain
    event = events.parse({"event_type": 328, "event_name": "x"} | fields)
    assert event.push_domain == domain


@pytest.mark.parametrize(
    ("event_type", "reason"), [(None, "missing_field"), ("push", "bad_field"), ([], "bad_field")]
)
def test_an_envelope_refuses_nothing_until_it_is_asked(event_type: Any, reason: str) -> None:
    """A packet without a usable event_type has an envelope, and no event."""
    envelope = Envelope.of({"event_type": event_type, "app": "a.example", "t": 5, "sign": "x"})
    assert envelope.kind is None
    assert (envelope.push_domain, envelope.expires_at) == ("a.example", 5)
    assert envelope.is_signed
    for ask in (envelope.event, lambda: envelope.event_name):
        with pytest.raises(Refusal) as raised:
            ask()
        assert raised.value.reason == reason
