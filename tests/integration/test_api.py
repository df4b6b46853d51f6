"""api: what users may ask, what they get, and what they must not."""

import hashlib
import http.client
import json
import os
import re
import subprocess
import threading
import uuid

import psycopg2
import pytest

from doubles import png
from harness import BIN
from processes import free_port, wait_for
from sse import announce
from web import request

JSON = {"Content-Type": "application/json"}
UNKNOWN = "0190a5d8-0000-7000-8000-000000000000"


@pytest.fixture
def api(stack):
    stack.start("api")
    return stack


def submit(stack, _headers=None, **body):
    return stack.api("POST", "/v1/captures", body, _headers)


def complete(stack, job, picture, kind="image/png", key=None):
    """What a worker leaves behind: the file, the row, and the live entry."""
    key = key or f"screenshots/{job}.png"
    path = os.path.join(stack.storage, key)
    if ".." not in key:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(picture)
    stack.sql("update jobs set status = 'completed', completed_at = now(), "
              "progress = 100, image_key = %s, image_type = %s, width = 4, "
              "height = 3, size_bytes = %s, sha256 = %s where id = %s::uuid",
              key, kind, len(picture), hashlib.sha256(picture).hexdigest(), job)
    announce(stack, job, "completed")


# submitting

def test_submit_stores_a_row_and_appends_an_entry(api):
    answer = submit(api, url="https://example.com/a?b=c", device="mobile",
                    fullPage=True, viewport={"width": 400}, metadata={"order": 7})
    assert answer.status == 202
    receipt = answer.json()
    assert receipt["status"] == "queued"
    assert receipt["submittedAt"].endswith("Z")
    assert answer.headers["Location"] == f"/v1/captures/{receipt['jobId']}"
    row = api.job(receipt["jobId"])
    assert (row.status, row.provider, row.attempt) == ("queued", "screenshotly", 1)
    assert row.options == {"device": "mobile", "fullPage": True,
                           "viewport": {"width": 400}}
    assert row.metadata == {"order": 7}
    [(_, entry)] = wait_for(lambda: api.redis.xrange("shotfleet:submit"), 5,
                            "the entry")
    assert entry == {b"job": receipt["jobId"].encode(), b"attempt": b"1"}


def test_submit_many_at_once(api):
    answer = submit(api, captures=[{"url": f"https://example.com/{i}",
                                    "width": 400 + i} for i in range(1000)])
    assert answer.status == 202
    receipts = answer.json()["captures"]
    assert len(receipts) == 1000
    rows = api.sql("select id::text, url, options, batch_id::text from jobs")
    by_id = {row.id: row for row in rows}
    for i, receipt in enumerate(receipts):
        row = by_id[receipt["jobId"]]
        assert (row.url, row.options) == (f"https://example.com/{i}",
                                          {"width": 400 + i})
        assert row.batch_id == answer.json()["batchId"]
    wait_for(lambda: api.redis.xlen("shotfleet:submit") == 1000, 5, "all entries")


def test_many_of_which_none_is_accepted(api):
    answer = submit(api, captures=[{"url": "nonsense", "width": 1}, 7])
    assert answer.status == 400
    assert [e["field"] for e in answer.json()["errors"]] == [
        "captures.0.url", "captures.0.width", "captures.1"]
    assert answer.json()["code"] == "INVALID_URL"
    too_many = [{"url": "https://example.com/"}] * 1001
    assert submit(api, captures=too_many).status == 400
    assert submit(api, captures=[]).status == 400
    assert submit(api, captures=[{"url": "http://a/"}], width=400).status == 400
    assert api.sql("select count(*) from jobs")[0][0] == 0
    assert api.redis.xlen("shotfleet:submit") == 0


REFUSED_URLS = [
    "file:///etc/passwd", "not a url", "", "javascript:alert(1)", "//example.com",
    "http://", "http:///path", "http://user:secret@example.com/", "http://a b/",
    "https://example.com:0/", "https://example.com:65536/", "https://[::1/",
    "http://exa\\mple.com/", "http://example.com/\n", "http://?x", 7, None, ["x"],
    "http://example.com/" + "x" * (8193 - 19),
]

TAKEN_URLS = [
    "http://example.com", "HTTPS://Example.com:443/x?y#z", "http://[2001:db8::1]:80/",
    "http://127.0.0.1:1/", "https://bücher.example/ü", 
    "http://example.com/" + "x" * (8192 - 19),
]

