"""The built-in provider: jobs, their webhooks, and who may have how many."""

import os
import subprocess
import time

import pytest

from capture_world import (BIN, capture, page_server, pages, receiver, refused,
                           size_of, start)
from processes import wait_for
from web import request


def test_a_job_and_its_webhook(capture, pages, receiver):
    hook = receiver.url("/hook?jobId=a%20b&x=%2F&token=1==&&")
    answer = capture.post({"url": pages.url("/hang"), "async": True,
                           "webhookUrl": hook, "device": "mobile"},
                          path="/api/screenshot")
    assert answer.status == 202
    told = answer.json()
    job = told["jobId"]
    assert told == {"success": True, "jobId": job, "status": "queued",
                    "statusUrl": f"/screenshot/{job}"}

    wait_for(lambda: pages.hits("/hang"), what="the page to be asked for")
    status = capture.status(job).json()
    assert (status["status"], status["completed"], status["failed"]) == (
        "processing", False, False)
    pages.release.set()

    done, before = receiver.next("completed")
    assert [p["json"]["data"]["progress"] for p in before] == [10, 60]
    for got in [*before, done]:
        assert got["signed"]
        assert got["path"] == "/hook?jobId=a%20b&x=%2F&token=1==&&"
        assert got["type"] == "application/json"
        assert abs(got["stamp"] - time.time() * 1000) < 60000
        assert got["json"]["data"]["jobId"] == job
    data = done["json"]["data"]
    assert data["imageUrl"] == capture.url(f"/images/{job}.png")

    picture = request("GET", data["imageUrl"])
    assert picture.status == 200
    assert picture.headers["Content-Type"] == "image/png"
    assert size_of(picture.body) == ("png", 375, 812)
    assert data["metadata"] == {"width": 375, "height": 812, "format": "png",
                                "size": len(picture.body)}
    status = capture.status(job).json()
    assert status == {"jobId": job, "status": "completed", "completed": True,
                      "failed": False, "imageUrl": data["imageUrl"],
                      "metadata": data["metadata"]}
    assert request("GET", capture.url(f"/images/{job}.jpg")).status == 404


def test_a_job_that_fails(capture, pages, receiver):
    job = capture.submit(pages.url("/status?code=500"), webhookUrl=receiver.url())
    got, _ = receiver.next("failed")
    assert got["signed"]
    data = got["json"]["data"]
    assert data["jobId"] == job
    assert data["errorCode"] == "HTTP_ERROR"
    assert "500" in data["error"]
    status = capture.status(job).json()
    assert status == {"jobId": job, "status": "failed", "completed": False,
                      "failed": True, "error": data["error"],
                      "errorCode": "HTTP_ERROR"}
    assert request("GET", capture.url(f"/images/{job}.png")).status == 404


def test_a_webhook_is_tried_again(capture, pages, receiver):
    receiver.answers = [503, 429]
    capture.submit(pages.url(), webhookUrl=receiver.url())
    tries = [receiver.next("completed")[0] for _ in range(3)]
    assert [t["answered"] for t in tries] == [503, 429, 200]
    assert all(t["signed"] for t in tries)
    assert tries[0]["stamp"] < tries[1]["stamp"] < tries[2]["stamp"]
    assert tries[0]["json"] == tries[2]["json"]


def test_a_refused_webhook_is_not_tried_again(capture, pages, receiver):
    abandoned = 'shotfleet_capture_webhooks_total{outcome="abandoned"}'
    before = capture.metric(abandoned)
    receiver.answers = [401]
    capture.submit(pages.url(), webhookUrl=receiver.url())
    receiver.next("completed")
    wait_for(lambda: capture.metric(abandoned) == before + 1, what="giving up")


