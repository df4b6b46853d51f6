"""What a person does to the page, and what a person sees of it."""

import json
import os

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By

from harness import ROOT
from processes import wait_for

PEERS = os.path.join(ROOT, "tests", "peers", "node_modules")
PICTURES = ("return [...document.querySelectorAll(arguments[0])]"
            ".map(i => i.complete ? i.naturalWidth : 0)")
OVERFLOW = """
  const most = document.documentElement.scrollWidth;
  if (most <= innerWidth) return [];
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
    .map((node) => node.outerHTML.slice(0, 120));"""
AXE_RUN = """
  const done = arguments[0];
  axe.run(document, { resultTypes: ["violations"] }).then(
    (result) => done(result.violations.map((v) =>
      [v.id, v.help, v.nodes.map((n) => n.target.join(" ")).slice(0, 5)])),
    (error) => done([["axe", String(error), []]]));"""

THEMES = ("light", "dark")


def peer(path):
    """The text of a file of an npm package that the tests use."""
    try:
        with open(os.path.join(PEERS, path)) as f:
            return f.read()
    except FileNotFoundError:
        raise AssertionError("npm packages are missing: npm ci --prefix tests/peers")


class Page:
    def __init__(self, browser, url):
        self.browser = browser
        self.url = url

    # looking and going

    def screen(self, width, height=900):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def theme(self, name):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": name},
            {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def open(self, fragment=""):
        """Goes to a part by its address, as from a bookmark."""
        self.browser.get("about:blank")
        self.browser.get(f"{self.url}/{fragment}")
        return self

    def find(self, selector):
        """The first that is shown, or None."""
        try:
            return next((node for node in self.all(selector) if node.is_displayed()), None)
        except StaleElementReferenceException:
            return None

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, selector, timeout_s=15):
        return wait_for(lambda: self.find(selector), timeout_s, f"{selector} to be shown")

    def text(self, selector):
        """Also of what is hidden from eyes; of all that fit, joined."""
        return self.js("return [...document.querySelectorAll(arguments[0])]"
                       ".map(node => node.textContent).join(' ')", selector)

    def wait_text(self, selector, part, timeout_s=15):
        try:
            wait_for(lambda: part in self.text(selector), timeout_s, "the words")
        except AssertionError:
            raise AssertionError(f"{selector} does not say {part!r} but "
                                 f"{self.text(selector)!r}") from None

    def wait_pictures(self, selector, timeout_s=30):
        """Waits until all of them are there; returns their widths."""
        def widths():
            found = self.js(PICTURES, selector)
            return found if found and all(found) else None

        return wait_for(widths, timeout_s, f"the pictures {selector}")

    def wait_live(self, timeout_s=30):
        wait_for(lambda: self.text("#line-text") == "live", timeout_s,
                 "the page to be connected")

    # doing

    def js(self, script, *args):
        return self.browser.execute_script(script, *args)

    def focus(self):
        return self.browser.switch_to.active_element

    def press(self, *keys):
        """Types where the focus is."""
        self.focus().send_keys(*keys)

    def click(self, selector):
        self._click(lambda: self.find(selector), selector)

    def click_button(self, text, within="body"):
        """The button or link with these words."""
        self._click(lambda: next(
            (node for node in self.all(f"{within} button, {within} a")
             if node.text.strip() == text and node.is_displayed()), None),
            f"the button “{text}”")

    def _click(self, find, what):
        """What is found may be drawn anew before it is hit."""
        def hit():
            try:
                node = find()
                if node:
                    node.click()
                return node
            except StaleElementReferenceException:
                return None

        wait_for(hit, 15, f"{what} to be there")

    # judging

    def overflowing(self):
        """What sticks out to the right, in short."""
        return self.js(OVERFLOW)

    def violations(self):
        """What axe-core has against the page as it stands."""
        if not self.js("return Boolean(window.axe)"):
            # through DevTools: the page's own policy lets no script in
            self.browser.execute_cdp_cmd("Runtime.evaluate", {
                "expression": peer("axe-core/axe.min.js")})
        return self.browser.execute_async_script(AXE_RUN)

    def complaints(self):
        """What the console says, but for answers that were asked for."""
        return [entry["message"] for entry in self.browser.get_log("browser")
                if "the server responded with a status of" not in entry["message"]]

    def transferred(self):
        """(path, bytes) of what was loaded, as it went over the line."""
        entries = json.loads(self.js(
            "return JSON.stringify(performance.getEntries().filter(e => e.transferSize !== undefined)"
            ".map(e => [e.name, e.encodedBodySize]))"))
        return [(name.removeprefix(self.url), size) for name, size in entries]
