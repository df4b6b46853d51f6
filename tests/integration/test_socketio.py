"""Socket.IO: the official client, unchanged, over each transport; and bad ones."""

import json
import os
import subprocess
import threading

import pytest

from doubles import png
from harness import ROOT
from processes import wait_for
from test_api import UNKNOWN, complete, submit
from test_live import fail, submit_batch
from websocket_client import WebSocket

PEERS = os.path.join(ROOT, "tests", "peers")


class Follower:
    def __init__(self, stack, transports, emit, **options):
        self.process = subprocess.Popen(
            ["node", "follow.mjs", stack.api_url, transports, "120",
             json.dumps({"emit": emit, **options})],
            cwd=PEERS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.heard = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            self.heard.append((said["event"], said["args"]))

    def wait(self, event, count=1, timeout_s=40):
        wait_for(lambda: len(self.all(event)) >= count, timeout_s, event)
        return self.all(event)

    def all(self, event):
        return [args for name, args in self.heard if name == event]

    def close(self):
        self.process.stdin.close()
        self.process.wait(90)
        self.thread.join(90)
        self.process.stdout.close()


@pytest.fixture
def follow(stack):
    assert os.path.isdir(os.path.join(PEERS, "node_modules", "socket.io-client")), \
        "npm ci --prefix tests/peers (scripts/test does it)"
    started = []

    def start(transports, emit, **options):
        started.append(Follower(stack, transports, emit, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.mark.parametrize("transports", ["polling", "websocket", "polling,websocket"])
def test_the_official_client_follows_a_capture(stack, follow, transports):
    stack.start("api")
    job = submit(stack, url="https://example.com/").json()["jobId"]
    client = follow(transports, [["subscribe", job]])
    assert client.wait("ack") == [[{"count": 1}]]
    [[document, _]] = client.wait("queued")
    assert document["jobId"] == job
    if "," in transports:
        assert client.wait("upgrade") == [["websocket"]]
    complete(stack, job, png())
    [[document, event_id]] = client.wait("screenshot-ready")
    assert document == stack.api("GET", f"/v1/captures/{job}").json()
    assert event_id
    assert client.all("connect") == [[transports.split(",")[0]]] or "," in transports
    assert not client.all("disconnect") and not client.all("connect_error")
    assert stack.metrics("api")["shotfleet_api_live_told_total"] == 2


def test_batches_errors_and_leaving(stack, follow):
    stack.start("api")
    batch, jobs = submit_batch(stack, 2)
    client = follow("polling,websocket", [
        ["subscribe", {"batch": batch}], ["subscribe", UNKNOWN], ["subscribe", "x"],
        ["subscribe", jobs], ["unsubscribe", jobs[0]], ["nonsense", 1]])
    acks = [a[0] for a in client.wait("ack", 6)]
    assert [a.get("count") for a in acks] == [1, 1, None, 2, 1, None]
    assert acks[2]["error"]["code"] == acks[5]["error"]["code"] == "INVALID_REQUEST"
    assert client.wait("live-error")[0][0]["jobId"] == UNKNOWN
    for job in jobs:
        fail(stack, job)
    wait_for(lambda: client.all("batch") and client.all("batch")[-1][0]["endedAt"], 20,
             "the end of the batch")


def test_tokens_are_given_as_auth(stack, follow):
    key = {"X-API-Key": "k"}
    stack.start("api", SHOTFLEET_API_KEYS="k")
    one, two = (submit(stack, key, url="https://example.com/").json() for _ in "12")
    emit = [["subscribe", one["jobId"]], ["subscribe", two["jobId"]],
            ["subscribe", two["jobId"], {"token": two["watchToken"]}]]
    client = follow("websocket", emit, auth={"token": one["watchToken"]})
    acks = [a[0] for a in client.wait("ack", 3)]
    assert [a.get("count") for a in acks] == [1, None, 1]
    assert acks[1]["error"]["code"] == "UNAUTHORIZED"
    client.wait("queued", 2)
    client = follow("polling", emit[:2], extraHeaders=key)
    assert [a[0]["count"] for a in client.wait("ack", 2)] == [1, 1]
    for auth in ({}, {"token": "x"}):
        client = follow("polling", emit, auth=auth)
        assert "watch token" in client.wait("connect_error")[0][0]
    assert one["watchToken"] not in stack.log("api")


@pytest.mark.parametrize("transports", ["polling", "websocket"])
def test_a_client_ends_with_its_key(stack, follow, transports):
    stack.start("api", SHOTFLEET_API_KEYS="operator")
    key = stack.cli("keys", "create", "app", "--scope", "read", check=True).stdout.strip()
    wait_for(lambda: stack.api("GET", "/v1/captures", headers={"X-API-Key": key}).status == 200,
             10, "the key to be known")
    client = follow(transports, [["subscribe", {"all": True}]], extraHeaders={"X-API-Key": key})
    assert client.wait("ack") == [[{"count": 1}]]
    stack.cli("keys", "revoke", "app", check=True)
    [[error]] = client.wait("live-error")
    assert error["code"] == "UNAUTHORIZED" and "revoked" in error["detail"]
    assert client.wait("disconnect")[0][0] == "io server disconnect"  # no coming back by itself


def test_the_client_comes_back_after_a_restart(stack, follow):
    stack.start("api")
    job = submit(stack, url="https://example.com/").json()["jobId"]
    client = follow("polling,websocket", [["subscribe", job]])
    client.wait("queued")
    stack.kill("api")
    complete(stack, job, png())
    stack.start("api")
    client.wait("screenshot-ready")


def polling(stack, query, method="GET", body=None, headers=None):
    return stack.api(method, f"/socket.io/?{query}", body, headers)


def opened(stack):
    answer = polling(stack, "EIO=4&transport=polling")
    assert answer.status == 200 and answer.body.startswith(b"0{")
    return json.loads(answer.body[1:])["sid"]


def test_what_is_no_engine_io_is_refused(stack):
    stack.start("api")
    for query, code in (("EIO=3&transport=polling", 5), ("transport=polling", 5),
                        ("EIO=4", 0), ("EIO=4&transport=x", 0),
                        ("EIO=4&transport=polling&sid=x", 1),
                        (f"EIO=4&transport=polling&sid={'0' * 32}", 1)):
        answer = polling(stack, query)
        assert (answer.status, answer.json()["code"]) == (400, code), query
    assert polling(stack, "EIO=4&transport=polling", "POST", b"40").json()["code"] == 2
    for header in ({"Host": "attacker.example"}, {"Origin": "https://attacker.example"}):
        assert polling(stack, "EIO=4&transport=polling", headers=header).status == 403
    for body in (b"", b"b", b"9", b"4", b"49", b"42[]", b"4" + b"x" * 65536,
                 b'42["subscribe"]', b"40\x1e42x", b"451-[]", b"\x1e"):
        sid = opened(stack)
        query = f"EIO=4&transport=polling&sid={sid}"
        status = polling(stack, query, "POST", body).status
        assert status == (200 if body == b"" else 400), body
        if body:
            assert polling(stack, query).status == 400, body  # it is over


def test_other_namespaces_and_unconnected_sessions(stack):
    stack.start("api")
    query = f"EIO=4&transport=polling&sid={opened(stack)}"
    assert polling(stack, query, "POST", b"40/admin,").body == b"ok"
    assert polling(stack, query).body == b'44/admin,{"message":"Invalid namespace"}'
    # who never says what it may is let go
    assert stack.api("GET", f"/socket.io/?{query}", timeout_s=40).body == b"1"


def test_websocket_sessions_of_bare_frames(stack):
    stack.start("api")
    ws = WebSocket(stack.ports["api"], "/socket.io/?EIO=4&transport=websocket")
    assert ws.status == 101
    assert ws.receive_frame()[1].startswith(b"0{")
    ws.send("40")
    assert ws.receive_frame()[1].startswith(b'40{"sid"')
    ws.send("x")
    with pytest.raises((EOFError, AssertionError)):
        while ws.receive_frame()[0] != 8:
            pass
        raise EOFError
    ws.close()
    # a WebSocket for a session that is none
    ws = WebSocket(stack.ports["api"],
                   "/socket.io/?EIO=4&transport=websocket&sid=" + "0" * 32)
    assert ws.status == 400
    ws.close()
