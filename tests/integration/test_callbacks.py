"""Callbacks: told once, signed, tried again, given up, sent again by hand."""

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from doubles import HttpDouble
from processes import wait_for
from s3 import PEERS

KEYS = [b"a key of thirty-two bytes, newest", b"the key before"]
WHSEC = "whsec_" + base64.b64encode(KEYS[0]).decode()


class Receiver(HttpDouble):
    """A user's application; `answers` are used up, the last one stays."""

    def __init__(self):
        self.calls = []  # (headers, body), in order
        self.answers = [(200, {})]
        self.gate = threading.Event()  # closed: it does not answer
        self.gate.set()
        super().__init__()

    def handle(self, method, path, headers, body):
        assert method == "POST"
        self.calls.append((dict(headers), body))
        status, extra = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.gate.wait()
        return status, extra, b"thank you"

    @property
    def ids(self):
        return [headers["webhook-id"] for headers, _ in self.calls]


@pytest.fixture
def receiver():
    double = Receiver()
    yield double
    double.gate.set()
    double.close()


@pytest.fixture
def fleet(stack, provider):
    stack.env.update(SHOTFLEET_CALLBACKS="on",
                     SHOTFLEET_CALLBACK_SECRETS=f"{WHSEC}, {KEYS[1].decode()}")
    stack.start_all("ingest", "worker", "poller", "api")
    return stack


def submit(stack, url, callback_url):
    answer = stack.api("POST", "/v1/captures", {"url": url, "callbackUrl": callback_url})
    assert answer.status == 202, answer
    return answer.json()["jobId"]


def callback(stack):
    rows = stack.sql("select * from callbacks")
    return rows[0] if rows else None


def wait_for_callback(stack, what, holds, timeout_s=30):
    return wait_for(lambda: (row := callback(stack)) and holds(row) and row, timeout_s, what)


def hurry(stack):
    """The next attempt is due."""
    stack.sql("update callbacks set next_attempt_at = now() where next_attempt_at is not null")


