"""Providers as they are: every shipped dialect, every form of a picture, and
what a profile of one's own can say."""

import base64
import hashlib
import json
import os
import shutil
import time
import uuid

import pytest

import dialects
from doubles import png
from harness import ROOT
from processes import wait_for
from web import request

STREAM = "shotfleet:webhook"
WHSEC = "whsec_" + base64.b64encode(b"a standard webhooks key").decode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def secrets(stack):
    """Each provider's own secret."""
    known = {name: "secret of " + name for name in dialects.SIGNED}
    known["standard-webhooks"] = WHSEC
    for name, secret in known.items():
        stack.env["SHOTFLEET_WEBHOOK_SECRETS_" + name.upper().replace("-", "_")] = secret
    stack.env["SHOTFLEET_TOKEN_SECRETS"] = "secret of tokens"
    return known


@pytest.fixture
def ingest(stack, secrets):
    stack.start("ingest")
    return stack


@pytest.fixture
def own_profile(stack, tmp_path):
    """Adds a profile to the shipped ones."""
    folder = tmp_path / "providers"
    shutil.copytree(os.path.join(ROOT, "providers"), folder)
    stack.env["SHOTFLEET_PROVIDERS_DIR"] = str(folder)

    def add(name, webhook, **more):
        webhook.setdefault("payload", {"image": "body:url"})
        (folder / f"{name}.json").write_text(json.dumps({"name": name, "webhook": webhook, **more}))
    return add


def post(stack, provider, body, headers=None, query=""):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request("POST", f"{stack.ingest_url}/webhooks/{provider}{query}", body,
                   {**JSON, **(headers or {})})


def entries(stack):
    return [fields for _, fields in stack.redis.xrange(STREAM)]


def queue_for(stack, provider):
    """A job that nobody submits; its webhook may come all the same."""
    return stack.sql("select create_job('https://example.com/', '{}', %s)::text", provider)[0][0]


# dialects

@pytest.mark.parametrize("name", dialects.SIGNED)
def test_every_shipped_dialect(ingest, secrets, name):
    sign = dialects.SIGNED[name]
    body = b'{"success":true}'
    assert post(ingest, name, body, sign(body, secrets[name])).status == 200
    assert post(ingest, name, body + b" ", sign(body, secrets[name])).status == 401
    assert post(ingest, name, body, sign(body, WHSEC if name != "standard-webhooks" else
                                         "whsec_b3RoZXI=")).status == 401
    [fields] = entries(ingest)
    assert fields[b"provider"].decode() == name and fields[b"body"] == body


@pytest.mark.parametrize("name", [n for n in dialects.SIGNED if n not in ("screenshotone", "scrapfly")])
def test_every_signed_timestamp_ages(ingest, secrets, name):
    sign = dialects.SIGNED[name]
    now = time.time()
    for age_s, status in [(290, 200), (310, 401), (-50, 200), (-70, 401)]:
        assert post(ingest, name, b"{}", sign(b"{}", secrets[name], now - age_s)).status == status


def test_delivery_ids(ingest, secrets):
    for name in ("scrapfly", "rendershot", "standard-webhooks"):
        assert post(ingest, name, b"{}", dialects.SIGNED[name](b"{}", secrets[name])).status == 200
    assert [f[b"id"] for f in entries(ingest)] == [b"delivery-1", b"delivery-1", b"msg_1"]


@pytest.mark.parametrize("name", ["gotenberg", "generic-token"])
def test_unsigned_ones_need_their_jobs_token(ingest, name):
    job = str(uuid.uuid4())
    good = dialects.token_query("secret of tokens", job)
    assert post(ingest, name, b"{}", query=good).status == 200
    for query in ("", f"?jobId={job}", dialects.token_query("another", job),
                  good.replace(job, str(uuid.uuid4())), good.replace("attempt=1", "attempt=2")):
        assert post(ingest, name, b"{}", query=query).status == 401
    assert len(entries(ingest)) == 1


# what is stored

