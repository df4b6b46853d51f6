"""/v1/live: what is asked and told over a WebSocket, and what ends it."""

import json
import os
import socket
import struct
import subprocess

import pytest

from doubles import png
from harness import ROOT
from processes import wait_for
from sse import announce
from test_api import UNKNOWN, complete, submit
from test_live import fail, submit_batch
from websocket_client import BINARY, CLOSE, PING, PONG, TEXT, WebSocket


@pytest.fixture
def api(stack):
    stack.start("api")
    return stack


@pytest.fixture
def connect(stack):
    opened = []

    def open_socket(path="/v1/live", headers=None, **options):
        opened.append(WebSocket(stack.ports["api"], path, headers, **options))
        return opened[-1]

    yield open_socket
    for one in opened:
        one.close()


def new_job(stack):
    return submit(stack, url="https://example.com/").json()["jobId"]


# asking and telling

def test_a_capture_is_followed_to_its_end(api, connect):
    job = new_job(api)
    ws = connect(key="dGhlIHNhbXBsZSBub25jZQ==")  # of RFC 6455, 1.3
    assert ws.status == 101
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in ws.head
    ws.send({"subscribe": job.upper(), "ref": 7})
    assert ws.receive() == {"event": "subscribed", "ref": 7, "count": 1}
    first = ws.receive()
    assert (first["event"], first["data"]["jobId"]) == ("queued", job)
    complete(api, job, png())
    ready = ws.receive()
    assert ready["event"] == "screenshot-ready"
    assert ready["data"] == api.api("GET", f"/v1/captures/{job}").json()
    assert ready["id"]
    ws.send({"unsubscribe": job})  # it had ended by itself
    assert ws.receive() == {"event": "unsubscribed", "count": 0}


def test_many_are_followed_and_left(api, connect):
    batch, jobs = submit_batch(api, 3)
    ws = connect()
    ws.send({"subscribe": jobs})
    assert ws.receive()["count"] == 3
    assert {ws.receive()["data"]["jobId"] for _ in jobs} == set(jobs)
    ws.send({"unsubscribe": jobs[:1]})
    assert ws.receive() == {"event": "unsubscribed", "count": 1}
    fail(api, jobs[0])
    fail(api, jobs[1])
    assert ws.receive()["data"]["jobId"] == jobs[1]  # the other one is not told

    ws = connect()
    ws.send({"subscribe": {"batch": batch}})
    assert ws.receive()["event"] == "subscribed"
    got = [ws.receive() for _ in range(4)]
    assert got[0]["event"] == "batch" and got[0]["data"]["total"] == 3
    assert {g["data"]["jobId"] for g in got[1:]} == set(jobs)
    complete(api, jobs[2], png())
    while (last := ws.receive())["event"] != "batch" or not last["data"]["endedAt"]:
        pass

    ws = connect()
    ws.send({"subscribe": {"all": True}, "since": last["id"]})
    assert ws.receive()["event"] == "subscribed"
    job = new_job(api)
    announce(api, job, "queued")
    while ws.receive().get("data", {}).get("jobId") != job:
        pass


def test_wishes_that_cannot_be_granted_are_answered(api, connect):
    ws = connect()
    for wish, part in (
            ("x", "JSON"), ("[]", "JSON object"), ("{}", "`subscribe`"),
            ({"subscribe": "x"}, "`subscribe`"), ({"subscribe": []}, "1 to 1000"),
            ({"subscribe": [UNKNOWN] * 1001}, "1 to 1000"),
            ({"subscribe": [UNKNOWN, 1]}, "element"), ({"subscribe": 1}, "`subscribe`"),
            ({"subscribe": {}}, "either"), ({"subscribe": {"all": False}}, "all"),
            ({"subscribe": {"batch": "x"}}, "batch"), ({"unsubscribe": None}, "`sub"),
            ({"subscribe": UNKNOWN, "unsubscribe": UNKNOWN}, "only one"),
            ({"subscribe": UNKNOWN, "token": 1}, "`token`"),
            ({"subscribe": UNKNOWN, "since": []}, "`since`"),
            ({"subscribe": UNKNOWN, "ref": {}}, "`ref`"),
            ({"subscribe": UNKNOWN, "ref": "r" * 129}, "`ref`")):
        ws.send(wish)
        answer = ws.receive()
        assert (answer["event"], answer["code"]) == ("error", "INVALID_REQUEST"), wish
        assert part in answer["detail"], answer
    ws.send({"subscribe": UNKNOWN, "ref": "mine"})
    assert ws.receive() == {"event": "subscribed", "ref": "mine", "count": 1}
    answer = ws.receive()
    assert (answer["code"], answer["jobId"]) == ("NOT_FOUND", UNKNOWN)
    ws.send({"subscribe": {"batch": UNKNOWN}})
    assert ws.receive()["event"] == "subscribed"
    assert ws.receive()["batchId"] == UNKNOWN


