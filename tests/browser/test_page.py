"""The page, in a real browser, with the real fleet behind it."""

from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from processes import wait_for
from web import request

BUDGET_BYTES = 100_000


def test_a_picture_by_keyboard_alone(stack, page):
    stack.start_all()
    page.open()
    page.press(Keys.TAB, Keys.ENTER)  # the skip link leads to the form
    assert page.focus().get_attribute("id") == "url"
    page.press(stack.api_url + "/demo/", Keys.ENTER)

    page.wait_text("#announce", "is ready: 1920 by 1080", 30)
    assert page.wait_pictures("#current .frame img") == [1920]
    assert page.wait_pictures("#latest .thumb img") == [640]
    assert page.complaints() == []


def test_it_loads_in_under_100_kb_with_a_strict_policy(stack, page):
    stack.start("api")
    page.open()
    page.wait_live()
    page.wait(".empty")
    loaded = page.transferred()
    files = [(name, size) for name, size in loaded if not name.startswith("/v1/")]
    assert {"/", "/page/main.js", "/page/base.css", "/page/icon.svg"} <= {n for n, _ in files}
    assert all(name.startswith("/") for name, _ in loaded), "something from elsewhere"
    assert sum(size for _, size in files) < BUDGET_BYTES, files
    # and without compression it is the same page
    whole = 0
    for name, size in files:
        plain = request("GET", page.url + name)
        packed = request("GET", page.url + name, headers={"Accept-Encoding": "br, gzip"})
        assert plain.headers["Content-Encoding"] is None
        assert packed.headers["Content-Encoding"] == "gzip"
        assert len(packed.body) == size and plain.headers["ETag"] != packed.headers["ETag"]
        again = request("GET", page.url + name, headers={"If-None-Match": plain.headers["ETag"]})
        assert again.status == 304 and again.body == b""
        whole += len(plain.body)
    assert whole > sum(size for _, size in files)
    refused = request("GET", page.url + "/", headers={"Accept-Encoding": "gzip;q=0, br"})
    assert refused.headers["Content-Encoding"] is None

    policy = dict(part.strip().split(" ", 1) for part in
                  request("GET", page.url + "/").headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in str(policy)
    assert page.complaints() == []


def test_mistakes_are_explained_where_they_were_made(stack, page):
    stack.start("api")
    page.open()
    url = page.wait("#url")
    url.send_keys("file:///etc/passwd", Keys.ENTER)
    page.wait_text("#url-error", "must begin with http")
    assert url.get_attribute("aria-invalid") == "true"
    assert page.focus() == url

    page.click("#more-options")
    delay = page.wait("#delay")
    delay.clear()
    delay.send_keys("10001")
    page.wait("#advanced").send_keys("{timezone}")
    url.clear()
    url.send_keys("example.com", Keys.ENTER)  # https:// is understood
    page.wait_text("#advanced-error", "is not JSON")
    page.wait("#advanced").clear()
    page.wait("#advanced").send_keys('{"tiemzone": "UTC"}')
    delay.send_keys(Keys.ENTER)
    page.wait_text("#delay-error", "from 0 to 10000")
    page.wait_text("#form-error", "tiemzone")
    assert page.text("#url-error") == page.text("#advanced-error") == ""

    page.wait("#advanced").clear()
    stack.redis_server.stop()
    ready = stack.programs["api"].admin_url + "/readyz"
    wait_for(lambda: request("GET", ready).status == 503, 15, "api to notice")
    delay.clear()
    delay.send_keys("10", Keys.ENTER)
    page.wait_text("#form-error", "queue is away")
    assert page.complaints() == []


def test_the_options_reach_the_row(stack, page):
    stack.start("api")
    page.open()
    page.wait("#url").send_keys("https://example.com/")
    for words in ("Phone", "Full page", "Dark mode"):
        label = next(n for n in page.all("#form label") if n.text.strip("✓ \n") == words)
        label.click()
    Select(page.wait("#format")).select_by_value("jpeg")
    page.click("#more-options")
    page.wait("#quality").clear()
    page.wait("#quality").send_keys("70")
    page.wait("#delay").clear()
    page.wait("#delay").send_keys("250")
    page.wait("#selector").send_keys("#chart")
    page.wait("#hideSelectors").send_keys(".cookies, .ads")
    page.wait("#advanced").send_keys('{"timezone": "UTC", "metadata": {"order": 7}}')
    page.press(Keys.TAB)
    page.click_button("Capture")
    page.wait("#current .steps")
    (row,) = stack.sql("select options, metadata from jobs")
    assert row.options == {
        "device": "mobile", "fullPage": True, "darkMode": True, "format": "jpeg",
        "quality": 70, "delay": 250, "selector": "#chart",
        "hideSelectors": [".cookies", ".ads"], "timezone": "UTC"}
    assert row.metadata == {"order": 7}


def test_a_failed_capture_says_what_to_do(stack, page, pages):
    stack.start_all()
    page.open()
    page.wait("#url").send_keys(pages.url + "/error", Keys.ENTER)
    page.wait_text("#announce", "failed", 30)
    trouble = page.wait("#current .trouble").text
    assert trouble.startswith("HTTP_ERROR") and "Open it in a browser" in trouble
    # the gallery heard of it too, and a look from there opens and closes
    page.wait_text("#latest .card", "HTTP_ERROR")
    page.click("#latest .card")
    page.wait_text("#lightbox", "Open it in a browser")
    page.press(Keys.ESCAPE)
    wait_for(lambda: page.focus() == page.find("#latest .card"), 5,
             "to be back at the card")


def test_a_picture_that_was_removed(stack, page):
    """Housekeeping took it; the row stays."""
    stack.start_all()
    job = stack.api("POST", "/v1/captures", {"url": stack.api_url + "/demo/"}).json()["jobId"]
    stack.wait_for_job(job, "completed", 60)
    stack.sql("update jobs set image_removed_at = now() where id = %s::uuid", job)
    page.open()
    page.wait_text("#latest .thumb", "picture removed")
    page.open(f"#/captures/{job}")
    page.wait_text(".stage", "The picture was removed")
    assert not any("Download" in node.text for node in page.all("#view .actions *"))
    page.click_button("Capture again", "#view")
    page.wait_pictures(".stage img")
    assert page.violations() == [] and page.complaints() == []


def test_a_long_address_leaves_room_for_the_rest(stack, page):
    stack.start("api")
    url = "https://example.com/" + "very-long-" * 150
    job = stack.api("POST", "/v1/captures", {"url": url}).json()["jobId"]
    for width in (320, 1440):
        page.screen(width)
        page.open(f"#/captures/{job}")
        page.wait_text("h1", "very-long-")
        assert page.find("#view h1").size["height"] < 150
        page.wait_text(".facts", url)
        assert page.overflowing() == []


def test_the_gallery_by_arrow_keys(stack, page):
    stack.start("api")
    for name in "abcdef":
        stack.queue(f"http://{name}.example/")
    page.screen(1280)
    page.open()
    page.wait("#latest .card")
    wait_for(lambda: len(page.all("#latest .card")) == 6, 10, "the gallery")
    assert len(page.all("#latest .card[tabindex='0']")) == 1

    def here():
        return page.focus().find_element("tag name", "strong").text

    page.js("document.querySelector('#latest .card').focus()")
    assert here() == "f.example"  # the newest first
    page.press(Keys.ARROW_RIGHT)
    assert here() == "e.example"
    page.press(Keys.ARROW_DOWN)  # four in a row at this width
    assert here() == "a.example"
    page.press(Keys.ARROW_RIGHT)  # there is no next one
    assert here() == "a.example"
    page.press(Keys.HOME)
    assert here() == "f.example"
    page.press(Keys.ENTER)
    page.wait("#lightbox h2")
    assert page.text("#lightbox h2") == "f.example"
    page.press(Keys.ARROW_RIGHT)
    assert page.text("#lightbox h2") == "e.example"
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)  # it does not go round
    assert page.text("#lightbox h2") == "f.example"
    page.press(Keys.ARROW_RIGHT, Keys.ESCAPE)
    wait_for(lambda: here() == "e.example", 5, "to be back at what was looked at")
    assert page.complaints() == []


