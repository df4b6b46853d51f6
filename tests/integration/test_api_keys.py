"""api: keys with scopes and limits, and which pages may ask (CORS)."""

import hashlib
import json
import os
import re
import subprocess

import psycopg2
import pytest

from harness import BIN
from processes import free_port, wait_for
from sse import announce
from test_api import UNKNOWN, submit
from test_api_edges import is_ours, raw
from web import request
from websocket_client import WebSocket

URL = "https://example.com/"

READ = [("GET", "/v1/captures"), ("GET", f"/v1/captures/{UNKNOWN}"),
        ("GET", f"/v1/captures/{UNKNOWN}/history"), ("GET", f"/v1/captures/{UNKNOWN}/image"),
        ("GET", f"/v1/captures/{UNKNOWN}/events"), ("GET", "/v1/batches"),
        ("GET", f"/v1/batches/{UNKNOWN}"), ("GET", "/v1/fleet")]
SUBMIT = [("POST", "/v1/captures"), ("DELETE", f"/v1/captures/{UNKNOWN}"),
          ("POST", f"/v1/captures/{UNKNOWN}/retry")]
ADMIN = [("GET", "/v1/dead-letters"), ("GET", f"/v1/dead-letters/{UNKNOWN}"),
         ("DELETE", f"/v1/dead-letters/{UNKNOWN}"),
         ("POST", f"/v1/dead-letters/{UNKNOWN}/retry")]


@pytest.fixture
def api(stack):
    stack.start("api", SHOTFLEET_API_KEYS="operator")
    return stack


def create(stack, name, *options):
    return stack.cli("keys", "create", name, *options, check=True).stdout.strip()


def ask(stack, key, method="GET", path="/v1/captures", **headers):
    return stack.api(method, path, headers={"Authorization": f"Bearer {key}", **headers})


def wait_known(stack, key):
    wait_for(lambda: ask(stack, key).status != 401, 10, "the key to be known")


# making and revoking

def test_a_key_is_shown_once_and_kept_as_a_hash(api):
    done = api.cli("keys", "create", "shop", check=True)
    key = done.stdout.strip()
    assert re.fullmatch(r"sf_[0-9a-f]{48}", key)
    assert "only time" in done.stderr
    [row] = api.sql("select * from api_keys")
    assert row.key_sha256 == hashlib.sha256(key.encode()).hexdigest()
    assert row.prefix == key[:11]
    assert key not in repr(row)
    [line] = api.cli("keys", "list", check=True).stdout.splitlines()
    assert line.split("\t")[:4] == ["shop", key[:11] + "…", "submit", "-"]
    assert line.endswith("valid") and key not in line
    wait_known(api, key)
    assert ask(api, key).status == 200
    assert api.api("GET", "/v1/captures", headers={"X-API-Key": key}).status == 200
    assert ask(api, key[:-1]).status == 401
    assert ask(api, row.key_sha256).status == 401  # the hash opens nothing
    assert key not in api.log("api")


def test_a_revoked_key_is_refused_at_once(api):
    keys = [create(api, f"app {n}") for n in range(3)]
    for key in keys:
        wait_known(api, key)
    [row] = api.sql("select id::text from api_keys where name = 'app 2'")
    for name, key in (("app 0", keys[0]), (keys[1][:11], keys[1]), (row.id, keys[2])):
        assert "revoked" in api.cli("keys", "revoke", name, check=True).stdout
        # far below the half minute that it would take without the word
        wait_for(lambda: ask(api, key).status == 401, 10, "the key to be refused")
    assert api.cli("keys", "revoke", "app 0").returncode == 1
    assert api.cli("keys", "list", check=True).stdout == ""
    assert len(api.cli("keys", "list", "--all", check=True).stdout.splitlines()) == 3
    create(api, "app 0")  # the name is free again
    assert api.cli("keys", "create", "app 0").returncode == 2


def test_a_key_expires_by_itself(api):
    key = create(api, "guest", "--days", "1")
    wait_known(api, key)
    api.sql("update api_keys set expires_at = now() + interval '1 second'")
    wait_for(lambda: ask(api, key).status == 401, 20, "the key to expire")
    assert api.cli("keys", "list", "--all", check=True).stdout.strip().endswith("expired")


def test_keys_survive_a_restart_of_postgresql(api):
    key = create(api, "shop")
    wait_known(api, key)
    api.postgres_server.stop()
    wait_for(lambda: ask(api, key).status == 503, 10, "PostgreSQL to be away")
    assert ask(api, "nonsense").status == 401
    api.postgres_server.start()
    other = create(api, "made meanwhile")
    wait_known(api, other)
    wait_for(lambda: ask(api, key).status == 200, 20, "PostgreSQL to be back")


