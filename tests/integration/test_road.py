"""The whole road with every real program and real Chromium."""

import hashlib
import json
import signal

import pytest

from processes import wait_for


@pytest.fixture
def fleet(stack):
    stack.env.update(SHOTFLEET_STALE_AFTER_S="3", SHOTFLEET_TAKEOVER_S="3")
    stack.start_all()
    return stack


def test_from_the_command_to_the_file(stack, pages):
    fleet = stack  # whose poller does not lose patience with a busy machine
    fleet.start_all()
    done = fleet.cli("submit", "--wait", "--json", pages.url + "/fine", check=True)
    [document] = [json.loads(line) for line in done.stdout.splitlines()]
    assert document["status"] == "completed"
    row = fleet.job(document["jobId"])
    assert (row.status, row.width, row.height) == ("completed", 1920, 1080)
    image = fleet.api("GET", f"/v1/captures/{row.id}/image")
    assert image.headers["Content-Type"] == "image/png"
    assert len(image.body) == row.size_bytes
    with open(f"{fleet.storage}/{row.image_key}", "rb") as f:
        assert f.read() == image.body
    sources = {r.source for r in fleet.sql("select source from deliveries where job_id = %s::uuid", row.id)}
    assert sources == {"submit", "webhook"}


@pytest.mark.parametrize("url, code", [
    ("{pages}/error", "HTTP_ERROR"),
    ("http://no-such-host.invalid/", "NETWORK_ERROR"),
    ("file:///etc/passwd", "INVALID_URL"),
    ("not a url", "INVALID_URL"),
    ("http://169.254.169.254/latest/meta-data/", "ADDRESS_BLOCKED"),
])
def test_what_cannot_be_captured_says_why(fleet, pages, url, code):
    done = fleet.cli("submit", "--wait", url.format(pages=pages.url), timeout_s=90)
    assert done.returncode in (1, 2)
    assert code in done.stdout + done.stderr


@pytest.mark.parametrize("victim", ["capture", "ingest", "worker", "poller", "api", "redis", "postgres"])
def test_any_process_killed_during_captures(fleet, pages, victim):
    jobs = [fleet.queue(f"{pages.url}/fine?{n}", width=400, height=300) for n in range(20)]
    wait_for(lambda: any(fleet.job(j).status == "completed" for j in jobs), 60, "the first capture")
    if victim in ("redis", "postgres"):
        server = fleet.redis_server if victim == "redis" else fleet.postgres_server
        server.kill()
        server.start()
        fleet._connection = None
    else:
        fleet.kill(victim, signal.SIGKILL)
        fleet.start(victim)
    for job in jobs:
        fleet.wait_for_job(job, "completed", 120)


def test_a_file_of_urls_is_submitted_watched_and_saved(fleet, pages, tmp_path):
    """bench/road/file.py does it with a thousand."""
    urls = [f"{pages.url}/gone?{n}" if n in (7, 31) else f"{pages.url}/fine?{n}" for n in range(40)]
    (tmp_path / "urls.txt").write_text("# pages\n" + "\n".join(urls) + "\n")
    saved = tmp_path / "pictures"
    done = fleet.cli("submit", "-f", str(tmp_path / "urls.txt"), "-o", str(saved), "--json",
                     "--option", "width=400", "--option", "height=300", timeout_s=300)
    assert done.returncode == 1, done.stderr  # two failed
    documents = {d["url"]: d for d in map(json.loads, done.stdout.splitlines())}
    assert sorted(documents) == sorted(urls)
    assert {n for n, url in enumerate(urls) if documents[url]["status"] != "completed"} == {7, 31}
    hashes = {r.id: r.sha256 for r in fleet.sql(
        "select id::text, sha256 from jobs where status = 'completed'")}
    assert len(hashes) == 38
    assert {p.stem: hashlib.sha256(p.read_bytes()).hexdigest() for p in saved.iterdir()} == hashes
