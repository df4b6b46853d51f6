"""api: parts of pictures, the fleet's numbers, and refusals of all kinds."""

import hashlib
import json
import socket
import subprocess

import pytest

from doubles import png
from processes import wait_for
from test_api import JSON, complete, submit


@pytest.fixture
def api(stack):
    stack.start("api")
    return stack


# parts of pictures (RFC 9110, 14)

@pytest.fixture
def picture(api):
    job = submit(api, url="https://example.com/").json()["jobId"]
    bytes_ = png(30, 20)
    complete(api, job, bytes_)
    return f"/v1/captures/{job}/image", bytes_


def test_a_part_of_a_picture(api, picture):
    path, whole = picture
    size = len(whole)
    for range_, first, last in (("bytes=0-0", 0, 0), (f"bytes=0-{size - 2}", 0, size - 2),
                                (f"bytes=0-{size - 1}", 0, size - 1), (f"bytes=0-{size}", 0, size - 1),
                                ("bytes=10-", 10, size - 1), ("bytes=-1", size - 1, size - 1),
                                (f"bytes=-{size + 1}", 0, size - 1), ("bytes=7-21", 7, 21)):
        answer = api.api("GET", path, headers={"Range": range_})
        assert (answer.status, answer.body) == (206, whole[first:last + 1]), range_
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert int(answer.headers["Content-Length"]) == last - first + 1
        assert answer.headers["ETag"] == f'"{hashlib.sha256(whole).hexdigest()}"'
        assert answer.headers["Content-Type"] == "image/png"
        assert "immutable" in answer.headers["Cache-Control"]


def test_a_range_behind_the_end(api, picture):
    path, whole = picture
    for range_ in (f"bytes={len(whole)}-", "bytes=-0"):
        answer = api.api("GET", path, headers={"Range": range_})
        assert (answer.status, answer.json()["code"]) == (416, "RANGE_NOT_SATISFIABLE")
        assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"
        assert answer.headers["Cache-Control"] == "no-store"
    assert api.api("GET", path, headers={"Range": f"bytes={len(whole) - 1}-"}).status == 206


def test_ranges_that_mean_the_whole(api, picture):
    path, whole = picture
    tag = f'"{hashlib.sha256(whole).hexdigest()}"'
    for headers in ({"Range": "bytes=0-1,4-5"}, {"Range": "lines=0-1"}, {"Range": "bytes=5-4"},
                    {"Range": "bytes=0-1", "If-Range": '"other"'},
                    {"Range": "bytes=0-1", "If-Range": f"W/{tag}"},
                    {"Range": "bytes=0-1", "If-Range": "Sat, 31 Jan 2026 12:00:00 GMT"}):
        answer = api.api("GET", path, headers=headers)
        assert (answer.status, answer.body) == (200, whole), headers
        assert answer.headers["Accept-Ranges"] == "bytes"
    assert api.api("GET", path, headers={"Range": "bytes=0-1", "If-Range": tag}).status == 206
    # the client has it already, whatever part it asks for
    assert api.api("GET", path, headers={"Range": "bytes=0-1", "If-None-Match": tag}).status == 304
    head = api.api("HEAD", path, headers={"Range": "bytes=0-1"})
    assert (head.status, int(head.headers["Content-Length"])) == (200, len(whole))


# the fleet

def test_the_fleet_tells_of_streams_workers_and_servers(stack):
    stack.start("api")
    jobs = [submit(stack, url="https://example.com/").json()["jobId"] for _ in range(3)]
    assert len(set(jobs)) == 3
    fleet = wait_for(lambda: (f := stack.api("GET", "/v1/fleet").json())["streams"][0]["length"] == 3
                     and f, 10, "the entries")
    submit_, webhook, callback = fleet["streams"]
    assert (submit_["name"], webhook["name"], callback["name"]) == ("submit", "webhook", "callback")
    assert 0 <= submit_["oldestSeconds"] < 60
    assert (webhook["length"], webhook["oldestSeconds"]) == (0, None)
    assert fleet["workers"] == {"alive": 0}
    [server] = fleet["redis"]
    assert server["up"] is True and server["server"].endswith("/0")
    assert fleet["postgresql"] == {"up": True}
    stack.start("worker", SHOTFLEET_WORKER_PROCESSES=2)
    wait_for(lambda: stack.api("GET", "/v1/fleet").json()["workers"] == {"alive": 2}, 20,
             "both workers to be seen")