def test_the_secret_that_scrapfly_sends_along_is_not_stored(ingest, secrets):
    body = json.dumps({"result": {"screenshot_url": "https://x/1.png"},
                       "context": {"webhook": {"name": "w", "secret": secrets["scrapfly"]}}},
                      indent=1).encode()
    answer = post(ingest, "scrapfly", body, dialects.scrapfly(body, secrets["scrapfly"]))
    assert answer.status == 200
    assert answer.json()["sha256"] == hashlib.sha256(body).hexdigest()
    [fields] = entries(ingest)
    assert json.loads(fields[b"body"]) == {
        "result": {"screenshot_url": "https://x/1.png"},
        "context": {"webhook": {"name": "w", "secret": "[redacted]"}}}
    assert json.loads(fields[b"head"]) == {
        "header:X-Scrapfly-Webhook-Job-Id": "550e8400-e29b-41d4-a716-446655440000"}


def test_what_cannot_be_redacted_is_withheld(ingest, secrets):
    body = b'{"context":{"webhook":{"secret":"' + secrets["scrapfly"].encode() + b'"}}'
    answer = post(ingest, "scrapfly", body, dialects.scrapfly(body, secrets["scrapfly"]))
    assert answer.status == 400
    [fields] = entries(ingest)
    assert secrets["scrapfly"].encode() not in fields[b"body"]
    assert hashlib.sha256(body).hexdigest().encode() in fields[b"body"]


def test_our_job_in_a_header(ingest, secrets):
    job, other = str(uuid.uuid4()), str(uuid.uuid4())
    body = b'{"store":{"location":"https://s3/x.png"}}'

    def send(header, query=""):
        headers = {**dialects.screenshotone(body, secrets["screenshotone"]),
                   "X-ScreenshotOne-External-Identifier": header}
        return post(ingest, "screenshotone", body, headers, query)

    assert send(job).status == 200
    assert send(job.upper(), f"?jobId={job}").status == 200
    assert send("some-name-of-theirs", f"?jobId={job}").status == 200
    assert [f[b"job"].decode() for f in entries(ingest)] == [job] * 3
    answer = send(other, f"?jobId={job}")
    assert answer.status == 400 and "different jobs" in answer.json()["error"]
    assert b"malformed" in entries(ingest)[3]


def test_a_providers_own_uuid_is_not_compared(ingest, secrets):
    body = json.dumps({"event": "screenshot.completed",
                       "data": {"jobId": str(uuid.uuid4()), "imageUrl": "/x.png"}}).encode()
    assert post(ingest, "screenshotly", body, dialects.screenshotly(body, secrets["screenshotly"]),
                f"?jobId={uuid.uuid4()}").status == 200


# profiles of one's own

def test_plain_ok(stack, own_profile):
    own_profile("terse", {"auth": {"kind": "static-header", "header": "X-Key"}, "answer": "ok"})
    stack.start("ingest", SHOTFLEET_WEBHOOK_SECRETS_TERSE="new one,old one")
    for key, status in [("new one", 200), ("old one", 200), ("older one", 401), ("", 401)]:
        answer = post(stack, "terse", b"{}", {"X-Key": key})
        assert answer.status == status
        if status == 200:
            assert answer.body == b"OK" and answer.headers["Content-Type"] == "text/plain"
    assert post(stack, "terse", b"{}").status == 401


def test_time_and_id_in_the_body(stack, own_profile):
    own_profile("inner", {
        "auth": {"kind": "hmac", "header": "X-Sig", "layout": "prefix", "prefix": "v0=",
                 "timestamp": {"body": "meta.sent", "unit": "iso8601"},
                 "template": "v0:{timestamp}:{id}:{body}"},
        "id": "body:meta.id"})
    stack.start("ingest", SHOTFLEET_WEBHOOK_SECRETS_INNER="k")

    def send(age_s):
        sent = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age_s))
        body = json.dumps({"meta": {"sent": sent, "id": 42}}).encode()
        mac = dialects.digest("k", f"v0:{sent}:42:".encode() + body).hex()
        return post(stack, "inner", body, {"X-Sig": "v0=" + mac}).status

    assert [send(0), send(290), send(310), send(-70)] == [200, 200, 401, 401]
    assert entries(stack)[0][b"id"] == b"42"