def signature(key, headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_completed_capture_is_told_once_and_signed_with_every_key(fleet, provider, pages, receiver):
    def script(capture):
        provider.finish(capture)
        for _ in range(3):
            provider.send_outcome(capture)
    provider.script = script
    job = submit(fleet, pages.url, receiver.url + "/told?token=x")
    row = wait_for_callback(fleet, "the delivery", lambda r: r.delivered_at)
    [(headers, body)] = receiver.calls
    assert headers["webhook-id"] == row.id and headers["Content-Type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert headers["webhook-signature"].split() == [signature(key, headers, body) for key in KEYS]
    told = json.loads(body)
    assert told["type"] == "job.completed" and told["timestamp"].endswith("Z")
    assert told["data"] == fleet.api("GET", f"/v1/captures/{job}").json()
    assert told["data"]["status"] == "completed" and told["data"]["image"]["sha256"]
    assert (row.job_id, row.attempts, row.error, row.next_attempt_at) == (job, 1, None, None)
    wait_for(lambda: fleet.redis.xlen("shotfleet:callback") == 0
             == fleet.redis.xlen("shotfleet:webhook"), 20, "the streams to be empty")
    assert len(receiver.calls) == 1
    delivered = 'shotfleet_callbacks_total{outcome="delivered"}'
    wait_for(lambda: fleet.metrics("worker")[delivered] >= 1, 30, "it to be counted")
    assert fleet.metrics("worker")[delivered] == 1


def verify(headers, body, secret):
    """What the library of standardwebhooks.com makes of a call."""
    if not os.path.isdir(os.path.join(PEERS, "node_modules", "standardwebhooks")):
        pytest.skip("npm ci --prefix tests/peers has not run")
    return subprocess.run(
        ["node", os.path.join(PEERS, "verify.mjs"), secret], capture_output=True, text=True, timeout=60,
        input=json.dumps({"headers": {n.lower(): v for n, v in headers.items()}, "body": body.decode()}))


def test_the_official_library_verifies_it(fleet, provider, pages, receiver):
    job = submit(fleet, pages.url + "/ünïcode?a=1", receiver.url + "/told")
    wait_for(lambda: receiver.calls, 30, "the call")
    headers, body = receiver.calls[0]
    done = verify(headers, body, WHSEC)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == json.loads(body) and told["type"] == "job.completed"
    assert told["data"]["jobId"] == job
    late = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}
    for forged in (verify(headers, body.replace(b"completed", b"c0mpleted"), WHSEC), verify(late, body, WHSEC),
                   verify({**headers, "webhook-id": "msg_other"}, body, WHSEC),
                   verify(headers, body, "whsec_" + base64.b64encode(b"some other key of 32 bytes......").decode())):
        assert forged.returncode == 1 and "No matching signature found" in forged.stderr


def test_a_failed_capture_is_told_with_its_reason(fleet, provider, pages, receiver):
    provider.script = lambda c: provider.fail(c, "INVALID_URL", "no such page")
    submit(fleet, pages.url, receiver.url)
    wait_for_callback(fleet, "the delivery", lambda r: r.delivered_at)
    told = json.loads(receiver.calls[0][1])
    assert told["type"] == "job.failed"
    assert told["data"]["error"] == {"code": "INVALID_URL", "message": "no such page"}


def test_nothing_is_sent_where_nothing_was_asked_for(fleet, pages):
    fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert callback(fleet) is None


def test_tried_again_under_the_same_id(fleet, pages, receiver):
    receiver.answers = [(500, {}), (302, {"Location": "/elsewhere"}), (204, {})]
    submit(fleet, pages.url, receiver.url)
    row = wait_for_callback(fleet, "the first failure", lambda r: r.error)
    assert (row.attempts, row.error, row.delivered_at) == (1, "HTTP 500", None)
    hurry(fleet)
    wait_for_callback(fleet, "the second one", lambda r: r.error == "HTTP 302")
    hurry(fleet)
    row = wait_for_callback(fleet, "the delivery", lambda r: r.delivered_at)
    assert row.attempts == 3 and row.error is None
    assert receiver.ids == [row.id] * 3
    assert fleet.sql("select * from callback_hosts") == []


def test_gone_is_final(fleet, pages, receiver):
    receiver.answers = [(410, {})]
    submit(fleet, pages.url, receiver.url)
    row = wait_for_callback(fleet, "the end", lambda r: r.next_attempt_at is None)
    assert (row.attempts, row.error, row.delivered_at) == (1, "HTTP 410", None)


def test_patience_is_granted_where_it_is_asked_for(fleet, pages, receiver):
    receiver.answers = [(503, {"Retry-After": "3600"})]
    submit(fleet, pages.url, receiver.url)
    wait_for_callback(fleet, "the failure", lambda r: r.error)
    [row] = fleet.sql("select extract(epoch from next_attempt_at - now()) as left from callbacks")
    assert 3500 < row.left <= 3600


def test_a_private_address_is_refused(stack, provider, pages, receiver):
    stack.env.update(SHOTFLEET_CALLBACKS="on", SHOTFLEET_CALLBACK_SECRETS=WHSEC,
                     SHOTFLEET_FETCH_ALLOW=f"127.0.0.1/32:{provider.port}")
    stack.start_all("ingest", "worker", "poller", "api")
    submit(stack, pages.url, receiver.url)
    row = wait_for_callback(stack, "the end", lambda r: r.next_attempt_at is None)
    assert "127.0.0.1" in row.error and row.delivered_at is None
    assert receiver.calls == []


def test_a_worker_killed_before_it_records_leads_to_the_same_call_again(stack, provider, pages, receiver):
    stack.env.update(SHOTFLEET_CALLBACKS="on", SHOTFLEET_CALLBACK_SECRETS=WHSEC,
                     SHOTFLEET_WORKER_PROCESSES="1", SHOTFLEET_TAKEOVER_S="1")
    stack.start_all("ingest", "worker", "poller", "api")
    receiver.gate.clear()
    submit(stack, pages.url, receiver.url)
    wait_for(lambda: receiver.calls, 30, "the call")
    os.kill(stack.children("worker")[0], signal.SIGKILL)
    receiver.gate.set()
    row = wait_for_callback(stack, "the delivery", lambda r: r.delivered_at)
    assert receiver.ids == [row.id] * 2
    assert receiver.calls[0][1] == receiver.calls[1][1]
    assert row.attempts == 1


def test_what_redis_lost_is_due_again(fleet, pages, receiver):
    fleet.stop("worker")
    job = fleet.sql("select create_job('https://example.com/', callback_url => %s)", receiver.url)[0][0]
    fleet.sql("insert into callbacks (job_id, url, event) values (%s::uuid, %s, 'job.failed')", job, receiver.url)
    wait_for(lambda: fleet.redis.xlen("shotfleet:callback") == 1, 20, "the entry")
    fleet.redis.delete("shotfleet:callback")
    hurry(fleet)  # its lease has ended
    fleet.start("worker")
    wait_for_callback(fleet, "the delivery", lambda r: r.delivered_at)
    assert len(receiver.calls) == 1


def test_an_entry_that_comes_again_calls_nobody(fleet, pages, receiver):
    submit(fleet, pages.url, receiver.url)
    row = wait_for_callback(fleet, "the delivery", lambda r: r.delivered_at)
    for fields in ({"callback": row.id, "attempt": "0"}, {"callback": row.id, "attempt": "1"},
                   {"callback": row.id}, {"callback": "x", "attempt": "1"}, {"nonsense": "x"}):
        fleet.redis.xadd("shotfleet:callback", fields)
    wait_for(lambda: fleet.redis.xlen("shotfleet:callback") == 0, 20, "the stream to be empty")
    assert len(receiver.calls) == 1


def test_an_outcome_waits_for_postgresql(fleet, pages, receiver):
    receiver.gate.clear()
    submit(fleet, pages.url, receiver.url)
    wait_for(lambda: receiver.calls, 30, "the call")
    fleet.postgres_server.kill()
    receiver.gate.set()
    wait_for(lambda: fleet.metrics("worker")["shotfleet_database_up"] == 0, 20, "the workers to notice")
    fleet.postgres_server.start()
    wait_for_callback(fleet, "the delivery", lambda r: r.delivered_at)
    assert len(receiver.calls) == 1


def test_a_stopping_worker_waits_for_the_answer(fleet, pages, receiver):
    receiver.gate.clear()
    submit(fleet, pages.url, receiver.url)
    wait_for(lambda: receiver.calls, 30, "the call")
    opener = threading.Timer(0.5, receiver.gate.set)
    opener.start()
    fleet.stop("worker")
    row = callback(fleet)
    assert row.delivered_at and row.attempts == 1 and fleet.redis.xlen("shotfleet:callback") == 0


def test_attempts_end_after_a_day(stack):
    """The schedule, in plain SQL."""
    job = stack.sql("select create_job('https://example.com/')")[0][0]
    [row] = stack.sql("insert into callbacks (job_id, url, event)"
                      " values (%s::uuid, 'https://User:pw@Example.com:8443/x', 'job.failed') returning *", job)
    assert row.host == "example.com:8443"
    pauses = []
    for made in range(9):
        stack.sql("select record_callback(%s::uuid, %s, 'failed', 'HTTP 500', 0)", row.id, made)
        [after] = stack.sql("select attempts, extract(epoch from next_attempt_at - now()) as pause from callbacks")
        assert after.attempts == made + 1
        pauses.append(after.pause)
    assert pauses[8] is None
    for pause, middle in zip(pauses, (5, 30, 120, 600, 3600, 10800, 21600, 43200)):
        assert 0.75 * middle < pause < 1.25 * middle
    # a report of an attempt that was made before changes nothing
    stack.sql("select record_callback(%s::uuid, 3, 'failed', 'late', 0)", row.id)
    assert stack.sql("select attempts from callbacks")[0].attempts == 9


def test_a_host_that_fails_for_a_day_is_disabled_until_a_person_says_so(fleet, pages, receiver):
    receiver.answers = [(500, {}), (200, {})]
    host = f"127.0.0.1:{receiver.port}"
    fleet.sql("insert into callback_hosts (host, failures, failing_since)"
              " values (%s, 19, now() - interval '25 hours')", host)
    submit(fleet, pages.url, receiver.url)
    wait_for(lambda: fleet.sql("select disabled_at from callback_hosts")[0].disabled_at, 30, "the host to be disabled")
    hurry(fleet)
    row = wait_for_callback(fleet, "the callback to be put aside", lambda r: r.next_attempt_at is None)
    assert "disabled" in row.error and "HTTP 500" in row.error and len(receiver.calls) == 1
    wait_for(lambda: f"retry --host {host}" in fleet.log("worker"), 10, "the log to say so")

    [line] = fleet.cli("callback", "list", check=True).stdout.splitlines()
    fields = line.split("\t")
    assert fields[:4] == [row.id, row.job_id, "job.completed", host] and fields[6] == "given up"
    assert fleet.cli("callback", "retry", "--host", "elsewhere", check=True).stdout.startswith("0 ")
    assert row.id in fleet.cli("callback", "retry", "--all", "--dry-run", check=True).stdout
    assert callback(fleet).next_attempt_at is None
    assert fleet.cli("callback", "retry", "--host", host, check=True).stdout == "1 will be sent again\n"
    row = wait_for_callback(fleet, "the delivery", lambda r: r.delivered_at)
    assert fleet.sql("select * from callback_hosts") == [] and receiver.ids == [row.id] * 2
    assert fleet.cli("callback", "list", check=True).stdout == ""


def test_a_delivered_callback_is_sent_again_by_the_id_of_its_capture(fleet, pages, receiver):
    job = submit(fleet, pages.url, receiver.url)
    wait_for_callback(fleet, "the delivery", lambda r: r.delivered_at)
    assert fleet.cli("callback", "retry", job, check=True).stdout.startswith("1 ")
    wait_for(lambda: len(receiver.calls) == 2, 30, "the second call")
    assert len(set(receiver.ids)) == 1


@pytest.mark.parametrize("words", [
    [], ["resend"], ["retry"], ["retry", "nonsense"], ["retry", "--all", "--host", "x"], ["list", "--nonsense"],
    ["list", "--host"]])
def test_wrong_usage_changes_nothing(stack, words):
    done = stack.cli("callback", *words)
    assert done.returncode == 2 and "shotfleet" in done.stderr


def test_an_unknown_id_says_so(stack):
    done = stack.cli("callback", "retry", "00000000-0000-7000-8000-000000000000")
    assert done.returncode == 1 and "has this id" in done.stderr


def test_api_refuses_what_cannot_be_called(fleet):
    for wrong in ("ftp://example.com/", "https://u:p@example.com/", "x", 7, "https://example.com/" + "a" * 8192):
        answer = fleet.api("POST", "/v1/captures", {"url": "https://example.com/", "callbackUrl": wrong})
        assert answer.status == 400, wrong
        assert [e["field"] for e in answer.json()["errors"]] == ["callbackUrl"]
    answer = fleet.api("POST", "/v1/captures", {"url": "https://example.com/", "callbackUrl": None})
    assert answer.status == 202


def test_without_callbacks_api_says_so(stack):
    stack.start("api")
    answer = stack.api("POST", "/v1/captures", {"url": "https://example.com/", "callbackUrl": "https://example.com/"})
    assert answer.status == 400 and "SHOTFLEET_CALLBACKS" in answer.json()["detail"]
    assert stack.sql("select * from jobs") == []


@pytest.mark.parametrize("secrets, names", [("", "has no key"), ("whsec_!", "secret 1")])
def test_a_worker_that_could_not_sign_does_not_start(stack, secrets, names):
    program = stack.start("worker", wait=False, SHOTFLEET_CALLBACKS="on", SHOTFLEET_CALLBACK_SECRETS=secrets)
    assert program.process.wait(90) == 2
    stack._retire("worker")
    assert "SHOTFLEET_CALLBACK_SECRETS" in program.log_text() and names in program.log_text()
