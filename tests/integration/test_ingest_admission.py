"""Admission: every reason, in its order, with its status and its counter."""

import json
import os
import shutil
import socket
import time
import uuid

import pytest

import dialects
from harness import ROOT
from web import request

JOB = str(uuid.uuid4())
OTHER_JOB = str(uuid.uuid4())
GOOD_BODY = json.dumps({"status": "done", "mine": JOB}).encode()
PROFILE = {
    "name": "strict",
    "webhook": {
        "auth": {"kind": "hmac", "header": "X-Sig", "layout": "plain",
                 "timestamp": {"header": "X-Time", "unit": "s"},
                 "template": "{timestamp}.{body}"},
        "require_token": True,
        "payload": {"status": "body:status", "own_job_id": "body:mine", "image": "body:url",
                    "words": {"done": "completed"}},
    },
}


@pytest.fixture
def ingest(stack, tmp_path):
    folder = tmp_path / "providers"
    shutil.copytree(os.path.join(ROOT, "providers"), folder)
    (folder / "strict.json").write_text(json.dumps(PROFILE))
    (folder / "keyless.json").write_text(json.dumps({**PROFILE, "name": "keyless"}))
    stack.env.update(SHOTFLEET_PROVIDERS_DIR=str(folder), SHOTFLEET_WEBHOOK_SECRETS="",
                     SHOTFLEET_WEBHOOK_SECRETS_STRICT="k", SHOTFLEET_TOKEN_SECRETS="t")
    stack.start("ingest", SHOTFLEET_ALLOWED_IPS="10.0.0.0/8",
                SHOTFLEET_TRUSTED_PROXIES="127.0.0.1", SHOTFLEET_MAX_BODY_BYTES="1024")
    return stack


# Wrong in every way at once; each step mends one thing more.
WRONG = {"forwarded": "for=_hidden", "profile": "nobody", "method": "PUT",
         "body": b"[" * 1025, "secret": "wrong", "age_s": 1000, "attempt": "0",
         "token": "A" * 43}
STEPS = [
    ({}, 400, "", "forwarded"),
    ({"forwarded": "for=192.0.2.1"}, 403, "", "address"),
    ({"forwarded": "for=10.0.0.1"}, 404, "", "path"),
    ({"profile": "keyless"}, 405, "keyless", "method"),
    ({"method": "POST"}, 413, None, None),
    ({"body": b"[" * 1024}, 401, "keyless", "no_secret"),
    ({"profile": "strict"}, 401, "strict", "signature"),
    ({"secret": "k"}, 401, "strict", "timestamp"),
    ({"age_s": 0}, 400, "strict", "query"),
    ({"attempt": "1"}, 401, "strict", "token"),
    ({"token": dialects.token("t", JOB)}, 400, "strict", "body"),
    ({"body": json.dumps({"mine": OTHER_JOB}).encode()}, 400, "strict", "job"),
    ({"body": GOOD_BODY}, 200, "strict", "accepted"),
]


def send(stack, what):
    now = str(int(time.time() - what["age_s"]))
    signature = dialects.digest(what["secret"], now.encode() + b"." + what["body"]).hex()
    return request(
        what["method"],
        f"{stack.ingest_url}/webhooks/{what['profile']}"
        f"?jobId={JOB}&attempt={what['attempt']}&token={what['token']}",
        what["body"], {"Forwarded": what["forwarded"], "X-Sig": signature, "X-Time": now})


def test_every_reason_in_its_order(ingest):
    what = dict(WRONG)
    texts = []
    for mended, status, provider, reason in STEPS:
        what.update(mended)
        answer = send(ingest, what)
        assert answer.status == status, (reason, answer)
        if status != 200:
            assert list(answer.json()) == ["error"]
            texts.append(answer.json()["error"])
    # no two reasons look alike to the sender, but none says more than it must
    assert len(set(texts)) == len(texts)
    assert not any(word in text for text in texts for word in ("key", "secret", "byte", JOB))
    metrics = ingest.metrics("ingest")
    counted = {name: value for name, value in metrics.items()
               if name.startswith("shotfleet_webhooks_total") and value}
    assert counted == {
        'shotfleet_webhooks_total{provider="%s",outcome="%s"}' % (provider, reason): 1
        for _, _, provider, reason in STEPS if reason}
    assert metrics['shotfleet_http_refusals_total{reason="size"}'] == 1


