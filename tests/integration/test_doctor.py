"""shotfleet doctor: what is told about a saved webhook, and what never is."""

import os
import subprocess
import time
import uuid

import pytest

import dialects
from harness import BIN, BROKEN, ROOT
from processes import wait_for
from web import request

BODY = b'{"event":"render.succeeded","result":{"renderUrl":"https://x/y.png"}}'
SECRETS = {"SHOTFLEET_WEBHOOK_SECRETS": "general-secret",
           "SHOTFLEET_WEBHOOK_SECRETS_URLBOX": "urlbox-new,urlbox-old",
           "SHOTFLEET_RETIRED_SECRETS": "retired-one,retired-two",
           "SHOTFLEET_TOKEN_SECRETS": "token-secret"}


@pytest.fixture
def doctor(tmp_path):
    """Saves a request and asks; returns the exit code and all that was said."""
    def ask(body=BODY, headers=None, path="/webhooks/urlbox", method="POST", behind=b"",
            options=(), **env):
        file = tmp_path / "request"
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{n}: {v}\r\n" for n, v in (headers or {}).items())
        file.write_bytes(head.encode() + b"\r\n" + body + behind)
        done = subprocess.run(
            [os.path.join(BIN, "shotfleet"), "doctor", "webhook", *options, str(file)],
            env={"SHOTFLEET_PROVIDERS_DIR": os.path.join(ROOT, "providers"), **SECRETS, **env},
            capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        assert not BROKEN.search(said), said
        for secrets in SECRETS.values():
            assert not any(secret in said for secret in secrets.split(","))
        assert "https://x/y.png" not in said  # nor a body
        return done.returncode, said
    return ask


def test_a_good_one(doctor):
    job = str(uuid.uuid4())
    code, said = doctor(headers=dialects.urlbox(BODY, "urlbox-new"),
                        path="/webhooks/urlbox" + dialects.token_query("token-secret", job))
    assert code == 0 and "FAIL" not in said
    assert f"job: {job}, attempt 1, token fine" in said
    assert "secret 1 of 2" in said and "reads as: completed" in said


@pytest.mark.parametrize("secret, word", [
    ("urlbox-old", "secret 2 of 2"),
    ("retired-two", "secret 2 of SHOTFLEET_RETIRED_SECRETS"),
    ("general-secret", "secret 1 of SHOTFLEET_WEBHOOK_SECRETS"),
    ("nobodys", "probably the sender has another secret"),
])
def test_which_secret_it_is(doctor, secret, word):
    code, said = doctor(headers=dialects.urlbox(BODY, secret))
    assert word in said and code == (0 if secret == "urlbox-old" else 1)


@pytest.mark.parametrize("came, word", [
    (BODY + b"\n", "a newline or blanks were added"),
    (BODY.replace(b'":', b'": '), "the JSON was written anew"),
    (BODY.replace(b"/", b"\\/"), "the JSON was written anew"),
])
def test_what_happened_to_the_body(doctor, came, word):
    code, said = doctor(came, dialects.urlbox(BODY, "urlbox-new"))
    assert code == 1 and "the body was changed on its way: " + word in said


def test_the_clock(doctor):
    headers = dialects.urlbox(BODY, "urlbox-new", time.time() - 400)
    code, said = doctor(headers=headers)
    assert code == 1 and "300 s are allowed" in said
    assert doctor(headers=headers, SHOTFLEET_WEBHOOK_MAX_AGE_S="500")[0] == 0
    then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 390))
    assert doctor(headers=headers, options=["--at", then])[0] == 0
    assert doctor(headers=headers, options=["--at", str(int(time.time() - 390))])[0] == 0


def test_the_unit(doctor):
    now = str(int(time.time()))
    signature = dialects.digest("general-secret", now.encode() + b"." + BODY).hex()
    code, said = doctor(path="/webhooks/screenshotly", headers={
        "X-Screenshotly-Timestamp": now, "X-Screenshotly-Signature": signature})
    assert code == 1 and "in seconds, the profile says milliseconds" in said


def test_another_providers_dialect(doctor):
    code, said = doctor(headers=dialects.rendershot(BODY, "urlbox-new"))
    assert code == 1 and 'profile "rendershot"' in said and "/webhooks/rendershot" in said
    code, said = doctor(headers=dialects.rendershot(BODY, "general-secret"))
    assert code == 1 and 'profile "rendershot"' in said


def test_the_old_address(doctor):
    headers = dialects.screenshotly(BODY, "general-secret")
    assert doctor(headers=headers, path="/api/webhooks/screenshot")[0] == 0


def test_what_the_file_says(doctor):
    good = dialects.urlbox(BODY, "urlbox-new")
    code, said = doctor(headers=good, behind=b"\n")
    assert code == 0 and "behind what Content-Length announces: 1" in said
    assert doctor(headers=good, method="PUT")[0] == 1
    code, said = doctor(headers=good, path="/webhooks/rendershot", options=["--provider", "urlbox"])
    assert code == 1 and "the webhooks of this profile go to /webhooks/urlbox" in said
    assert doctor(headers=good, SHOTFLEET_MAX_BODY_BYTES="1024")[0] == 0
    big = b'{"x":"' + b"y" * 1100 + b'"}'
    code, said = doctor(big, dialects.urlbox(big, "urlbox-new"), SHOTFLEET_MAX_BODY_BYTES="1024")
    assert code == 1 and "raise SHOTFLEET_MAX_BODY_BYTES" in said


def test_misuse(doctor, tmp_path):
    def run(*args):
        done = subprocess.run([os.path.join(BIN, "shotfleet"), "doctor", *args], text=True,
                              env={"SHOTFLEET_PROVIDERS_DIR": os.path.join(ROOT, "providers")},
                              capture_output=True, timeout=60)
        return done.returncode, done.stderr

    assert run()[0] == 2
    assert run("webhook")[0] == 2
    assert run("webhook", "--loud", "x")[0] == 2
    assert run("webhook", "--at", "noon", "x")[0] == 2
    code, said = run("webhook", str(tmp_path / "nothing"))
    assert code == 2 and "No such file" in said
    (tmp_path / "json").write_bytes(BODY)
    code, said = run("webhook", str(tmp_path / "json"))
    assert code == 2 and "no saved HTTP request" in said
    code, said = doctor(path="/webhooks/nobody")
    assert code == 2 and 'no provider profile "nobody"' in said
    code, said = doctor(SHOTFLEET_PROVIDERS_DIR=str(tmp_path))
    assert code == 2 and "could not load provider profiles" in said


def test_ingest_tells_its_log_and_nobody_else(stack):
    stack.env.update(SECRETS)
    stack.start("ingest")
    answer = request("POST", f"{stack.ingest_url}/webhooks/urlbox", BODY + b"\n",
                     dialects.urlbox(BODY, "urlbox-old"))
    assert answer.status == 401 and answer.json() == {"error": "invalid signature"}
    [line] = wait_for(lambda: [l for l in stack.log("ingest").splitlines() if "refused a webhook" in l], 10,
                      "the log line")
    assert 'hint="the body was changed on its way: a newline or blanks were added' in line
