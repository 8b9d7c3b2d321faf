"""The pages of streams in a real browser: by keyboard, without barriers, with odd names."""

import time
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support.browser import DESKTOP, PHONE, Browser, browsing
from support.daemon import Daemon, Start
from support.packets import packet
from support.pages import push
from support.programs import until

from exporter.web.streams import address_of

ODD = "a/b c 🎥 é?&=%#\"'<b>"
LONG_NAME = "é" * 127 + "x"  # 255 bytes


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Return the browser; at the end of each test its console must have been silent."""
    chromium.look()
    chromium.complaints()
    yield chromium
    complaints = chromium.complaints()
    chromium.driver.get("about:blank")
    assert complaints == []


def address(exporter: Daemon, path: str) -> str:
    return f"http://127.0.0.1:{exporter.private_port}{path}"


def stream(name: str) -> str:
    return address_of(("live.test.example", "stage", name))


def send(exporter: Daemon) -> None:
    """Send streams of every state; ``ODD`` is live, and was dropped before."""
    now = int(time.time())
    pushes = (
        (ODD, 7200, 5400, 12),
        (ODD, 5000, 4000, 1),
        (ODD, 600, None, None),
        (LONG_NAME, 900, 300, 5),
        ("stopped", 900, 200, 1),
    )
    for number, (name, began, ended, errcode) in enumerate(pushes, 1):
        assert exporter.post(push(number, stream_id=name, event_time=now - began)).status == 200
        if ended is not None:
            own = {"stream_id": name, "sequence": str(10**17 + number), "errcode": errcode}
            ending = packet("interruption", event_time=now - ended, **own)
            assert exporter.post(ending).status == 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_streams_have_no_barriers(
    daemon: Start, browser: Browser, scheme: str, size: tuple[int, int]
) -> None:
    """axe-core finds nothing, and nothing has to be scrolled sideways, however long a name is."""
    exporter = daemon()
    browser.look(size, scheme)
    browser.driver.get(address(exporter, "/streams"))
    assert browser.barriers() == []
    send(exporter)
    for path in ("/streams", "/streams?state=dropped", stream(ODD), stream(LONG_NAME)):
        browser.driver.get(address(exporter, path))
        assert browser.barriers() == []
        assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    for path in ("/streams?state=lost", stream("nobody")):
        browser.driver.get(address(exporter, path))
        assert browser.barriers() == []
    assert browser.complaints()  # the browser's own, about status 400 and 404


def test_stream_is_found_by_keyboard(daemon: Start, browser: Browser) -> None:
    """From the search over the list to the page of a stream with an odd name, and it is live."""
    exporter = daemon()
    send(exporter)
    browser.driver.get(address(exporter, "/streams"))
    browser.driver.find_element(By.NAME, "q").send_keys("A/B c", Keys.ENTER)
    until(lambda: "q=A%2FB+c" in browser.driver.current_url, "the form is sent")
    link = browser.driver.find_element(By.CSS_SELECTOR, "tbody a")
    assert link.text == ODD
    link.send_keys(Keys.ENTER)
    until(lambda: "/stream?" in browser.driver.current_url, "the stream is shown")
    assert browser.text("h1") == f"Stream {ODD}"
    assert "Live for" in browser.text(".state")
    titles = browser.run(
        "return [...document.querySelectorAll('.timeline title')].map(one => one.textContent)"
    )
    assert len(titles) == 3
    assert "errcode 12" in titles[0]
    assert "still open" in titles[2]


def test_timeline_is_read_without_colour(daemon: Start, browser: Browser) -> None:
    """The kinds of bars differ by hatching and outline, whatever their colours."""
    exporter = daemon()
    send(exporter)
    browser.driver.get(address(exporter, stream(ODD)))
    shapes = browser.run(
        """
        return [...document.querySelectorAll("[aria-label='Pushes over time'] > g")].map(bar => [
            bar.getAttribute("class"),
            bar.querySelector("[fill='url(#hatch)']") !== null,
            getComputedStyle(bar.querySelector(".back")).strokeWidth,
        ])
        """
    )
    assert shapes == [["broken", True, "1px"], ["ended", False, "1px"], ["open", False, "2px"]]
    bars = browser.run(
        "return [...document.querySelectorAll('.timeline .back')]"
        ".map(one => one.getBoundingClientRect().width)"
    )
    assert all(width > 0 for width in bars)


def test_deliveries_lead_to_their_stream(daemon: Start, browser: Browser) -> None:
    """From a delivery to the stream it is about, and back."""
    exporter = daemon()
    send(exporter)
    browser.driver.get(address(exporter, "/deliveries?stream=a/b"))
    browser.driver.find_element(By.CSS_SELECTOR, "tbody a").send_keys(Keys.ENTER)
    until(lambda: browser.driver.title.startswith("Stream"), "the stream is shown")
    assert "interruption accepted" in browser.text("[aria-labelledby=deliveries]")
    browser.driver.find_element(By.ID, "all-deliveries").send_keys(Keys.ENTER)
    until(lambda: browser.driver.title.startswith("Deliveries"), "deliveries are shown")
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "tbody tr")) == 5