def test_a_thousand_may_be_followed(api, connect):
    _, jobs = submit_batch(api, 1000)
    other = new_job(api)
    ws = connect()
    ws.send({"subscribe": jobs})
    assert ws.receive()["count"] == 1000
    assert {ws.receive()["data"]["jobId"] for _ in jobs} == set(jobs)
    ws.send({"subscribe": [jobs[0], other]})  # one is followed already
    assert ws.receive()["count"] == 1
    answers = [ws.receive(), ws.receive()]
    assert sorted(a["event"] for a in answers) == ["error", "queued"]
    error = next(a for a in answers if a["event"] == "error")
    assert (error["code"], error["jobId"]) == ("TOO_MANY", other)


def test_tokens_open_what_they_name(stack, connect):
    key = {"X-API-Key": "k"}
    stack.start("api", SHOTFLEET_API_KEYS="k")
    one, two = (submit(stack, key, url="https://example.com/").json() for _ in "12")
    assert connect().status == connect("/v1/live?token=x").status == 401
    ws = connect(f"/v1/live?token={one['watchToken']}")
    assert ws.status == 101
    ws.send({"subscribe": one["jobId"]})
    assert [ws.receive()["event"] for _ in "12"] == ["subscribed", "queued"]
    for wish in ({"subscribe": two["jobId"]}, {"subscribe": {"all": True}},
                 {"subscribe": [one["jobId"], two["jobId"]]},
                 {"subscribe": two["jobId"], "token": one["watchToken"]}):
        ws.send(wish)
        assert ws.receive()["code"] == "UNAUTHORIZED"
    ws.send({"subscribe": two["jobId"], "token": two["watchToken"]})
    assert [ws.receive()["event"] for _ in "12"] == ["subscribed", "queued"]
    ws = connect(headers=key)
    ws.send({"subscribe": {"all": True}})
    assert ws.receive()["event"] == "subscribed"
    assert one["watchToken"] not in stack.log("api")


# the handshake

def test_handshakes_that_are_none(api, connect):
    for headers, status in (
            ({"Upgrade": None}, 426), ({"Upgrade": "h2c"}, 426),
            ({"Sec-WebSocket-Version": "8"}, 426),
            ({"Sec-WebSocket-Version": None}, 426),
            ({"Connection": "close"}, 400), ({"Sec-WebSocket-Key": None}, 400),
            ({"Sec-WebSocket-Key": "x"}, 400),
            ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j"}, 400),
            ({"Host": "attacker.example"}, 403),
            ({"Origin": "https://attacker.example"}, 403), ({"Origin": "null"}, 403)):
        ws = connect(headers=headers)
        assert ws.status == status, headers
        if status == 426:
            assert "Sec-WebSocket-Version: 13" in ws.head
    assert connect(headers={"Upgrade": "WebSocket", "Connection": "upgrade",
                            "Origin": f"http://127.0.0.1:{api.ports['api']}"}
                   ).status == 101


def test_the_limit_of_clients_counts_websockets(stack, connect):
    stack.start("api", SHOTFLEET_LIVE_CLIENTS=2)
    first = connect()
    assert [first.status, connect().status, connect().status] == [101, 101, 503]
    first.close()
    wait_for(lambda: connect().status == 101, 10, "room for one more")


# frames

