"""Ingest against a real Redis: who is let in, who is not, and what a 200 means."""

import json
import os
import signal
import time
import uuid

import pytest

import dialects
from doubles import sign_webhook
from processes import wait_for
from web import request

STREAM = "shotfleet:webhook"
BODY = json.dumps({"event": "screenshot.completed",
                   "data": {"jobId": "p1", "imageUrl": "http://127.0.0.1:9/x.png"}}).encode()


@pytest.fixture
def ingest(stack):
    stack.start("ingest")
    return stack


def path(job=None):
    return f"/webhooks/screenshotly?jobId={job or uuid.uuid4()}"


def send(stack, body=BODY, target=None, headers=None, method="POST", **signing):
    secret = signing.pop("secret", stack.webhook_secret)
    headers = sign_webhook(body, secret, **signing) if headers is None else headers
    return request(method, stack.ingest_url + (target or path()), body, headers)


def refused(stack, answer, status):
    assert answer.status == status, answer
    assert isinstance(answer.json()["error"], str)
    assert stack.redis.xlen(STREAM) == 0
    return answer


def test_a_receipt_names_the_entry_and_the_bytes_are_untouched(ingest):
    job = str(uuid.uuid4())
    body = b' {"success" : true, "imageUrl":"http://127.0.0.1:9/\\u00e9.png"}\n'
    answer = send(ingest, body, path(job) + "&attempt=2")
    assert answer.status == 200
    [(entry, fields)] = ingest.redis.xrange(STREAM)
    assert answer.json()["receipt"].encode() == entry
    assert fields[b"body"] == body
    assert fields[b"job"].decode() == job
    assert fields[b"attempt"] == b"2"
    assert fields[b"provider"] == b"screenshotly"
    assert fields[b"source"] == b"webhook"
    assert fields[b"ip"] == b"127.0.0.1"
    assert abs(int(fields[b"received_ms"]) - time.time() * 1000) < 60000


def test_the_old_address_works_too(ingest):
    answer = send(ingest, target=f"/api/webhooks/screenshot?jobId={uuid.uuid4()}")
    assert answer.status == 200


def test_wrong_secret(ingest):
    refused(ingest, send(ingest, secret="another"), 401)


def test_missing_signature(ingest):
    refused(ingest, send(ingest, headers={"Content-Type": "application/json"}), 401)


def test_signature_of_other_bytes(ingest):
    headers = sign_webhook(BODY, ingest.webhook_secret)
    refused(ingest, send(ingest, BODY + b" ", headers=headers), 401)


def test_missing_timestamp(ingest):
    headers = sign_webhook(BODY, ingest.webhook_secret)
    del headers["X-Screenshotly-Timestamp"]
    refused(ingest, send(ingest, headers=headers), 401)


@pytest.mark.parametrize("age_s, status", [(280, 200), (320, 401), (-40, 200), (-80, 401)])
def test_the_clock_has_two_sides(ingest, age_s, status):
    answer = send(ingest, ts_ms=int((time.time() - age_s) * 1000))
    assert answer.status == status


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"{", b'{"a":1} x', b"null",
                                  b'{"a":"\xff"}', b"[" * 40 + b"]" * 40])
def test_bodies_that_are_no_json_object(ingest, body):
    answer = send(ingest, body)
    assert answer.status == 400
    assert answer.json() == {"error": "malformed body"}
    [(_, fields)] = ingest.redis.xrange(STREAM)  # to be kept as a dead letter
    assert fields[b"malformed"] and fields[b"body"] == body


@pytest.mark.parametrize("query", ["jobId=7", "jobId=", "attempt=x", "attempt=0",
                                   "attempt=9999999", "jobId=a&jobId=b"])
def test_malformed_queries(ingest, query):
    refused(ingest, send(ingest, target="/webhooks/screenshotly?" + query), 400)


@pytest.mark.parametrize("token", ["", "A" * 42, "A" * 43, "A" * 44])
def test_a_token_must_be_ours(ingest, token):
    target = path() + "&attempt=1&token=" + token
    refused(ingest, send(ingest, target=target), 401)


def test_a_token_has_an_exact_length(ingest):
    job = str(uuid.uuid4())
    token = dialects.token(ingest.webhook_secret, job)
    for written, status in [(token[:-1], 401), (token, 200), (token + "A", 401)]:
        target = f"/webhooks/screenshotly?jobId={job}&attempt=1&token={written}"
        assert send(ingest, target=target).status == status


