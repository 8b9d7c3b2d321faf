"""The pages of streams in a real browser: by keyboard, without colours, with odd names."""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support.browser import Browser
from support.daemon import Start
from support.packets import ODD_NAME
from support.pages import address, send_streams, stream
from support.programs import until


def test_stream_is_found_by_keyboard(daemon: Start, browser: Browser) -> None:
    """From the search over the list to the page of a stream with an odd name, and it is live."""
    exporter = daemon()
    send_streams(exporter)
    browser.driver.get(address(exporter, "/streams"))
    browser.driver.find_element(By.NAME, "q").send_keys("A/B c", Keys.ENTER)
    until(lambda: "q=A%2FB+c" in browser.driver.current_url, "the form is sent")
    assert browser.texts("tbody a") == [ODD_NAME]
    browser.press(By.CSS_SELECTOR, "tbody a")
    until(lambda: "/stream?" in browser.driver.current_url, "the stream is shown")
    assert browser.text("h1") == f"Stream {ODD_NAME}"
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
    send_streams(exporter)
    browser.driver.get(address(exporter, stream(ODD_NAME)))
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
    send_streams(exporter)
    browser.driver.get(address(exporter, "/deliveries?stream=a/b"))
    browser.press(By.CSS_SELECTOR, "tbody a")
    until(lambda: browser.driver.title.startswith("Stream"), "the stream is shown")
    assert "interruption accepted" in browser.text("[aria-labelledby=deliveries]")
    browser.press(By.ID, "all-deliveries")
    until(lambda: browser.driver.title.startswith("Deliveries"), "deliveries are shown")
    assert len(browser.texts("tbody tr")) == 5
