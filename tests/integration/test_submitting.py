"""Handing captures to providers as their profiles say, no faster than these bear."""

import email
import email.policy
import hashlib
import hmac
import json
import os
import threading
import time
import urllib.parse

import pytest

from doubles import HttpDouble, png
from harness import ROOT
from processes import wait_for
from web import request


class Api(HttpDouble):
    """Takes everything; keeps what it was asked."""

    def __init__(self):
        self.asked = []  # (method, path, query, headers, body, when)
        self.answer = (202, {"Content-Type": "application/json"}, b"{}")
        self.under_way = self.most = 0
        self.lock = threading.Lock()
        self.answers = lambda path: self.answer
        self.gate = None  # an event: answers wait for it
        super().__init__()

    def handle(self, method, path, headers, body):
        url = urllib.parse.urlsplit(path)
        with self.lock:
            self.asked.append((method, url.path, url.query, dict(headers), body, time.monotonic()))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        if self.gate:
            self.gate.wait(60)
        with self.lock:
            self.under_way -= 1
        return self.answers(url.path)


@pytest.fixture
def api():
    double = Api()
    yield double
    if double.gate:
        double.gate.set()
    double.close()


def shipped(name):
    with open(os.path.join(ROOT, "providers", f"{name}.json"), encoding="utf-8") as f:
        return json.load(f)


@pytest.fixture
def use(stack, api):
    """Makes a profile the default one, changed as wanted; its captures go to `api`."""
    def change(name, **sections):
        profile = shipped(name)
        for section, values in sections.items():
            profile[section] = {**profile.get(section, {}), **values}
        folder = os.path.join(stack.folder, "providers")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as f:
            json.dump(profile, f)
        stack.env["SHOTFLEET_PROVIDERS_DIR"] = folder
        stack.env["SHOTFLEET_PROVIDER_URL"] = api.url
        stack.sql("update fleet_defaults set provider = %s", name)
    return change


def wait_submitted(stack, *jobs):
    for job in jobs:
        wait_for(lambda: stack.job(job).status == "submitted", 60, "the capture to be submitted")


def test_urlbox_is_asked_in_its_own_words(stack, api, use):
    use("urlbox")
    stack.start_all("worker", "poller")
    wait_submitted(stack, stack.queue("https://page.example/", fullPage=True, device="mobile", delay=500,
                                      hideSelectors=["#a", ".b"], deviceScaleFactor=2, waitForNetworkIdle=True))
    [(method, path, query, headers, body, _)] = api.asked
    assert (method, path, query) == ("POST", "/render/async", "")
    assert headers["Authorization"] == f"Bearer {stack.key}"
    sent = json.loads(body)
    assert sent.pop("webhook_url").startswith(stack.ingest_url + "/webhooks/urlbox?jobId=")
    assert sent == {"url": "https://page.example/", "full_page": True, "width": 375, "delay": 500,
                    "hide_selector": "#a,.b", "retina": True, "wait_until": "requestsfinished"}


def test_screenshotone_is_asked_with_a_query(stack, api, use):
    use("screenshotone")
    stack.start_all("worker", "poller")
    job = stack.queue("https://page.example/?a=1&b=2", width=800, delay=1500, hideSelectors=["#a", ".b c"])
    wait_submitted(stack, job)
    [(method, path, query, headers, body, _)] = api.asked
    assert (method, path, body) == ("GET", "/take", b"") and "Authorization" not in headers
    sent = urllib.parse.parse_qs(query)
    assert sent.pop("webhook_url")[0].startswith(stack.ingest_url + "/webhooks/screenshotone?jobId=" + job)
    assert sent == {
        "url": ["https://page.example/?a=1&b=2"], "access_key": [stack.key], "async": ["true"],
        "viewport_width": ["800"], "delay": ["1.5"], "hide_selectors": ["#a", ".b c"],
        "response_type": ["json"], "store": ["true"], "storage_path": [f"shotfleet/{job}-1"],
        "storage_return_location": ["true"]}
    assert stack.key not in stack.log("worker")


