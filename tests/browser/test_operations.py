"""Batches, dead letters, the fleet's health, as the page shows them."""

from selenium.webdriver.common.keys import Keys

from page import THEMES
from processes import wait_for


def test_a_batch_with_its_progress(stack, page, pages):
    stack.start_all()
    page.open()
    page.js("document.querySelector('[name=many][value=many]').click()")
    lines = [f"{pages.url}/fine?{i}" for i in range(5)] + [f"{pages.url}/error", "ftp://no.example/"]
    page.wait("#urls").send_keys(Keys.ENTER.join(lines))
    page.click_button("Capture 7 pages")
    page.wait_text("h1", "Batch of 6 pages")
    page.wait_text(".trouble", "1 address was refused")
    page.wait_text(".trouble", "ftp://no.example/")
    page.wait_text(".percent", "100 %", 60)
    assert page.wait(".progress").get_attribute("aria-valuenow") == "100"
    page.wait_text(".legend", "5 completed")
    page.wait_text(".legend", "1 failed")
    page.wait_text("#announce", "The batch has ended: 5 completed, 1 failed")
    assert len(page.wait_pictures("#view .thumb img")) == 5
    widths = page.js("return [...document.querySelectorAll('.numbers .progress i')]"
                     ".map(i => [i.dataset.status, i.getBoundingClientRect().width])")
    assert [status for status, _ in widths] == ["completed", "failed"]
    assert abs(widths[0][1] - 5 * widths[1][1]) < 20

    page.click_button("Failed", ".filters")
    wait_for(lambda: len(page.all("#view .card")) == 1, 15, "the failed one alone")
    page.click_button("Batches", ".part")
    page.wait_text(".rows", "6 pages")
    page.wait_text(".rows", "5 completed, 1 failed")
    page.click(".rows a")
    page.wait_text("h1", "Batch of 6 pages")
    wait_for(lambda: page.focus() == page.find("h1"), 15, "the focus")
    assert page.complaints() == []


def test_a_pasted_list_is_a_batch(stack, page):
    stack.start("api")
    page.open()
    page.wait("#url").click()
    page.js("""
        const data = new DataTransfer();
        data.setData("text", "one.example\\n\\ntwo.example\\n");
        arguments[0].dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true, bubbles: true }));
        """, page.wait("#url"))
    assert page.wait("#urls").get_attribute("value") == "one.example\n\ntwo.example"
    page.wait_text("#form .main", "Capture 2 pages")
    page.press(Keys.CONTROL, Keys.ENTER)
    page.wait_text("h1", "Batch of 2 pages")
    assert {row.url for row in stack.sql("select url from jobs")} == {
        "https://one.example", "https://two.example"}


def test_a_list_without_any_good_address(stack, page):
    stack.start("api")
    page.open()
    page.js("document.querySelector('[name=many][value=many]').click()")
    page.wait("#urls").send_keys("ftp://a.example/", Keys.ENTER, "ftp://b.example/")
    page.click_button("Capture 2 pages")
    page.wait_text("#urls-error", "Address 1 must begin with http")
    assert page.focus() == page.wait("#urls")
    assert stack.sql("select 1 from jobs") == []


def dead_letter(stack, provider):
    """A webhook whose picture is none becomes a dead letter; returns its job."""
    provider.picture = b"this is no picture"
    job = stack.queue("https://example.com/")
    wait_for(lambda: stack.sql("select 1 from dead_letters where resolved_at is null"), 30,
             "the dead letter")
    return job


def test_a_dead_letter_is_retried(stack, page, provider):
    good = provider.picture
    stack.start_all("ingest", "worker", "poller", "api")
    job = dead_letter(stack, provider)
    page.open()
    page.wait_text("#dead-count", "1", 30)
    page.click("#nav a[href='#/dead-letters']")
    page.wait(".letter")
    page.click(".letter summary")
    page.wait_text(".letter pre", "screenshot.completed")
    provider.picture = good
    page.click_button("Retry", ".letter")
    page.wait_text("#announce", "It is tried again")
    stack.wait_for_job(job, "completed")
    page.wait_text(".empty", "No dead letters", 30)
    wait_for(lambda: not page.find("#dead-count"), 30, "the count to go away")
    page.open(f"#/captures/{job}")
    assert page.wait_pictures("#view .frame img") == [4]
    page.wait_text(".timeline", "Laid aside as a dead letter")
    page.wait_text(".timeline", "from a dead letter")
    assert page.complaints() == []


def test_a_dead_letter_is_dropped_after_a_second_thought(stack, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    job = dead_letter(stack, provider)
    page.open("#/dead-letters")
    page.click_button("Drop", ".letter")
    page.wait_text(".letter", "Really drop?")
    page.press(Keys.TAB)
    page.click_button("Drop", ".letter")  # it has forgotten
    page.click_button("Really drop?", ".letter")
    page.wait_text(".empty", "No dead letters", 30)
    row = stack.wait_for_job(job, "failed")
    assert row.error_code == "DROPPED"
    assert page.complaints() == []


def test_the_health_of_the_fleet(stack, page, provider):
    provider.script = provider.drop
    stack.start_all("ingest", "poller", "api")
    stack.queue("https://example.com/")
    page.open("#/fleet")
    page.wait_text(".verdict", "No worker is alive")
    stack.start("worker")
    page.wait_text(".verdict", "All is well", 60)
    plot = ".plot:nth-child(3)"
    wait_for(lambda: "Under way: now 1" in page.js(
        f"return document.querySelector('{plot} svg').getAttribute('aria-label')"), 30,
        "the plot to tell")
    page.click(f"{plot} summary")
    page.wait_text(f"{plot} td", "1")
    page.wait_text("[aria-label=Streams]", "webhook")
    page.wait_text("[aria-label=Stores]", "PostgreSQL")
    page.wait_text("#view", "Providers")
    stack.redis_server.stop()
    page.wait_text(".verdict", "is away", 30)


def test_the_parts_for_operators_are_accessible(stack, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    dead_letter(stack, provider)
    stack.api("POST", "/v1/captures", {"captures": [{"url": f"https://{i}.example/"} for i in range(30)]})
    batch = stack.sql("select batch_id::text as id from jobs where batch_id is not null limit 1")[0].id
    for theme in THEMES:
        page.theme(theme)
        for name, selector in (("batches", ".rows"), (f"batches/{batch}", ".card"),
                               ("dead-letters", ".letter"), ("fleet", ".plot")):
            page.open(f"#/{name}")
            page.wait_live()
            page.wait(selector)
            page.js("document.querySelectorAll('details').forEach(node => { node.open = true; })")
            for width in (320, 375, 768, 1440):
                page.screen(width)
                assert page.overflowing() == [], (name, width)
                if width in (375, 1440):
                    assert page.violations() == [], (name, width, theme)
    assert page.complaints() == []
