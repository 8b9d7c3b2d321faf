"""The pages in a real browser: what they show, how they stay fresh, what a keyboard does."""

import time

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support.browser import Browser
from support.daemon import Start
from support.packets import all_packets, packet
from support.pages import HOSTILE, address, push, send_of_everything
from support.programs import until

pytestmark = pytest.mark.long


def test_pages_show_what_was_sent(daemon: Start, browser: Browser) -> None:
    """Streams, events, refusals, each delivery: all that the daemon was sent is to be read."""
    exporter = daemon()
    send_of_everything(exporter)
    until(lambda: b"not_found" in exporter.get("/").body, "refusals are committed")
    browser.driver.get(address(exporter))
    shown = browser.text()
    for sample in all_packets():
        assert sample.removesuffix("_taskexit").removesuffix("_vodsourcefilestart") in shown
    for words in ("Callbacks arrive and are counted", "overseas\t3", "bad_signature\t1"):
        assert words in shown
    browser.press(By.LINK_TEXT, "bad_signature")
    assert "camera-6" in browser.text()
    assert "no key that may sign for this push domain signed it" in browser.text()
    assert "camera-3" not in browser.text()
    browser.press(By.LINK_TEXT, "Show all")
    rows = browser.texts("tbody tr")
    assert len(rows) == len(all_packets()) + 11
    assert "GET" not in rows[0]
    assert "bad_method" in rows[0]
    assert "camera-3" in browser.text()


def test_page_refreshes_itself_and_keeps_what_is_being_typed(
    daemon: Start, browser: Browser
) -> None:
    """New rows appear without loading again; focus, filters and typed text stay as they are."""
    exporter = daemon()
    exporter.post(push(1))
    browser.driver.get(address(exporter, "/deliveries?event=push"))
    browser.run("window.same = true")
    field = browser.driver.find_element(By.NAME, "stream")
    field.send_keys("half a na")
    exporter.post(push(2))
    exporter.post(packet("recording", stream_id="camera-3"))
    until(lambda: "camera-2" in browser.text(), "the new delivery is shown")
    assert "camera-3" not in browser.text()
    assert browser.run("return window.same && document.activeElement.value") == "half a na"
    field.send_keys("me")
    assert field.get_attribute("value") == "half a name"


def test_focus_on_a_link_that_is_replaced_stays(daemon: Start, browser: Browser) -> None:
    """Whoever goes through the page by keyboard is not thrown back by a refresh."""
    exporter = daemon()
    exporter.post(push(1), key="wrong")
    until(lambda: b"to-bad_signature" in exporter.get("/").body, "the refusal is committed")
    browser.driver.get(address(exporter))
    browser.run("document.getElementById('to-bad_signature').focus()")
    exporter.post(push(2))
    until(lambda: "Callbacks counted\n1" in browser.text(), "the page is refreshed")
    assert browser.run("return document.activeElement.id") == "to-bad_signature"


def test_refresh_can_be_paused(daemon: Start, browser: Browser) -> None:
    """Pause holds over pages of the same tab, until it is pressed again."""
    exporter = daemon()
    browser.driver.get(address(exporter))
    browser.press(By.ID, "pause")
    browser.driver.get(address(exporter, "/deliveries"))
    pause = browser.driver.find_element(By.ID, "pause")
    assert pause.get_attribute("aria-pressed") == "true"
    exporter.post(push(1))
    before = browser.text("#now")
    time.sleep(2)  # longer than a hurried page waits between two refreshes
    assert "No callback has come in yet" in browser.text()
    assert browser.text("#now") == before
    pause.send_keys(Keys.SPACE)
    until(lambda: "camera-1" in browser.text(), "the page goes on")


def test_page_says_when_nobody_answers(daemon: Start, browser: Browser) -> None:
    """A page that cannot refresh says since when, and goes on once the daemon is back."""
    exporter = daemon()
    browser.driver.get(address(exporter))
    exporter.kill()
    until(lambda: "No answer since" in browser.text(".freshness"), "the page says so")
    assert browser.complaints()  # the browser's own, about the failed connection
    exporter.start()
    until(lambda: "As of" in browser.text(".freshness"), "the page is fresh again")
    browser.complaints()