def test_the_last_use_is_noted(api):
    key = create(api, "shop")
    create(api, "unused")
    wait_known(api, key)
    wait_for(lambda: api.sql("select last_used_at from api_keys where name = 'shop'")[0][0],
             10, "the use to be noted")
    lines = api.cli("keys", "list", check=True).stdout.splitlines()
    assert [line.split("\t")[5] == "-" for line in lines] == [False, True]


@pytest.mark.parametrize("words", [
    [], ["make"], ["create"], ["create", "a", "b"], ["create", ""], ["create", "x" * 101],
    ["create", "a", "--scope", "root"], ["create", "a", "--limit", "0"],
    ["create", "a", "--days", "x"], ["list", "a"], ["revoke"], ["list", "--scope", "read"]])
def test_wrong_usage_makes_no_key(stack, words):
    done = stack.cli("keys", *words)
    assert done.returncode == 2 and "shotfleet" in done.stderr
    assert stack.sql("select count(*) from api_keys")[0][0] == 0


# scopes

def test_scopes_open_what_they_say(api):
    keys = {scope: create(api, scope, "--scope", scope) for scope in ("read", "submit", "admin")}
    for key in keys.values():
        wait_known(api, key)
    allowed = {"read": READ, "submit": READ + SUBMIT, "admin": READ + SUBMIT + ADMIN}
    for scope, key in {**keys, "setting": "operator"}.items():
        for method, path in READ + SUBMIT + ADMIN:
            answer = ask(api, key, method, path)
            forbidden = (method, path) not in allowed.get(scope, READ + SUBMIT + ADMIN)
            assert (answer.status == 403) == forbidden, (scope, method, path)
            assert answer.status != 401
            if forbidden:
                problem = answer.json()
                assert problem["code"] == "FORBIDDEN_SCOPE"
                assert f"scope {scope}" in problem["detail"]


def test_who_did_it_is_in_the_history(api):
    key = create(api, "the shop")
    wait_known(api, key)
    headers = {"Authorization": f"Bearer {key}"}
    job = submit(api, headers, url="https://example.com/").json()["jobId"]
    assert ask(api, key, "DELETE", f"/v1/captures/{job}").status == 200
    events = ask(api, key, "GET", f"/v1/captures/{job}/history").json()["events"]
    assert [(e["event"], e["by"]) for e in events] == [("accepted", None), ("cancel", "the shop")]


def test_idempotency_keys_belong_to_the_key_that_sent_them(api):
    keys = [create(api, "one"), create(api, "two"), "operator"]
    jobs = set()
    for key in keys:
        wait_known(api, key)
        for _ in range(2):
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "same"}
            jobs.add(submit(api, headers, url="https://example.com/" + key[:4]).json()["jobId"])
    assert len(jobs) == 3


# limits

