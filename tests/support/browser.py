"""A real headless Chromium, driven by chromedriver; it reaches nothing but loopback."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from selenium.common.exceptions import (
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from selenium_axe_python.axe import Axe

from support.programs import program

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

DESKTOP = (1366, 768)
PHONE = (390, 844)


HASTE = 5
"""How many times faster than others a page's timers run, so that tests need not wait long."""

_REPLACED = (StaleElementReferenceException, ElementNotInteractableException)
"""What a driver says of an element that a refresh took away, before it looks or while."""

_OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""axe-core's rules that look at colours."""

_STICKING_OUT = """
const window_ = document.documentElement.clientWidth;
const seen = one => one.getBoundingClientRect().width && !one.closest("svg *, .skip, .hidden")
    && getComputedStyle(one.closest("thead") ?? one).clipPath === "none";
function room(one) {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    return [box.left + parseFloat(style.borderLeftWidth) + parseFloat(style.paddingLeft),
        box.right - parseFloat(style.borderRightWidth) - parseFloat(style.paddingRight)];
}
function sticksOut(one) {
    const { left, right } = one.getBoundingClientRect();
    if (left < -1 || right > window_ + 1) return true;
    if (one.clientWidth && getComputedStyle(one).overflowX === "visible"
        && one.scrollWidth > one.clientWidth + 1) return true;
    if (!one.parentElement.clientWidth) return false; // inline: text that is broken into lines
    const [from, to] = room(one.parentElement);
    return left < from - 1 || right > to + 1;
}
return [...document.body.querySelectorAll("*")].filter(one => seen(one) && sticksOut(one))
    .map(one => `${one.tagName} ${one.className}: ${one.textContent.trim().slice(0, 60)}`);
"""


class Browser:
    """One browser with one page."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        hurry = f"const wait = setTimeout; setTimeout = (run, ms) => wait(run, ms / {HASTE});"
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": hurry})

    def look(self, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        """Be a screen of a size in CSS pixels, and prefer a colour scheme."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": width,
                "height": height,
                "deviceScaleFactor": 1,
                "mobile": size == PHONE,
            },
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def press(self, by: str, value: str, *keys: str) -> None:
        """Press keys on an element, Enter by default; found anew if a refresh took its place."""
        for _ in range(10):
            with suppress(*_REPLACED):
                self.driver.find_element(by, value).send_keys(*keys or (Keys.ENTER,))
                return
        raise TimeoutError(f"{value} is replaced again and again, or takes no keys")

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element that a selector finds, all of one moment."""
        script = "return [...document.querySelectorAll(arguments[0])].map(one => one.innerText)"
        found: list[str] = self.run(script, selector)
        return found

    def text(self, selector: str = "main") -> str:
        """Return the text that an element shows."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def complaints(self) -> list[str]:
        """Return what the console says since it was asked last: errors, refusals of the policy."""
        return [line["message"] for line in self._log()]

    def _log(self) -> list[dict[str, Any]]:
        # selenium leaves its logs without types
        found: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return found

    def barriers(self, *, only_colours: bool = False) -> list[str]:
        """Return what axe-core finds to be inaccessible on the page, in all or in its colours."""
        chosen = f", runOnly: {_OF_COLOURS}" if only_colours else ""
        axe = Axe(self.driver)
        if not self.run("return 'axe' in window"):
            axe.inject()  # type: ignore[no-untyped-call]  # the package has no types
        found = axe.run(f"document, {{resultTypes: ['violations']{chosen}}}")["violations"]
        return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]

    def sticking_out(self) -> list[str]:
        """Return what is wider than the place that it has: the window, or what it stands in."""
        found: list[str] = self.run(_STICKING_OUT)
        return found


@contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """Yield a browser with a profile of its own."""
    options = ChromeOptions()
    options.binary_location = program("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(program("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
