"""Handing captures to providers as their profiles say, no faster than these bear."""

import json
import os
import threading
import time
import urllib.parse

import pytest

from doubles import HttpDouble
from harness import ROOT
from processes import wait_for


class Api(HttpDouble):
    """Takes everything; keeps what it was asked."""

    def __init__(self):
        self.asked = []  # (method, path, query, headers, body, when)
        self.answer = (202, {"Content-Type": "application/json"}, b"{}")
        self.under_way = self.most = 0
        self.lock = threading.Lock()
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
        return self.answer


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
        "storage_return_location": ["true"], "external_identifier": [job]}
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