def test_a_token_besides_the_signature(stack, own_profile, secrets):
    own_profile("careful", {
        "auth": {"kind": "hmac", "header": "X-Sig", "layout": "plain", "template": "{body}"},
        "require_token": True})
    stack.start("ingest", SHOTFLEET_WEBHOOK_SECRETS_CAREFUL="k")
    signed = {"X-Sig": dialects.digest("k", b"{}").hex()}
    query = dialects.token_query("secret of tokens", uuid.uuid4())
    assert post(stack, "careful", b"{}", signed).status == 401
    assert post(stack, "careful", b"{}", query=query).status == 401
    assert post(stack, "careful", b"{}", signed, query).status == 200


@pytest.mark.parametrize("program", ["ingest", "worker"])
@pytest.mark.parametrize("webhook, words", [
    ({"auth": {"kind": "magic"}}, ["webhook.auth.kind", "magic", "hmac, static-header, url-token"]),
    ({"auth": {"kind": "url-token"}, "redact": "body:url"}, ["webhook.redact", "body:url", "it is read"]),
    ({"auth": {"kind": "url-token"}, "answer": 7}, ["webhook.answer", "must be a text"]),
])
def test_a_bad_profile_stops_a_program_with_one_line(stack, own_profile, program, webhook, words):
    own_profile("broken", webhook)
    started = stack.start(program, wait=False)
    assert started.process.wait(90) == 2
    stack.programs.pop(program)
    [line] = [l for l in started.log_text().splitlines() if "broken.json" in l]
    assert all(word in line for word in words), line


def test_secrets_that_a_profile_cannot_use(stack):
    """A general one closes that profile; one of its own is a mistake."""
    stack.start("ingest", SHOTFLEET_WEBHOOK_SECRETS="whsec_not base64")
    body = b"{}"
    assert post(stack, "urlbox", body, dialects.urlbox(body, "whsec_not base64")).status == 200
    assert post(stack, "standard-webhooks", body, {"webhook-id": "1"}).status == 401
    lines = [l for l in stack.log("ingest").splitlines() if "providers are refused" in l]
    assert lines and all(l.endswith("providers=standard-webhooks") for l in lines)
    stack.stop("ingest")
    program = stack.start("ingest", wait=False, instance="again",
                          SHOTFLEET_WEBHOOK_SECRETS_STANDARD_WEBHOOKS="whsec_not base64")
    assert program.process.wait(90) == 2
    stack.programs.pop("again")
    assert r'provider \"standard-webhooks\": secret 1' in program.log_text()
    assert "whsec_not" not in program.log_text()


# the whole road

def test_the_body_is_the_picture(ingest):
    ingest.start("worker")
    job = queue_for(ingest, "gotenberg")
    picture = png(30, 20)
    query = dialects.token_query("secret of tokens", job)
    headers = {"Content-Type": "image/png", "Gotenberg-Trace": "t-1"}
    assert post(ingest, "gotenberg", picture, headers, query).status == 200
    row = ingest.wait_for_job(job, "completed")
    assert (row.width, row.height, row.sha256) == (30, 20, hashlib.sha256(picture).hexdigest())
    with open(os.path.join(ingest.storage, row.image_key), "rb") as f:
        assert f.read() == picture
    # a body that is neither
    assert post(ingest, "gotenberg", b"<html>", headers, query).status == 400


def test_an_error_where_the_body_would_be_the_picture(ingest):
    ingest.start("worker")
    for code, status, attempt in [(400, "failed", 1), (503, "queued", 2)]:
        job = queue_for(ingest, "gotenberg")
        assert post(ingest, "gotenberg", {"status": code, "message": "no page"},
                    query=dialects.token_query("secret of tokens", job)).status == 200
        wait_for(lambda: ingest.job(job).error_code == str(code), 30, "the failure")
        row = ingest.job(job)
        assert (row.status, row.attempt, row.error) == (status, attempt, "no page")


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_a_picture_in_base64(ingest, prefix):
    ingest.start("worker")
    job = queue_for(ingest, "generic-token")
    body = {"status": "done", "imageBase64": prefix + base64.b64encode(png(7, 5)).decode()}
    assert post(ingest, "generic-token", body,
                query=dialects.token_query("secret of tokens", job)).status == 200
    row = ingest.wait_for_job(job, "completed")
    assert (row.width, row.height, row.image_type) == (7, 5, "image/png")