REFUSED_MEMBERS = [
    ("devce", "mobile"), ("device", "phone"), ("width", 319), ("width", 3841),
    ("width", "800"), ("width", 800.5), ("height", 239), ("quality", 101),
    ("quality", -1), ("delay", 10001), ("timeout", 999), ("timeout", 120001),
    ("fullPage", "yes"),
    ("format", "gif"), ("async", True), ("webhookUrl", "http://a/"), ("html", "<p>"),
    ("options", {}), ("provider", "nobody"), ("provider", 7), ("metadata", "x"),
    ("viewport.width", 400), ("deviceScaleFactor", 3.1), ("selector", 7),
    ("hideSelectors", "a"), ("selector", "a\0b"),
]

REFUSED_INSIDE = [
    ("viewport", {"widht": 400}, "viewport.widht"),
    ("viewport", 7, "viewport"),
    ("clip", {"width": 0}, "clip.width"),
    ("hideSelectors", ["a", 7], "hideSelectors.1"),
    ("headers", {"X-A": "b\r\nX-C: d"}, "headers.X-A"),
    ("headers", {"X-A": 7}, "headers.X-A"),
    ("cookies", [{"nam": "x"}], "cookies.0.nam"),
]

TAKEN_OPTIONS = [
    ("width", 320), ("width", 3840), ("height", 240), ("height", 3840),
    ("quality", 0), ("quality", 100), ("delay", 10000), ("format", "webp"),
    ("deviceScaleFactor", 1.5), ("hideSelectors", ["#a"]),
    ("headers", {"X-A": "b"}), ("cookies", [{"name": "a", "value": "b"}]),
    ("geolocation", {"latitude": -90, "longitude": 180}),
    ("pdfOptions", {"margin": {"top": "1cm"}, "scale": 0.5}),
]


def test_urls_that_are_refused(api):
    for url in REFUSED_URLS:
        answer = submit(api, url=url)
        problem = answer.json()
        assert (answer.status, problem["code"]) == (400, "INVALID_URL"), url
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert problem["status"] == 400
        assert problem["type"] and problem["title"]
        assert problem["detail"].startswith("url: ")
        assert problem["errors"][0]["field"] == "url"
    assert api.sql("select count(*) from jobs")[0][0] == 0


def test_urls_that_are_taken(api):
    for url in TAKEN_URLS:
        answer = submit(api, url=url)
        assert answer.status == 202, url
        assert api.job(answer.json()["jobId"]).url == url


def test_members_that_are_refused(api):
    for field, value in REFUSED_MEMBERS:
        answer = submit(api, url="https://example.com/", **{field: value})
        problem = answer.json()
        assert (answer.status, problem["code"]) == (400, "INVALID_REQUEST"), field
        assert problem["errors"][0]["field"] == field
        assert problem["detail"].startswith(field + ": ")
    assert api.sql("select count(*) from jobs")[0][0] == 0


def test_members_inside_others_are_named(api):
    for field, value, place in REFUSED_INSIDE:
        answer = submit(api, url="https://example.com/", **{field: value})
        assert answer.status == 400, place
        assert answer.json()["errors"][0]["field"] == place


def test_options_at_their_bounds_are_taken(api):
    for field, value in TAKEN_OPTIONS:
        answer = submit(api, url="https://example.com/", **{field: value})
        assert answer.status == 202, field
        assert api.job(answer.json()["jobId"]).options == {field: value}


def test_null_means_not_given(api):
    assert submit(api, url="https://example.com/", width=None,
                  provider=None, metadata=None).status == 202
    row = api.sql("select options, metadata, provider from jobs")[0]
    assert row == ({}, {}, "screenshotly")


def test_metadata_is_bounded(api):
    text = "x" * (16 * 1024 - len('{"a":""}'))
    url = "https://example.com/"
    assert submit(api, url=url, metadata={"a": text}).status == 202
    assert submit(api, url=url, metadata={"a": text + "x"}).status == 400
    answer = submit(api, url=url, metadata={"a": "nul \0"})
    assert (answer.status, answer.json()["code"]) == (400, "INVALID_REQUEST")


