"""Captures that somebody submitted to a provider without us: a profile may adopt
them, when their webhooks come."""

import hashlib
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


def has_job(stack, theirs, days_ago, status="submitted", provider="adopting"):
    """Submitted through us, days ago; returns its id."""
    return stack.sql(
        "insert into jobs (url, provider, provider_job_id, status, created_at, failed_at, error_code)"
        " select 'https://example.com/', %s, %s, %s, at, at, 'X' from"
        " (select now() - %s * interval '1 day' as at) a returning id::text",
        provider, theirs, status, days_ago)[0][0]


def job_of(stack, theirs, provider="adopting"):
    return stack.sql("select job_of_provider(%s, %s)::text", provider, theirs)[0][0]


@pytest.mark.parametrize("days_ago", [0, 1, 2, 89, 400])
def test_a_late_webhook_of_a_job_of_ours_is_known_and_not_adopted(fleet, days_ago):
    job = has_job(fleet, "ours-1", days_ago, "failed")
    for between in (0, 1, 30):  # days without it
        has_job(fleet, f"other-{between}", between)
    send(fleet, "failed", jobId="ours-1", page="https://example.com/e", errorCode="X")
    recorded(fleet, 1)
    assert fleet.sql("select job_id::text, outcome from deliveries") == [(job, "duplicate")]
    assert len(jobs(fleet)) == 4 and not fleet.sql("select * from dead_letters")


def test_a_job_is_found_by_the_providers_id_on_whatever_day(stack):
    ids = {days: has_job(stack, f"id-{days}", days) for days in (-1, 0, 1, 7, 8, 365, 3650)}
    assert {days: job_of(stack, f"id-{days}") for days in ids} == ids
    assert job_of(stack, "id-2") is None
    assert job_of(stack, "id-7", "another") is None
    assert job_of(stack, None) is None and job_of(stack, "id-7", None) is None


def test_of_several_with_one_id_the_newest_is_found(stack):
    has_job(stack, "again", 5)
    has_job(stack, "again", 3)
    newest = has_job(stack, "again", 3)  # of the same day: the later id
    other = has_job(stack, "again", 0, provider="another")
    assert job_of(stack, "again") == newest
    assert job_of(stack, "again", "another") == other
    stack.sql("update jobs set provider_job_id = null where id = %s::uuid", newest)
    assert job_of(stack, "again") not in (newest, other, None)


def test_finding_a_job_reads_a_page_or_two_for_each_day(stack):
    """And not the jobs of those days."""
    stack.sql("insert into jobs (url, provider, provider_job_id, created_at)"
              " select 'https://example.com/', 'adopting', md5(n::text), now() - (n % 10) * interval '1 day'"
              " from generate_series(1, 20000) n")
    stack.sql("analyze jobs")

    def buffers(theirs):
        plan = stack.sql("explain (analyze, buffers, timing off, format json)"
                         " select job_of_provider('adopting', %s)", theirs)[0][0][0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    buffers("warm")
    of_today, of_none = hashlib.md5(b"20000").hexdigest(), "nobody's"
    assert job_of(stack, of_today) and not job_of(stack, of_none)
    assert buffers(of_today) <= 20
    assert buffers(of_none) <= 10 * 20
