"""Ingest's door with raw sockets: heads, patience and connections have limits."""

import contextlib
import os
import resource
import signal
import socket

import pytest

from doubles import sign_webhook
from processes import wait_for

BODY = b'{"success":true}'


@contextlib.contextmanager
def connection(stack, address="127.0.0.1"):
    with socket.socket() as s:
        s.settimeout(20)
        s.bind((address, 0))
        s.connect(("127.0.0.1", stack.ports["ingest"]))
        yield s


def webhook(stack, head_bytes=None, body=BODY, **more):
    """A signed request, its head as long as asked for."""
    headers = {"Host": "x", "Content-Length": len(body), "X-Padding": "",
               **sign_webhook(body, stack.webhook_secret), **more}

    def head():
        lines = [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(["POST /webhooks/screenshotly HTTP/1.1", *lines, "", ""]).encode()
    if head_bytes:
        headers["X-Padding"] = "x" * (head_bytes - len(head()))
    return head() + body


def status(s):
    """Of the next answer; 0 when the connection was closed instead."""
    try:
        answer = s.recv(65536)
    except ConnectionResetError:
        return 0
    return int(answer.split()[1]) if answer else 0


def is_served(s, stack):
    try:
        s.sendall(webhook(stack))
    except OSError:
        return False
    return status(s) == 200


def refusals(stack, reason):
    return stack.metrics("ingest")[f'shotfleet_http_refusals_total{{reason="{reason}"}}']


def connections(stack):
    return stack.metrics("ingest")["shotfleet_http_connections"]


@pytest.mark.parametrize("limit", [2048, 4096, 16384])
def test_heads_at_their_limit(stack, limit):
    stack.start("ingest", SHOTFLEET_MAX_HEAD_BYTES=limit)
    for size, expected in [(limit - 1, 200), (limit, 200), (limit + 1, 431)]:
        with connection(stack) as s:
            s.sendall(webhook(stack, size))
            assert status(s) == expected
    assert refusals(stack, "head_size") == 1
    assert "refused an HTTP request" in stack.log("ingest")


def test_what_waits_for_a_word_is_refused_before_it_sends(stack):
    stack.start("ingest", SHOTFLEET_MAX_BODY_BYTES=1024)
    for length, expected in [(1024, 100), (1025, 413)]:
        with connection(stack) as s:
            request_ = webhook(stack, body=b"x" * length, Expect="100-continue")
            s.sendall(request_[:-length])
            assert status(s) == expected
    assert refusals(stack, "size") == 1


def test_webhooks_in_a_row_without_waiting(stack):
    stack.start("ingest")
    with connection(stack) as s:
        s.sendall(webhook(stack) * 20)
        answers = b""
        while answers.count(b"\r\n\r\n{") < 20:
            piece = s.recv(65536)
            assert piece, answers
            answers += piece
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 20
    assert stack.redis.xlen("shotfleet:webhook") == 20


def test_connections_of_one_address(stack):
    stack.start("ingest", SHOTFLEET_MAX_CONNECTIONS_PER_ADDRESS=2,
                SHOTFLEET_INGEST_PROCESSES=1, SHOTFLEET_TRUSTED_PROXIES="127.0.0.4")
    with contextlib.ExitStack() as open_ones:
        def open_from(address):
            return is_served(open_ones.enter_context(connection(stack, address)), stack)

        assert [open_from("127.0.0.2") for _ in range(3)] == [True, True, False]
        assert open_from("127.0.0.3")
        assert all(open_from("127.0.0.4") for _ in range(5))  # many come through it
        assert refusals(stack, "address_limit") == 1
        assert connections(stack) == 8
    wait_for(lambda: connections(stack) == 0)


def test_a_reload_makes_an_address_a_proxy(stack, tmp_path):
    proxies = tmp_path / "proxies"
    proxies.write_text("192.0.2.1")
    stack.start("ingest", SHOTFLEET_MAX_CONNECTIONS_PER_ADDRESS=1,
                SHOTFLEET_INGEST_PROCESSES=1, SHOTFLEET_TRUSTED_PROXIES_FILE=proxies)
    with connection(stack) as first, connection(stack) as second:
        assert is_served(first, stack)
        assert not is_served(second, stack)
        proxies.write_text("127.0.0.1")
        os.kill(stack.programs["ingest"].process.pid, signal.SIGHUP)
        wait_for(lambda: "reloaded" in stack.log("ingest"))
        with connection(stack) as third:
            assert is_served(third, stack)


def test_few_open_files_mean_fewer_connections(stack):
    """The hard limit of the supervisor's next child."""
    stack.start("ingest", SHOTFLEET_INGEST_PROCESSES=1)
    parent = stack.programs["ingest"].process.pid
    resource.prlimit(parent, resource.RLIMIT_NOFILE, (100, 600))
    stack.kill("ingest", signal.SIGKILL, child=0)
    wait_for(lambda: "taking 344 connections instead of 10000" in stack.log("ingest"))
    stack.wait_ready("ingest")
    with connection(stack) as s:
        assert is_served(s, stack)
