"""The built-in provider: where a page may go, and where not."""

import socket
import urllib.parse

import pytest

from capture_world import (Receiver, capture, page_server, pages, receiver, refused,
                           start)
from processes import wait_for


def test_loopback_is_blocked_unless_allowed(start, pages, receiver):
    other = Receiver()
    capture = start(fetch_allow="", webhook_url=receiver.url("/ours"))
    for host in ("127.0.0.1", "localhost", "[::1]", "127.1", "[::ffff:127.0.0.1]"):
        answer = capture.post({"url": pages.url(host=host)})
        refused(answer, 403, "ADDRESS_BLOCKED")
    proxy = proxy_port(capture)
    answer = capture.post({"url": f"http://127.0.0.1:{proxy}/"})
    refused(answer, 403, "ADDRESS_BLOCKED")
    # A page of ours may load nothing from there either, however it tries.
    page = pages.url("/spy").split("?")[0]
    html = (f"<img src='{page}'><iframe src='{page}'></iframe>"
            f"<script>fetch('{page}', {{mode: 'no-cors'}})</script>")
    capture.shoot(html=html, waitForNetworkIdle=True)
    assert pages.seen == []
    # Nor are webhooks sent there, but to the operator's own receiver.
    capture.submit(None, html="x", webhookUrl=other.url())
    wait_for(lambda: "could not deliver webhook" in capture.log.read_text(),
             what="the webhook to be given up")
    capture.submit(None, html="x", webhookUrl=receiver.url("/theirs"))
    assert receiver.next("completed")[0]["path"] == "/theirs"
    assert other.arrived.empty()
    other.shutdown()


def test_what_a_page_may_not_load(capture, pages):
    """From an allowed page to an address that is not."""
    with socket.socket() as s:
        s.bind(("127.0.0.2", 0))
        s.listen()
        s.setblocking(False)
        spy = pages.url("/spy?to=" + urllib.parse.quote(
            f"http://127.0.0.2:{s.getsockname()[1]}"))
        capture.shoot(spy, waitForNetworkIdle=True)
        with pytest.raises(BlockingIOError):
            s.accept()


def test_no_datagram_leaves_a_page(capture, pages):
    """WebRTC's do not go through a proxy."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.setblocking(False)
        to = f"127.0.0.1:{s.getsockname()[1]}"
        answer = capture.post({"url": pages.url(f"/call?to={to}"), "timeout": 5000,
                               "waitForSelector": "#gathered"})
        with pytest.raises(BlockingIOError):
            s.recv(100)
        assert answer.status == 200, answer


def proxy_port(capture):
    main = capture.chromium()[0]  # a fork of it may look the same for a moment
    with open(f"/proc/{main}/cmdline") as f:
        [url] = [a for a in f.read().split("\0") if a.startswith("--proxy-server=")]
    return int(url.rsplit(":", 1)[1])


@pytest.mark.parametrize("head, status", [
    (b"CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"403"),
    (b"CONNECT nowhere.invalid:443 HTTP/1.1\r\n\r\n", b"502"),
    (b"CONNECT 10.0.0.1 HTTP/1.1\r\n\r\n", b"400"),
    (b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"403"),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"400"),
    (b"GET file:///etc/passwd HTTP/1.1\r\n\r\n", b"400"),
    (b"GET https://127.0.0.1/ HTTP/1.1\r\n\r\n", b"400"),
    (b"GET http://127.0.0.1/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
    (b"GET http://127.0.0.1/ HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", b"400"),
    (b"nonsense\r\n\r\n", b"400"),
    (b"GET http://127.0.0.1/" + b"a" * 70000, b"400"),
])
def test_the_proxy_by_itself(capture, head, status):
    with socket.create_connection(("127.0.0.1", proxy_port(capture))) as s:
        s.settimeout(10)
        s.sendall(head)
        answer = s.recv(4096)
        assert answer.split(b" ")[1] == status
        assert b"X-Shotfleet-Refused: " in answer


def test_the_proxy_replaces_the_host(capture, pages):
    with socket.create_connection(("127.0.0.1", proxy_port(capture))) as s:
        s.settimeout(10)
        s.sendall(f"GET {pages.url('/dot')} HTTP/1.1\r\nHost: elsewhere\r\n"
                  "Proxy-Connection: keep-alive\r\nX-Kept: 1\r\n\r\n".encode())
        assert s.recv(4096).startswith(b"HTTP/1.1 200")
    [seen] = pages.hits("/dot")
    assert seen["headers"]["Host"] == f"127.0.0.1:{pages.server_port}"
    assert seen["headers"]["X-Kept"] == "1"
    assert "Proxy-Connection" not in seen["headers"]
