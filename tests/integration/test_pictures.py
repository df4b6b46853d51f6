"""Fetching pictures: limits, redirects, types, keys, one slow host among others."""

import base64
import os
import struct
import threading

import pytest

from doubles import HttpDouble, PageServer, png
from processes import wait_for

MIB = 1024 * 1024


@pytest.fixture
def fleet(stack, provider):
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    stack.start_all("ingest", "worker", "poller")
    return stack


@pytest.fixture
def host():
    """Another host with pictures."""
    server = PageServer()
    yield server
    server.close()


def letter(stack):
    [row] = wait_for(lambda: stack.sql("select * from dead_letters"), 60, "a dead letter")
    return row


def picture_at(provider, url):
    def script(capture):
        capture.image_url = url
        provider.complete(capture)
    provider.script = script


PNG = {"Content-Type": "image/png"}


@pytest.mark.parametrize("count, well", [(0, True), (4, True), (5, True), (6, False)])
def test_five_redirects_are_followed(fleet, provider, pages, host, count, well):
    for n in range(count):
        host.pages[f"/{n}"] = (302, {"Location": f"/{n + 1}"}, b"")
    host.pages[f"/{count}"] = (200, PNG, png(9, 7))
    picture_at(provider, host.url + "/0")
    job = fleet.queue(pages.url)
    if well:
        assert fleet.wait_for_job(job, "completed").width == 9
    else:
        assert "too many redirects" in letter(fleet).error


@pytest.mark.parametrize("size, well", [(64 * MIB - 1, True), (64 * MIB, True), (64 * MIB + 1, False)])
def test_a_picture_may_have_64_mib(fleet, provider, pages, size, well):
    head = png(3, 2)
    provider.picture = head + bytes(size - len(head))
    job = fleet.queue(pages.url)
    if well:
        row = fleet.wait_for_job(job, "completed", 90)
        assert row.size_bytes == size == os.path.getsize(os.path.join(fleet.storage, row.image_key))
    else:
        assert "larger than 67108864 bytes" in letter(fleet).error


def test_a_redirect_to_a_private_address_is_not_followed(stack, provider, pages, host):
    """The provider's own address is trusted, what it redirects to is not."""
    stack.env["SHOTFLEET_FETCH_ALLOW"] = f"127.0.0.1/32:{host.port}"
    stack.start_all("ingest", "worker", "poller")
    host.pages["/there"] = (302, {"Location": pages.url + "/secret.png"}, b"")
    picture_at(provider, host.url + "/there")
    stack.queue(pages.url)
    assert "is not public" in letter(stack).error
    assert "/secret.png" not in pages.asked and "/there" in host.asked


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x.png", "gopher://x/", "picture.png"])
def test_only_http_is_fetched(fleet, provider, pages, url):
    picture_at(provider, url)
    fleet.queue(pages.url)
    assert "could not fetch the picture" in letter(fleet).error


def test_a_relative_url_is_the_providers(fleet, provider, pages):
    def script(capture):
        capture.image_url = f"/images/{capture.id}.png"
        provider.complete(capture)
    provider.script = script
    assert fleet.wait_for_job(fleet.queue(pages.url), "completed")


class Keyed(HttpDouble):
    def __init__(self):
        self.keys = []
        super().__init__()

    def handle(self, method, path, headers, body):
        self.keys.append(headers.get("Authorization"))
        return 200, PNG, png(5, 5)


def test_the_key_goes_to_the_provider_alone(fleet, provider, pages):
    other = Keyed()
    try:
        own = []
        provider.serve_picture = lambda capture: own.append(provider.last_headers.get("Authorization"))
        assert fleet.wait_for_job(fleet.queue(pages.url), "completed")
        assert own == [f"Bearer {fleet.key}"]
        picture_at(provider, other.url + "/x.png")
        assert fleet.wait_for_job(fleet.queue(pages.url), "completed")
        assert other.keys == [None]
    finally:
        other.close()


def jpeg(width, height):
    return (b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00" + b"\xff\xd9")


def webp(width, height):
    data = b"VP8X" + struct.pack("<I", 10) + bytes(4) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"RIFF" + struct.pack("<I", 4 + len(data)) + b"WEBP" + data


@pytest.mark.parametrize("data, mime, ending, size", [
    (png(40, 30), "image/png", "png", (40, 30)),
    (jpeg(41, 31), "image/jpeg", "jpg", (41, 31)),
    (webp(42, 32), "image/webp", "webp", (42, 32)),
    (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "application/pdf", "pdf", (None, None)),
])
@pytest.mark.parametrize("said", ["its own", "application/octet-stream"])
def test_what_a_picture_is_its_bytes_say(fleet, provider, pages, data, mime, ending, size, said):
    kind = mime if said == "its own" else said
    provider.serve_picture = lambda capture: (200, {"Content-Type": kind}, data)
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert (job.image_type, job.width, job.height) == (mime, *size)
    assert job.image_key.endswith("." + ending)
    n = len(job.id)
    assert job.image_key.split("/")[1:3] == [job.id[n - 2:], job.id[n - 4:n - 2]]


def test_a_wrong_claim_is_told_and_the_picture_believed(fleet, provider, pages):
    provider.picture = png(40, 30)  # the double claims 4 x 3
    assert fleet.wait_for_job(fleet.queue(pages.url), "completed").width == 40
    wait_for(lambda: "the picture is 40x30" in fleet.log("worker"), 10, "the log line")
    assert "and the webhook said 4x3" in fleet.log("worker")


def test_a_picture_in_base64(stack, provider, pages):
    stack.start_all("ingest", "worker", "poller")
    provider.script = provider.drop
    job = stack.queue(pages.url)
    # a profile without submissions: made for its webhook, and before any worker sees it
    stack.sql("begin; select create_job(%s, provider => 'generic-token');"
              " update jobs set status = 'submitted', submitted_at = now()"
              " where provider = 'generic-token'; commit", pages.url)
    other = stack.sql("select id::text from jobs where provider = 'generic-token'")[0].id
    wait_for(lambda: stack.job(job).status == "submitted", 30, "the first")
    body = b'{"status":"done","image_base64":"' + base64.b64encode(png(6, 5)) + b'"}'
    stack.redis.xadd("shotfleet:webhook", {"v": "1", "provider": "generic-token", "source": "webhook",
                                           "job": other, "received_ms": "1700000000000",
                                           "type": "application/json", "body": body})
    row = stack.wait_for_job(other, "completed")
    assert (row.width, row.height) == (6, 5)
    with open(os.path.join(stack.storage, row.image_key), "rb") as f:
        assert f.read() == png(6, 5)


class Stuck(HttpDouble):
    """Never answers, and counts who waits."""

    def __init__(self):
        self.waiting = 0
        self.lock = threading.Lock()
        super().__init__()

    def handle(self, method, path, headers, body):
        with self.lock:
            self.waiting += 1
        self.closing.wait()
        return 200, PNG, png()


def test_one_slow_host_leaves_places_for_the_others(stack, provider, pages):
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    stuck = Stuck()
    try:
        stack.start_all("ingest", "worker", "poller")
        picture_at(provider, stuck.url + "/x.png")
        for n in range(40):
            stack.queue(f"{pages.url}/{n}")
        wait_for(lambda: stuck.waiting == 32, 60, "its share to be used up")
        provider.script = provider.complete
        stack.wait_for_job(stack.queue(pages.url), "completed")
        assert stuck.waiting == 32
    finally:
        stuck.close()