def test_pings_fragments_and_the_closing_handshake(api, connect):
    job = new_job(api)
    ws = connect()
    ws.send_frame(PING, b"hello")
    assert ws.receive_frame() == (PONG, b"hello")
    text = ('{"subscribe":"%s"}' % job).encode()
    ws.send_frame(TEXT, text[:5], fin=False)
    ws.send_frame(PING, b"between")
    assert ws.receive_frame() == (PONG, b"between")
    ws.send_frame(0, text[5:9], fin=False)
    ws.send_frame(0, text[9:])
    assert ws.receive()["event"] == "subscribed"
    assert ws.receive()["event"] == "queued"
    # byte by byte
    ws.send({"unsubscribe": job})
    assert ws.receive()["event"] == "unsubscribed"
    for byte in b"\x81\x82\0\0\0\0{}":
        ws.sock.sendall(bytes([byte]))
    assert ws.receive()["event"] == "error"
    ws.send_frame(CLOSE, struct.pack(">H", 1000) + b"done")
    assert ws.until_close()[0] == 1000
    ws.close()
    wait_for(lambda: api.metrics("api")['shotfleet_api_live_ended_total{why="left"}'],
             10, "it to be counted")


@pytest.mark.parametrize("code, send", [
    (1002, lambda ws: ws.send_frame(TEXT, b"{}", masked=False)),
    (1002, lambda ws: ws.send_frame(TEXT, b"{}", first=0x40)),
    (1002, lambda ws: ws.send_frame(3, b"")),
    (1002, lambda ws: ws.send_frame(PING, b"x" * 126)),
    (1002, lambda ws: ws.send_frame(PING, b"x", fin=False)),
    (1002, lambda ws: ws.send_frame(0, b"x")),
    (1002, lambda ws: (ws.send_frame(TEXT, b"x", fin=False), ws.send_frame(TEXT, b"x"))),
    (1003, lambda ws: ws.send_frame(BINARY, b"{}")),
    (1007, lambda ws: ws.send_frame(TEXT, b"\xff\xfe")),
    (1007, lambda ws: ws.send_frame(TEXT, b"\xed\xa0\x80")),
    (1009, lambda ws: ws.send_frame(TEXT, b"x" * (64 * 1024 + 1))),
    (1009, lambda ws: (ws.send_frame(TEXT, b"x" * 60000, fin=False),
                       ws.send_frame(0, b"x" * 6000))),
])
def test_what_is_against_the_protocol_ends_it(api, connect, code, send):
    ws = connect()
    send(ws)
    assert ws.until_close()[0] == code


def test_the_largest_message_is_taken(api, connect):
    ws = connect()
    ws.send_frame(TEXT, b" " * (64 * 1024))
    assert ws.receive()["code"] == "INVALID_REQUEST"


def test_a_client_that_goes_away_is_forgotten(api, connect):
    sockets = [connect() for _ in range(3)]
    sockets[0].sock.sendall(b"\x81")  # half a head
    sockets[1].sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))  # resets
    for ws in sockets:
        ws.close()
    wait_for(lambda: api.metrics("api")["shotfleet_api_subscribers"] == 0, 10,
             "all to be gone")


def test_a_silent_client_is_pinged_and_then_cut_off(api, connect):
    ws = connect()
    assert ws.receive_frame() == (PING, b"")
    with pytest.raises((EOFError, ConnectionError)):  # without a pong
        ws.receive_frame()


def test_stopping_says_goodbye(api, connect):
    ws = connect()
    api.stop("api")
    assert ws.until_close() == (1001, "this server stops")


def test_who_does_not_read_is_cut_off(api, connect):
    job = submit(api, url="https://example.com/", metadata={"x": "y" * 15000}
                 ).json()["jobId"]
    ws = connect()
    ws.send({"subscribe": {"all": True}})
    for _ in range(2000):
        if api.metrics("api")['shotfleet_api_live_ended_total{why="slow"}']:
            return
        for _ in range(20):
            announce(api, job, "progress")
    raise AssertionError("it was never cut off")


def test_the_client_ws_follows_and_says_goodbye(api):
    job = new_job(api)
    client = subprocess.Popen(
        ["node", "live.mjs", f"ws://127.0.0.1:{api.ports['api']}/v1/live",
         json.dumps({"subscribe": job})], cwd=os.path.join(ROOT, "tests", "peers"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(client.stdout.readline())["event"] == "subscribed"
        assert json.loads(client.stdout.readline())["event"] == "queued"
        complete(api, job, png())
        assert json.loads(client.stdout.readline())["event"] == "screenshot-ready"
        client.stdin.write("x")
        client.stdin.flush()
        assert json.loads(client.stdout.readline()) == {"closed": 1000}
    finally:
        client.kill()
        client.communicate()
