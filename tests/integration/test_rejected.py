"""shotfleet doctor rejected: what ingest refused last, told to operators alone."""

import json
import os
import re
import socket
import subprocess
import time
import uuid

import pytest

import dialects
from harness import BIN, BROKEN
from processes import free_port, wait_for
from web import request

KEPT = 16
BODY = b'{"event":"render.succeeded","result":{"renderUrl":"https://x/y.png"}}'
SECRETS = {"SHOTFLEET_WEBHOOK_SECRETS": "general-secret",
           "SHOTFLEET_WEBHOOK_SECRETS_URLBOX": "urlbox-new,urlbox-old",
           "SHOTFLEET_RETIRED_SECRETS": "retired-one,retired-two",
           "SHOTFLEET_TOKEN_SECRETS": "token-secret"}


def ask(admin, *options, **env):
    done = subprocess.run(
        [os.path.join(BIN, "shotfleet"), "doctor", "rejected", *options], timeout=60,
        env={"SHOTFLEET_ADMIN_LISTEN": admin.removeprefix("http://"), **env},
        capture_output=True, text=True)
    assert not BROKEN.search(done.stdout + done.stderr), done.stderr
    return done


def rejected(stack, *options):
    """The documents, newest last; none of them may hold what is nobody's business."""
    done = ask(stack.programs["ingest"].admin_url, "--json", "--last", "1000", *options)
    assert done.returncode == 0, done.stderr
    for secrets in SECRETS.values():
        assert not any(secret in done.stdout for secret in secrets.split(","))
    assert "https://x/y.png" not in done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def ingest(stack):
    stack.env.update(SECRETS)
    stack.start("ingest", SHOTFLEET_INGEST_PROCESSES="1", SHOTFLEET_TRUSTED_PROXIES="127.0.0.0/8",
                SHOTFLEET_LOG_REFUSALS="0")
    return stack


def post(stack, body=BODY, headers=None, path="/webhooks/urlbox", ip="192.0.2.1", method="POST"):
    return request(method, stack.ingest_url + path, body,
                   {"X-Forwarded-For": ip, **(headers or {})})


def test_nothing_was_refused(ingest):
    assert post(ingest, headers=dialects.urlbox(BODY, "urlbox-new")).status == 200
    done = ask(ingest.programs["ingest"].admin_url)
    assert (done.returncode, done.stdout) == (0, "")
    assert "has refused nothing" in done.stderr


def test_explanations(ingest):
    """Sent again until there was time for one."""
    now = str(int(time.time()))
    in_seconds = {"X-Screenshotly-Timestamp": now, "X-Screenshotly-Signature":
                  dialects.digest("general-secret", now.encode() + b"." + BODY).hex()}
    cases = [
        ("signature", dialects.urlbox(BODY, "retired-two"), "/webhooks/urlbox",
         "secret 2 of SHOTFLEET_RETIRED_SECRETS"),
        ("signature", dialects.urlbox(BODY + b"\n", "urlbox-new"), "/webhooks/urlbox",
         "the body was changed on its way"),
        ("signature", dialects.rendershot(BODY, "urlbox-new"), "/webhooks/urlbox",
         'profile "rendershot"'),
        ("timestamp", in_seconds, "/webhooks/screenshotly",
         "in seconds, the profile says milliseconds"),
        ("timestamp", dialects.urlbox(BODY, "urlbox-new", time.time() - 4000), "/webhooks/urlbox",
         "300 s are allowed"),
    ]
    for reason, headers, path, word in cases:
        def explained():
            answer = post(ingest, headers=headers, path=path)
            assert answer.status == 401
            assert answer.json() == {"error": f"invalid {reason}"}  # the sender learns no more
            last = rejected(ingest)[-1]
            assert (last["reason"], last["ip"]) == (reason, "192.0.2.1")
            assert last["provider"] == path.rpartition("/")[2]
            assert last["detail"]
            return word in last.get("explanation", "")
        wait_for(explained, 30, word)


def test_several_in_a_second_are_explained(ingest):
    def both():
        for _ in range(2):
            assert post(ingest, headers=dialects.urlbox(BODY, "retired-two")).status == 401
        last = rejected(ingest)[-2:]
        return (last[0]["at"][:19] == last[1]["at"][:19] and
                all("secret 2 of" in told.get("explanation", "") for told in last))
    wait_for(both, 60, "two in one second")