def test_a_limit_is_told_and_kept(api):
    key = create(api, "slow", "--limit", "5")
    wait_known(api, key)  # which counts
    api.sql("update api_keys set requests_per_minute = 6")  # does not begin anew
    wait_for(lambda: ask(api, key).headers["RateLimit-Policy"] == '"key";q=6;w=60', 10,
             "the new limit")
    lefts = []
    for _ in range(6):
        answer = ask(api, key)
        left = re.fullmatch(r'"key";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
        lefts.append((answer.status, int(left[1])))
        assert 1 <= int(left[2]) <= 60
    used = [pair for pair in lefts if pair[0] == 200]
    assert used == [(200, n) for n in range(len(used) - 1, -1, -1)]
    problem = answer.json()
    assert (answer.status, problem["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Retry-After"] == left[2]
    assert ask(api, "operator").status == 200  # others are not concerned
    assert "RateLimit" not in ask(api, "operator").headers


# which keys are needed when

def test_a_key_in_the_table_closes_an_open_api(stack):
    stack.start("api")
    assert stack.api("GET", "/v1/captures").status == 200
    assert ask(stack, "anything").status == 200  # nobody asked for it
    key = create(stack, "first")
    wait_for(lambda: stack.api("GET", "/v1/captures").status == 401, 10, "keys to be needed")
    assert ask(stack, key).status == 200
    assert stack.api("GET", "/").status == 200
    stack.cli("keys", "revoke", "first", check=True)
    wait_for(lambda: stack.api("GET", "/v1/captures").status == 200, 10, "api to be open again")


def test_without_a_database_nobody_is_let_in(stack):
    create(stack, "first")
    stack.postgres_server.stop()
    stack.start("api", wait=False)
    answer = wait_for(lambda: get_or_none(stack), 20, "api to listen")
    assert (answer.status, answer.json()["code"]) == (503, "UNAVAILABLE")
    stack.postgres_server.start()
    stack.wait_ready("api")
    assert stack.api("GET", "/v1/captures").status == 401


def get_or_none(stack):
    try:
        return stack.api("GET", "/v1/captures")
    except OSError:
        return None


# other sites' pages

SITE = "https://app.example"


def test_pages_of_named_sites_may_ask(stack):
    stack.start("api", SHOTFLEET_API_KEYS="k", SHOTFLEET_CORS_ORIGINS=f" {SITE}, http://localhost:3000 ")
    for origin, allowed in ((SITE, True), ("http://localhost:3000", True), ("HTTPS://APP.example", True),
                            ("https://app.example.evil", False), ("http://app.example", False),
                            ("null", False)):
        answer = stack.api("OPTIONS", "/v1/captures", headers={
            "Origin": origin, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key"})
        got = stack.api("GET", "/v1/captures", headers={"Origin": origin, "X-API-Key": "k"})
        refused = stack.api("GET", "/v1/captures", headers={"Origin": origin})
        assert refused.status == 401
        if allowed:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Methods"] == "POST, GET"
            for name in ("authorization", "idempotency-key", "x-api-key", "last-event-id", "range"):
                assert name in answer.headers["Access-Control-Allow-Headers"].lower()
            assert "RateLimit" in got.headers["Access-Control-Expose-Headers"]
        else:
            assert answer.status == 405
        for each in (answer, got, refused):
            assert each.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
            assert each.headers["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in each.headers
            assert each.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Origin" not in stack.api(
        "GET", "/v1/captures", headers={"X-API-Key": "k"}).headers
    assert stack.api("OPTIONS", "/v1/nothing", headers={
        "Origin": SITE, "Access-Control-Request-Method": "GET"}).status == 404


def test_pages_of_every_site_may_ask(stack):
    stack.start("api", SHOTFLEET_API_KEYS="k", SHOTFLEET_CORS_ORIGINS="*")
    answer = stack.api("GET", "/v1/captures", headers={"Origin": SITE, "X-API-Key": "k"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_pages_of_a_named_site_may_use_an_open_api(stack):
    stack.start("api", SHOTFLEET_CORS_ORIGINS="http://localhost:3000")
    for origin, status in (("http://localhost:3000", 202), ("http://localhost:3001", 403)):
        assert submit(stack, {"Origin": origin}, url="https://example.com/").status == status


def test_without_the_setting_no_other_page_may_read(api):
    answer = api.api("GET", "/v1/captures", headers={"Origin": SITE, "X-API-Key": "operator"})
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert api.api("OPTIONS", "/v1/captures", headers={
        "Origin": SITE, "Access-Control-Request-Method": "POST"}).status == 405


@pytest.mark.parametrize("value", ["*", "app.example", "https://app.example/", "ftp://x",
                                   "https://app.example/path", "https://a b"])
def test_origins_that_are_none_end_the_program(stack, value):
    done = subprocess.run([os.path.join(BIN, "shotfleet-api")],
                          env={**stack.env, "SHOTFLEET_CORS_ORIGINS": value,
                               "SHOTFLEET_API_LISTEN": f"127.0.0.1:{free_port()}"},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "SHOTFLEET_CORS_ORIGINS" in done.stderr


# streams end with their key

LAST_WORDS = "the key was revoked or has expired"


def key_for(stack, name, scope="read"):
    key = create(stack, name, "--scope", scope)
    wait_known(stack, key)
    return key


def end_key(stack, how, name):
    if how == "revoked":
        stack.cli("keys", "revoke", name, check=True)
    else:
        stack.sql("update api_keys set expires_at = now() + interval '1 second' where name = %s",
                  name)


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_streams_end_with_their_key(api, events, how):
    job = submit(api, {"X-API-Key": "operator"}, url=URL).json()
    key = {"X-API-Key": key_for(api, "app")}
    path = f"/v1/captures/{job['jobId']}/events"
    ending = [events("/v1/events", key), events(path, key)]
    going_on = [events("/v1/events", {"X-API-Key": "operator"}),
                events("/v1/events", {"X-API-Key": key_for(api, "other")}),
                events(f"{path}?token={job['watchToken']}")]
    socket = WebSocket(api.ports["api"], headers=key)
    assert socket.status == 101
    socket.send({"subscribe": {"all": True}})
    assert socket.receive()["event"] == "subscribed"
    end_key(api, how, "app")
    for stream in ending:
        assert stream.ended.wait(25)
        name, data = stream.events[-1]
        assert (name, data["code"], data["detail"]) == ("unauthorized", "UNAUTHORIZED", LAST_WORDS)
        assert ask(api, key["X-API-Key"], "GET", path).status == 401  # where an EventSource stops
    assert socket.until_close() == (1008, LAST_WORDS)
    socket.close()
    announce(api, job["jobId"], "queued")
    for stream in going_on:
        wait_for(lambda: stream.names().count("queued") >= 1, 20, "the others to go on")
        assert not stream.ended.is_set()
    wait_for(lambda: api.metrics("api")['shotfleet_api_live_ended_total{why="refused"}'] == 3,
             10, "three to be counted")


def test_a_stream_that_has_not_begun_ends_with_its_key_too(api):
    """Its first state is still to come: the database takes its time."""
    job = submit(api, {"X-API-Key": "operator"}, url=URL).json()["jobId"]
    key = key_for(api, "app")
    api.stop("api")
    api.sql("update api_keys set expires_at = now() + interval '6 seconds'")
    lock = psycopg2.connect(api.env["DATABASE_URL"])
    api.start("api", SHOTFLEET_API_KEYS="operator")  # knows the key, and until when
    try:
        lock.cursor().execute("lock table jobs in access exclusive mode")
        answer = ask(api, key, "GET", f"/v1/captures/{job}/events")
        assert answer.status == 401 and answer.json()["code"] == "UNAUTHORIZED"
    finally:
        lock.close()


def test_the_first_key_ends_what_was_open_to_all(stack, events):
    stack.start("api")
    stream = events("/v1/events")
    create(stack, "first")
    assert stream.ended.wait(25)
    assert stream.names()[-1] == "unauthorized"


# live paths and refusals, seen from another site

def origin_of(answer):
    return answer.headers.get("Access-Control-Allow-Origin")


def test_live_paths_of_a_named_site(stack, events):
    stack.start("api", SHOTFLEET_API_KEYS="k", SHOTFLEET_CORS_ORIGINS=SITE)
    job = submit(stack, {"X-API-Key": "k"}, url=URL).json()
    token = job["watchToken"]
    for origin, allowed in ((SITE, SITE), ("https://evil.example", None)):
        here = {"Origin": origin}
        for path in (f"/v1/captures/{job['jobId']}/events?token={token}",):
            assert origin_of(events(path, here).answer) == allowed
        for path in ("/v1/events", f"/v1/captures/{job['jobId']}/events?token=x", "/v1/live"):
            refused = stack.api("GET", path, headers=here)
            assert (refused.status, origin_of(refused)) == (401, allowed), path
        polling = stack.api("GET", "/socket.io/?EIO=4&transport=polling", headers=here)
        assert (polling.status, origin_of(polling)) == (200, allowed)
        wrong = stack.api("GET", "/socket.io/?EIO=3&transport=polling", headers=here)
        assert (wrong.status, origin_of(wrong)) == (400, allowed)
        # a WebSocket is not for CORS to guard: what counts is the token
        socket = WebSocket(stack.ports["api"], f"/v1/live?token={token}", headers=here)
        assert socket.status == 101
        socket.close()
    preflight = {"Origin": SITE, "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "content-type"}
    for path in ("/socket.io/", "/v1/watch-tokens"):
        assert stack.api("OPTIONS", path, headers=preflight).status == 204


@pytest.mark.parametrize("text, status", [
    (b"POST /v1/captures HTTP/1.1\r\nHost: a\r\nORIGIN\r\nContent-Length: 5000\r\n\r\n", 413),
    (b"POST /v1/captures HTTP/1.1\r\nHost: a\r\nORIGIN\r\nExpect: 100-continue\r\n"
     b"Content-Length: 5000\r\n\r\n", 413),
    (b"POST /v1/captures HTTP/1.1\r\nHost: a\r\nORIGIN\r\nContent-Length: 1\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"GET /?" + b"a&" * 200 + b" HTTP/1.1\r\nHost: a\r\nORIGIN\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nORIGIN\r\n\r\n", 400),
])
def test_refusals_can_be_read_by_a_named_site(stack, text, status):
    stack.start("api", SHOTFLEET_CORS_ORIGINS=SITE, SHOTFLEET_MAX_BODY_BYTES=4096)
    for origin, allowed in ((SITE, True), ("https://evil.example", False)):
        got, head, body = raw(stack, text.replace(b"ORIGIN", b"Origin: " + origin.encode()))
        assert got == status
        assert b"evil" not in head
        if not is_ours(text):
            assert b"Access-Control-Allow-Origin" not in head
            continue
        assert json.loads(body)["status"] == status
        assert b"Vary: Origin" in head and b"nosniff" in head
        assert (b"Access-Control-Allow-Origin: " + SITE.encode() in head) == allowed
