"""api: many captures at once, each judged on its own, and Idempotency-Key."""

import concurrent.futures
import http.client
import json
import uuid

import pytest

from processes import free_port, wait_for
from test_api import JSON
from web import request

URL = "https://example.com/"


@pytest.fixture
def api(stack):
    stack.start("api")
    return stack


def post(stack, body, key=None, base=None):
    headers = {**JSON, **({"Idempotency-Key": key} if key is not None else {})}
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request("POST", (base or stack.api_url) + "/v1/captures", body, headers)


def count(stack):
    return stack.sql("select count(*) from jobs")[0][0]


# each on its own

def test_what_is_wrong_with_one_is_said_in_its_place(api):
    answer = post(api, {"captures": [
        {"url": URL + "0"}, {"url": "nonsense", "width": 1}, {"url": URL + "2"}, 7,
        {"url": URL, "metadata": {"a": ["x", {"b": "nul \0"}]}},
        {"url": URL, "hideSelectors": ["a\0b"]}, {"url": URL + "6"}]})
    assert answer.status == 202
    batch = answer.json()
    assert (batch["accepted"], batch["refused"]) == (3, 4)
    assert ["jobId" in item for item in batch["captures"]] == [
        True, False, True, False, False, False, True]
    problem = batch["captures"][1]["problem"]
    assert (problem["status"], problem["code"]) == (400, "INVALID_URL")
    assert [e["field"] for e in problem["errors"]] == ["captures.1.url", "captures.1.width"]
    for n, field in ((3, "captures.3"), (4, "captures.4.metadata")):
        [error] = batch["captures"][n]["problem"]["errors"]
        assert error["field"] == field
    urls = {r.id: r.url for r in api.sql("select id::text, url from jobs")}
    assert {urls[batch["captures"][n]["jobId"]] for n in (0, 2, 6)} == {
        URL + "0", URL + "2", URL + "6"}
    assert [r.url for r in api.sql("select url from jobs order by id")] == [
        URL + "0", URL + "2", URL + "6"]  # ids are in the order of the request
    wait_for(lambda: api.redis.xlen("shotfleet:submit") == 3, 5, "their entries")
    assert api.sql("select count(distinct batch_id) from jobs")[0][0] == 1


def test_a_number_without_end_is_refused_alone(api):
    body = ('{"captures":[{"url":"%s"},{"url":"%s","metadata":{"a":1e999999}},'
            '{"url":"%s","metadata":{"a":1e300}}]}' % (URL, URL, URL)).encode()
    batch = post(api, body).json()
    assert (batch["accepted"], batch["refused"]) == (2, 1)
    assert batch["captures"][1]["problem"]["errors"][0]["field"] == "captures.1.metadata"


def test_a_thousand_with_every_other_one_wrong(api):
    batch = post(api, {"captures": [
        {"url": URL + str(n) if n % 2 else "nonsense"} for n in range(1000)]}).json()
    assert (batch["accepted"], batch["refused"]) == (500, 500)
    assert len(batch["captures"]) == 1000
    assert all(("jobId" in item) == bool(n % 2) for n, item in enumerate(batch["captures"]))
    assert count(api) == 500


def test_one_that_is_wrong_is_no_batch(api):
    answer = post(api, {"url": URL, "width": 1})
    assert (answer.status, answer.json()["errors"][0]["field"]) == (400, "width")


# once for each key

def test_the_same_key_and_body_get_the_same_answer(api):
    for body in ({"url": URL}, {"captures": [{"url": URL}, {"url": "nonsense"}, {"url": URL}]}):
        key = str(uuid.uuid4())
        first = post(api, body, key)
        before = count(api)
        assert first.status == 202
        assert "Idempotency-Replayed" not in first.headers
        for form in (key, f'"{key}"'):  # quoted, as the draft has it, or not
            again = post(api, body, form)
            assert again.status == 202
            assert again.headers["Idempotency-Replayed"] == "true"
            assert again.headers["Location"] == first.headers["Location"]
            assert without_tokens(again.json()) == without_tokens(first.json())
        assert count(api) == before
    wait_for(lambda: api.redis.xlen("shotfleet:submit") == 3, 5, "their entries")
    assert api.metrics("api")["shotfleet_captures_accepted_total"] == 3


