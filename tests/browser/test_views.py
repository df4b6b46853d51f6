"""Every part of the page at every width, in both themes, judged by axe-core."""

import pytest

from page import THEMES
from processes import wait_for

WIDTHS = (320, 375, 768, 1440)


@pytest.fixture
def fleet(stack, page, pages):
    """A fleet with something of everything; returns names of parts to fragments."""
    stack.start_all()
    fine = stack.queue(stack.api_url + "/demo/", device="mobile", fullPage=True)
    bad = stack.queue(pages.url + "/error")
    far = stack.queue("https://example.com/" + "long-path/" * 40)
    stack.sql("update jobs set status = 'cancelled', cancelled_at = now() where id = %s::uuid", far)
    stack.wait_for_job(fine, "completed")
    stack.wait_for_job(bad, "failed")
    return {"captures": "", "nothing fits": "#/?url=no-such-address",
            "a picture": f"#/captures/{fine}", "a failure": f"#/captures/{bad}",
            "cancelled": f"#/captures/{far}"}


def ready(page):
    page.wait_live()
    page.js("document.querySelectorAll('details').forEach(node => { node.open = true; })")


@pytest.mark.parametrize("theme", THEMES)
def test_every_part_fits_and_is_accessible(fleet, page, theme):
    page.theme(theme)
    for name, fragment in fleet.items():
        page.open(fragment)
        ready(page)
        page.wait("h1")
        for width in WIDTHS:
            page.screen(width)
            assert page.overflowing() == [], (name, width)
            if width in (375, 1440):
                assert page.violations() == [], (name, width)
    assert page.complaints() == []


@pytest.mark.parametrize("theme", THEMES)
def test_what_opens_fits_and_is_accessible(fleet, page, theme):
    page.theme(theme)
    page.open()
    ready(page)
    page.wait("#latest .card")
    page.click("#more-options")
    page.js("document.querySelector('[name=device][value=\"\"]').click()")
    for width in WIDTHS:
        page.screen(width)
        assert page.overflowing() == [], width
    assert page.violations() == []
    wait_for(lambda: len(page.all("#latest .card")) == 3, 15, "all cards")
    page.js("document.querySelectorAll('#latest .card')[2].click()")  # the picture
    page.wait_pictures("#lightbox img")
    for width in WIDTHS:
        page.screen(width)
        assert page.overflowing() == [], width
        assert page.violations() == [], width
    assert page.complaints() == []


def test_the_themes_differ(stack, page):
    stack.start("api")
    seen = set()
    for theme in THEMES:
        page.theme(theme)
        page.open()
        seen.add(page.js("return getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2