def test_a_key_is_asked_for_once_and_is_in_no_address(stack, page):
    stack.env["SHOTFLEET_API_KEYS"] = "right-key"
    stack.start_all()
    page.open()

    def enter(key):
        field = page.wait("#key")
        field.send_keys(key, Keys.ENTER)

    enter("wrong-key")
    page.wait_text("#key-error", "not accepted")
    enter("right-key")
    page.wait_live()
    page.wait("#url").send_keys(stack.api_url + "/demo/", Keys.ENTER)
    assert page.wait_pictures("#current .frame img") == [1920]
    page.browser.refresh()  # the tab remembers
    assert page.wait_pictures("#latest .thumb img") == [640]
    assert "right-key" not in str(page.transferred())
    assert "right-key" not in stack.log("api")
    assert page.complaints() == []


def test_a_key_that_may_only_look(stack, page):
    stack.start("api")
    key = stack.cli("keys", "create", "viewer", "--scope", "read", check=True).stdout.split()[-1]
    stack.queue("https://example.com/")
    wait_for(lambda: stack.api("GET", "/v1/captures").status == 401, 15, "keys to be needed")
    page.open()
    page.wait("#key").send_keys(key, Keys.ENTER)
    page.wait("#latest .card")
    page.wait("#url").send_keys("https://example.org/", Keys.ENTER)
    page.wait_text("#form-error", "has the scope read and this needs submit")
    page.click("#nav a[href='#/dead-letters']")
    page.wait_text("#view [role=alert]", "this needs admin")
    page.click_button("Change key")
    page.wait("#key")
