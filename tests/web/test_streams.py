"""Streams as data and as pages, over every kind of ledger."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from support.ledgers import KINDS, entry, opening
from support.packets import LONG_NAME, ODD_NAME
from support.settings import default

from exporter.ledger import Ledger
from exporter.web import pages, private
from exporter.web.streams import address_of

SOURCE = ("live.test.example", "stage")

RECEPTION = pages.Reception(
    scheme="http",
    port=8080,
    path="/callback",
    general_keys=1,
    keys_by_domain={},
    key_file=None,
    accept_unsigned=(),
    max_sources=500,
    push_history_days=7,
)


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with opening(request.param, tmp_path) as open_it:
        yield open_it(dropped_stream_minutes=60.0, return_grace_seconds=30.0)


@pytest.fixture
def client(ledger: Ledger) -> FlaskClient:
    app = private.create_app(ledger, default(private.View, callback_keys=1))
    app.register_blueprint(pages.blueprint(ledger, RECEPTION))
    return app.test_client()


class Field:
    """Hosts that push so many seconds before now."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.now = int(time.time())
        self._sequence = 0

    def push(
        self, name: str, began: int, ended: int | None = None, errcode: int = 1, **fields: Any
    ) -> None:
        """Record one push."""
        self._sequence += 1
        own = {"stream_id": name, "sequence": str(self._sequence), **fields}
        self._record("push", event_time=self.now - began, **own)
        if ended is not None:
            length = str((began - ended) * 1000)
            self._record(
                "interruption",
                event_time=self.now - ended,
                errcode=errcode,
                push_duration=length,
                **own,
            )

    def _record(self, name: str, **fields: Any) -> None:
        self._ledger.record(entry(name, **fields), float(self.now))


@pytest.fixture
def field(ledger: Ledger) -> Field:
    return Field(ledger)


def asked(client: FlaskClient, address: str = "/streams.json", **query: str) -> Any:
    """Return the data at an address."""
    answer = client.get(address, query_string=query or None)
    assert answer.status_code == 200
    return answer.json


def names(client: FlaskClient, query: str = "") -> list[str]:
    return [one["stream_id"] for one in asked(client, f"/streams.json{query}")["streams"]]


def ended_push(now: int, began: int, ended: int, errcode: int, cause: str) -> dict[str, Any]:
    """Return what is shown of a push between two ages."""
    return {
        "origin": "mainland",
        "began_at": float(now - began),
        "ended_at": float(now - ended),
        "errcode": errcode,
        "cause": cause,
    }


def test_streams_have_their_states(client: FlaskClient, field: Field) -> None:
    """Active, dropped and ended, each by the one push that counts, newest change first."""
    field.push("live", 500)
    field.push("back", 900, 800, errcode=12)
    field.push("back", 700)
    field.push("dropped", 900, 300, errcode=12)
    field.push("graced", 900, 10, errcode=12)
    field.push("long ago", 9000, 8000, errcode=12)
    field.push("stopped", 900, 200, errcode=1)
    field.push("stopped", 950, 100, errcode=12)  # an older push, which ended later
    answer = asked(client)
    assert answer["counts"] == {"active": 2, "dropped": 1, "ended": 3}
    assert answer["next"] is None
    assert [(one["stream_id"], one["state"]) for one in answer["streams"]] == [
        ("graced", "ended"),
        ("stopped", "ended"),
        ("dropped", "dropped"),
        ("live", "active"),
        ("back", "active"),
        ("long ago", "ended"),
    ]
    assert answer["streams"][2] == {
        "push_domain": "live.test.example",
        "app_name": "stage",
        "stream_id": "dropped",
        "state": "dropped",
        **ended_push(field.now, 900, 300, 12, "client_network"),
    }
    assert answer["streams"][3]["ended_at"] is answer["streams"][3]["errcode"] is None
    assert answer["streams"][3]["cause"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=active", ["live", "Room 42"]),
        ("?state=dropped", ["far"]),
        ("?state=ended", ["odd one"]),
        ("?push_domain=live.test.example", ["odd one", "live", "Room 42"]),
        ("?push_domain=live.test", []),
        ("?origin=overseas", ["far"]),
        ("?cause=client_network", ["far"]),
        ("?cause=unknown", ["odd one"]),
        ("?cause=platform", []),
        ("?q=room+4", ["Room 42"]),
        ("?q=ROOM", ["Room 42"]),
        ("?q=stage", ["odd one", "far", "live", "Room 42"]),
        ("?q=test.example", []),  # of a domain it is no part of a name
        ("?q=%2C", []),  # nor is what stands between names
        ("?q=%5D", []),
        ("?q=%00", []),
        ("?state=active&q=room", ["Room 42"]),
        ("?state=active&cause=platform", []),
        ("?state=&q=", ["odd one", "far", "live", "Room 42"]),
    ],
)
def test_streams_are_filtered(
    client: FlaskClient, field: Field, query: str, expected: list[str]
) -> None:
    """Each filter admits what it names, and all together what all admit."""
    field.push("Room 42", 500)
    field.push("live", 400)
    field.push("far", 900, 300, errcode=8, app="other.test.example", set_id=20)
    field.push("odd one", 900, 10, errcode=777)
    assert names(client, query) == expected
    page = client.get(f"/streams{query}")
    assert page.status_code == 200
    assert page.text.count("<tr") == (len(expected) + 1 if expected else 0)


