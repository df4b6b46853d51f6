"""api: lists, cancelling, trying again, and looking back."""

import threading
import urllib.parse

import psycopg2
import pytest

from doubles import png
from processes import wait_for
from test_api import UNKNOWN, complete, submit


@pytest.fixture
def api(stack):
    stack.start("api")
    return stack


def submitted(stack, count=1, **body):
    return [submit(stack, url=f"https://example.com/{n}", **body).json()["jobId"]
            for n in range(count)]


def fail(stack, job, code="TIMEOUT"):
    stack.sql("update jobs set status = 'failed', failed_at = now(), error = 'slow', "
              "error_code = %s, next_check_at = null where id = %s::uuid", code, job)


def listed(stack, **query):
    """The ids of all pages, and how many pages there were."""
    ids, pages = [], 0
    while True:
        answer = stack.api("GET", "/v1/captures?" + urllib.parse.urlencode(query))
        assert answer.status == 200, answer
        page = answer.json()
        ids += [d["jobId"] for d in page["captures"]]
        pages += 1
        if page["nextCursor"] is None:
            return ids, pages
        query["cursor"] = page["nextCursor"]


def newest_first(ids):
    return sorted(ids, reverse=True)


# lists

def test_lists_by_status_and_provider_page_by_page(api):
    jobs = submitted(api, 9)
    for job in jobs[:5]:
        fail(api, job)
    api.sql("update jobs set provider = 'gone' where id = any (%s::uuid[])",
            [jobs[1], jobs[3], jobs[7]])
    assert listed(api, status="failed", limit=2) == (newest_first(jobs[:5]), 3)
    assert listed(api, status="queued", limit=4) == (newest_first(jobs[5:]), 1)
    assert listed(api, status="queued", limit=3) == (newest_first(jobs[5:]), 2)
    assert listed(api, status="completed") == ([], 1)
    assert listed(api, provider="gone", limit=1) == (
        newest_first([jobs[1], jobs[3], jobs[7]]), 3)
    assert listed(api, provider="gone", status="queued") == ([jobs[7]], 1)
    assert listed(api, provider="nobody") == ([], 1)


def test_lists_by_batch(api):
    submitted(api)
    batch = submit(api, captures=[{"url": f"https://a.test/{n}"} for n in range(5)]).json()
    jobs = [receipt["jobId"] for receipt in batch["captures"]]
    fail(api, jobs[2])
    assert listed(api, batch=batch["batchId"], limit=2) == (newest_first(jobs), 3)
    assert listed(api, batch=batch["batchId"], status="failed") == ([jobs[2]], 1)
    assert listed(api, batch=UNKNOWN) == ([], 1)
    document = api.api("GET", f"/v1/captures/{jobs[0]}").json()
    assert document["batchId"] == batch["batchId"]


def test_lists_by_time(api):
    jobs = submitted(api, 4)
    for n, job in enumerate(jobs):  # they may all be of one millisecond
        api.sql("update jobs set created_at = created_at - %s * interval '100 ms' "
                "where id = %s::uuid", 3 - n, job)
    times = [api.api("GET", f"/v1/captures/{job}").json()["submittedAt"] for job in jobs]
    assert listed(api, submittedAfter=times[0])[0] == newest_first(jobs)
    assert jobs[0] not in listed(api, submittedBefore=times[0])[0]
    inside = listed(api, submittedAfter=times[1], submittedBefore=times[3])[0]
    assert jobs[1] in inside and jobs[0] not in inside and jobs[3] not in inside
    for query in ({"submittedAfter": "9999-12-31T23:59:59Z"},
                  {"submittedBefore": "1970-01-01T00:00:00Z"}):
        assert listed(api, **query) == ([], 1)
    assert listed(api, submittedAfter="1970-01-01T00:00:00Z",
                  submittedBefore="9999-12-31T23:59:59.999Z")[0] == newest_first(jobs)


