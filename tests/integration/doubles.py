"""Stand-ins for the outside world: a provider, pages, and what they send."""

import hashlib
import hmac
import http.server
import json
import struct
import threading
import time
import urllib.parse
import uuid
import zlib

from web import request


def sign_webhook(body, secret, ts_ms=None):
    """The headers of Screenshotly's dialect for these bytes."""
    ts_ms = int(time.time() * 1000) if ts_ms is None else ts_ms
    signed = str(ts_ms).encode() + b"." + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json",
            "X-Screenshotly-Signature": digest,
            "X-Screenshotly-Timestamp": str(ts_ms)}


def png(width=4, height=3, colour=(200, 30, 30)):
    """The bytes of a picture in one colour."""
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    rows = (b"\0" + bytes(colour) * width) * height
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


class HttpDouble:
    """An HTTP server in threads; `handle` answers with (status, headers, body)."""

    def __init__(self):
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                status, headers, data = double.handle(
                    self.command, self.path, self.headers, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *args):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, client_address):
                pass  # a client that went away is not an error of the test

        self.closing = threading.Event()
        self.server = Listener(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


class PageServer(HttpDouble):
    """Pages to capture: /fine, /error (500), /redirect, /slow (never ends), and
    what a test adds with `pages[path] = (status, headers, bytes)`."""

    def __init__(self):
        html = {"Content-Type": "text/html; charset=utf-8"}
        self.pages = {
            "/fine": (200, html, b"<!doctype html><title>fine</title>"
                      b"<body style='background:#2a6'><h1>fine</h1>"),
            "/error": (500, html, b"<h1>broken</h1>"),
            "/redirect": (302, {"Location": "/fine"}, b""),
        }
        self.asked = []  # paths, in order
        super().__init__()

    def handle(self, method, path, headers, body):
        self.asked.append(path)
        if path == "/slow":
            self.closing.wait()
        return self.pages.get(path.split("?")[0],
                              (404, {"Content-Type": "text/plain"}, b"no such page"))


class Capture:
    """One job at the provider double."""

    def __init__(self, double, body):
        self.id = uuid.uuid4().hex
        self.body = body  # as submitted, parsed
        self.url = body.get("url")
        self.webhook_url = body.get("webhookUrl", "")
        query = urllib.parse.urlsplit(self.webhook_url).query
        self.query = dict(urllib.parse.parse_qsl(query))
        self.job_id = self.query.get("jobId")  # the fleet's
        self.image_url = f"{double.url}/images/{self.id}.png"
        self.forgotten = False
        self.status = {"jobId": self.id, "status": "processing",
                       "completed": False, "failed": False}


class ProviderDouble(HttpDouble):
    """Speaks Screenshotly's API (POST /screenshot with async, GET
    /screenshot/{id}, GET /images/{id}.png) and does what the test says.

    `script(capture)` runs in its own thread once the submission has been
    answered; the default completes the capture and sends its webhook.  A lost
    webhook is `double.script = double.finish`; a repeated one calls send()
    twice; a reordered one sends in another order.

    `status(capture)` may return one for a question about the capture; all of them
    are in `questions`, by capture.

    `answer(capture)` may return (status, headers, body) instead of the usual
    202; it may also block, which makes the provider slow.
    """

    def __init__(self, secret, key=None):
        self.secret = secret
        self.key = key  # expected as a bearer token; None: any
        self.picture = png()
        self.serve_picture = lambda capture: None  # or (status, headers, body)
        self.captures = []
        self.refused = 0  # requests with a wrong key
        self.answers = []  # statuses that our webhooks got, in order
        self.script = self.complete
        self.answer = lambda capture: None
        self.status = lambda capture: None
        self.questions = []  # captures that the status API was asked about
        super().__init__()

    # what a script can do

    def finish(self, capture):
        """Done, and the status API says so; nobody is told."""
        capture.status.update(
            status="completed", completed=True, imageUrl=capture.image_url,
            metadata={"width": 4, "height": 3, "size": len(self.picture)})

    def break_down(self, capture, code="CAPTURE_ERROR", error="it broke"):
        """As finish(), but failed."""
        capture.status.update(status="failed", failed=True, error=error,
                              errorCode=code)

    def send(self, capture, event, secret=None, ts_ms=None, corrupt=False,
             **data):
        """Sends a webhook and returns the status of the answer.  The signature
        is over the intact body also when `corrupt` breaks it on its way."""
        body = json.dumps({"event": f"screenshot.{event}",
                           "data": {"jobId": capture.id, **data}}).encode()
        headers = sign_webhook(body, secret or self.secret, ts_ms)
        if corrupt:
            body = body[:-1] + b" "
        status = request("POST", capture.webhook_url, body, headers).status
        self.answers.append(status)
        return status

    def send_outcome(self, capture, **options):
        """The webhook for the state that the capture is in."""
        event = "completed" if capture.status["completed"] else "failed"
        names = ("imageUrl", "metadata", "error", "errorCode")
        data = {n: capture.status[n] for n in names if n in capture.status}
        return self.send(capture, event, **options, **data)

    def complete(self, capture):
        self.finish(capture)
        self.send_outcome(capture)

    def fail(self, capture, code="CAPTURE_ERROR", error="it broke"):
        self.break_down(capture, code, error)
        self.send_outcome(capture)

    def drop(self, capture):
        """Forever processing, and silent."""

    def forget(self, capture):
        """The status API answers 404 from now on."""
        capture.forgotten = True

    # HTTP

    def handle(self, method, path, headers, body):
        path = path.split("?")[0].removeprefix("/api")
        self.last_headers = headers
        if self.key and headers.get("Authorization") != f"Bearer {self.key}":
            if not path.startswith("/images/"):
                self.refused += 1
                return reply(401, {"error": "unauthorized", "code": "UNAUTHORIZED"})
        if method == "POST" and path == "/screenshot":
            return self._submit(json.loads(body))
        parts = path.split("/")
        name = parts[2].split(".")[0] if len(parts) == 3 else ""
        capture = next((c for c in self.captures if c.id == name and not c.forgotten), None)
        if capture and parts[1] == "screenshot":
            self.questions.append(capture)
            return self.status(capture) or reply(200, capture.status)
        if capture and parts[1] == "images":
            return self.serve_picture(capture) or (200, {"Content-Type": "image/png"}, self.picture)
        return reply(404, {"error": "not found", "code": "INVALID_REQUEST"})

    def _submit(self, body):
        capture = Capture(self, body)
        self.captures.append(capture)
        answer = self.answer(capture)
        if answer:
            return answer
        threading.Thread(target=self._run, args=(capture,), daemon=True).start()
        return reply(202, {"success": True, "jobId": capture.id,
                           "status": "queued",
                           "statusUrl": f"/screenshot/{capture.id}"})

    def _run(self, capture):
        try:
            self.script(capture)
        except OSError:  # ingest is away: a webhook that never came
            self.answers.append(0)


def reply(status, value):
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()