def parts(headers, body):
    """The fields of a multipart form, as Python's own parser reads them."""
    message = email.message_from_bytes(
        b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body,
        policy=email.policy.HTTP)
    return {part.get_param("name", header="Content-Disposition"): part.get_content()
            for part in message.iter_parts()}


def test_gotenberg_gets_a_multipart_form_and_sends_the_picture(stack, api, use):
    """A form and two addresses in headers; it answers 204, and later with the picture as
    the body of a webhook, and (version 9) with the word that it did."""
    use("gotenberg")
    api.answer = (204, {}, b"")
    stack.env["SHOTFLEET_MAX_BODY_BYTES"] = "4MiB"
    stack.start_all("ingest", "worker", "poller")
    job = stack.queue("https://page.example/?a=1&b=2", width=800, format="png", fullPage=True, delay=1500,
                      darkMode=True, headers={"X-A": "b"}, timeout=5)
    wait_submitted(stack, job)
    [(method, path, query, headers, body, _)] = api.asked
    assert (method, path, query) == ("POST", "/forms/chromium/screenshot/url", "")
    assert headers["Authorization"] == f"Basic {stack.key}"
    fields = parts(headers, body)
    assert json.loads(fields.pop("extraHttpHeaders")) == {"X-A": "b"}
    assert json.loads(fields.pop("emulatedMediaFeatures")) == [
        {"name": "prefers-color-scheme", "value": "dark"}]
    assert fields == {"url": "https://page.example/?a=1&b=2", "width": "800", "format": "png",
                      "clip": "false", "waitDelay": "1500ms"}
    hook = headers["Gotenberg-Webhook-Url"]
    assert hook == headers["Gotenberg-Webhook-Error-Url"] == headers["Gotenberg-Webhook-Events-Url"]
    assert hook.startswith(f"{stack.ingest_url}/webhooks/gotenberg?jobId={job}&attempt=1&token=")

    picture = png(12, 9)
    assert request("POST", hook, picture, {"Content-Type": "image/png"}).status == 200
    event = b'{"event":"webhook.success","correlationId":"x","timestamp":"2026-01-01T00:00:00Z"}'
    assert request("POST", hook, event, {"Content-Type": "application/json"}).status == 200
    assert stack.wait_for_job(job, "completed").width == 12
    wait_for(lambda: stack.redis.xlen("shotfleet:webhook") == 0, 30, "both to be recorded")
    assert stack.sql("select count(*) from dead_letters")[0].count == 0


@pytest.mark.parametrize("body", [
    {"status": 403, "message": "no such host"},
    {"event": "webhook.error", "correlationId": "x", "error": {"status": 403, "message": "no such host"}},
])
def test_gotenberg_tells_of_an_error_in_two_ways(stack, api, use, body):
    use("gotenberg")
    api.answer = (204, {}, b"")
    stack.start_all("ingest", "worker", "poller")
    job = stack.queue("https://page.example/")
    wait_submitted(stack, job)
    hook = api.asked[0][3]["Gotenberg-Webhook-Error-Url"]
    assert request("POST", hook, json.dumps(body).encode(), {"Content-Type": "application/json"}).status == 200
    row = stack.wait_for_job(job, "failed")
    assert (row.error_code, row.error) == ("403", "no such host")