def test_pictures_are_found_again_after_a_restart(start, pages, receiver):
    capture = start()
    job = capture.submit(pages.url(), webhookUrl=receiver.url())
    done, _ = receiver.next("completed")
    failed = capture.submit(pages.url("/status?code=500"), webhookUrl=receiver.url())
    receiver.next("failed")
    before = capture.status(job).json()
    folder = capture.folder / "capture" / "pictures"
    (folder / "stray.png").write_text("x")
    (folder / f"{failed}.png.new").write_text("half")
    old = folder / f"{failed}.png"
    old.write_bytes((folder / f"{job}.png").read_bytes())
    os.utime(old, (time.time() - 86401, time.time() - 86401))
    capture.stop()
    capture.start()
    assert capture.status(job).json() == before
    assert request("GET", done["json"]["data"]["imageUrl"]).status == 200
    # A picture of more than 24 h ago is known to be gone.
    assert capture.status(failed).status == 410
    assert request("GET", capture.url(f"/images/{failed}.png")).status == 410
    assert [p.name for p in folder.iterdir()] == [f"{job}.png"]


def test_keys(start, pages):
    capture = start(capture_keys="first-key, second-key")
    options = {"url": pages.url(), "device": "mobile"}
    for headers in ({}, {"x-api-key": "first-ke"}, {"x-api-key": ""},
                    {"Authorization": "first-key"},
                    {"Authorization": "Bearer third-key"}):
        refused(capture.post(options, headers=headers), 401, "UNAUTHORIZED")
        answer = request("GET", capture.url("/screenshot/x"), None, headers)
        refused(answer, 401, "UNAUTHORIZED")
    assert not pages.seen
    for headers in ({"x-api-key": "first-key"}, {"Authorization": "Bearer second-key"},
                    {"authorization": "bearer first-key"}):
        assert capture.post(options, headers=headers).status == 200


@pytest.mark.parametrize("settings, word", [
    ({"CAPTURE_LISTEN": "0.0.0.0:0"}, "SHOTFLEET_CAPTURE_KEYS"),
    ({"CAPTURE_LISTEN": "nonsense"}, "nonsense"),
    ({"FETCH_ALLOW": "300.0.0.0/8"}, "300.0.0.0/8"),
    ({"CHROMIUM": "/no/such/file"}, "/no/such/file"),
    ({"CHROMIUM_SANDBOX": "maybe"}, "SHOTFLEET_CHROMIUM_SANDBOX"),
    ({"CAPTURE_CONCURRENCY": "33"}, "SHOTFLEET_CAPTURE_CONCURRENCY"),
])
def test_settings_that_cannot_be(tmp_path, settings, word):
    env = {"PATH": os.environ["PATH"], "SHOTFLEET_CAPTURE_LISTEN": "127.0.0.1:0",
           "SHOTFLEET_CAPTURE_DIR": str(tmp_path / "capture")}
    env |= {f"SHOTFLEET_{name}": value for name, value in settings.items()}
    done = subprocess.run([f"{BIN}/shotfleet-capture"], env=env, timeout=120,
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert word in done.stderr


def test_a_folder_belongs_to_one_process(capture):
    env = {**capture.env, "SHOTFLEET_CAPTURE_LISTEN": "127.0.0.1:0"}
    done = subprocess.run([f"{BIN}/shotfleet-capture"], env=env, timeout=120,
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert "another shotfleet-capture" in done.stderr


def test_a_full_queue(start, pages):
    capture = start(capture_concurrency="1", capture_queue="2")
    jobs = [capture.submit(pages.url("/hang")) for _ in range(3)]
    wait_for(lambda: pages.hits("/hang"), what="the first page")
    full = capture.post({"url": pages.url(), "async": True})
    refused(full, 429, "RATE_LIMITED")
    assert int(full.headers["Retry-After"]) >= 1
    refused(capture.post({"url": pages.url()}), 429, "RATE_LIMITED")
    assert [capture.status(job).json()["status"] for job in jobs] == [
        "processing", "queued", "queued"]
    assert capture.metric("shotfleet_capture_queue_length") == 2
    pages.release.set()
    for job in jobs:
        wait_for(lambda: capture.status(job).json()["completed"], 20, "the queue")
    assert capture.post({"url": pages.url(), "async": True}).status == 202
    assert capture.metric('shotfleet_captures_total{outcome="rate_limited"}') == 2