def test_bodies_that_are_no_submission(api):
    for body in (b"", b"{", b"[]", b"7", b'{"url":"http://a/"}x', b"{}",
                 b'{"url":"http://a/\xff"}'):
        answer = api.api("POST", "/v1/captures", body, JSON)
        assert answer.status == 400, body
        assert answer.headers["Content-Type"] == "application/problem+json"
    for kind in ("text/plain", "application/x-www-form-urlencoded",
                 "application/jsonx", ""):
        answer = api.api("POST", "/v1/captures", b'{"url":"http://a/"}',
                         {"Content-Type": kind})
        assert answer.status == 415, kind
    assert api.api("POST", "/v1/captures", b'{"url":"http://a/"}',
                   {"Content-Type": "application/json; charset=utf-8"}).status == 202


def test_a_body_beyond_the_limit_is_refused(stack):
    stack.start("api", SHOTFLEET_MAX_BODY_BYTES=4096)
    body = json.dumps({"url": "https://example.com/", "css": "x"}).encode()
    fits = body.replace(b"x\"}", b"x" * (4096 - len(body) + 1) + b"\"}")
    assert len(fits) == 4096
    assert stack.api("POST", "/v1/captures", fits, JSON).status == 202
    assert stack.api("POST", "/v1/captures", fits + b" ", JSON).status == 413


# looking up

def test_a_capture_is_found_by_its_id(api):
    job = submit(api, url="https://example.com/", metadata={"a": 1}).json()["jobId"]
    for name in (job, job.upper()):
        answer = api.api("GET", f"/v1/captures/{name}")
        assert answer.status == 200
        document = answer.json()
        assert document["jobId"] == job
        assert document["status"] == "queued"
        assert document["url"] == "https://example.com/"
        assert document["metadata"] == {"a": 1}
        assert document["image"] is None and document["error"] is None
    assert answer.headers["Content-Type"] == "application/json"


def test_a_failed_capture_says_why(api):
    job = submit(api, url="https://example.com/").json()["jobId"]
    api.sql("update jobs set status = 'failed', failed_at = now(), "
            "error_code = 'TIMEOUT', error = 'took too long' where id = %s::uuid", job)
    document = api.api("GET", f"/v1/captures/{job}").json()
    assert document["status"] == "failed"
    assert document["error"] == {"code": "TIMEOUT", "message": "took too long"}
    assert document["failedAt"]


def test_what_is_not_there(api):
    for path in (f"/v1/captures/{UNKNOWN}", f"/v1/captures/{UNKNOWN}/image",
                 f"/v1/captures/{UNKNOWN}/events", "/v1/captures/7",
                 "/v1/captures/", "/v1/nothing", "/page/nothing.js",
                 "/page/../index.html", "/demo/x/y", "/etc/passwd"):
        answer = api.api("GET", path)
        assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND"), path


def test_methods_that_do_not_fit(api):
    for method, path, allow in (("PUT", "/v1/captures", "POST, GET"),
                                ("POST", f"/v1/captures/{UNKNOWN}", "GET, DELETE"),
                                ("DELETE", "/", "GET")):
        answer = api.api(method, path)
        assert answer.status == 405
        assert allow in answer.json()["detail"]
        assert answer.headers["Allow"] == allow


def test_a_list_is_read_page_by_page(api):
    for i in range(7):
        submit(api, url=f"https://example.com/{i}")
    ids = [row.id for row in
           api.sql("select id::text from jobs order by id desc")]
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        answer = api.api("GET", f"/v1/captures?limit=3{cursor and '&cursor=' + cursor}")
        assert answer.status == 200
        seen += [d["jobId"] for d in answer.json()["captures"]]
        cursor = answer.json()["nextCursor"]
        pages += 1
        if pages == 1:  # what comes meanwhile does not shift the pages
            submit(api, url="https://example.com/new")
    assert (seen, pages) == (ids, 3)
    assert api.api("GET", "/v1/captures?limit=8").json()["nextCursor"] is None


def test_a_list_by_status(api):
    jobs = [submit(api, url="https://example.com/").json()["jobId"] for _ in range(3)]
    api.sql("update jobs set status = 'submitted' where id = %s::uuid", jobs[1])
    found = api.api("GET", "/v1/captures?status=submitted").json()["captures"]
    assert [d["jobId"] for d in found] == [jobs[1]]
    assert api.api("GET", "/v1/captures?status=failed").json() == {
        "captures": [], "nextCursor": None}


