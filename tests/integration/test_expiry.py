"""What a watch token opened ends with it, at its second and not before."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from doubles import png
from processes import wait_for
from sse import announce
from test_api import complete, submit
from test_socketio import follow  # noqa: F401, a fixture
from websocket_client import TEXT, WebSocket

KEY = {"X-API-Key": "the-key"}
LAST_WORDS = "the watch token has expired"
TOO_LATE = None


@pytest.fixture
def keyed(stack):
    stack.start("api", SHOTFLEET_API_KEYS="the-key", SHOTFLEET_TOKEN_SECRETS="secret")
    return stack


def token_for(job, expires_s):
    """As api writes it; so a test chooses the second."""
    claim = f"c.{job}.{expires_s}."
    digest = hmac.digest(b"secret", f"shotfleet watch\n{claim}".encode(), hashlib.sha256)
    return claim + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def in_time(attempt):
    """With tokens good for so many seconds; longer where this machine is slow."""
    for seconds in (4, 15, 60):
        done = attempt(int(time.time()) + seconds)
        if done is not TOO_LATE:
            return done
    raise AssertionError("slower than a minute")


def queued(stack, count):
    return [submit(stack, KEY, url="https://example.com/").json()["jobId"]
            for _ in range(count)]


def test_a_stream_of_events_ends_with_its_token(keyed, events):
    [job] = queued(keyed, 1)
    path = f"/v1/captures/{job}/events"
    lasting = events(path, KEY)
    longer = events(f"{path}?token={token_for(job, int(time.time()) + 3000)}")

    def attempt(until):
        stream = events(f"{path}?token={token_for(job, until)}")
        return (stream, until) if stream.answer.status == 200 else TOO_LATE

    stream, until = in_time(attempt)
    assert stream.ended.wait(until - time.time() + 30)
    assert time.time() >= until
    assert stream.events[-1] == ("unauthorized", {"code": "UNAUTHORIZED", "detail": LAST_WORDS})
    # who comes back is refused, and an EventSource stops
    assert keyed.api("GET", f"{path}?token={token_for(job, until)}").status == 401
    announce(keyed, job, "queued")
    assert lasting.names() == longer.names() == ["queued"]
    assert not lasting.ended.is_set() and not longer.ended.is_set()
    assert keyed.metrics("api")['shotfleet_api_live_ended_total{why="refused"}'] == 1


def listen(ws, names):
    """The next message that is no news of a capture."""
    while True:
        message = ws.receive()
        if message["event"] in names:
            return message


def test_a_socket_loses_what_expires_and_ends_with_the_last(keyed):
    short, renewed, other = queued(keyed, 3)

    def attempt(first):
        last = first + 3
        ws = WebSocket(keyed.ports["api"], f"/v1/live?token={token_for(short, first)}")
        if ws.status != 101:
            return TOO_LATE
        for job, until in ((short, None), (renewed, first), (other, last), (renewed, last)):
            ws.send({"subscribe": job, **({"token": token_for(job, until)} if until else {})})
            if listen(ws, ("subscribed", "error"))["event"] == "error":
                ws.close()
                return TOO_LATE
        return ws, first, last

    ws, first, last = in_time(attempt)
    assert listen(ws, ("error",)) == {"event": "error", "code": "UNAUTHORIZED",
                                      "detail": LAST_WORDS, "jobId": short}
    assert time.time() >= first
    assert ws.until_close() == (1008, LAST_WORDS)
    assert time.time() >= last
    ws.close()


def test_a_socket_that_follows_nothing_any_more_ends_too(keyed):
    [job] = queued(keyed, 1)
    complete(keyed, job, png())

    def attempt(until):
        ws = WebSocket(keyed.ports["api"], f"/v1/live?token={token_for(job, until)}")
        if ws.status != 101:
            return TOO_LATE
        ws.send({"subscribe": job})
        if listen(ws, ("screenshot-ready", "error"))["event"] == "error":
            return TOO_LATE
        return ws, until

    ws, until = in_time(attempt)
    assert ws.until_close() == (1008, LAST_WORDS)
    assert time.time() >= until
    ws.close()


def test_with_a_key_a_socket_needs_no_token(keyed):
    job, other = queued(keyed, 2)
    ws = WebSocket(keyed.ports["api"], headers=KEY)
    until = int(time.time()) + 2
    ws.send({"subscribe": job, "token": token_for(job, until)})
    assert listen(ws, ("subscribed", "error"))["event"] == "subscribed"
    wait_for(lambda: keyed.api("GET", f"/v1/captures/{job}?token={token_for(job, until)}").status
             == 401, 30, "the token to expire")
    complete(keyed, job, png())
    announce(keyed, job, "completed")
    assert listen(ws, ("screenshot-ready", "error"))["event"] == "screenshot-ready"
    ws.close()


def packets(ws, wanted):
    """Packets of Socket.IO until one begins with `wanted`."""
    heard = []
    while not heard or not heard[-1].startswith(wanted):
        opcode, payload = ws.receive_frame()
        assert opcode == TEXT, payload
        if payload == b"2":
            ws.send("3")
        else:
            heard += payload.decode().split("\x1e")
    return heard


def test_a_client_of_socket_io_ends_with_its_token(keyed):
    short, other = queued(keyed, 2)

    def attempt(first):
        last = first + 2
        ws = WebSocket(keyed.ports["api"], "/socket.io/?EIO=4&transport=websocket")
        ws.send("40" + json.dumps({"token": token_for(short, first)}))
        if packets(ws, "4")[-1].startswith("44"):
            return TOO_LATE
        ws.send("420" + json.dumps(["subscribe", short]))
        ws.send("421" + json.dumps(["subscribe", other, {"token": token_for(other, last)}]))
        if any("error" in p for p in packets(ws, "431")):
            return TOO_LATE
        return ws, first, last

    ws, first, last = in_time(attempt)
    refusal = {"code": "UNAUTHORIZED", "detail": LAST_WORDS}
    heard = packets(ws, '42["live-error"')
    assert json.loads(heard[-1][2:])[1] == {**refusal, "jobId": short}
    assert time.time() >= first
    errors = [p for p in packets(ws, "41") if p.startswith('42["live-error"')]
    assert time.time() >= last
    assert [json.loads(p[2:])[1] for p in errors] == [refusal]
    ws.close()


def test_a_polling_client_of_socket_io_hears_the_last_words(keyed, follow):
    [job] = queued(keyed, 1)

    def attempt(until):
        client = follow("polling", [["subscribe", job]], auth={"token": token_for(job, until)})
        wait_for(lambda: client.all("queued") or client.all("connect_error")
                 or client.all("disconnect"), 60, "an answer")
        return (client, until) if client.all("queued") else TOO_LATE

    client, until = in_time(attempt)
    assert client.wait("disconnect", timeout_s=90)[0][0] == "io server disconnect"
    assert time.time() >= until
    assert client.all("live-error") == [[{"code": "UNAUTHORIZED", "detail": LAST_WORDS}]]
