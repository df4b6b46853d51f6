"""Live events: batches, reconnecting, replaying, and who is cut off."""

import os
import socket
import time

import pytest

from doubles import png
from processes import wait_for
from servers import RedisServer
from sse import announce
from test_api import UNKNOWN, complete, submit
from web import request


@pytest.fixture
def api(stack):
    stack.start("api")
    return stack


def submit_batch(stack, count, **options):
    receipt = submit(stack, captures=[{"url": f"https://example.com/{i}", **options}
                                      for i in range(count)]).json()
    return receipt["batchId"], [c["jobId"] for c in receipt["captures"]]


def fail(stack, job):
    stack.sql("update jobs set status = 'failed', failed_at = now(), "
              "error_code = 'TIMEOUT' where id = %s::uuid", job)
    announce(stack, job, "failed")


def told(stream, name):
    return [data for event, data in stream.events if event == name]


def test_api_is_ready_when_it_has_read_what_is_there(stack, events):
    """Whoever comes then need not look everything up again."""
    stack.redis.set("shotfleet:live", "in the way")
    ready = stack.start("api", wait=False).admin_url + "/readyz"

    def reason():
        try:
            return request("GET", ready).body
        except OSError:
            return b""
    wait_for(lambda: b"the live stream is not read yet" in reason(), 20, "the reason")
    stack.redis.delete("shotfleet:live")
    stack.wait_ready("api")
    board = events("/v1/events")
    job = submit(stack, url="https://example.com/").json()["jobId"]
    fail(stack, job)
    board.wait(1)
    assert board.names() == ["failed"]


# batches

def test_a_batch_begins_with_numbers_and_captures_and_ends(api, events):
    batch, jobs = submit_batch(api, 3)
    stream = events(f"/v1/events?batch={batch.upper()}")
    wait_for(lambda: len(told(stream, "queued")) >= 3, 20, "the present state")
    # api may just have begun to read the live stream, and says so in front
    begin = stream.names().index("batch")
    assert set(stream.names()[:begin]) <= {"resync"}
    name, numbers = stream.events[begin]
    assert (numbers["batchId"], numbers["total"], numbers["progress"]) == (batch, 3, 0)
    assert numbers["counts"] == {"queued": 3, "submitted": 0, "completed": 0,
                                 "failed": 0, "cancelled": 0}
    assert numbers["submittedAt"] and numbers["endedAt"] is None
    assert stream.names()[begin + 1:begin + 4] == ["queued"] * 3
    assert [d["jobId"] for _, d in stream.events[begin + 1:begin + 4]] == sorted(jobs)

    complete(api, jobs[0], png())
    wait_for(lambda: told(stream, "completed"), 20, "the news")
    assert [d["jobId"] for d in told(stream, "completed")] == jobs[:1]
    wait_for(lambda: told(stream, "batch")[-1]["progress"] == 33, 10, "progress")
    assert not stream.ended.is_set()
    fail(api, jobs[1])
    api.sql("update jobs set status = 'cancelled', cancelled_at = now() "
            "where id = %s::uuid", jobs[2])
    announce(api, jobs[2], "cancelled")
    assert stream.ended.wait(25)
    assert stream.names()[-1] == "batch"
    last = stream.events[-1][1]
    assert (last["progress"], last["counts"]["completed"], last["counts"]["failed"],
            last["counts"]["cancelled"]) == (100, 1, 1, 1)
    assert last["endedAt"]

    # an EventSource comes back, and is told to stop
    again = api.api("GET", f"/v1/events?batch={batch}",
                    headers={"Last-Event-ID": stream.ids[-1]})
    assert (again.status, again.body) == (204, b"")


def test_news_behind_the_end_of_a_batch_is_told(api, events):
    """The last capture is in the table before it is told, and the batch is counted
    in between.  That takes luck, so that it is tried some times."""
    for _ in range(20):
        batch, jobs = submit_batch(api, 2)
        stream = events(f"/v1/events?batch={batch}")
        wait_for(lambda: len(told(stream, "queued")) == 2, 20, "the present state")
        api.sql("update jobs set status = 'failed', failed_at = now(), error_code = 'X'"
                " where batch_id = %s::uuid", batch)
        announce(api, jobs[0], "failed")
        stream.ended.wait(0.3)
        announce(api, jobs[1], "failed")
        assert stream.ended.wait(25)
        if len(told(stream, "failed")) == 2:
            return
    pytest.fail("the last capture is never told")


def test_a_batch_that_has_ended_is_told_whole_and_ends(api, events):
    batch, jobs = submit_batch(api, 250)  # more than two pages
    api.sql("update jobs set status = 'failed', failed_at = now(), error_code = 'X'")
    stream = events(f"/v1/events?batch={batch}")
    assert stream.ended.wait(30)
    assert stream.names() == ["batch"] + ["failed"] * 250 + ["batch"]
    assert [d["jobId"] for d in told(stream, "failed")] == sorted(jobs)


