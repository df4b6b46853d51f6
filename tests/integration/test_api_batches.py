"""api: batches, and dead letters."""

import base64
import uuid

import pytest

from doubles import png
from processes import wait_for
from test_api import UNKNOWN, complete, submit


@pytest.fixture
def api(stack):
    stack.start("api")
    return stack


def batch_of(stack, count):
    answer = submit(stack, captures=[{"url": f"https://a.test/{n}"} for n in range(count)]).json()
    return answer["batchId"], [c["jobId"] for c in answer["captures"]]


def fail(stack, *jobs):
    stack.sql("update jobs set status = 'failed', failed_at = now(), error_code = 'X' "
              "where id = any (%s::uuid[])", list(jobs))


def pages(stack, path, name, limit):
    elements, count, cursor = [], 0, ""
    while cursor is not None:
        sign = "&" if "?" in path else "?"
        page = stack.api("GET", f"{path}{sign}limit={limit}{cursor and '&cursor=' + cursor}").json()
        elements += page[name]
        cursor = page["nextCursor"]
        count += 1
    return elements, count


# batches

def test_a_batch_in_numbers(api):
    batch, jobs = batch_of(api, 7)
    submit(api, url="https://example.com/")  # none of its
    document = api.api("GET", f"/v1/batches/{batch}").json()
    assert (document["batchId"], document["total"], document["progress"]) == (batch, 7, 0)
    assert document["counts"]["queued"] == 7 and document["endedAt"] is None
    complete(api, jobs[0], png())
    fail(api, jobs[1])
    api.api("DELETE", f"/v1/captures/{jobs[2]}")
    api.sql("update jobs set status = 'submitted' where id = %s::uuid", jobs[3])
    document = api.api("GET", f"/v1/batches/{batch}").json()
    assert document["counts"] == {"queued": 3, "submitted": 1, "completed": 1,
                                  "failed": 1, "cancelled": 1}
    assert document["progress"] == 42
    fail(api, *jobs[3:6])
    assert api.api("GET", f"/v1/batches/{batch}").json()["progress"] == 85
    fail(api, jobs[6])
    document = api.api("GET", f"/v1/batches/{batch}").json()
    assert document["progress"] == 100
    assert document["endedAt"] == api.api("GET", f"/v1/captures/{jobs[6]}").json()["failedAt"]


def test_batches_page_by_page(api):
    assert pages(api, "/v1/batches", "batches", 5) == ([], 1)
    batches = [batch_of(api, 2)[0] for _ in range(5)]
    submit(api, url="https://example.com/")
    found, count = pages(api, "/v1/batches", "batches", 2)
    assert ([b["batchId"] for b in found], count) == (sorted(batches, reverse=True), 3)
    assert all(b["total"] == 2 for b in found)
    assert pages(api, "/v1/batches", "batches", 5)[1] == 1


def test_what_is_no_batch(api):
    for name in (UNKNOWN, "7"):
        answer = api.api("GET", f"/v1/batches/{name}")
        assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND")
        assert "batch" in answer.json()["detail"]
    answer = api.api("GET", "/v1/batches?status=failed")
    assert (answer.status, answer.json()["errors"][0]["field"]) == (400, "status")


# dead letters

def letter(stack, payload=b"{}", error="no picture", provider="screenshotly", job=None,
           waits=False):
    [row] = stack.sql(
        "insert into dead_letters (entry_id, stream, job_id, attempt, provider, source, type, "
        "head, payload, error, received_at, next_attempt_at) values (%s, 'webhook', %s::uuid, 1, "
        "%s, 'webhook', 'application/json', '{\"query\":{}}', %s, %s, now(), "
        "case when %s then null else now() + interval '1 hour' end) returning id::text",
        f"webhook:{uuid.uuid4()}", job, provider, payload, error, waits)
    return row[0]