def test_lists_by_metadata(api):
    seven, text, other = (submit(api, url="https://example.com/", metadata=m).json()["jobId"]
                          for m in ({"order": 7, "urgent": True},
                                    {"order": "7", "who": "o'x %s \"y\" \\ ü"},
                                    {"order": 70, "inner": {"order": 7}}))
    assert listed(api, **{"metadata[order]": "7"})[0] == newest_first([seven, text])
    assert listed(api, **{"metadata[order]": "70"})[0] == [other]
    assert listed(api, **{"metadata[urgent]": "true", "metadata[order]": "7"})[0] == [seven]
    assert listed(api, **{"metadata[who]": "o'x %s \"y\" \\ ü"})[0] == [text]
    assert listed(api, **{"metadata[order]": "7", "metadata[who]": "nobody"})[0] == []
    assert listed(api, **{"metadata[order]": "7", "status": "failed"})[0] == []
    assert listed(api, **{"metadata[inner]": "7"})[0] == []
    eight = {f"metadata[m{n}]": "x" for n in range(8)}
    assert listed(api, **eight) == ([], 1)
    answer = api.api("GET", "/v1/captures?" + urllib.parse.urlencode(
        {**eight, "metadata[m8]": "x"}))
    assert (answer.status, answer.json()["errors"][0]["field"]) == (400, "metadata[m8]")


def test_lists_by_a_text_in_the_url(api):
    jobs = submitted(api, 12)
    odd = submit(api, url="https://Other.example/50%_o'x").json()["jobId"]
    assert listed(api, url="OTHER.example")[0] == [odd]
    assert listed(api, url="50%_o'x")[0] == [odd]
    assert listed(api, url="example.com/1", limit=2) == (
        newest_first([jobs[1], jobs[10], jobs[11]]), 2)
    assert listed(api, url="no such text") == ([], 1)


def test_a_page_by_url_looks_through_so_many_and_leads_on(api):
    jobs = submitted(api, 7)
    rows = api.sql("select id::text, document from captures_page("
                   "'ffffffff-ffff-ffff-ffff-ffffffffffff', 5, url_has => '/0', "
                   "look_through => 3)")
    assert rows == [(newest_first(jobs)[2], None)]
    rows = api.sql("select id::text, document is null from captures_page(%s::uuid, 5, "
                   "url_has => '/0', look_through => 4)", newest_first(jobs)[2])
    assert rows == [(jobs[0], False), (jobs[0], True)]


def test_list_parameters_that_are_refused(api):
    for query, field in (
            ("limit=0", "limit"), ("limit=101", "limit"), ("limit=%2B5", "limit"),
            ("status=", "status"), ("batch=7", "batch"), ("provider=", "provider"),
            ("provider=" + "x" * 65, "provider"), ("url=", "url"),
            ("url=" + "x" * 256, "url"), ("submittedAfter=yesterday", "submittedAfter"),
            ("submittedBefore=2026-02-30T00:00:00Z", "submittedBefore"),
            ("metadata=7", "metadata"), ("metadata[]=7", "metadata[]"),
            ("metadata[a=7", "metadata[a"), ("metadata[a]b=7", "metadata[a]b"),
            ("metadata[a]=" + "x" * 256, "metadata[a]"), ("stauts=failed", "stauts"),
            ("status=failed&status=queued", "status")):
        answer = api.api("GET", f"/v1/captures?{query}")
        assert answer.status == 400, query
        assert [e["field"] for e in answer.json()["errors"]] == [field], query
    assert api.api("GET", "/v1/captures?limit=1").status == 200
    assert api.api("GET", "/v1/captures?limit=100").status == 200
    for query in ("provider=" + "x" * 64, "url=" + "x" * 255, "metadata[a]=" + "x" * 255):
        assert api.api("GET", f"/v1/captures?{query}").status == 200, query
    answer = api.api("GET", "/v1/captures?url=%FF")  # no UTF-8
    assert (answer.status, answer.json()["code"]) == (400, "INVALID_REQUEST")


def test_lists_read_what_they_show_and_no_history(api):
    """The newest 50,000 are completed; whatever is asked for, few rows are read."""
    api.sql("insert into jobs (id, url, provider, status, image_key, completed_at, created_at) "
            "select (left(i, 14) || '7' || substr(i, 16))::uuid, 'https://example.com/' || n, "
            "'screenshotly', 'completed', 'x', now(), now() from (select n, "
            "uuidv7_at(now() - (60000 - n) * interval '1 second')::text as i "
            "from generate_series(1, 50000) n) q")
    api.sql("insert into jobs (id, url, provider, status, error_code, failed_at, metadata) "
            "values (uuidv7_at(now() - interval '1 day'), 'https://example.com/', "
            "'screenshotly', 'failed', 'X', now(), '{\"order\": 7}')")
    api.sql("analyze jobs")
    newest = "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
    for arguments, found in (
            ("status => 'failed'", 1), ("status => 'queued'", 0),
            ("status => 'completed'", 21), ("provider => 'nobody'", 0),
            ("metadata_names => '{order}', metadata_values => '{7}'", 1),
            (f"batch => '{UNKNOWN}'", 0), ("status => null", 21),
            ("submitted_before => '2001-01-01'", 0),
            ("submitted_after => '2101-01-01'", 0)):
        query = f"select * from captures_page({newest}, 20, {arguments})"
        assert len(api.sql(query)) == found, arguments
        [row] = api.sql("explain (analyze, buffers, format json) " + query)
        plan = row[0][0]["Plan"]
        pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        assert pages < 400, (arguments, pages)
    [row] = api.sql("explain (analyze, buffers, format json) select count(url) from jobs")
    assert row[0][0]["Plan"]["Shared Hit Blocks"] > 600  # what history costs