def test_a_batch_is_told_as_fast_as_the_client_reads(stack):
    """Far more than may wait for one client, and nobody is cut off."""
    stack.start("api", SHOTFLEET_MAX_BODY_BYTES="8MiB")
    api = stack
    batch, jobs = submit_batch(api, 200, metadata={"x": "y" * 15000})
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        s.connect(("127.0.0.1", api.ports["api"]))
        s.sendall(f"GET /v1/events?batch={batch} HTTP/1.1\r\nHost: localhost\r\n\r\n"
                  .encode())
        s.settimeout(30)
        got = b""
        while got.count(b"event: queued") < 200:
            piece = s.recv(20000)
            assert piece, f"cut off after {got.count(b'event: queued')}"
            got += piece
            time.sleep(0.001)
    assert all(job.encode() in got for job in jobs)


def test_unknown_batches(api):
    answer = api.api("GET", f"/v1/events?batch={UNKNOWN}")
    assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND")
    for wrong in ("", "x", UNKNOWN + "0"):
        answer = api.api("GET", f"/v1/events?batch={wrong}")
        assert (answer.status, answer.json()["code"]) == (400, "INVALID_REQUEST")


# ids

def test_what_a_capture_said_last_stops_an_eventsource(api, events):
    job = submit(api, url="https://example.com/").json()["jobId"]
    path = f"/v1/captures/{job}/events"
    complete(api, job, png())
    stream = events(path)
    assert stream.ended.wait(25)
    end = stream.ids[-1]
    assert end.endswith(".end")
    assert api.api("GET", path, headers={"Last-Event-ID": end}).status == 204
    # not having heard the end, it is told
    for before in (end.removesuffix(".end"), "1-1", "x", "x" * 5000):
        again = events(path, {"Last-Event-ID": before})
        assert again.ended.wait(25)
        assert again.names() == ["completed"]
    # the end was of an earlier try
    api.sql("update jobs set status = 'queued', attempt = 2, image_key = null")
    again = events(path, {"Last-Event-ID": end})
    again.wait(1)
    assert again.names() == ["queued"]


def test_missed_events_are_replayed_by_any_process(api, events):
    batch, jobs = submit_batch(api, 3)
    other = submit(api, url="https://example.com/").json()["jobId"]
    board, stream = events("/v1/events"), events(f"/v1/events?batch={batch}")
    stream.wait(4)
    fail(api, jobs[0])
    board.wait(1)
    wait_for(lambda: told(stream, "failed"), 10, "the news")
    for client in (board, stream):
        client.close()
    fail(api, jobs[1])
    fail(api, other)
    api.kill("api")
    api.start("api")

    board = events("/v1/events", {"Last-Event-ID": board.ids[-1]})
    board.wait(2)
    assert {d["jobId"] for d in told(board, "failed")} == {jobs[1], other}
    last = [i for i, e in zip(stream.ids, stream.events) if e[0] == "failed"][-1]
    stream = events(f"/v1/events?batch={batch}", {"Last-Event-ID": last})
    wait_for(lambda: told(stream, "failed"), 10, "what was missed")
    assert [d["jobId"] for d in told(stream, "failed")] == [jobs[1]]
    assert not told(stream, "queued")  # not all of it again
    fail(api, jobs[2])
    assert stream.ended.wait(25)
    board.wait(3)
    assert set(stream.names() + board.names()) == {"failed", "batch"}
    # what was there before the oldest entry is not known
    old = events("/v1/events", {"Last-Event-ID": "1-1"})
    old.wait(1)
    assert old.names() == ["resync"]


@pytest.mark.parametrize("unknown", ["9999999999999-0", "x", "1-1,2-2", "1-",
                                     "99999999999999999999999-0", "-1-1"])
def test_ids_that_are_not_known_mean_resync(api, events, unknown):
    batch, jobs = submit_batch(api, 1)
    announce(api, jobs[0], "queued")
    wait_for(lambda: api.metrics("api")["shotfleet_api_live_entries_total"] > 0, 10,
             "the entry to be read")
    board = events("/v1/events", {"Last-Event-ID": unknown})
    stream = events(f"/v1/events?batch={batch}", {"Last-Event-ID": unknown})
    board.wait(1)
    stream.wait(3)
    assert board.names() == ["resync"]
    assert stream.names() == ["resync", "batch", "queued"]
    fail(api, jobs[0])
    board.wait(2)


