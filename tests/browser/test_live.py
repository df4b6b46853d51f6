"""The page while things happen: captures that fail, servers that go away."""

import pytest

from processes import wait_for


@pytest.fixture
def provider(stack, provider):
    """One that does nothing by itself."""
    provider.script = provider.drop
    return provider


def taken(provider, n):
    """The provider's n-th capture, once it has it."""
    wait_for(lambda: len(provider.captures) >= n, 30, "the provider to be asked")
    return provider.captures[n - 1]


def test_a_capture_is_retried_and_cancelled(stack, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    page.open()
    page.wait("#url").send_keys("https://example.com/", "\n")
    page.click_button("Details", "#current")

    capture = taken(provider, 1)
    page.wait_text(".state", "under way")
    provider.fail(capture, "INVALID_REQUEST", "it is broken")
    page.wait_text(".state", "failed", 30)
    page.wait_text("#announce", "failed")
    page.wait_text(".trouble", "it is broken")
    page.wait_text(".timeline", "Failed")

    page.click_button("Retry")
    page.wait_text(".state", "under way", 30)
    page.wait_text(".timeline", "Retried by a person")
    wait_for(lambda: page.focus() == page.find("h1"), 15, "the focus")  # not lost with the button
    page.click_button("Cancel")
    page.wait_text(".state", "cancelled")
    page.wait_text(".timeline", "Cancelled")
    page.click_button("Retry")
    page.wait_text(".state", "under way", 30)
    provider.complete(taken(provider, 3))
    page.wait_text(".state", "completed", 30)
    page.wait_pictures("#view .frame img")
    page.wait_text("#announce", "is ready")
    assert page.complaints() == []


def test_it_catches_up_after_api_was_killed(stack, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    page.open()
    page.wait("#url").send_keys("https://example.com/", "\n")
    capture = taken(provider, 1)
    page.wait_text("#current", "Being captured")

    stack.kill("api")
    page.wait_text("#line-text", "connecting")
    page.wait_text("#banner", "does not answer")
    provider.complete(capture)  # nobody tells the page
    stack.wait_for_job(capture.job_id, "completed")
    late = stack.queue("https://late.example/")
    stack.start("api")
    page.wait_live()
    wait_for(lambda: not page.find("#banner"), 15, "the banner to go")
    assert page.wait_pictures("#current .frame img") == [4]
    page.wait_text("#announce", "is ready")
    wait_for(lambda: page.find(f"#latest [data-id='{late}']"), 15,
             "what was submitted meanwhile")


def test_what_one_tab_asks_for_another_sees(stack, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    page.open()
    page.wait(".empty")
    page.wait_live()
    job = stack.queue("https://example.com/")
    card = f"#latest [data-id='{job}']"
    page.wait(card)
    capture = taken(provider, 1)
    page.wait_text(card, "under way")
    provider.send(capture, "progress", progress=40)
    page.wait_text(card, "40\u00a0%")
    provider.complete(capture)
    assert page.wait_pictures(f"{card} img") == [4]
    assert page.text("#announce") == ""  # nobody here had asked for it
    # a filter takes it away and brings it back
    page.click_button("Failed", ".filters")
    page.wait_text("#latest", "No such captures")
    page.click_button("Completed", ".filters")
    page.wait(card)
    page.wait("[name=part]").send_keys("nowhere", "\n")
    page.wait_text("#latest", "No such captures")
    page.click_button("Show all")
    page.wait(card)


# The answers to lists wait for release().
HOLD_LISTS = """
  const fetchNow = window.fetch;
  const released = new Promise((resolve) => { window.release = resolve; });
  window.fetch = async (path, options) => {
    const answer = await fetchNow(path, options);
    if (path.startsWith("/v1/captures?")) await released;
    return answer;
  };"""


def test_news_may_overtake_the_list(stack, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    page.open()
    page.wait("#url").send_keys("https://example.com/", "\n")
    capture = taken(provider, 1)
    page.wait_text("#current", "Being captured")
    page.js(HOLD_LISTS)
    page.click_button("Completed", ".filters")
    page.wait("#latest .skeleton")
    provider.complete(capture)
    page.wait_pictures("#current .frame img")
    page.js("release()")
    page.wait_pictures(f"#latest [data-id='{capture.job_id}'] img")
