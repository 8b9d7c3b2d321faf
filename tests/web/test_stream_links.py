"""Links between deliveries and streams, whatever their names are made of."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from support.daemon import Daemon
from support.packets import LONG_NAME, ODD_NAME
from support.pages import push

from exporter.web.streams import address_of

DOMAIN = "live.test.example"
LONG = "room " + "x" * 300
SHOWN_WHOLE = {
    "plain": ("camera-7", DOMAIN),
    "odd": (ODD_NAME, DOMAIN),
    "of 255 bytes": (LONG_NAME, DOMAIN),
}
SHOWN_IN_PART = {
    "too long to be shown": (LONG, DOMAIN),
    "not printable": ("left\u202eright side", DOMAIN),
    "of a long domain": ("camera-8", "x" * 250),
    "all of it long": ("large " + LONG + "\u202e", "x" * 250),
    "ending as if it were cut": ("y" * 199 + "…", DOMAIN),
}
NOTHING_SHOWN = "\u202e"
NAMES = SHOWN_WHOLE | SHOWN_IN_PART


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a daemon that took a push of each name, and refused one."""
    with Daemon(tmp_path_factory.mktemp("links") / "data") as exporter:
        for number, (name, domain) in enumerate(NAMES.values()):
            exporter.post(push(number, stream_id=name, app=domain))
        exporter.post(push(98, stream_id=NOTHING_SHOWN))
        exporter.post(push(99, stream_id="of a stranger"), key="wrong")
        yield exporter


def links(exporter: Daemon, path: str, of: str) -> list[str]:
    """Return where links of a page lead whose ids begin so; the page must be there."""
    answer = exporter.get(path)
    assert answer.status == 200, path
    found = re.findall(rf'id="{of}[^"]*"[^>]*? href="([^"]*)"', answer.body.decode())
    return [unescape(at) for at in found]


def test_each_delivery_with_a_known_stream_leads_there(exporter: Daemon) -> None:
    """A name of which nothing is shown, and one that a stranger may have made up, lead nowhere."""
    assert len(links(exporter, "/deliveries", "stream-")) == len(NAMES)
    shown = exporter.get("/deliveries").body.decode()
    assert "<bdi>\ufffd</bdi>" in shown
    assert "<bdi>of a stranger</bdi>" in shown


@pytest.mark.parametrize(("name", "domain"), SHOWN_WHOLE.values(), ids=SHOWN_WHOLE)
def test_delivery_leads_to_its_stream(exporter: Daemon, name: str, domain: str) -> None:
    """Where it has the whole name, straight to the page."""
    own = address_of((domain, "stage", name))
    assert own in links(exporter, "/deliveries", "stream-")
    assert exporter.get(own).status == 200


@pytest.mark.parametrize(("name", "domain"), SHOWN_IN_PART.values(), ids=SHOWN_IN_PART)
def test_delivery_leads_to_a_search(exporter: Daemon, name: str, domain: str) -> None:
    """Where it has but a part of a name, to a search that finds the stream."""
    own = address_of((domain, "stage", name))
    searches = links(exporter, "/deliveries", "stream-")
    assert own not in searches
    searches = [one for one in searches if one.startswith("/streams?")]
    assert len(searches) == len(SHOWN_IN_PART)
    assert any(own in links(exporter, one, "stream-") for one in searches)
    assert exporter.get(own).status == 200


@pytest.mark.parametrize(("name", "domain"), NAMES.values(), ids=NAMES)
def test_stream_leads_to_its_deliveries(exporter: Daemon, name: str, domain: str) -> None:
    """Its own is among those to which its page leads."""
    (back,) = links(exporter, address_of((domain, "stage", name)), "all-deliveries")
    found = exporter.get(back.replace("/deliveries", "/deliveries.json")).json["deliveries"]
    begins = name[:5].replace("\u202e", "\ufffd")
    assert [one["stream_id"][:5] for one in found] == [begins]


def test_all_of_a_dashboard_is_any(exporter: Daemon) -> None:
    """A row that is about no single push domain leads to the streams of each."""
    rows = links(exporter, "/streams", "stream-")
    assert len(rows) == len(NAMES) + 1
    assert links(exporter, "/streams?push_domain=All&origin=All", "stream-") == rows
    assert links(exporter, "/streams?q=All", "stream-") != rows


def test_other_is_said_to_be_no_push_domain(exporter: Daemon) -> None:
    """A row of what came beyond a limit leads to no stream, and to why not."""
    said = "<code>other</code> is no push domain"
    assert said in exporter.get("/streams?push_domain=other").body.decode()
    assert said not in exporter.get("/streams?push_domain=another").body.decode()
    assert said not in exporter.get("/streams").body.decode()
