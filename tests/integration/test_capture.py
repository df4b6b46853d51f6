"""The built-in provider: real pages become pictures, as the options say."""

import pytest

from capture_world import (BLUE, capture, page_server, pages, pixel, refused,
                           size_of)


@pytest.mark.parametrize("options, size", [
    ({}, (1920, 1080)),
    ({"device": "desktop"}, (1920, 1080)),
    ({"device": "laptop"}, (1366, 768)),
    ({"device": "tablet"}, (768, 1024)),
    ({"device": "mobile"}, (375, 812)),
    ({"device": "mobile", "deviceScaleFactor": 2}, (750, 1624)),
    ({"width": 640, "height": 480}, (640, 480)),
    ({"viewport": {"width": 320, "height": 240, "deviceScaleFactor": 1.5}}, (480, 360)),
])
def test_a_picture_has_the_size_of_the_device(capture, pages, options, size):
    answer = capture.post({"url": pages.url(), **options})
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "image/png"
    assert size_of(answer.body) == ("png", *size)
    assert pixel(answer.body, size[0] - 1, 5) == BLUE
    assert int(answer.headers["X-Screenshot-Size"]) == len(answer.body)
    assert int(answer.headers["X-Screenshot-Duration"]) > 0


@pytest.mark.parametrize("name, kind", [("png", "png"), ("jpeg", "jpeg"),
                                        ("jpg", "jpeg"), ("webp", "webp")])
def test_every_format(capture, pages, name, kind):
    answer = capture.shoot(pages.url(), format=name)
    assert size_of(answer.body) == (kind, 375, 812)
    assert answer.headers["Content-Type"] == f"image/{kind}"


def test_quality(capture, pages):
    low = capture.shoot(pages.url(), format="jpeg", quality=1)
    high = capture.shoot(pages.url(), format="jpeg", quality=100)
    assert len(low.body) < len(high.body)


def test_pdf(capture, pages):
    answer = capture.shoot(pages.url(), format="pdf",
                           pdfOptions={"format": "A4", "margin": {"top": "1cm"}})
    assert answer.body.startswith(b"%PDF-")
    assert answer.headers["Content-Type"] == "application/pdf"


def test_a_full_page_is_as_high_as_the_page(capture, pages):
    answer = capture.shoot(pages.url("/tall?height=3000"), fullPage=True)
    assert size_of(answer.body) == ("png", 375, 3000)
    assert "X-Screenshot-Truncated" not in answer.headers
    answer = capture.shoot(pages.url("/tall?height=3000"), fullPage=True,
                           deviceScaleFactor=2)
    assert size_of(answer.body) == ("png", 750, 6000)


def test_a_page_not_made_for_phones_is_scaled_to_the_phone(capture, pages):
    answer = capture.shoot(pages.url("/desktop_only"), fullPage=True)
    assert size_of(answer.body) == ("png", 375, 812)  # 1960 * 375 / 980 = 750
    assert pixel(answer.body, 370, 700) == BLUE
    assert pixel(answer.body, 370, 790) == BLUE  # the body's colour is the page's


def test_a_short_page_fills_the_screen(capture, pages):
    answer = capture.shoot(pages.url("/tall?height=10"), fullPage=True)
    assert size_of(answer.body) == ("png", 375, 812)


@pytest.mark.parametrize("kind, limit", [("webp", 16383), ("jpeg", 32768)])
def test_a_page_without_end_is_cut(capture, pages, kind, limit):
    options = {"fullPage": True, "format": kind, "width": 320, "isMobile": False}
    answer = capture.shoot(pages.url(f"/tall?height={limit}"), **options)
    assert size_of(answer.body) == (kind, 320, limit)
    assert "X-Screenshot-Truncated" not in answer.headers
    answer = capture.shoot(pages.url(f"/tall?height={limit + 1}"), **options)
    assert size_of(answer.body) == (kind, 320, limit)
    assert answer.headers["X-Screenshot-Truncated"] == "1"


def test_html(capture, pages):
    answer = capture.shoot(html="<body style='background:#336699'>"
                                f"<img src='{pages.url('/dot')}'>"
                                "<iframe src='file:///etc/passwd'></iframe>")
    assert pixel(answer.body, 370, 5) == BLUE
    assert pages.hits("/dot")


