"""The page, in a real browser, with the real fleet behind it."""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from processes import wait_for

PICTURES = ("return [...document.querySelectorAll(arguments[0])]"
            ".map(i => i.complete ? i.naturalWidth : 0)")
OVERFLOWS = "return document.documentElement.scrollWidth > innerWidth"


def screen(browser, width, height=900):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": height,
                             "deviceScaleFactor": 1, "mobile": False})


def text(browser, element_id):
    return browser.find_element(By.ID, element_id).get_attribute("textContent")


def press(browser, *keys):
    """Types where the focus is."""
    browser.switch_to.active_element.send_keys(*keys)


def widths(browser, selector):
    found = browser.execute_script(PICTURES, selector)
    return found if found and all(found) else None


def complaints(browser):
    """What the console says, but for answers that we asked for."""
    return [entry["message"] for entry in browser.get_log("browser")
            if "the server responded with a status of" not in entry["message"]]


def test_a_picture_by_keyboard_alone(stack, browser):
    stack.start_all()
    screen(browser, 1440)
    browser.get(stack.api_url + "/")
    press(browser, Keys.TAB, Keys.ENTER)  # the skip link leads to the form
    assert browser.switch_to.active_element.get_attribute("id") == "url"
    press(browser, stack.api_url + "/demo/", Keys.ENTER)

    wait_for(lambda: "is ready: 1920 by 1080" in text(browser, "announce"), 30,
             "the page to announce the picture")
    assert wait_for(lambda: widths(browser, "#current img"), 10,
                    "the picture") == [1920]
    assert wait_for(lambda: widths(browser, "#gallery img"), 10,
                    "the gallery's picture") == [1920]
    wait_for(lambda: browser.find_element(
        By.CSS_SELECTOR, "[data-number=completedLastHour]").text == "1", 10,
        "the fleet's numbers")
    assert complaints(browser) == []


def test_mistakes_are_explained_where_they_were_made(stack, browser):
    stack.start("api")
    browser.get(stack.api_url + "/")
    url = browser.find_element(By.ID, "url")
    url.send_keys("file:///etc/passwd", Keys.ENTER)
    wait_for(lambda: "must begin with http" in text(browser, "url-error"), 10,
             "the error")
    assert url.get_attribute("aria-invalid") == "true"
    assert browser.switch_to.active_element == url

    browser.find_element(By.CSS_SELECTOR, "#options summary").click()
    delay = browser.find_element(By.ID, "delay")
    delay.clear()
    delay.send_keys("10001")
    url.clear()
    url.send_keys("example.com", Keys.ENTER)  # https:// is understood
    wait_for(lambda: "from 0 to 10000" in text(browser, "delay-error"), 10,
             "the error")
    assert text(browser, "url-error") == ""

    stack.redis_server.stop()
    delay.clear()
    delay.send_keys("10", Keys.ENTER)
    wait_for(lambda: "queue is away" in text(browser, "form-error"), 10, "the error")
    assert complaints(browser) == []


def test_a_failed_capture_says_what_to_do(stack, browser, pages):
    stack.start_all()
    browser.get(stack.api_url + "/")
    browser.find_element(By.ID, "url").send_keys(pages.url + "/error", Keys.ENTER)
    wait_for(lambda: "failed" in text(browser, "announce"), 30, "the failure")
    trouble = browser.find_element(By.CSS_SELECTOR, "#current .trouble").text
    assert trouble.startswith("HTTP_ERROR") and "Open it in a browser" in trouble
    # the gallery heard of it too, and its details open and close
    card = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#gallery button"),
                    10, "the card")[0]
    wait_for(lambda: "HTTP_ERROR" in card.text, 10, "the card to change")
    card.click()
    dialog = browser.find_element(By.ID, "details")
    assert "HTTP_ERROR" in dialog.text
    press(browser, Keys.ESCAPE)
    wait_for(lambda: not dialog.is_displayed(), 5, "the dialog to close")


def test_it_fits_every_width_in_both_themes(stack, browser):
    stack.start("api")
    for address in ("https://example.com/" + "long-path/" * 40, "http://a.example/"):
        stack.queue(address)
    seen = set()
    for theme in ("light", "dark"):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": theme}]})
        for width in (320, 390, 820, 1440):
            screen(browser, width)
            browser.get(stack.api_url + "/")
            wait_for(lambda: len(browser.find_elements(
                By.CSS_SELECTOR, "#gallery li")) == 2, 10, "the gallery")
            browser.find_element(By.CSS_SELECTOR, "#options summary").click()
            assert not browser.execute_script(OVERFLOWS), (theme, width)
            browser.find_elements(By.CSS_SELECTOR, "#gallery button")[1].click()
            assert not browser.execute_script(OVERFLOWS), (theme, width)
        seen.add(browser.execute_script(
            "return getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2
    assert complaints(browser) == []


def test_a_key_is_asked_for_once(stack, browser):
    stack.env["SHOTFLEET_API_KEYS"] = "right-key"
    stack.start_all()
    browser.get(stack.api_url + "/")

    def enter(key):
        field = browser.find_element(By.ID, "key")
        wait_for(field.is_displayed, 10, "the key to be asked for")
        field.send_keys(key, Keys.ENTER)

    enter("wrong-key")
    wait_for(lambda: "not accepted" in text(browser, "key-error"), 10, "the refusal")
    enter("right-key")
    wait_for(lambda: text(browser, "live-text") == "live", 10, "the page to connect")
    browser.find_element(By.ID, "url").send_keys(stack.api_url + "/demo/", Keys.ENTER)
    assert wait_for(lambda: widths(browser, "#current img"), 30,
                    "the picture, fetched with the key") == [1920]
    browser.refresh()  # the tab remembers
    assert wait_for(lambda: widths(browser, "#gallery img"), 10, "the gallery")
    assert complaints(browser) == []