def test_too_much_to_replay_means_resync(api, events):
    """500 captures that changed are replayed, 501 are not."""
    _, jobs = submit_batch(api, 501)
    announce(api, jobs[0], "queued")
    wait_for(lambda: api.metrics("api")["shotfleet_api_live_entries_total"] == 1, 10,
             "the first entry to be read")
    [(since, _)] = api.redis.xrange("shotfleet:live")
    for job in jobs[1:]:
        announce(api, job, "queued")
    wait_for(lambda: api.metrics("api")["shotfleet_api_live_entries_total"] == 501, 20,
             "all entries to be read")
    board = events("/v1/events", {"Last-Event-ID": since.decode()})
    board.wait(500)
    assert board.names() == ["queued"] * 500
    announce(api, jobs[0], "queued")
    board.wait(501)
    late = events("/v1/events", {"Last-Event-ID": since.decode()})
    late.wait(1)
    assert late.names() == ["resync"]


def test_a_stream_that_was_wiped_means_resync(api, events):
    batch, jobs = submit_batch(api, 2)
    board, stream = events("/v1/events"), events(f"/v1/events?batch={batch}")
    one = events(f"/v1/captures/{jobs[0]}/events")
    fail(api, jobs[1])
    board.wait(1)
    wait_for(lambda: told(stream, "failed"), 10, "the news")
    api.sql("update jobs set progress = 7 where id = %s::uuid", jobs[0])
    api.redis.delete("shotfleet:live")
    announce(api, jobs[1], "failed")  # what says so is the next read
    wait_for(lambda: "resync" in board.names() and "resync" in stream.names(), 20,
             "resync")
    wait_for(lambda: one.events[-1][1]["progress"] == 7, 20, "the progress")
    assert "live entries were lost" in api.log("api")
    fail(api, jobs[0])
    assert one.ended.wait(25) and stream.ended.wait(25)


def test_several_redis_servers(api, events):
    api.stop("api")
    folder = os.path.dirname(api.redis_server.path)
    second = RedisServer(f"{folder}/redis-{os.urandom(3).hex()}")
    second.start()
    try:
        api.start("api", REDIS_URL=f"{api.env['REDIS_URL']},{second.url}")
        job = submit(api, url="https://example.com/").json()["jobId"]
        board = events("/v1/events")
        def known():  # how far both are
            announce(api, job, "queued")
            return board.ids and board.ids[-1]

        since = wait_for(known, 20, "an event with an id")
        assert since.count(",") == 1
        before = len(board.events)
        second.client.xadd("shotfleet:live", {"job": job, "event": "queued"})
        board.wait(before + 1)
        again = events("/v1/events", {"Last-Event-ID": since})
        again.wait(1)
        assert set(again.names()) == {"queued"}  # known() may have told more than once
        # of a fleet with another number of servers nothing is known
        again = events("/v1/events", {"Last-Event-ID": since.split(",")[0]})
        again.wait(1)
        assert again.names() == ["resync"]
        # one that is away takes only its own news with it
        second.kill()
        fail(api, job)
        wait_for(lambda: board.names()[-1] == "failed", 20, "the news")
    finally:
        second.stop()


# limits

def test_who_does_not_read_is_cut_off(api):
    job = submit(api, url="https://example.com/", metadata={"x": "y" * 15000}
                 ).json()["jobId"]
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", api.ports["api"]))
        s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(12) == b"HTTP/1.1 200"
        for _ in range(2000):
            if api.metrics("api")['shotfleet_api_live_ended_total{why="slow"}']:
                break
            for _ in range(20):
                announce(api, job, "progress")
        else:
            raise AssertionError("it was never cut off")
    assert "cut off a live client that does not read" in api.log("api")
    assert "ip=127.0.0.1" in api.log("api")
    assert api.metrics("api")["shotfleet_api_subscribers"] == 0


def test_live_clients_are_counted(stack, events):
    stack.start("api", SHOTFLEET_LIVE_CLIENTS=3)
    job = submit(stack, url="https://example.com/").json()["jobId"]
    streams = [events(p) for p in ("/v1/events", f"/v1/captures/{job}/events",
                                   "/v1/events")]
    streams[1].wait(1)
    for path in ("/v1/events", f"/v1/captures/{job}/events"):
        answer = stack.api("GET", path)
        assert (answer.status, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert answer.headers["Retry-After"]
    assert stack.metrics("api")["shotfleet_api_subscribers"] == 3
    streams[0].close()
    wait_for(lambda: stack.metrics("api")["shotfleet_api_subscribers"] == 2, 10,
             "one to be gone")
    assert events("/v1/events").answer.status == 200


def test_events_go_on_after_postgresql_was_away(api, events):
    job = submit(api, url="https://example.com/").json()["jobId"]
    stream, board = events(f"/v1/captures/{job}/events"), events("/v1/events")
    stream.wait(1)
    api.postgres_server.stop()
    announce(api, job, "progress")  # is asked about when it is back
    api.postgres_server.start()
    board.wait(1)
    fail(api, job)
    assert stream.ended.wait(30)
    assert stream.names() == ["queued", "failed"]
    board.wait(2)
    assert board.names() == ["queued", "failed"]