def test_dead_letters_are_listed_and_filtered(api):
    job = submit(api, url="https://example.com/").json()["jobId"]
    one = letter(api, error="Could not fetch the picture", job=job)
    two = letter(api, provider="other", waits=True)
    three = letter(api, payload=b"x" * 1000)
    closed = letter(api)
    api.sql("update dead_letters set resolved_at = now() where id = %s::uuid", closed)
    path = "/v1/dead-letters"
    found, count = pages(api, path, "deadLetters", 2)
    assert ([d["id"] for d in found], count) == ([three, two, one], 2)
    by_id = {d["id"]: d for d in found}
    assert by_id[three]["size"] == 1000 and "payload" not in by_id[three]
    assert by_id[one]["jobId"] == job and by_id[one]["nextAttemptAt"]
    for query, ids in (("provider=other", [two]), (f"job={job}", [one]),
                       ("error=FETCH%20the", [one]), ("waiting=person", [two]),
                       ("waiting=retry", [three, one]),
                       ("waiting=retry&provider=other", [])):
        assert [d["id"] for d in pages(api, f"{path}?{query}", "deadLetters", 9)[0]] == ids, query
    for query in ("job=7", "waiting=x", "error=", "stream=webhook", "limit=101"):
        answer = api.api("GET", f"{path}?{query}")
        assert (answer.status, answer.json()["errors"][0]["field"]) == (
            400, query.split("=")[0]), query


@pytest.mark.parametrize("payload, shown", [
    (b'{"a": "\xc3\xbc"}', '{"a": "ü"}'),
    (b"", ""),
    (b"<script>\x00", None),
    (b"\x89PNG\xff", None),
    (b"x" * 65536, "x" * 65536),
    (b"x" * 65537, "x" * 65536),
    (b"x" * 65535 + "ü".encode(), "x" * 65535),  # cut through a character
    (b"x" * 65533 + "😀".encode() + b"y", "x" * 65533),
])
def test_a_payload_is_shown_as_it_is(api, payload, shown):
    document = api.api("GET", f"/v1/dead-letters/{letter(api, payload)}").json()
    assert document["size"] == len(payload) and document["head"] == '{"query":{}}'
    assert document["truncated"] == (len(payload) > 65536)
    if shown is None:
        assert document["encoding"] == "base64"
        assert base64.b64decode(document["payload"]) == payload
    else:
        assert (document["encoding"], document["payload"]) == ("utf-8", shown)


def test_a_dead_letter_is_tried_again(api):
    one = letter(api, waits=True)
    answer = api.api("POST", f"/v1/dead-letters/{one}/retry")
    assert answer.status == 202 and answer.json()["nextAttemptAt"]
    assert api.sql("select next_attempt_at <= now() from dead_letters") == [(True,)]
    api.sql("update dead_letters set resolved_at = now()")
    for method, path in (("POST", f"/v1/dead-letters/{one}/retry"),
                         ("DELETE", f"/v1/dead-letters/{one}")):
        answer = api.api(method, path)
        assert (answer.status, answer.json()["code"]) == (409, "WRONG_STATE")
        assert api.api(method, path.replace(one, UNKNOWN)).status == 404
    assert api.api("GET", f"/v1/dead-letters/{one}").json()["resolvedAt"]


def test_a_dead_letter_that_is_given_up_fails_its_capture(stack):
    stack.start_all("api", "poller", "worker")
    job = submit(stack, url="https://example.com/").json()["jobId"]
    stack.sql("update jobs set status = 'submitted', next_check_at = null where id = %s::uuid", job)
    one = letter(stack, job=job, waits=True)
    answer = stack.api("DELETE", f"/v1/dead-letters/{one}")
    assert answer.status == 202 and answer.json()["dropped"] is True
    row = wait_for(lambda: (r := stack.job(job)).status == "failed" and r, 30, "the capture to fail")
    assert row.error_code == "DROPPED"
    wait_for(lambda: stack.api("GET", f"/v1/dead-letters/{one}").json()["resolvedAt"], 20,
             "the letter to be resolved")