# cancelling

def test_a_capture_is_cancelled_once(api, events):
    [job] = submitted(api)
    stream = events(f"/v1/captures/{job}/events")
    stream.wait(1)
    answer = api.api("DELETE", f"/v1/captures/{job}")
    document = answer.json()
    assert (answer.status, document["status"]) == (200, "cancelled")
    assert document["cancelledAt"]
    assert stream.ended.wait(25)
    assert stream.names() == ["queued", "cancelled"]
    assert api.job(job).next_check_at is None
    again = api.api("DELETE", f"/v1/captures/{job}")
    assert (again.status, again.json()) == (200, document)
    assert api.sql("select action, attempt from job_actions") == [("cancel", 1)]


def test_what_has_ended_is_not_cancelled(api):
    done, failed = submitted(api, 2)
    complete(api, done, png())
    fail(api, failed)
    for job, status in ((done, "completed"), (failed, "failed")):
        answer = api.api("DELETE", f"/v1/captures/{job}")
        assert (answer.status, answer.json()["code"]) == (409, "WRONG_STATE")
        assert status in answer.json()["detail"]
        assert api.job(job).status == status
    assert api.api("DELETE", f"/v1/captures/{UNKNOWN}").status == 404


@pytest.mark.parametrize("completes", [True, False])
def test_the_row_decides_between_cancelling_and_a_result(api, completes):
    [job] = submitted(api)
    worker = psycopg2.connect(api.env["DATABASE_URL"])
    cursor = worker.cursor()
    cursor.execute("update jobs set status = 'completed', image_key = 'x', "
                   "completed_at = now() where id = %s::uuid", [job])
    got = []
    asking = threading.Thread(target=lambda: got.append(
        api.api("DELETE", f"/v1/captures/{job}")))
    asking.start()
    wait_for(lambda: api.sql("select 1 from pg_locks where not granted"), 10,
             "api to wait for the row")
    worker.commit() if completes else worker.rollback()
    asking.join(90)
    worker.close()
    assert got[0].status == (409 if completes else 200)
    assert api.job(job).status == ("completed" if completes else "cancelled")


def test_results_for_a_cancelled_capture_are_ignored(stack, provider, pages):
    stack.start_all("ingest", "worker", "api")
    provider.script = provider.drop
    job = submit(stack, url=pages.url + "/fine").json()["jobId"]
    capture = wait_for(lambda: provider.captures and provider.captures[0], 20, "the capture")
    stack.wait_for_job(job, "submitted")
    assert stack.api("DELETE", f"/v1/captures/{job}").status == 200
    provider.complete(capture)
    wait_for(lambda: stack.sql("select 1 from deliveries where outcome = 'ignored' "
                               "and job_id = %s::uuid", job), 20, "the webhook to be ignored")
    assert stack.job(job).status == "cancelled"

    # and the second attempt is none of the first one's business
    assert stack.api("POST", f"/v1/captures/{job}/retry").status == 202
    second = wait_for(lambda: len(provider.captures) > 1 and provider.captures[1], 20,
                      "the second attempt")
    assert second.query["attempt"] == "2"
    provider.complete(second)
    assert stack.wait_for_job(job, "completed").attempt == 2
    history = stack.api("GET", f"/v1/captures/{job}/history").json()
    events = [(e["event"], e["attempt"], e["outcome"]) for e in history["events"]]
    assert events == [("accepted", 1, None), ("submitted", 1, "recorded"),
                      ("cancel", 1, None), ("completed", 1, "ignored"),
                      ("restart", 1, None), ("submitted", 2, "recorded"),
                      ("completed", 2, "recorded")]