def test_a_relative_picture_url_and_a_job_by_the_providers_uuid(ingest, own_profile, provider):
    ingest.stop("ingest")
    own_profile("headed", {
        "auth": {"kind": "static-header", "header": "X-Key"},
        "payload": {"event": "header:X-Event", "job_id": "header:X-Job", "image": "query:image",
                    "words": {"ready": "completed"}}},
        submit={"base_url": "https://headed.example", "path": "/", "url_field": "url",
                "webhook_field": "hook"})
    ingest.env["SHOTFLEET_PROVIDER_URL_HEADED"] = provider.url
    ingest.env["SHOTFLEET_WEBHOOK_SECRETS_HEADED"] = "k"
    ingest.start_all("ingest", "worker")
    job, theirs = queue_for(ingest, "headed"), str(uuid.uuid4())
    ingest.sql("update jobs set status = 'submitted', submitted_at = now(), provider_job_id = %s"
               " where id = %s::uuid", theirs, job)
    capture = type("Capture", (), {"id": "p1", "forgotten": False})
    provider.captures.append(capture)
    assert post(ingest, "headed", b"{}", {"X-Key": "k", "X-Event": "READY", "X-Job": theirs},
                "?image=/images/p1.png").status == 200
    assert ingest.wait_for_job(job, "completed").width == 4


def test_a_dead_letter_remembers_what_was_outside_the_body(ingest, own_profile, provider):
    ingest.stop("ingest")
    own_profile("headed", {
        "auth": {"kind": "static-header", "header": "X-Key"},
        "payload": {"image": "header:X-Image", "width": "query:w"}},
        submit={"base_url": "https://headed.example", "path": "/", "url_field": "url",
                "webhook_field": "hook"})
    ingest.env["SHOTFLEET_PROVIDER_URL_HEADED"] = provider.url
    ingest.env["SHOTFLEET_WEBHOOK_SECRETS_HEADED"] = "k"
    ingest.start_all("ingest", "worker")
    job = queue_for(ingest, "headed")
    provider.captures.append(type("Capture", (), {"id": "p1", "forgotten": False}))
    provider.picture = b"no picture yet"
    assert post(ingest, "headed", b"{}", {"X-Key": "k", "X-Image": "/images/p1.png"},
                f"?jobId={job}").status == 200
    [letter] = wait_for(lambda: ingest.sql("select * from dead_letters"), 30, "a dead letter")
    assert json.loads(letter.head) == {"header:X-Image": "/images/p1.png"}
    provider.picture = png(6, 6)
    ingest.sql("update dead_letters set next_attempt_at = now()")
    ingest.start("poller")
    assert ingest.wait_for_job(job, "completed").width == 6


# authentic but malformed

def test_a_malformed_webhook_is_kept_once(ingest, secrets):
    ingest.start("worker")
    job = queue_for(ingest, "screenshotly")
    before = ingest.job(job).next_check_at
    body = b'{"event":"screenshot.completed","data":'
    for n in range(3):
        answer = post(ingest, "screenshotly", body,
                      dialects.screenshotly(body, secrets["screenshotly"]), f"?jobId={job}")
        assert answer.status == 400 and answer.json() == {"error": "malformed body"}
    post(ingest, "urlbox", body, dialects.urlbox(body, secrets["urlbox"]))
    wait_for(lambda: ingest.redis.xlen(STREAM) == 0, 30, "the entries to be recorded")
    letters = ingest.sql("select * from dead_letters order by provider")
    assert [r.provider for r in letters] == ["screenshotly", "urlbox"]
    assert all(bytes(r.payload) == body and "unexpected end" in r.error for r in letters)
    assert all(r.next_attempt_at is None and r.job_id is None for r in letters)
    row = ingest.job(job)  # goes on as if nothing had come
    assert (row.status, row.error, row.next_check_at) == ("queued", None, before)
    metrics = ingest.metrics("ingest")
    assert metrics['shotfleet_webhooks_total{provider="screenshotly",outcome="body"}'] == 3
    assert metrics['shotfleet_webhooks_total{provider="screenshotly",outcome="accepted"}'] == 0


