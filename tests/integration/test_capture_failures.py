"""The built-in provider: pages, URLs and requests that are none."""

import contextlib
import socket
import socketserver
import ssl
import subprocess
import threading

import pytest

from capture_world import (NOWHERE, capture, page_server, pages, refused)
from web import request


@pytest.mark.parametrize("path, status, code, words", [
    ("/status?code=500", 502, "HTTP_ERROR", ["500"]),
    ("/status?code=503&body=busy", 502, "HTTP_ERROR", ["503"]),
    ("/status?code=404", 502, "HTTP_ERROR", ["404"]),
    ("/status?code=400&body=x", 502, "HTTP_ERROR", ["400"]),
    ("/redirect?to=/status?code%3D410", 502, "HTTP_ERROR", ["410"]),
    ("/download", 502, "HTTP_ERROR", ["download"]),
    ("/redirect?to=file:///etc/passwd", 400, "INVALID_URL", ["redirects"]),
    (f"/redirect?to=http://{NOWHERE}/", 403, "ADDRESS_BLOCKED", [NOWHERE]),
    (f"/redirect?to=https://{NOWHERE}/", 403, "ADDRESS_BLOCKED", [NOWHERE]),
    ("/redirect?to=http://[::1]:1234/", 403, "ADDRESS_BLOCKED", ["::1"]),
])
def test_a_page_that_is_none(capture, pages, path, status, code, words):
    refused(capture.post({"url": pages.url(path)}), status, code, *words)


@pytest.mark.parametrize("url, status, code", [
    ("http://does-not-exist.invalid/", 502, "NETWORK_ERROR"),
    ("https://does-not-exist.invalid/", 502, "NETWORK_ERROR"),
    (f"http://{NOWHERE}/", 403, "ADDRESS_BLOCKED"),
    (f"https://{NOWHERE}:8443/", 403, "ADDRESS_BLOCKED"),
    ("http://169.254.169.254/latest/meta-data/", 403, "ADDRESS_BLOCKED"),
    ("http://0.0.0.0/", 403, "ADDRESS_BLOCKED"),
    ("http://[::ffff:10.0.0.1]/", 403, "ADDRESS_BLOCKED"),
    ("http://0x0a000001/", 403, "ADDRESS_BLOCKED"),
    ("file:///etc/passwd", 400, "INVALID_URL"),
    ("FILE:///etc/passwd", 400, "INVALID_URL"),
    ("chrome://version", 400, "INVALID_URL"),
    ("javascript:alert(1)", 400, "INVALID_URL"),
    ("data:text/html,x", 400, "INVALID_URL"),
    ("view-source:http://example.com/", 400, "INVALID_URL"),
    ("ftp://example.com/", 400, "INVALID_URL"),
    ("not a url", 400, "INVALID_URL"),
    ("http://", 400, "INVALID_URL"),
    ("http:///path", 400, "INVALID_URL"),
    ("http://[::1", 400, "INVALID_URL"),
    ("http://a:99999/", 400, "INVALID_URL"),
    ("http://example.com/\n", 400, "INVALID_URL"),
    ("http://" + "a" * 8193, 400, "INVALID_URL"),
])
def test_a_url_that_is_no_page(capture, url, status, code):
    refused(capture.post({"url": url}), status, code)


def test_nobody_listens(capture):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{s.getsockname()[1]}/"
        refused(capture.post({"url": url}), 502, "NETWORK_ERROR", "127.0.0.1")