def rendershot_webhook(stack, body):
    body, at = json.dumps(body).encode(), str(int(time.time()))
    digest = hmac.new(stack.webhook_secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    answer = request("POST", stack.ingest_url + "/webhooks/rendershot", body, {
        "Content-Type": "application/json", "X-Rendershot-Timestamp": at,
        "X-Rendershot-Delivery": body[:8].hex(), "X-Rendershot-Signature": "sha256=" + digest})
    assert answer.status == 200


def test_rendershot_is_found_by_its_own_job_id(stack, api, use):
    """Its webhook's address is set up at RenderShot; the picture wants the key, too."""
    use("rendershot")
    api.answer = (202, {"Content-Type": "application/json"}, b'{"job_id":"abc1","status":"queued"}')
    stack.start_all("ingest", "worker", "poller")
    job = stack.queue("https://page.example/", width=800, height=600, deviceScaleFactor=2, fullPage=True,
                      delay=500, hideSelectors=["#a"], waitForNetworkIdle=True, javascript="1")
    wait_submitted(stack, job)
    [(method, path, query, headers, body, _)] = api.asked
    assert (method, path, query) == ("POST", "/v1/screenshot", "") and headers["X-API-Key"] == stack.key
    assert json.loads(body) == {
        "url": "https://page.example/", "async_mode": True, "full_page": True, "delay_ms": 500,
        "viewport": {"width": 800, "height": 600, "device_scale_factor": 2},
        "hide_selectors": ["#a"], "wait_for": "networkidle"}
    assert stack.job(job).provider_job_id == "abc1"
    api.answer = (200, {"Content-Type": "image/png"}, png(12, 9))
    rendershot_webhook(stack, {"event": "job.completed", "job_id": "abc1", "status": "completed",
                               "result_url": f"{api.url}/v1/jobs/abc1/result"})
    assert stack.wait_for_job(job, "completed").width == 12
    assert (api.asked[-1][1], api.asked[-1][3]["X-API-Key"]) == ("/v1/jobs/abc1/result", stack.key)


def test_rendershot_is_asked_about_a_silent_job(stack, api, use):
    use("rendershot")
    stack.env["SHOTFLEET_STALE_AFTER_S"] = "1"
    answers = {"/v1/screenshot": (202, {}, b'{"job_id":"abc1","status":"queued"}'),
               "/v1/jobs/abc1": (200, {}, b'{"job_id":"abc1","status":"completed","result_url":"/v1/jobs/abc1/result"}'),
               "/v1/jobs/abc1/result": (200, {"Content-Type": "image/png"}, png(12, 9))}
    api.answers = lambda path: answers[path]
    stack.start_all("worker", "poller")
    assert stack.wait_for_job(stack.queue("https://page.example/"), "completed").width == 12


def test_a_webhook_that_overtakes_the_answer_with_its_id_is_not_lost(stack, api, use):
    """It names a job that nobody knows yet: fed back until it is known."""
    use("rendershot")
    picture = (200, {"Content-Type": "image/png"}, png(12, 9))
    api.gate = threading.Event()
    api.answer = (202, {}, b'{"job_id":"abc1","status":"queued"}')
    stack.start_all("ingest", "worker", "poller")
    job = stack.queue("https://page.example/")
    wait_for(lambda: api.asked, 30, "the submission")
    rendershot_webhook(stack, {"event": "job.completed", "job_id": "abc1", "status": "completed",
                               "result_url": "/v1/jobs/abc1/result"})
    [row] = wait_for(lambda: stack.sql("select * from dead_letters"), 30, "the early webhook")
    assert row.next_attempt_at is not None
    api.gate.set()
    wait_submitted(stack, job)
    api.answer = picture
    stack.sql("update dead_letters set next_attempt_at = now()")
    assert stack.wait_for_job(job, "completed").width == 12
    wait_for(lambda: stack.sql("select resolved_at from dead_letters")[0].resolved_at, 30, "the letter to be resolved")


def test_scrapfly_is_asked_with_a_query(stack, api, use):
    use("scrapfly")
    api.answer = (201, {"Content-Type": "application/json"}, b'{"success":true,"job_uuid":"550e8400"}')
    stack.start_all("worker", "poller")
    job = stack.queue("https://page.example/?a=1", device="laptop", format="jpeg", fullPage=True, delay=1500,
                      darkMode=True, width=800)
    wait_submitted(stack, job)
    [(method, path, query, _, body, _)] = api.asked
    assert (method, path, body) == ("GET", "/screenshot", b"")
    assert urllib.parse.parse_qs(query) == {
        "key": [stack.key], "url": ["https://page.example/?a=1"], "webhook_name": ["shotfleet"],
        "resolution": ["1366x768"], "format": ["jpg"], "capture": ["fullpage"], "rendering_wait": ["1500"],
        "options": ["dark_mode"]}
    assert stack.job(job).provider_job_id == "550e8400"
    assert stack.key not in stack.log("worker")


def test_a_form_a_nested_webhook_and_an_idempotency_key(stack, api, use):
    use("screenshotly", submit={"form": "form", "webhook_field": "call.back",
                                "idempotency_header": "Idempotency-Key", "accepted": [200, 202]})
    stack.start_all("worker", "poller")
    job = stack.queue("https://page.example/")
    wait_submitted(stack, job)
    [(_, _, _, headers, body, _)] = api.asked
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Idempotency-Key"] == f"{job}-1"
    assert set(urllib.parse.parse_qs(body.decode())) == {"async", "url", "call.back"}


def test_only_the_accepted_codes_count(stack, api, use):
    use("screenshotly", submit={"accepted": [202]})
    api.answer = (200, {"Content-Type": "text/html"}, b"<p>please log in</p>")
    stack.start_all("worker", "poller")
    job = stack.wait_for_job(stack.queue("https://page.example/"), "failed")
    assert (job.error_code, job.error) == ("PROVIDER_ERROR", "provider answered HTTP 200")


def test_no_more_in_a_second_than_it_bears_by_all_processes(stack, api, use):
    use("screenshotly", limits={"submit_per_s": 5})
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "3"
    stack.start_all("worker", "poller")
    jobs = [stack.queue(f"https://page.example/{n}") for n in range(12)]
    wait_submitted(stack, *jobs)
    times = sorted(a[5] for a in api.asked)
    assert len(times) == 12
    assert times[-1] - times[0] >= 11 * 0.2 - 0.1
    assert all(stack.job(j).attempt == 1 for j in jobs)


def test_no_more_at_once_than_it_bears_by_all_processes(stack, api, use):
    use("screenshotly", limits={"submit_at_once": 2})
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "3"
    api.gate = threading.Event()
    stack.start_all("worker", "poller")
    jobs = [stack.queue(f"https://page.example/{n}") for n in range(8)]
    wait_for(lambda: any(stack.job(j).error_code == "PROVIDER_LIMIT" for j in jobs), 30, "one to be put off")
    assert api.most == 2
    api.gate.set()
    wait_submitted(stack, *jobs)
    assert api.most == 2 and len(api.asked) == 8
    assert all(stack.job(j).attempt == 1 for j in jobs)


def test_a_short_pause_puts_nobody_off_for_long(stack, api, use):
    """No limit, but 429 now and then: whoever comes meanwhile is not lined up."""
    use("screenshotly")
    api.answer = (429, {"Retry-After": "2", "Content-Type": "application/json"}, b"{}")
    stack.start("worker")
    jobs = [stack.sql("select create_job(%s)::text", f"https://page.example/{n}")[0][0] for n in range(200)]
    with stack.redis.pipeline(transaction=True) as together:
        for job in jobs:
            together.xadd("shotfleet:submit", {"job": job, "attempt": 1})
        together.execute()
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 0, 30, "all to be put off")
    rows = stack.sql("select error_code, count(*), max(next_check_at) < now() + interval '4 seconds' as soon"
                     " from jobs group by 1")
    assert all(row.soon for row in rows) and sum(row.count for row in rows) == 200
    assert {row.error_code for row in rows} <= {"PROVIDER_PAUSED", None}


def test_a_long_retry_after_is_cut_and_holds_for_all_processes(stack, api, use):
    use("screenshotly")
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "3"
    api.answer = (429, {"Retry-After": "86400", "Content-Type": "application/json"}, b"{}")
    stack.start_all("worker", "poller")
    first = stack.queue("https://page.example/")
    wait_for(lambda: stack.job(first).error is not None, 30, "the refusal")
    jobs = [stack.queue(f"https://page.example/{n}") for n in range(6)]
    wait_for(lambda: all(stack.job(j).error_code == "PROVIDER_PAUSED" for j in jobs), 30, "all to be put off")
    assert len(api.asked) == 1
    [most] = stack.sql("select max(next_check_at - now()) <= interval '10 minutes' as cut from jobs")
    assert most.cut
