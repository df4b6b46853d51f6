"""The world around shotfleet-capture: pages, a webhook receiver, the program."""

import contextlib
import hashlib
import hmac
import http.server
import json
import os
import queue
import signal
import struct
import subprocess
import threading
import urllib.parse
import zlib

import pytest

from processes import descendants, free_port, wait_for
from web import request

BIN = os.environ.get("SHOTFLEET_BIN", "build/dev/bin")
SECRET = "whsec_capture_test"
LOOPBACK = "127.0.0.1/32"
NOWHERE = "10.255.255.1"  # private: refused without being connected to
BLUE = (0x33, 0x66, 0x99)  # the colour of the pages


def size_of(picture):
    """(format, width, height)"""
    if picture.startswith(b"\x89PNG\r\n\x1a\n"):
        return ("png", *struct.unpack(">II", picture[16:24]))
    if picture.startswith(b"RIFF") and picture[8:12] == b"WEBP":
        if picture[12:16] == b"VP8 ":
            w, h = struct.unpack("<HH", picture[26:30])
            return "webp", w & 0x3FFF, h & 0x3FFF
        if picture[12:16] == b"VP8X":
            w, h = picture[24:27], picture[27:30]
            return ("webp", int.from_bytes(w, "little") + 1,
                    int.from_bytes(h, "little") + 1)
    if picture.startswith(b"\xff\xd8"):
        at = 2
        while picture[at + 1] not in (0xC0, 0xC1, 0xC2):
            at += 2 + int.from_bytes(picture[at + 2:at + 4], "big")
        h, w = struct.unpack(">HH", picture[at + 5:at + 9])
        return "jpeg", w, h
    raise AssertionError(f"no picture: {picture[:40]!r}")


def pixel(png, x, y):
    """The colour of one pixel of a PNG: (r, g, b) or (r, g, b, a)."""
    at, data, depth = 8, b"", 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"IHDR":
            width, _, depth, color = struct.unpack(">IIBB", png[at + 8:at + 18])
        elif kind == b"IDAT":
            data += png[at + 8:at + 8 + length]
        at += 12 + length
    n = {2: 3, 6: 4}[color]
    assert depth == 8
    stride = width * n
    raw = zlib.decompressobj().decompress(data, (y + 1) * (stride + 1))
    above = bytearray(stride)
    for row in range(y + 1):
        start = row * (stride + 1)
        line = bytearray(raw[start + 1:start + 1 + stride])
        kind = raw[start]
        for i in range(stride if kind else 0):
            a = line[i - n] if i >= n else 0
            b = above[i]
            c = above[i - n] if i >= n else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        above = line
    return tuple(above[x * n:x * n + n])