def test_every_reason(ingest):
    job = str(uuid.uuid4())
    good = dialects.urlbox(BODY, "urlbox-new")
    broken = b"{"
    post(ingest, headers=good, ip="nonsense")
    post(ingest, headers=good, path="/webhooks/%1b%5b31m")
    post(ingest, method="PUT")
    post(ingest, headers=dialects.urlbox(BODY, "nobodys"))
    post(ingest, headers=dialects.urlbox(BODY, "urlbox-new", time.time() - 4000))
    post(ingest, headers=good, path=f"/webhooks/urlbox?jobId={job}&attempt=1&token={'A' * 43}")
    post(ingest, headers=good, path="/webhooks/urlbox?jobId=%1b%5b31m%ff")
    post(ingest, broken, dialects.urlbox(broken, "urlbox-new"))
    with socket.create_connection(("127.0.0.1", ingest.ports["ingest"]), 20) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert b" 400 " in peer.recv(1000)
    done = ask(ingest.programs["ingest"].admin_url)
    assert done.stdout.replace("\n", "").replace("\t", "").isprintable()
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[1] for line in lines] == ["forwarded", "path", "method", "signature", "timestamp",
                                           "token", "query", "body", "http"]
    assert all(len(line) == 6 and line[5] not in ("", "-") for line in lines)
    assert [line[2] for line in lines] == ["127.0.0.1"] + ["192.0.2.1"] * 7 + ["127.0.0.1"]
    assert [line[3] for line in lines] == ["-", "-"] + ["urlbox"] * 6 + ["-"]
    assert lines[5][4] == job
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line[0]) for line in lines)


def test_a_flood_pushes_out_its_own_kind_alone(ingest):
    assert post(ingest, headers=dialects.urlbox(BODY, "retired-one")).status == 401
    for sent in range(1, KEPT + 20):
        assert post(ingest, path="/wp-login.php", ip=f"192.0.2.{sent}").status == 404
        if KEPT - 1 <= sent <= KEPT + 1 or sent == KEPT + 19:
            told = rejected(ingest)
            kept = min(sent, KEPT)
            assert [t["reason"] for t in told] == ["signature"] + ["path"] * kept
            assert [t["ip"] for t in told[1:]] == [
                f"192.0.2.{i}" for i in range(sent - kept + 1, sent + 1)]


@pytest.mark.parametrize("last, shown", [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_how_many(ingest, last, shown):
    for i in range(3):
        post(ingest, path="/", ip=f"192.0.2.{i}")
    done = ask(ingest.programs["ingest"].admin_url, "--last", str(last))
    assert [line.split("\t")[2] for line in done.stdout.splitlines()] == [
        f"192.0.2.{i}" for i in range(3 - shown, 3)]


def test_all_processes_and_those_that_died(stack):
    stack.env.update(SECRETS)
    stack.start("ingest", SHOTFLEET_INGEST_PROCESSES="2")
    for _ in range(8):  # whichever process answers
        assert post(stack, path="/").status == 404
    told = rejected(stack)
    assert len(told) == 8
    before = set(stack.children("ingest"))
    stack.kill("ingest", child=0)
    wait_for(lambda: set(stack.children("ingest")) - before, 20, "a new child")
    stack.wait_ready("ingest")
    # the admin process may be the one that was killed
    assert rejected(stack) == told
    assert post(stack, path="/").status == 404
    assert len(rejected(stack)) == 9


def test_not_on_the_public_port(ingest):
    answer = request("GET", ingest.ingest_url + "/rejected")
    assert answer.status == 404 and b"reason" not in answer.body


def test_only_its_own_machine_is_told(stack):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but 127.0.0.1")
        own = s.getsockname()[0]
    port = free_port()
    program = stack.start("ingest", wait=False, SHOTFLEET_ADMIN_LISTEN=f"0.0.0.0:{port}")
    program.admin_url = f"http://127.0.0.1:{port}"
    stack.wait_ready("ingest")
    assert post(stack, path="/").status == 404
    assert len(rejected(stack)) == 1
    assert request("GET", f"http://{own}:{port}/metrics").status == 200
    answer = request("GET", f"http://{own}:{port}/rejected")
    assert answer.status == 403 and b"reason" not in answer.body
    done = ask(f"{own}:{port}", no_proxy="*")
    assert done.returncode == 3 and "only its own machine" in done.stderr


def test_misuse(ingest):
    admin = ingest.programs["ingest"].admin_url
    for options in [["--last", "0"], ["--last", "1001"], ["--last"], ["--loud"], ["x"], ["--from"]]:
        done = ask(admin, *options)
        assert done.returncode == 2 and "doctor" in done.stderr, options
    done = ask("")
    assert done.returncode == 2 and "SHOTFLEET_ADMIN_LISTEN" in done.stderr
    done = ask("127.0.0.1:1")
    assert done.returncode == 3 and "is it running" in done.stderr
    done = ask(ingest.ingest_url)  # answers 404
    assert done.returncode == 3 and "is not the admin port of ingest" in done.stderr
    assert ask("", "--from", admin.removeprefix("http://")).returncode == 0