def test_a_certificate_that_nobody_knows(capture, tmp_path):
    """Which also shows that https goes through the proxy's tunnel."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                    "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                context.wrap_socket(self.request, server_side=True)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_address[1]}/"
        refused(capture.post({"url": url}), 502, "NETWORK_ERROR", "CERT")
        server.shutdown()


@pytest.mark.parametrize("options, word", [
    (b"", "JSON"), (b"[]", "JSON"), (b'{"url": "http://a/",}', "JSON"),
    ({}, "url"), ({"html": ""}, "url"), ({"url": "http://a/", "html": "x"}, "url"),
    ({"url": 5}, "url"),
    ({"width": 319}, "width"), ({"width": 3841}, "width"),
    ({"width": 400.5}, "width"), ({"width": "400"}, "width"),
    ({"height": 239}, "height"), ({"height": 3841}, "height"),
    ({"viewport": {"width": 319}}, "viewport.width"), ({"viewport": 1}, "viewport"),
    ({"deviceScaleFactor": 0.9}, "deviceScaleFactor"),
    ({"deviceScaleFactor": 3.1}, "deviceScaleFactor"),
    ({"width": 3840, "height": 3840, "deviceScaleFactor": 3}, "deviceScaleFactor"),
    ({"device": "watch"}, "device"), ({"format": "gif"}, "format"),
    ({"quality": -1}, "quality"), ({"quality": 101}, "quality"),
    ({"delay": -1}, "delay"), ({"delay": 10001}, "delay"),
    ({"timeout": 0}, "timeout"), ({"timeout": 120001}, "timeout"),
    ({"fullPage": "yes"}, "fullPage"), ({"blockAds": True}, "blockAds"),
    ({"headers": {"Host": "b"}}, "headers.Host"),
    ({"headers": {"X": "a\r\nB: c"}}, "headers.X"),
    ({"headers": {"a b": "c"}}, "headers.a b"),
    ({"cookies": [{"value": "x"}]}, "cookies.name"),
    ({"geolocation": {"latitude": 91, "longitude": 0}}, "geolocation.latitude"),
    ({"clip": {"width": 10}}, "clip"), ({"hideSelectors": "p"}, "hideSelectors"),
    ({"async": True, "webhookUrl": "ftp://a/"}, "webhookUrl"),
])
def test_a_request_that_is_none(capture, options, word):
    if isinstance(options, dict) and not {"url", "html"} & options.keys() and options:
        options = {"url": f"http://{NOWHERE}/", **options}
    refused(capture.post(options), 400, "INVALID_REQUEST", word)


@pytest.mark.parametrize("options", [
    {"width": 320, "height": 240}, {"width": 3840, "height": 3840},
    {"quality": 0}, {"quality": 100}, {"delay": 0}, {"timeout": 120000},
    {"blockAds": False}, {"somethingElse": [1]}, {"selector": None},
])
def test_bounds_and_unknown_keys_are_fine(capture, options):
    answer = capture.post({"url": f"http://{NOWHERE}/", **options})
    refused(answer, 403, "ADDRESS_BLOCKED")


def test_addresses_that_are_nobodys(capture):
    assert request("GET", capture.url("/")).status == 404
    assert request("GET", capture.url("/screenshot")).status == 405
    assert request("PUT", capture.url("/screenshot")).status == 405
    assert request("GET", capture.url("/screenshots")).status == 404
    assert request("POST", capture.url("/images/x.png"), {}).status == 405
    for name in ("x.png", "../lock", "%2e%2e/lock", "a" * 36 + ".png", ""):
        assert request("GET", capture.url(f"/images/{name}")).status == 404
    unknown = "01890000-0000-7000-8000-000000000000"
    assert capture.status(unknown).status == 404


@pytest.mark.parametrize("path", ["/hang", "/half"])
def test_a_page_that_never_loads(capture, pages, path):
    answer = capture.post({"url": pages.url(path), "timeout": 700})
    refused(answer, 504, "TIMEOUT", "700 ms", "loading")


def test_a_script_that_never_ends(capture, pages):
    for timeout in (1000, 4000, 16000):  # on a busy machine loading alone takes the first
        answer = capture.post({"url": pages.url(), "timeout": timeout,
                               "javascript": "for (;;);"})
        refused(answer, 504, "TIMEOUT")
        if "javascript" in answer.json()["message"]:
            break
    refused(answer, 504, "TIMEOUT", "javascript")
    capture.shoot(pages.url())  # and nobody else suffers