def test_list_parameters_that_are_refused(api):
    for query in ("limit=0", "limit=101", "limit=x", "limit=", "status=done",
                  "cursor=7"):
        answer = api.api("GET", f"/v1/captures?{query}")
        assert answer.status == 400, query
        assert answer.json()["errors"][0]["field"] == query.split("=")[0]


def test_the_fleet_in_numbers(api):
    submit(api, url="https://example.com/")
    job = submit(api, url="https://example.com/").json()["jobId"]
    complete(api, job, png())
    fleet = api.api("GET", "/v1/fleet").json()
    assert (fleet["queued"], fleet["completedLastHour"]) == (1, 1)
    assert fleet["submitted"] == fleet["failedLastHour"] == fleet["deadLetters"] == 0
    assert fleet["oldestUnfinishedSeconds"] >= 0


# pictures

def test_a_picture_is_served_once_it_is_there(api):
    job = submit(api, url="https://example.com/").json()["jobId"]
    path = f"/v1/captures/{job}/image"
    early = api.api("GET", path)
    assert (early.status, early.json()["code"]) == (404, "NO_PICTURE")
    assert "queued" in early.json()["detail"]

    picture = png(40, 30)
    complete(api, job, picture)
    answer = api.api("GET", path)
    assert (answer.status, answer.body) == (200, picture)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Disposition"] == f'inline; filename="{job}.png"'
    tag = answer.headers["ETag"]
    assert tag == f'"{hashlib.sha256(picture).hexdigest()}"'

    for known in (tag, f'"x", W/{tag}', "*"):
        again = api.api("GET", path, headers={"If-None-Match": known})
        assert (again.status, again.body) == (304, b""), known
        assert again.headers["ETag"] == tag
    assert api.api("GET", path, headers={"If-None-Match": '"x"'}).status == 200
    head = api.api("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(picture)
    download = api.api("GET", path + "?download")
    assert download.headers["Content-Disposition"].startswith("attachment;")
    image = api.api("GET", f"/v1/captures/{job}").json()["image"]
    assert image == {"url": path, "type": "image/png", "width": 4, "height": 3,
                     "size": len(picture),
                     "sha256": hashlib.sha256(picture).hexdigest(), "removedAt": None}


def test_keys_that_lead_elsewhere_open_nothing(api):
    with open(os.path.join(api.folder, "secret.png"), "wb") as f:
        f.write(b"secret")
    os.makedirs(os.path.join(api.storage, "screenshots"), exist_ok=True)
    job = submit(api, url="https://example.com/").json()["jobId"]
    for key in ("../secret.png", "screenshots/../../secret.png", "/etc/passwd",
                "screenshots//x.png", "./x.png", "", "screenshots", "missing.png"):
        api.sql("update jobs set status = 'completed', completed_at = now(), "
                "image_key = %s, image_type = 'image/png' where id = %s::uuid",
                key, job)
        answer = api.api("GET", f"/v1/captures/{job}/image")
        assert (answer.status, answer.json()["code"]) == (500, "INTERNAL"), key
        assert b"secret" not in answer.body


def test_links_and_pipes_are_not_pictures(api):
    job = submit(api, url="https://example.com/").json()["jobId"]
    complete(api, job, png(), key="real/x.png")
    os.symlink("real", os.path.join(api.storage, "linked"))
    os.symlink("real/x.png", os.path.join(api.storage, "link.png"))
    os.mkfifo(os.path.join(api.storage, "pipe.png"))
    for key in ("linked/x.png", "link.png", "pipe.png"):
        api.sql("update jobs set image_key = %s where id = %s::uuid", key, job)
        assert api.api("GET", f"/v1/captures/{job}/image").status == 500, key


def test_only_pictures_are_served(api):
    job = submit(api, url="https://example.com/").json()["jobId"]
    for kind, status in (("image/jpeg", 200), ("image/webp", 200),
                         ("application/pdf", 200), ("text/html", 500),
                         ("image/svg+xml", 500)):
        complete(api, job, b"<script>", kind)
        answer = api.api("GET", f"/v1/captures/{job}/image")
        assert answer.status == status, kind
        if status == 200:
            assert answer.headers["Content-Type"] == kind


# live events

def test_events_begin_with_the_state_and_end_with_the_end(api, events):
    job = submit(api, url="https://example.com/").json()["jobId"]
    stream = events(f"/v1/captures/{job}/events", {"Last-Event-ID": "1-1"})
    assert stream.answer.status == 200
    assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
    assert stream.answer.headers["X-Accel-Buffering"] == "no"
    stream.wait(1)
    assert stream.events[0][0] == "queued"

    api.sql("update jobs set status = 'submitted', submitted_at = now() "
            "where id = %s::uuid", job)
    announce(api, job, "submitted")
    stream.wait(2)
    api.sql("update jobs set progress = 40 where id = %s::uuid", job)
    announce(api, job, "progress")
    announce(api, job, "progress")  # nothing new
    stream.wait(3)
    assert stream.events[2][1]["progress"] == 40
    complete(api, job, png())
    assert stream.ended.wait(25)
    assert stream.names() == ["queued", "submitted", "submitted", "completed"]
    known = {entry.decode() for entry, _ in api.redis.xrange("shotfleet:live")}
    assert stream.ids[-1].endswith(".end")
    ids = {i.removesuffix(".end") for i in stream.ids[1:]}
    assert ids <= known  # the first may come before any entry
    assert stream.events[-1][1] == api.api("GET", f"/v1/captures/{job}").json()
    wait_for(lambda: api.metrics("api")["shotfleet_api_subscribers"] == 0, 5,
             "the subscriber to be gone")


def test_events_of_what_has_ended_end_at_once(api, events):
    job = submit(api, url="https://example.com/").json()["jobId"]
    complete(api, job, png())
    stream = events(f"/v1/captures/{job}/events")
    assert stream.ended.wait(25)
    assert stream.names() == ["completed"]


def test_events_reach_everybody_who_asked_and_nobody_else(api, events):
    jobs = [submit(api, url="https://example.com/").json()["jobId"] for _ in range(2)]
    streams = [events(f"/v1/captures/{jobs[i % 2]}/events") for i in range(10)]
    board = events("/v1/events")
    for stream in streams:
        stream.wait(1)
    complete(api, jobs[0], png())
    for stream in streams[0::2]:
        assert stream.ended.wait(25)
        assert stream.names() == ["queued", "completed"]
    board.wait(1)
    assert board.events[0][1]["jobId"] == jobs[0]
    assert all(s.names() == ["queued"] and not s.ended.is_set()
               for s in streams[1::2])
    complete(api, jobs[1], png())
    board.wait(2)
    assert not board.ended.is_set()


def test_events_survive_a_restart_of_redis(api, events):
    job = submit(api, url="https://example.com/").json()["jobId"]
    stream = events(f"/v1/captures/{job}/events")
    stream.wait(1)
    api.redis_server.kill()
    api.sql("update jobs set status = 'failed', failed_at = now(), "
            "error_code = 'TIMEOUT' where id = %s::uuid", job)
    api.redis_server.start()  # no entry says so: asked for on reconnecting
    assert stream.ended.wait(25)
    assert stream.names() == ["queued", "failed"]


def test_a_lost_entry_is_made_up_for_at_the_next_heartbeat(api, events):
    job = submit(api, url="https://example.com/").json()["jobId"]
    stream = events(f"/v1/captures/{job}/events")
    stream.wait(1)
    api.sql("update jobs set status = 'cancelled', cancelled_at = now() "
            "where id = %s::uuid", job)
    board = events("/v1/events")
    assert stream.ended.wait(25)
    assert stream.names() == ["queued", "cancelled"]
    wait_for(lambda: board.comments >= 1, 45, "a heart-beat")  # 15 to 30 s after the last news


def test_entries_that_are_no_ours_do_no_harm(api, events):
    job = submit(api, url="https://example.com/").json()["jobId"]
    stream = events(f"/v1/captures/{job}/events")
    stream.wait(1)
    for entry in ({"x": "y"}, {"job": "nonsense"}, {"job": '"},{'},
                  {"job": UNKNOWN}, {b"\xff": b"\0"}):
        api.redis.xadd("shotfleet:live", entry)
    complete(api, job, png())
    assert stream.ended.wait(25)
    assert stream.names() == ["queued", "completed"]


def test_stopping_ends_streams(api, events):
    job = submit(api, url="https://example.com/").json()["jobId"]
    stream = events(f"/v1/captures/{job}/events")
    stream.wait(1)
    api.stop("api")
    assert stream.ended.wait(25)


def test_stopping_does_not_wait_for_a_database_that_hangs(stack, events):
    stack.start("api", SHOTFLEET_GRACE_S=1)
    job = submit(stack, url="https://example.com/").json()["jobId"]
    stream = events(f"/v1/captures/{job}/events")
    stream.wait(1)
    holder = psycopg2.connect(stack.env["DATABASE_URL"])
    holder.cursor().execute("lock table jobs in access exclusive mode")
    asked = [("GET", f"/v1/captures/{job}"), ("GET", f"/v1/captures/{job}/events"),
             ("GET", "/v1/captures"), ("GET", "/v1/fleet")]
    got = []
    threads = [threading.Thread(target=lambda a=a: got.append(answer_of(stack, *a)))
               for a in asked]
    for thread in threads:
        thread.start()
    announce(stack, job, "progress")
    with holder.cursor() as cursor:
        wait_for(lambda: waiting_for_locks(cursor), 10, "api to wait")
    stack.stop("api")
    for thread in threads:
        thread.join(90)
    assert set(got) <= {503, None}  # told, or cut off
    holder.close()


def answer_of(stack, method, path):
    try:
        return stack.api(method, path).status
    except (OSError, http.client.HTTPException):
        return None


def waiting_for_locks(cursor):
    cursor.execute("select count(*) from pg_locks where not granted")
    return cursor.fetchone()[0]


# away

def test_without_redis_nothing_is_accepted(api):
    api.redis_server.stop()
    wait_for(lambda: request("GET", api.programs["api"].admin_url + "/readyz")
             .status == 503, 10, "api to notice")
    answer = submit(api, url="https://example.com/")
    assert (answer.status, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.sql("select count(*) from jobs")[0][0] == 0
    assert api.api("GET", "/v1/captures").status == 200  # reading goes on
    api.redis_server.start()
    wait_for(lambda: submit(api, url="https://example.com/").status == 202, 10,
             "captures to be accepted again")


def test_without_postgresql_nothing_is_accepted(api):
    api.postgres_server.stop()
    wait_for(lambda: request("GET", api.programs["api"].admin_url + "/readyz")
             .status == 503, 10, "api to notice")
    for method, path, body in (("POST", "/v1/captures", {"url": "http://a/"}),
                               ("GET", "/v1/captures", None),
                               ("GET", "/v1/fleet", None),
                               ("GET", f"/v1/captures/{UNKNOWN}", None),
                               ("GET", f"/v1/captures/{UNKNOWN}/image", None),
                               ("GET", f"/v1/captures/{UNKNOWN}/events", None)):
        answer = api.api(method, path, body)
        assert (answer.status, answer.json()["code"]) == (503, "UNAVAILABLE"), path
        assert int(answer.headers["Retry-After"]) > 0
    assert api.api("GET", "/").status == 200
    api.postgres_server.start()
    wait_for(lambda: submit(api, url="https://example.com/").status == 202, 10,
             "captures to be accepted again")
    assert api.redis.xlen("shotfleet:submit") == 1


def test_what_redis_does_not_take_is_accepted_all_the_same(api):
    api.redis.set("shotfleet:submit", "in the way")  # XADD: WRONGTYPE
    assert submit(api, url="https://example.com/").status == 202
    wait_for(lambda: api.metrics("api")["shotfleet_captures_not_appended_total"] == 1,
             5, "the failure to be counted")
    assert api.sql("select count(*) from jobs")[0][0] == 1


# who may ask

def run_api(env):
    return subprocess.run([os.path.join(BIN, "shotfleet-api")], env=env,
                          capture_output=True, text=True, timeout=120)


def test_keys_are_asked_for(stack, events):
    stack.start("api", SHOTFLEET_API_KEYS="first-key, second-key",
                SHOTFLEET_API_LISTEN=f"0.0.0.0:{stack.ports['api']}")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": ""},
                    {"Authorization": "Bearer first-key, second-key"},
                    {"Authorization": "Basic first-key"}, {"X-API-Key": "first-ke"}):
        for method, path in (("POST", "/v1/captures"), ("GET", "/v1/captures"),
                             ("GET", "/v1/fleet"), ("GET", "/v1/events"),
                             ("GET", f"/v1/captures/{UNKNOWN}"),
                             ("GET", f"/v1/captures/{UNKNOWN}/image"),
                             ("GET", f"/v1/captures/{UNKNOWN}/events")):
            answer = stack.api(method, path, headers=headers)
            assert (answer.status, answer.json()["code"]) == (401, "UNAUTHORIZED")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for headers in ({"Authorization": "Bearer first-key"},
                    {"authorization": "bearer second-key"},
                    {"X-API-Key": "second-key"}):
        assert stack.api("GET", "/v1/captures", headers=headers).status == 200
        assert submit(stack, headers, url="https://example.com/").status == 202
    for path in ("/", "/demo/"):  # hold no data
        assert stack.api("GET", path, headers={"Host": "fleet.example"}).status == 200
    assert "first-key" not in stack.log("api")


def test_without_keys_only_loopback_is_listened_on(stack):
    done = run_api({**stack.env, "SHOTFLEET_API_LISTEN": f"0.0.0.0:{free_port()}"})
    assert done.returncode == 2
    assert "SHOTFLEET_API_KEYS" in done.stderr


def test_wrong_settings_end_the_program(stack):
    for name, value in (("SHOTFLEET_STORAGE", "/var/lib"), ("REDIS_URL", "http://x"),
                        ("SHOTFLEET_API_LISTEN", "nonsense"),
                        ("SHOTFLEET_PROVIDERS_DIR", "/nowhere")):
        done = run_api({**stack.env, name: value})
        assert done.returncode == 2, name
        assert value in done.stderr or name in done.stderr


def test_without_keys_foreign_hosts_are_refused(api):
    for host, status in (
            ("127.0.0.1", 200), ("127.0.0.1:9999", 200), ("localhost:8080", 200),
            ("LOCALHOST", 200), ("[::1]:8080", 200), ("127.9.9.9", 200),
            ("attacker.example", 403), ("127.0.0.1.attacker.example:80", 403),
            ("localhost.attacker.example", 403), ("10.0.0.1", 403), ("[::2]", 403)):
        for path in ("/", "/v1/captures"):
            answer = api.api("GET", path, headers={"Host": host})
            assert answer.status == status, host
            if status == 403:
                assert answer.json()["code"] == "FORBIDDEN_HOST"


def test_without_keys_other_sites_may_not_submit(api):
    port = api.ports["api"]
    for origin, status in ((f"http://127.0.0.1:{port}", 202),
                           ("https://attacker.example", 403), ("null", 403),
                           (f"http://127.0.0.1:{port + 1}", 403),
                           (f"http://attacker.example#://127.0.0.1:{port}", 403)):
        answer = submit(api, {"Origin": origin}, url="https://example.com/")
        assert answer.status == status, origin
    assert answer.json()["code"] == "FORBIDDEN_ORIGIN"
    assert api.sql("select count(*) from jobs")[0][0] == 1


# the page

def test_the_page_is_there_and_strict(api):
    answer = api.api("GET", "/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    text = answer.body.decode()
    assert " style=" not in text and " onclick=" not in text
    total = len(answer.body)
    for part in set(re.findall(r'"(/page/[^"]+)"', text)):
        file = api.api("GET", part)
        assert file.status == 200, part
        total += len(file.body)
        tag = {"If-None-Match": file.headers["ETag"]}
        assert api.api("GET", part, headers=tag).status == 304
    assert total < 100_000


def test_the_demo_page_needs_nothing_from_outside(api):
    assert api.api("GET", "/demo").headers["Location"] == "/demo/"
    answer = api.api("GET", "/demo/")
    assert answer.status == 200
    text = answer.body.decode()
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert "https://" not in text


def test_requests_are_counted(api):
    submit(api, url="https://example.com/")
    submit(api, url="nonsense")
    api.api("GET", f"/v1/captures/{UNKNOWN}")
    counted = api.metrics("api")
    name = "shotfleet_api_requests_total"
    assert counted[name + '{route="submit",class="2xx"}'] == 1
    assert counted[name + '{route="submit",class="4xx"}'] == 1
    assert counted[name + '{route="capture",class="4xx"}'] == 1
    assert counted["shotfleet_captures_accepted_total"] == 1
    assert counted["shotfleet_api_request_seconds_count{}"] == 3


def test_ids_are_uuids(api):
    job = submit(api, url="https://example.com/").json()["jobId"]
    assert uuid.UUID(job).version == 7