def without_tokens(value):
    if isinstance(value, dict):
        return {k: without_tokens(v) for k, v in value.items()
                if not k.startswith("watchToken")}
    return [without_tokens(v) for v in value] if isinstance(value, list) else value


def test_the_same_key_with_another_body_is_refused(api):
    assert post(api, {"url": URL}, "k").status == 202
    answer = post(api, {"url": URL, "width": 400}, "k")
    assert (answer.status, answer.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert count(api) == 1
    assert post(api, {"url": URL, "width": 400}, "other").status == 202


def test_a_request_that_was_refused_leaves_its_key_free(api):
    assert post(api, {"url": "nonsense"}, "k").status == 400
    assert post(api, {"url": URL}, "k").status == 202


def test_keys_that_are_none(api):
    for key, status in (("", 400), ('""', 400), ("a b", 400), ('"a', 400), ("ü", 400),
                        ("x" * 256, 400), ("x" * 255, 202), ('"' + "y" * 255 + '"', 202)):
        answer = post(api, {"url": URL}, key)
        assert answer.status == status, key
        if status == 400:
            assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    connection = http.client.HTTPConnection("127.0.0.1", api.ports["api"], timeout=90)
    connection.putrequest("POST", "/v1/captures")
    for name, value in (("Content-Type", "application/json"), ("Content-Length", "2"),
                        ("Idempotency-Key", "a"), ("Idempotency-Key", "a")):
        connection.putheader(name, value)
    connection.endheaders(b"{}")
    assert connection.getresponse().status == 400
    connection.close()


def test_a_key_is_good_for_a_day_and_then_forgotten(api):
    first = post(api, {"url": URL}, "k").json()
    api.sql("update idempotency_keys set created_at = now() - interval '23 hours 59 minutes'")
    assert post(api, {"url": URL}, "k").json()["jobId"] == first["jobId"]
    assert api.sql("select forget_idempotency_keys()") == [(0,)]
    api.sql("update idempotency_keys set created_at = now() - interval '24 hours 1 second'")
    second = post(api, {"url": URL + "other"}, "k")
    assert second.status == 202 and second.json()["jobId"] != first["jobId"]
    assert post(api, {"url": URL + "other"}, "k").json()["jobId"] == second.json()["jobId"]
    api.sql("update idempotency_keys set created_at = now() - interval '25 hours'")
    api.stop("api")
    api.start("api")
    wait_for(lambda: api.sql("select count(*) from idempotency_keys") == [(0,)], 10,
             "the key to be forgotten")


def test_one_key_at_two_servers_at_the_same_time(stack):
    port = free_port()
    stack.start("api")
    stack.start("api", instance="api2", SHOTFLEET_API_LISTEN=f"127.0.0.1:{port}")
    bases = [stack.api_url, f"http://127.0.0.1:{port}"]
    body = {"captures": [{"url": f"{URL}{n}"} for n in range(200)]}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for round_ in range(5):
            answers = list(pool.map(
                lambda n: post(stack, body, f"round-{round_}", bases[n % 2]),
                range(16)))
            assert {a.status for a in answers} == {202}
            assert len({a.json()["batchId"] for a in answers}) == 1
            assert sum("Idempotency-Replayed" not in a.headers for a in answers) == 1
            assert count(stack) == 200 * (round_ + 1)
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 1000, 10, "their entries")


def test_whoever_tries_until_it_works_gets_one_batch_for_each_key(stack):
    """api is killed again and again, at any point of a request."""
    stack.start("api")
    answers = {}
    body = {"captures": [{"url": f"{URL}{n}"} for n in range(50)]}

    def insist(key):
        while True:
            try:
                answer = post(stack, body, key)
            except (OSError, http.client.HTTPException):
                continue
            if answer.status == 202:
                answers[key] = answer.json()["batchId"]
                return

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        work = [pool.submit(insist, f"key-{n}") for n in range(60)]
        for n in range(4):
            wait_for(lambda: len(answers) >= 12 * (n + 1) - 6, 60, "some answers")
            stack.kill("api")
            stack.start("api")
        for each in work:
            each.result(60)
    batches = stack.sql("select batch_id::text, count(*) as n from jobs group by 1")
    assert {row.batch_id for row in batches} == set(answers.values())
    assert {row.n for row in batches} == {50} and len(batches) == 60
