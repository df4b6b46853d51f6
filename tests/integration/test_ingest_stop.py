"""SIGTERM to ingest: what was answered 200 is in the stream, and all of it is answered."""

import concurrent.futures
import http.client
import os
import signal
import socket

import pytest

from doubles import sign_webhook
from processes import wait_for
from web import request

BODY = b'{"success":true}'
STREAM = "shotfleet:webhook"
PATH = "/webhooks/screenshotly"


def send(stack):
    headers = sign_webhook(BODY, stack.webhook_secret)
    return request("POST", stack.ingest_url + PATH, BODY, headers, timeout_s=60)


def entries(stack):
    return [entry.decode() for entry, _ in stack.redis.xrange(STREAM)]


def refuses(stack):
    try:
        socket.create_connection(("127.0.0.1", stack.ports["ingest"]), 20).close()
    except ConnectionRefusedError:
        return True
    return False


def is_closed(peer):
    try:
        return peer.recv(1000) == b""
    except ConnectionResetError:
        return True


@pytest.fixture
def held(stack):
    """Stops Redis in its tracks, so that webhooks stay in flight, and lets it go on."""
    redis = stack.redis_server.process.pid
    yield lambda stop: os.kill(redis, signal.SIGSTOP if stop else signal.SIGCONT)
    os.kill(redis, signal.SIGCONT)


@pytest.mark.parametrize("processes", [1, 2])
def test_webhooks_in_flight_are_answered_before_it_ends(stack, held, processes):
    in_flight = 6
    ingest = stack.start("ingest", SHOTFLEET_INGEST_PROCESSES=processes, SHOTFLEET_GRACE_S=60,
                         SHOTFLEET_REDIS_DEADLINE_MS=60000)
    address = ("127.0.0.1", stack.ports["ingest"])
    idle = http.client.HTTPConnection(*address, timeout=60)
    idle.request("POST", PATH, BODY, sign_webhook(BODY, stack.webhook_secret))
    assert idle.getresponse().read()
    assert idle.sock  # it is kept
    half = socket.create_connection(address, 60)
    head = "".join(f"{n}: {v}\r\n" for n, v in sign_webhook(BODY, stack.webhook_secret).items())
    half.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n{head}\r\n"
                 .encode() + BODY[:-1])
    [before] = entries(stack)
    held(True)
    with concurrent.futures.ThreadPoolExecutor(in_flight) as pool:
        sent = [pool.submit(send, stack) for _ in range(in_flight)]
        wait_for(lambda: stack.metrics("ingest")["shotfleet_webhooks_in_flight"] == in_flight, 60,
                 "all of them to wait for Redis")
        ingest.process.send_signal(signal.SIGTERM)
        wait_for(lambda: refuses(stack), 60, "the door to be closed")
        assert ingest.process.poll() is None
        assert not any(s.done() for s in sent)  # neither dropped nor promised
        held(False)
        answers = [s.result(60) for s in sent]
    assert [a.status for a in answers] == [200] * in_flight
    assert [a.headers["Connection"] for a in answers] == ["close"] * in_flight
    assert ingest.process.wait(60) == 0
    assert sorted(entries(stack)) == sorted([before] + [a.json()["receipt"] for a in answers])
    assert is_closed(half)  # never whole, and never answered
    assert is_closed(idle.sock)
    half.close()
    idle.close()
    stack.stop("ingest")


def test_webhooks_that_come_all_the_time(stack):
    """Whatever moment it is: as many 200 as entries, and the same ones."""
    stack.start("ingest", SHOTFLEET_INGEST_PROCESSES=2, SHOTFLEET_GRACE_S=60,
                SHOTFLEET_REDIS_DEADLINE_MS=60000)

    def keep_sending():
        receipts = []
        while True:
            try:
                answer = send(stack)
            except (OSError, http.client.HTTPException):  # refused or closed: not accepted
                if refuses(stack):
                    return receipts
                continue
            assert answer.status == 200
            receipts.append(answer.json()["receipt"])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(keep_sending) for _ in range(4)]
        wait_for(lambda: stack.redis.xlen(STREAM) >= 100, 60, "a stream of webhooks")
        stack.stop("ingest")  # it has to end with 0
        receipts = [r for s in senders for r in s.result(60)]
    assert len(receipts) >= 100
    assert sorted(receipts) == sorted(entries(stack))