def test_delay(capture, pages):
    now = capture.shoot(pages.url("/later?ms=3000"))
    later = capture.shoot(pages.url("/later?ms=300"), delay=700)
    assert pixel(now.body, 370, 5) == (255, 0, 0)
    assert pixel(later.body, 370, 5) == BLUE


def test_waiting_for_a_selector(capture, pages):
    answer = capture.shoot(pages.url("/appears?ms=400"), waitForSelector="#late",
                           selector="#late", isMobile=False)
    assert size_of(answer.body) == ("png", 120, 40)


def test_a_selector_that_is_not_there(capture, pages):
    answer = capture.post({"url": pages.url(), "waitForSelector": "#none",
                           "timeout": 800})
    refused(answer, 422, "SELECTOR_NOT_FOUND", "waitForSelector")
    answer = capture.post({"url": pages.url(), "selector": "#none"})
    refused(answer, 422, "SELECTOR_NOT_FOUND", "selector")
    answer = capture.post({"url": pages.url(), "hideSelectors": ["p", "]["]})
    refused(answer, 400, "INVALID_REQUEST", "][")


def test_clip(capture, pages):
    answer = capture.shoot(pages.url(), isMobile=False,
                           clip={"x": 10, "y": 20, "width": 30, "height": 40})
    assert size_of(answer.body) == ("png", 30, 40)


def test_dark_mode(capture, pages):
    assert pixel(capture.shoot(pages.url("/dark")).body, 9, 9) == (255, 0, 0)
    dark = capture.shoot(pages.url("/dark"), darkMode=True)
    assert pixel(dark.body, 9, 9) == BLUE


def test_css_javascript_and_hiding(capture):
    red = "<body style='margin:0;background:#ff0000'>"
    answer = capture.shoot(html=red, css="body {background: #336699 !important}")
    assert pixel(answer.body, 9, 9) == BLUE
    answer = capture.shoot(html=red, javascript="new Promise(done => setTimeout(() =>"
                           "{document.body.style.background = '#336699'; done()}, 50))")
    assert pixel(answer.body, 9, 9) == BLUE
    cover = "<div style='position:fixed;inset:0;background:#fff' class=cover></div>"
    answer = capture.shoot(html=red.replace("#ff0000", "#336699") + cover,
                           hideSelectors=[".none", ".cover"])
    assert pixel(answer.body, 9, 9) == BLUE
    answer = capture.post({"html": red, "javascript": "nothing.there"})
    refused(answer, 400, "INVALID_REQUEST", "javascript", "nothing is not defined")


def test_no_background(capture):
    answer = capture.shoot(html="<h1>x</h1>", omitBackground=True)
    assert pixel(answer.body, 370, 5) == (0, 0, 0, 0)


def test_what_the_page_is_told_about_its_visitor(capture, pages):
    capture.shoot(pages.url(), userAgent="Shotfleet test", headers={"X-Test": "yes"},
                  cookies=[{"name": "a", "value": "b"}])
    [seen] = pages.hits("/")
    assert seen["headers"]["User-Agent"] == "Shotfleet test"
    assert seen["headers"]["X-Test"] == "yes"
    assert seen["headers"]["Cookie"] == "a=b"
    zone = ("document.body.style.background = Intl.DateTimeFormat().resolvedOptions()"
            ".timeZone === 'Asia/Tokyo' ? '#336699' : '#ff0000'")
    answer = capture.shoot(pages.url(), timezone="Asia/Tokyo", javascript=zone)
    assert pixel(answer.body, 370, 5) == BLUE
    answer = capture.post({"url": pages.url(), "timezone": "Mars/Olympus"})
    refused(answer, 400, "INVALID_REQUEST", "Mars/Olympus")


def test_captures_know_nothing_of_each_other(capture, pages):
    for _ in range(3):
        capture.shoot(pages.url("/cookie"))
    assert len(pages.hits("/cookie")) == 3  # nor is there a shared cache
    assert not any("Cookie" in r["headers"] for r in pages.hits("/cookie"))


def test_dialogs_do_not_stop_a_page(capture, pages):
    assert pixel(capture.shoot(pages.url("/alert")).body, 370, 5) == BLUE


def test_uploads_and_many_connections_pass_the_proxy(capture, pages):
    capture.shoot(pages.url("/post?bytes=3000000"), waitForSelector="#sent")
    [received] = pages.hits("/received")
    assert received["body"] == b"x" * 3000000
    capture.shoot(pages.url("/many?images=60"), waitForNetworkIdle=True)
    assert len(pages.hits("/dot")) == 60