@pytest.mark.parametrize("target", ["/webhooks/nobody", "/webhooks/", "/", "/webhooks"])
def test_unknown_paths(ingest, target):
    refused(ingest, send(ingest, target=target), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods(ingest, method):
    answer = refused(ingest, send(ingest, method=method), 405)
    assert answer.headers["Allow"] == "POST"


def test_size_at_its_limit(stack):
    stack.start("ingest", SHOTFLEET_MAX_BODY_BYTES="1024")

    def body_of(size):
        return b'{"a":"' + b"x" * (size - 8) + b'"}'

    assert send(stack, body_of(1023)).status == 200
    assert send(stack, body_of(1024)).status == 200
    assert send(stack, body_of(1025)).status == 413
    assert stack.redis.xlen(STREAM) == 2


def test_addresses(stack):
    stack.start("ingest", SHOTFLEET_ALLOWED_IPS="10.0.0.0/8, 2001:db8::/32",
                SHOTFLEET_TRUSTED_PROXIES="127.0.0.0/8,192.0.2.1")

    def status(forwarded):
        headers = sign_webhook(BODY, stack.webhook_secret)
        if forwarded:
            headers["X-Forwarded-For"] = forwarded
        return send(stack, headers=headers).status

    assert status(None) == 403
    assert status("10.1.2.3") == 200
    for address, expected in [("9.255.255.255", 403), ("10.0.0.0", 200),
                              ("10.255.255.255", 200), ("11.0.0.0", 403),
                              ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", 403), ("2001:db8::", 200),
                              ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 200), ("2001:db9::", 403),
                              ("::ffff:10.0.0.0", 200), ("::ffff:11.0.0.0", 403)]:
        assert status(address) == expected, address
    stack.redis.delete(STREAM)
    assert status("[2001:db8::7]:4711, 127.0.0.9") == 200
    assert status("10.1.2.3:80, 192.0.2.1") == 200
    assert status("10.1.2.3, 203.0.113.9") == 403  # the left one is hearsay
    assert status("10.1.2.3, nonsense") == 400
    assert [f[b"ip"] for _, f in stack.redis.xrange(STREAM)] == [
        b"2001:db8::7", b"10.1.2.3"]


def test_an_untrusted_peer_cannot_choose_its_address(stack):
    stack.start("ingest", SHOTFLEET_ALLOWED_IPS="10.0.0.0/8")
    headers = sign_webhook(BODY, stack.webhook_secret)
    headers["X-Forwarded-For"] = "10.1.2.3"
    refused(stack, send(stack, headers=headers), 403)


def test_old_and_new_secret_are_both_valid(stack):
    stack.start("ingest", SHOTFLEET_WEBHOOK_SECRETS="new-secret,old-secret")
    assert send(stack, secret="new-secret").status == 200
    assert send(stack, secret="old-secret").status == 200
    assert send(stack, secret="older-secret").status == 401


def test_without_secrets_nobody_gets_in(stack):
    stack.start("ingest", SHOTFLEET_WEBHOOK_SECRETS="")
    refused(stack, send(stack, secret=""), 401)


def test_redis_away_is_503_and_comes_back(ingest):
    ingest.redis_server.kill()
    answer = send(ingest)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0

    def counted():  # once it has noticed; before that it is an append that failed
        assert send(ingest).status == 503
        return ingest.metrics("ingest")['shotfleet_unavailable_total{reason="redis_down"}'] >= 1

    wait_for(counted, 20, "the reason to be counted")
    ingest.redis_server.start()
    wait_for(lambda: send(ingest).status == 200, 20, "ingest to accept again")


def test_redis_that_hangs_is_503(ingest):
    os.kill(ingest.redis_server.process.pid, signal.SIGSTOP)
    try:
        assert send(ingest).status == 503
    finally:
        os.kill(ingest.redis_server.process.pid, signal.SIGCONT)
    wait_for(lambda: send(ingest).status == 200, 20, "ingest to accept again")


def test_refusals_are_counted_and_no_secret_is_logged(ingest):
    send(ingest, secret="another")
    send(ingest)
    metrics = ingest.metrics("ingest")
    assert metrics['shotfleet_webhooks_total{provider="screenshotly",outcome="signature"}'] == 1
    assert metrics['shotfleet_webhooks_total{provider="screenshotly",outcome="accepted"}'] == 1
    assert "reason=signature" in ingest.log("ingest")
    assert ingest.webhook_secret not in ingest.log("ingest")
    assert "imageUrl" not in ingest.log("ingest")


def test_a_killed_child_is_replaced(ingest):
    ingest.kill("ingest", child=0)

    def accepted():
        try:
            return send(ingest).status == 200
        except OSError:
            return False

    wait_for(accepted, 20, "another child to accept")


@pytest.mark.parametrize("name, value, word", [
    ("SHOTFLEET_INGEST_LISTEN", "nonsense", "nonsense"),
    ("SHOTFLEET_ALLOWED_IPS", "10.0.0.0/33", "10.0.0.0/33"),
    ("SHOTFLEET_MAX_BODY_BYTES", "lots", "SHOTFLEET_MAX_BODY_BYTES"),
    ("SHOTFLEET_NO_SUCH_THING", "1", "SHOTFLEET_NO_SUCH_THING"),
    ("SHOTFLEET_PROVIDERS_DIR", "/nowhere", "/nowhere"),
    ("REDIS_URL", "http://x", "REDIS_URL"),
])
def test_wrong_settings_stop_it_with_one_line_that_names_them(stack, name, value, word):
    program = stack.start("ingest", wait=False, **{name: value})
    assert program.process.wait(90) == 2
    stack.programs.pop("ingest")
    assert word in program.log_text()