def test_deliveries_are_filtered_by_keyboard(daemon: Start, browser: Browser) -> None:
    """The form needs no mouse, leads to an address that can be kept, and shows what it chose."""
    exporter = daemon()
    send_of_everything(exporter)
    browser.driver.get(address(exporter, "/deliveries"))
    browser.driver.find_element(By.NAME, "outcome").send_keys("accepted")
    browser.driver.find_element(By.NAME, "event").send_keys("push", Keys.TAB, "LIVE")
    browser.driver.find_element(By.NAME, "stream").send_keys("camera", Keys.ENTER)
    until(lambda: "stream=camera" in browser.driver.current_url, "the form is sent")
    rows = browser.texts("tbody tr")
    assert len(rows) == 4  # the sample came late, after its interruption
    assert all("push" in row and "accepted" in row and "camera-" in row for row in rows)
    assert browser.run("return document.forms[0].outcome.value") == "accepted"
    assert browser.run("return document.forms[0].event.value") == "push"
    assert browser.run("return document.forms[0].domain.value") == "LIVE"


def test_hostile_names_are_only_text(daemon: Start, browser: Browser) -> None:
    """Markup in names and in the address is shown as text, and nothing of it is run or loaded."""
    exporter = daemon()
    exporter.post(push(1, stream_id=HOSTILE, appname=HOSTILE, app=HOSTILE))
    exporter.post(push(2, stream_id=HOSTILE), key="wrong")
    for path in (
        "/deliveries",
        "/deliveries?stream=%3Cscript%3E&outcome=%22%3E%3Cb%3E&domain=%27",
    ):
        browser.driver.get(address(exporter, path))
        assert browser.driver.title == "Deliveries · CSS callback exporter"
        assert (
            browser.run("return document.querySelectorAll('main :is(script, img, b)').length") == 0
        )
    browser.driver.get(address(exporter, "/deliveries"))
    cells = browser.texts("bdi")
    assert HOSTILE.replace("\u202e", "\ufffd") in cells


def test_policy_stops_what_is_injected_all_the_same(daemon: Start, browser: Browser) -> None:
    """Even if markup got in, the browser would neither run it nor load or send anything."""
    exporter = daemon()
    browser.driver.get(address(exporter))
    browser.run(
        """
        window.violations = [];
        document.addEventListener("securitypolicyviolation",
            violation => window.violations.push(violation.effectiveDirective));
        const image = document.createElement("img");
        image.src = "http://127.0.0.1:9/leak";
        document.body.append(image);
        const script = document.createElement("script");
        script.append("window.injected = true");
        for (const inject of [
            () => document.body.append(script),
            () => document.body.setAttribute("onclick", "window.injected = true"),
            () => { document.body.innerHTML = "<p onclick='window.injected = true'>"; },
        ]) {
            try { inject(); document.body.click(); } catch { window.violations.push("refused"); }
        }
        """
    )
    until(lambda: "img-src" in browser.run("return window.violations"), "the browser objects")
    assert browser.run("return window.violations").count("refused") == 2
    assert browser.run("return window.injected") is None
    assert browser.complaints()


def test_unreadable_ledger_is_explained_without_barriers(daemon: Start, browser: Browser) -> None:
    """The explanation replaces what was shown, and goes away by itself."""
    exporter = daemon()
    browser.driver.get(address(exporter))
    assert "No callback has arrived yet" in browser.text()
    ledger = exporter.data_dir / "ledger.sqlite"
    ledger.rename(ledger.with_name("away"))
    until(lambda: "The ledger cannot be read" in browser.text(), "the page says so")
    assert browser.barriers() == []
    ledger.with_name("away").rename(ledger)
    until(lambda: "Active streams by origin" in browser.text(), "the page shows all again")
    browser.complaints()  # the browser's own, about status 503


def test_keyboard_reaches_the_content_first(daemon: Start, browser: Browser) -> None:
    """The first stop of the tabulator skips the navigation."""
    exporter = daemon()
    browser.driver.get(address(exporter))
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    skip = browser.driver.switch_to.active_element
    assert skip.text == "Skip to content"
    skip.send_keys(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "main"


def test_pages_refresh_behind_a_token(daemon: Start, browser: Browser) -> None:
    """What the browser was given as a password serves pages, their files and their refreshes."""
    exporter = daemon(metrics_token="s3cret")
    browser.driver.get(address(exporter, user="any:s3cret@"))
    assert "No callback has arrived yet" in browser.text()
    exporter.post(push(1))
    until(lambda: "Active streams\n1" in browser.text(), "the page is refreshed")
    assert (
        browser.run("return getComputedStyle(document.querySelector('header')).display") == "flex"
    )