def test_a_malformed_webhook_is_not_refused_before_it_is_kept(ingest, secrets):
    ingest.redis_server.kill()
    assert post(ingest, "urlbox", b"[]", dialects.urlbox(b"[]", secrets["urlbox"])).status == 503


def test_a_provider_has_no_say_in_anothers_jobs(ingest, secrets):
    ingest.start("worker")
    job = queue_for(ingest, "gotenberg")
    before = ingest.job(job).next_check_at
    body = b'{"event":"render.failed","error":{"message":"x","code":"nope"}}'
    assert post(ingest, "urlbox", body, dialects.urlbox(body, secrets["urlbox"]),
                f"?jobId={job}").status == 200
    [letter] = wait_for(lambda: ingest.sql("select * from dead_letters"), 30, "a dead letter")
    assert "another provider" in letter.error and letter.job_id is None
    assert ingest.job(job).status == "queued" and ingest.job(job).next_check_at == before


# who asked, and what the log says

def test_the_forwarded_header(stack):
    stack.env["SHOTFLEET_WEBHOOK_SECRETS"] = "k"
    stack.start("ingest", SHOTFLEET_ALLOWED_IPS="10.0.0.0/8,2001:db8::/32",
                SHOTFLEET_TRUSTED_PROXIES="127.0.0.0/8,192.0.2.0/24")

    def status(**headers):
        headers = {n.replace("_", "-"): v for n, v in headers.items()}
        return post(stack, "screenshotone", b"{}",
                    {**dialects.screenshotone(b"{}", "k"), **headers}).status

    assert status(Forwarded="for=10.1.2.3") == 200
    assert status(Forwarded='For="[2001:db8::7]:4711";proto=https, for=192.0.2.1') == 200
    assert status(Forwarded="for=10.1.2.3, for=203.0.113.9") == 403
    assert status(Forwarded="for=_hidden") == 400
    assert status(Forwarded="for=unknown") == 400
    assert status(Forwarded="for=10.1.2.3", X_Forwarded_For="10.1.2.3") == 200
    assert status(Forwarded="for=10.1.2.3", X_Forwarded_For="10.1.2.4") == 400
    assert [f[b"ip"] for f in entries(stack)] == [b"10.1.2.3", b"2001:db8::7", b"10.1.2.3"]


def test_a_flood_of_refusals_does_not_fill_the_log(stack, secrets):
    stack.start("ingest", SHOTFLEET_LOG_REFUSALS="5")
    for _ in range(60):
        assert post(stack, "urlbox", b"{}").status == 401

    def lines():
        log = stack.log("ingest")
        return log.count("refused a webhook"), sum(int(l.split(": and ")[1].split()[0])
                                                   for l in log.splitlines() if "more refusals" in l)
    wait_for(lambda: sum(lines()) == 60, 10, "every refusal to be told of")
    assert lines()[0] <= 50  # ten seconds' worth, and it took far less
    assert lines()[1] > 0


def test_a_sample_of_accepted_webhooks(stack, secrets):
    stack.start("ingest", SHOTFLEET_LOG_SAMPLE="2")
    for _ in range(5):
        body = b'{"key":"not for the log"}'
        assert post(stack, "urlbox", body, dialects.urlbox(body, secrets["urlbox"])).status == 200
    log = stack.log("ingest")
    assert log.count("accepted a webhook") == 2
    assert "ip=127.0.0.1 provider=urlbox bytes=25" in log and "not for the log" not in log
    assert not any(secret in log for secret in secrets.values())