class Pages(http.server.ThreadingHTTPServer):
    """Answers by path; remembers every request; hangs until it is released."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PageHandler)
        self.seen = []
        self.release = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path="/", host="127.0.0.1"):
        return f"http://{host}:{self.server_port}{path}"

    def hits(self, path):
        return [r for r in self.seen if r["path"].split("?")[0] == path]

    def handle_error(self, *_):
        pass  # Chromium hangs up on pages that it no longer wants


class PageHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, body, status=200, **headers):
        self.send_response(status)
        headers = {"Content-Type": "text/html; charset=utf-8", **headers}
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.note(body)
        self.send("thanks")

    def note(self, body=b""):
        self.server.seen.append({"method": self.command, "path": self.path,
                                 "headers": dict(self.headers), "body": body})

    def do_GET(self):
        self.note()
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        name = parts.path.strip("/") or "plain"
        getattr(self, f"page_{name}", self.page_missing)(query)

    def page_missing(self, _):
        self.send("<h1>not here</h1>", 404)

    def page_plain(self, query):
        self.send(f"<body style='background:{query.get('color', '#336699')}'>"
                  f"<h1 id=title>Plain</h1>")

    def page_tall(self, query):
        self.send("<meta name=viewport content='width=device-width'>"
                  "<body style='margin:0'><div style='background:#336699;"
                  f"height:{query['height']}px'></div>")

    def page_desktop_only(self, _):
        # No viewport tag: a phone lays it out 980 wide and shows it smaller.
        self.send("<body style='margin:0;width:980px;height:1960px;"
                  "background:#336699'>")

    def page_status(self, query):
        self.send(query.get("body", ""), int(query["code"]))

    def page_redirect(self, query):
        self.send("", int(query.get("code", 302)), Location=query["to"])

    def page_hang(self, _):
        self.server.release.wait(30)
        self.send("late")

    def page_spin(self, _):
        self.send("<script>for (;;);</script>")

    def page_half(self, _):
        self.send("<h1>half</h1><img src=/hang>")

    def page_alert(self, _):
        self.send("<body style='background:#336699'><script>alert(1);"
                  "confirm(2);prompt(3);onbeforeunload=()=>1</script>")

    def page_download(self, _):
        self.send("zip", Content_Type="application/zip",
                  Content_Disposition="attachment; filename=a.zip")

    def page_cookie(self, _):
        self.send("<h1>cookie</h1>", Set_Cookie="visited=yes; Path=/")

    def page_post(self, query):
        self.send("<script>fetch('/received', {method: 'POST', "
                  f"body: 'x'.repeat({query['bytes']})}})"
                  ".then(() => document.body.id = 'sent')</script><body>")

    def page_many(self, query):
        self.send("".join(f"<img src='/dot?n={i}'>"
                          for i in range(int(query["images"]))))

    def page_dot(self, _):
        self.send("<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>",
                  Content_Type="image/svg+xml")

    def page_spy(self, query):
        """Tries to reach `to` in every way that a page has."""
        to = query["to"]
        self.send(f"<img src='{to}/img'><iframe src='{to}/frame'></iframe>"
                  f"<link rel=stylesheet href='{to}/css'>"
                  f"<script>fetch('{to}/fetch', {{mode: 'no-cors'}});"
                  f"new WebSocket('{to}/ws'.replace('http', 'ws'));"
                  f"navigator.sendBeacon('{to}/beacon', 'x')</script>")

    def page_call(self, query):
        """Asks a STUN server for its address, as video calls do."""
        self.send("<script>const call = new RTCPeerConnection("
                  f"{{iceServers: [{{urls: 'stun:{query['to']}'}}]}});"
                  "call.createDataChannel('x');"
                  "call.createOffer().then((o) => call.setLocalDescription(o));"
                  "call.onicecandidate = (e) => { if (!e.candidate) "
                  "document.body.id = 'gathered'; }</script><body>")

    def page_later(self, query):
        self.send("<body style='background:#ff0000'><script>setTimeout(() => "
                  "document.body.style.background = '#336699', "
                  f"{query['ms']})</script>")

    def page_appears(self, query):
        self.send("<script>setTimeout(() => document.body.innerHTML = "
                  "'<p id=late style=\"width:120px;height:40px\">late</p>', "
                  f"{query['ms']})</script>")

    def page_dark(self, _):
        self.send("<style>body {background: #ff0000} "
                  "@media (prefers-color-scheme: dark) "
                  "{body {background: #336699}}</style>")


class Receiver(http.server.ThreadingHTTPServer):
    """Takes webhooks, checks their signatures, answers what it is told to."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ReceiverHandler)
        self.arrived = queue.Queue()
        self.answers = []  # statuses to give first, then 200
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def next(self, event, timeout_s=15):
        """The next webhook of this kind, with what came before it."""
        before = []
        while True:
            got = self.arrived.get(timeout=timeout_s)
            if got["json"]["event"] == f"screenshot.{event}":
                return got, before
            before.append(got)


class ReceiverHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stamp = self.headers["X-Screenshotly-Timestamp"]
        expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body,
                            hashlib.sha256).hexdigest()
        got = {"path": self.path, "json": json.loads(body), "stamp": int(stamp),
               "signed": self.headers["X-Screenshotly-Signature"] == expected,
               "type": self.headers["Content-Type"]}
        final = not got["json"]["event"].endswith("progress")
        status = 200
        if final and self.server.answers:
            status = self.server.answers.pop(0)
        got["answered"] = status
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.arrived.put(got)