def test_cancelling_gives_its_dead_letters_up(api):
    job, other = submitted(api, 2)
    for each in (job, other):
        api.sql("insert into dead_letters (entry_id, stream, job_id, payload, error, received_at) "
                "values (%s, 'webhook', %s::uuid, '', 'no', now())", f"webhook:{each}", each)
    assert api.api("DELETE", f"/v1/captures/{job}").status == 200
    assert api.sql("select job_id::text from dead_letters_open()") == [(other,)]


# trying again

def test_a_failed_capture_is_tried_again(api):
    [job] = submitted(api)
    api.redis.delete("shotfleet:submit")
    api.sql("update jobs set attempt = 3, progress = 40, provider_job_id = 'p', "
            "callback_url = 'http://a.test/', deadline_at = now() where id = %s::uuid", job)
    fail(api, job)
    api.sql("insert into callbacks (job_id, url, event) values "
            "(%s::uuid, 'http://a.test/', 'job.failed')", job)
    answer = api.api("POST", f"/v1/captures/{job}/retry")
    document = answer.json()
    assert (answer.status, document["status"]) == (202, "queued")
    assert (document["attempt"], document["maxAttempts"]) == (4, 6)
    assert document["error"] is document["progress"] is document["failedAt"] is None
    row = api.job(job)
    assert row.provider_job_id is None and row.queued_at and row.next_check_at
    assert api.sql("select deadline_at > now() from jobs") == [(True,)]
    assert api.sql("select count(*) from callbacks")[0][0] == 0
    [(_, entry)] = wait_for(lambda: api.redis.xrange("shotfleet:submit"), 5, "the entry")
    assert entry == {b"job": job.encode(), b"attempt": b"4"}
    again = api.api("POST", f"/v1/captures/{job}/retry")
    assert (again.status, again.json()["code"]) == (409, "WRONG_STATE")


def test_only_what_failed_or_was_cancelled_is_tried_again(api):
    queued, done, cancelled = submitted(api, 3)
    complete(api, done, png())
    assert api.api("DELETE", f"/v1/captures/{cancelled}").status == 200
    for job, status in ((queued, 409), (done, 409), (cancelled, 202), (UNKNOWN, 404)):
        assert api.api("POST", f"/v1/captures/{job}/retry").status == status
    assert api.job(done).status == "completed"


def test_without_redis_nothing_is_tried_again(api):
    [job] = submitted(api)
    fail(api, job)
    api.redis_server.stop()
    answer = wait_for(lambda: (a := api.api("POST", f"/v1/captures/{job}/retry")).status
                      == 503 and a, 10, "503")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.job(job).status == "failed"
    api.redis_server.start()
    wait_for(lambda: api.api("POST", f"/v1/captures/{job}/retry").status == 202, 10,
             "Redis to be used again")


# looking back

def test_the_history_tells_of_dead_letters_and_callbacks(api):
    [job] = submitted(api)
    api.sql("insert into deliveries (entry_id, day, job_id, attempt, provider, source, event, "
            "outcome, received_at) values ('webhook:1-1', entry_day('webhook:1-1'), %s::uuid, 1, 'screenshotly', "
            "'webhook', 'dead', 'dead', now())", job)
    api.sql("insert into dead_letters (entry_id, stream, job_id, payload, error, received_at) "
            "values ('webhook:1-1', 'webhook', %s::uuid, '', 'no picture', now())", job)
    api.sql("insert into callbacks (job_id, url, event, next_attempt_at, error) values "
            "(%s::uuid, 'http://a.test/', 'job.failed', null, 'refused')", job)
    history = api.api("GET", f"/v1/captures/{job}/history").json()
    assert history["jobId"] == job
    accepted, dead, callback = history["events"]
    assert (accepted["event"], accepted["source"]) == ("accepted", None)
    assert (dead["event"], dead["outcome"], dead["error"]) == ("dead", "dead", "no picture")
    assert (callback["event"], callback["outcome"], callback["error"]) == (
        "callback", "given-up", "refused")
    assert api.api("GET", f"/v1/captures/{UNKNOWN}/history").status == 404


def test_the_history_is_the_last_thousand(api):
    [job] = submitted(api)
    api.sql("insert into deliveries (entry_id, day, job_id, attempt, event, outcome, "
            "received_at, recorded_at) select 'webhook:' || n, "
            "entry_day('webhook:' || n), %s::uuid, n, 'progress', 'recorded', now(), "
            "now() + n * interval '1 s' from generate_series(1, 1000) n", job)
    events = api.api("GET", f"/v1/captures/{job}/history").json()["events"]
    assert [e["attempt"] for e in events] == list(range(1, 1001))
    assert events[0]["event"] == "progress"  # "accepted" has fallen out