def test_what_a_head_says_is_judged_before_the_body_is_there(ingest):
    """A body far beyond the limit, of which not a byte is read."""
    for forwarded, path, method, status in [("for=192.0.2.1", "/webhooks/strict", "POST", 403),
                                            ("for=10.0.0.1", "/webhooks/nobody", "POST", 404),
                                            ("for=10.0.0.1", "/webhooks/strict", "PATCH", 405)]:
        with socket.create_connection(("127.0.0.1", ingest.ports["ingest"]), 10) as s:
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nForwarded: {forwarded}\r\n"
                      "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n".encode())
            answer = b""
            while chunk := s.recv(4096):  # until it closes
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 %d" % status), answer
        assert b"100 Continue" not in answer


def test_the_clocks_two_limits(ingest):
    what = {key: value for step in STEPS for key, value in step[0].items()}
    for age_s, status in [(298, 200), (302, 401), (-58, 200), (-62, 401)]:
        assert send(ingest, {**WRONG, **what, "age_s": age_s}).status == status


def test_size_at_its_limit(ingest):
    what = {key: value for step in STEPS for key, value in step[0].items()}
    for size, status in [(1023, 200), (1024, 200), (1025, 413)]:
        body = json.dumps({"mine": JOB, "fill": ""}).encode()
        body = body[:-2] + b"x" * (size - len(body)) + body[-2:]
        assert len(body) == size
        assert send(ingest, {**WRONG, **what, "body": body}).status == status


@pytest.mark.parametrize("depth, status", [(31, 200), (32, 200), (33, 400)])
def test_depth_at_its_limit(ingest, depth, status):
    what = {key: value for step in STEPS for key, value in step[0].items()}
    body = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    assert send(ingest, {**WRONG, **what, "body": body}).status == status


def send_raw(stack, *lines):
    """A good webhook with these header lines besides; returns the status."""
    now = str(int(time.time()))
    signature = dialects.digest("k", now.encode() + b"." + GOOD_BODY).hex()
    head = [f"POST /webhooks/strict?jobId={JOB}&attempt=1&token={dialects.token('t', JOB)} HTTP/1.1",
            "Host: x", "Connection: close", f"Content-Length: {len(GOOD_BODY)}",
            f"X-Sig: {signature}", f"X-Time: {now}", *lines]
    with socket.create_connection(("127.0.0.1", stack.ports["ingest"]), 10) as s:
        s.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + GOOD_BODY)
        return int(s.makefile("rb").readline().split()[1])


def test_repeated_headers(ingest):
    def status(*lines):
        return send_raw(ingest, *lines)

    proxy = "X-Forwarded-For: 127.0.0.1"
    assert status("X-Forwarded-For: 10.0.0.1") == 200
    # one list, in order: the right-most that is no proxy is in the first line
    assert status("X-Forwarded-For: 192.0.2.1, 10.0.0.2", "x-forwarded-for: 127.0.0.1") == 200
    assert status("X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 192.0.2.1") == 403
    assert status("Forwarded: for=10.0.0.3", "Forwarded: for=127.0.0.1") == 200
    assert status("Forwarded: for=10.0.0.3", "X-Forwarded-For: 10.0.0.4", proxy) == 400
    assert [status(*["X-Forwarded-For: 127.0.0.1"] * (n - 1), "X-Forwarded-For: 10.0.0.5")
            for n in (15, 16, 17)] == [200, 200, 400]
    # nobody can tell which of two is meant
    assert status("X-Forwarded-For: 10.0.0.1", "X-Sig: 00") == 401
    assert status("X-Forwarded-For: 10.0.0.1", "X-Time: 1") == 401
    ips = [fields[b"ip"].decode() for _, fields in ingest.redis.xrange("shotfleet:webhook")]
    assert ips == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.5"]
