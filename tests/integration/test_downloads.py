"""How pictures are fetched: HTTP/2, connections that are used again, who is trusted
and who gets the provider's key, and what becomes of a host that never answers."""

import json
import os
import subprocess

import pytest

from doubles import HttpDouble, png
from harness import BIN, ROOT
from processes import wait_for
from servers import TlsServer

PNG = {"Content-Type": "image/png"}


@pytest.fixture
def fleet(stack, provider):
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    return stack


@pytest.fixture
def cdn(stack):
    """An nginx with pictures."""
    server = TlsServer(os.path.join(stack.folder, "cdn"))
    server.put("x.png", png(9, 7))
    server.start()
    yield server
    server.stop()


def trust(stack, server):
    stack.env["SHOTFLEET_CA_FILE"] = server.ca_file


def pictures_at(provider, url):
    def script(capture):
        capture.image_url = url
        provider.complete(capture)
    provider.script = script


def letter(stack):
    [row] = wait_for(lambda: stack.sql("select * from dead_letters"), 60, "a dead letter")
    return row


def asked_for(cdn, count):
    """What it was asked, when it has written down so many: it does so after it has answered."""
    return wait_for(lambda: len(asked := cdn.asked()) >= count and asked, 20, f"{count} requests")


def change_profile(stack, **sections):
    """The default profile with other sections."""
    with open(os.path.join(ROOT, "providers", "screenshotly.json"), encoding="utf-8") as f:
        profile = json.load(f)
    folder = os.path.join(stack.folder, "providers")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "screenshotly.json"), "w", encoding="utf-8") as f:
        json.dump({**profile, **sections}, f)
    stack.env["SHOTFLEET_PROVIDERS_DIR"] = folder


def test_many_pictures_share_one_http2_connection(fleet, provider, pages, cdn):
    trust(fleet, cdn)
    captures = []
    provider.script = captures.append  # nothing is told before all are there
    fleet.start_all("ingest", "worker", "poller")
    jobs = [fleet.queue(f"{pages.url}/{n}") for n in range(30)]
    wait_for(lambda: len(captures) == 30, 60, "all to be submitted")
    for n, capture in enumerate(captures):
        capture.image_url = f"{cdn.url}/x.png?{n}"
        provider.complete(capture)
    for job in jobs:
        assert fleet.wait_for_job(job, "completed").width == 9
    asked = asked_for(cdn, 30)
    assert {a[0] for a in asked} == {"HTTP/2.0"}
    assert sorted(a[2] for a in asked) == sorted(f"/x.png?{n}" for n in range(30))
    assert len({a[1] for a in asked}) == 1


@pytest.mark.parametrize("which", ["url_1", "plain_url"])
def test_an_http1_connection_is_used_again(fleet, provider, pages, cdn, which):
    trust(fleet, cdn)
    pictures_at(provider, f"{getattr(cdn, which)}/x.png")
    fleet.start_all("ingest", "worker", "poller")
    for n in range(5):  # one after the other
        fleet.wait_for_job(fleet.queue(f"{pages.url}/{n}"), "completed")
    asked = asked_for(cdn, 5)
    assert [a[0] for a in asked] == ["HTTP/1.1"] * 5
    assert len({a[1] for a in asked}) == 1


def test_a_certificate_of_nobody_is_not_trusted(fleet, provider, pages, cdn):
    pictures_at(provider, f"{cdn.url}/x.png")
    fleet.start_all("ingest", "worker", "poller")
    fleet.queue(pages.url)
    assert "certificate" in letter(fleet).error
    assert cdn.asked() == []


def test_a_certificate_for_another_name_is_not_trusted(fleet, provider, pages, cdn):
    trust(fleet, cdn)
    pictures_at(provider, f"https://localhost:{cdn.port}/x.png")
    fleet.env["SHOTFLEET_FETCH_ALLOW"] = "127.0.0.0/8,::1/128"
    fleet.start_all("ingest", "worker", "poller")
    fleet.queue(pages.url)
    assert "subject name" in letter(fleet).error
    assert cdn.asked() == []


@pytest.mark.parametrize("name", ["worker", "poller"])
@pytest.mark.parametrize("content", [None, b"", b"no certificate\n"])
def test_a_file_without_certificates_stops_the_program(stack, name, content):
    path = os.path.join(stack.folder, "authorities.pem")
    if content is not None:
        with open(path, "wb") as f:
            f.write(content)
    done = subprocess.run([f"{BIN}/shotfleet-{name}"], env={**stack.env, "SHOTFLEET_CA_FILE": path},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "SHOTFLEET_CA_FILE" in line and path in line


def test_the_key_goes_to_origins_that_the_profile_names(fleet, provider, pages, cdn):
    """Not to another port of the same host, nor without TLS."""
    trust(fleet, cdn)
    change_profile(fleet, picture={"auth": [cdn.url]})
    fleet.start_all("ingest", "worker", "poller")
    for url in (cdn.url, cdn.url_1, cdn.plain_url):
        pictures_at(provider, f"{url}/x.png")
        fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert [a[3:] for a in asked_for(cdn, 3)] == [("Bearer", fleet.key), ("-",), ("-",)]


def test_the_key_can_be_kept_from_the_provider_s_own_pictures(fleet, provider, pages):
    change_profile(fleet, picture={"auth": "never"})
    own = []
    provider.serve_picture = lambda capture: own.append(provider.last_headers.get("Authorization"))
    fleet.start_all("ingest", "worker", "poller")
    fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert own == [None]


class Host(HttpDouble):
    """Redirects to `there`, or serves a picture; `keys` that it was shown."""

    def __init__(self, there=None):
        self.there = there
        self.keys = []
        super().__init__()

    def handle(self, method, path, headers, body):
        self.keys.append(headers.get("Authorization"))
        if self.there:
            return 302, {"Location": self.there}, b""
        return 200, PNG, png(5, 5)


def test_a_redirect_takes_the_key_nowhere_else(fleet, provider, pages):
    """Not even to another origin that the profile names."""
    last = Host()
    first = Host(last.url + "/x.png")
    try:
        change_profile(fleet, picture={"auth": [first.url, last.url]})
        fleet.start_all("ingest", "worker", "poller")
        pictures_at(provider, first.url + "/x.png")
        fleet.wait_for_job(fleet.queue(pages.url), "completed")
        assert first.keys == [f"Bearer {fleet.key}"] and last.keys == [None]
    finally:
        first.close()
        last.close()


class Silent(HttpDouble):
    """Takes the request, and that is all; or one byte of the picture."""

    def __init__(self):
        self.asked = 0
        super().__init__()

    def handle(self, method, path, headers, body):
        self.asked += 1
        self.closing.wait()
        return 200, PNG, png()


def test_a_host_that_never_answers_is_given_up(fleet, provider, pages):
    host = Silent()
    try:
        fleet.env["SHOTFLEET_FETCH_TIMEOUT_S"] = "1"
        pictures_at(provider, host.url + "/x.png")
        fleet.start_all("ingest", "worker", "poller")
        job = fleet.queue(pages.url)
        row = letter(fleet)
        assert "timed out" in row.error.lower() and row.host_waits + row.attempts >= 1
        assert row.next_attempt_at is not None and host.asked >= 1
        assert fleet.job(job).attempt == 1
    finally:
        host.close()