@pytest.fixture(scope="module")
def page_server():
    server = Pages()
    yield server
    server.release.set()
    server.shutdown()


@pytest.fixture
def pages(page_server):
    page_server.seen.clear()
    page_server.release.clear()
    yield page_server
    page_server.release.set()  # nobody has to hang on


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.shutdown()


class Capture:
    def __init__(self, folder, ready=True, **settings):
        self.port, self.admin_port = free_port(), free_port()
        self.folder = folder
        self.log = folder / "capture.log"
        self.env = {
            "PATH": os.environ["PATH"],
            "SHOTFLEET_CAPTURE_LISTEN": f"127.0.0.1:{self.port}",
            "SHOTFLEET_ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}",
            "SHOTFLEET_CAPTURE_DIR": str(folder / "capture"),
            "SHOTFLEET_CAPTURE_TIMEOUT_MS": "15000",
            "SHOTFLEET_WEBHOOK_SECRETS": f"{SECRET},whsec_older",
            "SHOTFLEET_FETCH_ALLOW": LOOPBACK,
            "SHOTFLEET_GRACE_S": "10",
        }
        for name, value in settings.items():
            self.env[f"SHOTFLEET_{name.upper()}"] = value
        self.start(ready)

    def start(self, ready=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([f"{BIN}/shotfleet-capture"],
                                            env=self.env, stderr=log)
        wait_for(self.is_ready if ready else self.is_there, 30,
                 "shotfleet-capture to be ready")

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            return self.admin("/readyz").status == 200

    def is_there(self):
        with contextlib.suppress(OSError):
            return self.admin("/healthz").status == 200

    def admin(self, path):
        return request("GET", f"http://127.0.0.1:{self.admin_port}{path}")

    def metric(self, series):
        for line in self.admin("/metrics").body.decode().splitlines():
            if line.startswith(series + " "):
                return float(line.split()[-1])
        raise AssertionError(f"no metric {series}")

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, options, path="/screenshot", headers=None, timeout_s=30):
        return request("POST", self.url(path), options, headers, timeout_s)

    def shoot(self, url=None, **options):
        if url:
            options["url"] = url
        options.setdefault("device", "mobile")  # small is fast
        answer = self.post(options)
        assert answer.status == 200, answer
        return answer

    def submit(self, url, **options):
        answer = self.post({"url": url, "async": True, "device": "mobile", **options})
        assert answer.status == 202, answer
        return answer.json()["jobId"]

    def status(self, job):
        return request("GET", self.url(f"/screenshot/{job}"))

    def chromium(self, kind=None):
        """Pids of Chromium's processes: of the main one, or of renderers."""
        found = []
        for pid in descendants(self.process.pid):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline") as f:
                # A zygote's child writes its arguments with blanks between.
                arguments = f.read().replace("\0", " ").split()
                if (arguments and "/usr/lib/chromium" in arguments[0]
                        and (f"--type={kind}" in arguments if kind else
                             not any(a.startswith("--type=") for a in arguments))):
                    found.append(pid)
        return sorted(found)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        assert code == 0, self.log.read_text()
        assert "ERROR: " not in self.log.read_text()


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """For every test that leaves it as it was."""
    program = Capture(tmp_path_factory.mktemp("capture"))
    yield program
    program.stop()


@pytest.fixture
def start(tmp_path):
    """Starts one with settings of its own."""
    started = []

    def start(**settings):
        started.append(Capture(tmp_path, **settings))
        return started[-1]

    yield start
    for program in started:
        program.stop()


def refused(answer, status, code, *words):
    assert answer.status == status, answer
    body = answer.json()
    assert body["code"] == code, answer
    for word in words:
        assert word in body["message"], answer
    assert body["error"]