def test_the_fleet_without_redis(api):
    api.redis_server.stop()
    fleet = wait_for(lambda: not (f := api.api("GET", "/v1/fleet").json())["redis"][0]["up"] and f,
                     10, "Redis to be missed")
    assert [s["length"] for s in fleet["streams"]] == [0, 0, 0]
    assert fleet["workers"] == {"alive": 0}


def test_the_fleet_with_a_redis_that_hangs_does_not_stop_the_end(stack):
    stack.start("api", SHOTFLEET_GRACE_S=1)
    stack.redis.execute_command("CLIENT", "PAUSE", "60000", "ALL")
    try:
        with socket.create_connection(("127.0.0.1", stack.ports["api"])) as s:
            s.sendall(b"GET /v1/fleet HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            stack.stop("api")
    finally:
        stack.redis_server.kill()  # nobody can unpause it
        stack.redis_server.start()


def test_providers_and_how_they_do(api):
    submit(api, url="https://example.com/")
    api.sql("update jobs set provider = 'gone'")
    api.sql("insert into provider_days (day, provider, captures, completed, failed) "
            "values (utc_day(now()), 'screenshotly', 4, 3, 1), "
            "(utc_day(now()) - 6, 'screenshotly', 1, 1, 0), "
            "(utc_day(now()) - 7, 'screenshotly', 9, 9, 0)")
    api.sql("insert into provider_health (provider, failures, error, paused_until) "
            "values ('gone', 3, 'no answer', now() + interval '1 hour')")
    providers = {p["provider"]: p for p in api.api("GET", "/v1/providers").json()["providers"]}
    good, gone = providers["screenshotly"], providers["gone"]
    assert good["known"] and not gone["known"]
    assert [d["captures"] for d in good["days"]] == [4, 1]
    assert good["days"][0]["successPercent"] == 75
    assert gone["failing"] and gone["error"] == "no answer" and gone["pausedUntil"]
    assert not good["failing"] and gone["days"] == []


# refusals below the handlers

def raw(stack, text):
    with socket.create_connection(("127.0.0.1", stack.ports["api"]), timeout=90) as s:
        s.sendall(text)
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


# From 1.0 on it answers some heads by itself, before anybody of ours sees them.
OLD_LIBMICROHTTPD = subprocess.run(["pkg-config", "--max-version=0.9.999", "libmicrohttpd"],
                                   check=False).returncode == 0


def is_ours(text):
    return OLD_LIBMICROHTTPD or (b"Host: " in text and
                                 not (b"Content-Length" in text and b"Transfer-Encoding" in text))


@pytest.mark.parametrize("text, status, code", [
    (b"POST /v1/captures HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
     b"Content-Length: 4097\r\n\r\n" + b"x" * 4097, 413, "TOO_LARGE"),
    (b"POST /v1/captures HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
     b"Expect: 100-continue\r\nContent-Length: 4097\r\n\r\n", 413, "TOO_LARGE"),
    (b"POST /v1/captures HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n1001\r\n" + b"x" * 4097 + b"\r\n0\r\n\r\n", 413, "TOO_LARGE"),
    (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "MALFORMED"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20000 + b"\r\n\r\n", 431, "HEAD_TOO_LARGE"),
    (b"GET /?" + b"a&" * 200 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "HEAD_TOO_LARGE"),
])
def test_refusals_are_problems_too(stack, text, status, code):
    stack.start("api", SHOTFLEET_MAX_BODY_BYTES=4096)
    got, head, body = raw(stack, text)
    assert got == status
    if not is_ours(text):
        assert b"<html>" in body
        return
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert b"application/problem+json" in head
    assert problem["type"].startswith("urn:shotfleet:problem:") and problem["title"]
    assert "; " in problem["detail"]  # and what to do


def test_a_body_at_the_limit_is_no_refusal(stack):
    stack.start("api", SHOTFLEET_MAX_BODY_BYTES=4096)
    body = json.dumps({"url": "https://example.com/", "css": "x"}).encode()
    body = body.replace(b'x"}', b"x" * (4096 - len(body) + 1) + b'"}')
    assert stack.api("POST", "/v1/captures", body, JSON).status == 202
    assert stack.api("POST", "/v1/captures", body + b" ", JSON).json()["code"] == "TOO_LARGE"