def test_every_stream_is_on_one_page(client: FlaskClient, field: Field) -> None:
    """Pages follow each other to the end, though streams change at the same moment."""
    for number in range(250):
        ended = None if number % 2 else 100 + number // 100
        field.push(f"room-{number}", 500 + number // 100, ended, errcode=1 + number % 8)
    first = asked(client)
    assert len(first["streams"]) == 200
    assert sum(first["counts"].values()) == 250
    field.push("one more", 1)
    second = asked(client, next=first["next"])
    assert second["next"] is None
    found = [one["stream_id"] for one in (*first["streams"], *second["streams"])]
    assert len(found) == 250
    assert set(found) == {f"room-{number}" for number in range(250)}
    page = client.get("/streams?state=active&q=room").text
    assert "Older" not in page
    assert 'rel="next" href="/streams?next=' in client.get("/streams").text


@pytest.mark.parametrize("name", [ODD_NAME, LONG_NAME, "line\u202eturned", "日本"])
def test_a_stream_shows_its_pushes(client: FlaskClient, field: Field, name: str) -> None:
    """Each push with its errcode, newest first, whatever the name is made of."""
    field.push(name, 900, 600, errcode=12)
    field.push(name, 500)
    field.push(name, 9000, 8000, errcode=4711)
    field.push("another", 100)
    shown = asked(client, address_of((*SOURCE, name), "/stream.json"))
    assert shown["stream_id"] == name
    assert (shown["state"], shown["began_at"], shown["ended_at"]) == (
        "active",
        field.now - 500.0,
        None,
    )
    assert shown["pushes"] == [
        {
            "sequence": "2",
            "began_at": field.now - 500.0,
            "ended_at": None,
            "duration_seconds": None,
            "origin": "mainland",
            "errcode": None,
            "cause": None,
            "description": None,
        },
        {
            **ended_push(field.now, 900, 600, 12, "client_network"),
            "sequence": "1",
            "duration_seconds": 300.0,
            "description": "Push link network abnormal",
        },
        {
            **ended_push(field.now, 9000, 8000, 4711, "unknown"),
            "sequence": "3",
            "duration_seconds": 1000.0,
            "description": "Undocumented errcode",
        },
    ]
    (row,) = (one for one in asked(client)["streams"] if one["stream_id"] == name)
    assert {**shown, "pushes": 0} == {**row, "pushes": 0}
    page = client.get(address_of((*SOURCE, name)))
    assert page.status_code == 200
    assert "Live for" in page.text
    assert page.text.count('role="img"') == 3
    assert "errcode 12, Push link network abnormal</title>" in page.text
    assert "\u202e" not in page.text
    assert "<b>" not in page.text


def test_page_says_what_to_do_about_each_cause(client: FlaskClient, field: Field) -> None:
    """Each cause once, with how many pushes ended so, in order of the pushes."""
    for began, errcode in ((900, 1), (800, 12), (700, 5), (600, 12)):
        field.push("room", began, began - 50, errcode=errcode)
    text = client.get(address_of((*SOURCE, "room"))).text.replace("<wbr>", "")
    words = re.findall(r"<dt><strong>(\w+)</strong>(.*)</dt>", text)
    assert words == [("client_network", " (2 times)"), ("platform", ""), ("client_stop", "")]
    assert "Look at the host&#39;s uplink" in text


def test_page_leads_to_every_stream(client: FlaskClient, field: Field) -> None:
    """The links of the list are the addresses of the streams."""
    for number, name in enumerate((ODD_NAME, LONG_NAME)):
        field.push(name, 100 + number)
        address = address_of((*SOURCE, name))
        assert f'href="{address.replace("&", "&amp;")}"' in client.get("/streams").text
        assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/streams{}?state=lost", 400),
        ("/streams{}?origin=moon", 400),
        ("/streams{}?cause=bad+luck", 400),
        ("/streams{}?next=x", 400),
        ("/streams{}?next=99999999999999999999-00", 400),
        ("/streams{}?q=" + "x" * 1001, 400),
        ("/stream{}", 400),
        ("/stream{}?push_domain=a&app_name=b", 400),
        ("/stream{}?push_domain=a&app_name=b&stream_id=", 400),
        ("/stream{}?push_domain=a&app_name=b&stream_id=c", 404),
        ("/stream{}?push_domain=%00&app_name=%FF&stream_id=c", 404),
    ],
)
def test_what_cannot_be_answered_is_said(client: FlaskClient, path: str, status: int) -> None:
    """As a page and as data, with the reason."""
    data = client.get(path.format(".json"))
    assert data.status_code == status
    assert data.json is not None
    page = client.get(path.format(""))
    assert page.status_code == status
    assert "Content-Security-Policy" in page.headers
    error = data.json["error"]
    assert error[1:] in page.text


def test_open_pushes_come_first_where_not_all_are_shown(ledger: Ledger, field: Field) -> None:
    """A stream of many pushes is live although its open push is the oldest."""
    field.push("room", 900)
    for ended in range(10):
        field.push("room", 500 - ended, 400 - ended)
    history = ledger.pushes_of((*SOURCE, "room"), 3)
    assert history.row is not None
    assert history.row.state == "active"
    assert [push.is_open for push in history.pushes] == [False, False, True]
