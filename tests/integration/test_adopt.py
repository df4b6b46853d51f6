"""Captures that somebody submitted to a provider without us: a profile may adopt
them, when their webhooks come."""

import json
import os
import shutil
import threading

import pytest

from doubles import png, sign_webhook
from harness import ROOT
from processes import wait_for
from web import request


@pytest.fixture
def fleet(stack, provider, tmp_path):
    """One profile that adopts, beside the same one that does not."""
    folder = tmp_path / "providers"
    shutil.copytree(os.path.join(ROOT, "providers"), folder)
    profile = json.loads((folder / "screenshotly.json").read_text())
    profile["name"] = "adopting"
    profile["webhook"]["adopt"] = True
    profile["webhook"]["payload"]["page_url"] = "body:data.page"
    (folder / "adopting.json").write_text(json.dumps(profile))
    stack.env["SHOTFLEET_PROVIDERS_DIR"] = str(folder)
    stack.start_all("ingest", "worker", "poller")
    return stack


def send(stack, event, profile="adopting", query="", **data):
    body = json.dumps({"event": f"screenshot.{event}", "data": data}).encode()
    answer = request("POST", f"{stack.ingest_url}/webhooks/{profile}{query}", body,
                     sign_webhook(body, stack.webhook_secret))
    assert answer.status == 200


def jobs(stack):
    return stack.sql("select * from jobs order by id")


def recorded(stack, count):
    wait_for(lambda: stack.sql("select count(*) from deliveries")[0][0] == count, 30, f"{count} rows")


def test_its_webhooks_make_a_job_and_end_it(fleet, pages):
    pages.pages["/picture"] = (200, {"Content-Type": "image/png"}, png())
    send(fleet, "progress", jobId="theirs-1", page="https://example.com/a", progress=30)
    send(fleet, "completed", jobId="theirs-1", page="https://example.com/a", imageUrl=pages.url + "/picture")
    job = wait_for(lambda: (r := jobs(fleet)) and r[0].status == "completed" and r[0], 30, "the job")
    assert (job.url, job.provider, job.provider_job_id) == ("https://example.com/a", "adopting", "theirs-1")
    assert job.metadata == {"adopted": True} and job.max_attempts == 1
    assert os.path.exists(os.path.join(fleet.storage, job.image_key))
    recorded(fleet, 2)
    assert not fleet.sql("select * from dead_letters")


def test_many_webhooks_at_once_adopt_once(fleet):
    threads = [threading.Thread(target=send, args=(fleet, "progress"),
                                kwargs={"jobId": "theirs-2", "page": "https://example.com/b", "progress": n})
               for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorded(fleet, 12)
    assert [j.provider_job_id for j in jobs(fleet)] == ["theirs-2"]
    assert jobs(fleet)[0].progress == 11


def test_a_failure_is_final(fleet):
    """Retryable or not: it is not ours to submit again."""
    send(fleet, "failed", jobId="theirs-3", page="https://example.com/c", errorCode="TIMEOUT", error="slow")
    recorded(fleet, 1)
    assert [(j.status, j.error_code) for j in jobs(fleet)] == [("failed", "TIMEOUT")]
    assert fleet.redis.xlen("shotfleet:submit") == 0


@pytest.mark.parametrize("what", ["no page", "no web page", "our own id, unknown", "another profile"])
def test_what_cannot_be_adopted_is_a_dead_letter(fleet, what):
    data = {"jobId": "theirs-4", "page": "https://example.com/d", "error": "x", "errorCode": "Y"}
    profile, query = "adopting", ""
    if what == "no page":
        del data["page"]
    elif what == "no web page":
        data["page"] = "javascript:alert(1)"
    elif what == "our own id, unknown":  # of a job that was forgotten, say
        query = "?jobId=01900000-0000-7000-8000-000000000000"
    else:
        profile = "screenshotly"
    send(fleet, "failed", profile, query, **data)
    letters = wait_for(lambda: fleet.sql("select * from dead_letters"), 30, "the letter")
    assert letters[0].error == "no job has this id" and not jobs(fleet)


def test_a_profile_that_adopts_must_know_the_page(stack, tmp_path):
    folder = tmp_path / "providers"
    folder.mkdir()
    profile = json.load(open(os.path.join(ROOT, "providers", "screenshotly.json")))
    profile["webhook"]["adopt"] = True
    (folder / "screenshotly.json").write_text(json.dumps(profile))
    program = stack.start("worker", wait=False, SHOTFLEET_PROVIDERS_DIR=folder)
    stack.retired.append(stack.programs.pop("worker"))
    assert program.process.wait(90) == 2
    assert "webhook.adopt: needs payload.job_id and payload.page_url" in program.log_text()
