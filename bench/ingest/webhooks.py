"""Signed webhooks as a provider sends them, and wrk to send them fast."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import uuid

from doubles import sign_webhook
from lab.world import program

FOLDER = os.path.dirname(os.path.abspath(__file__))
COUNT = 2000  # different ones, sent over and over


def token(job_id, attempt, secret):
    signed = f"shotfleet token\n{job_id}\n{attempt}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def webhook(secret):
    """(target, headers, body) for a job of its own."""
    job_id, picture = str(uuid.uuid4()), uuid.uuid4().hex
    body = json.dumps({
        "event": "screenshot.completed",
        "data": {
            "jobId": uuid.uuid4().hex,
            "imageUrl": f"https://images.example.com/shots/2026/01/{picture}.png",
            "metadata": {"width": 1920, "height": 1080, "size": 482133,
                         "format": "png", "duration": 2381,
                         "device": "desktop", "fullPage": False,
                         "url": "https://www.example.com/articles/2026/the-title"},
            "error": None, "errorCode": None, "progress": 100,
        },
    }).encode()
    target = (f"/webhooks/screenshotly?jobId={job_id}&attempt=1"
              f"&token={token(job_id, 1, secret)}")
    return target, sign_webhook(body, secret), body


def requests_file(lab, name, secret, method="POST", target=None):
    """Requests for requests.lua, signed now: they age (five minutes)."""
    requests = []
    for _ in range(COUNT):
        own_target, headers, body = webhook(secret)
        head = [f"{method} {target or own_target} HTTP/1.1",
                "Host: hooks.example.com",
                "User-Agent: Screenshotly-Webhook/1.0",
                "Accept: */*",
                "Accept-Encoding: gzip, deflate, br",
                f"Content-Length: {len(body)}"]
        head += [f"{field}: {value}" for field, value in headers.items()]
        requests.append("\r\n".join(head).encode() + b"\r\n\r\n" + body + b"\0")
    return lab.file(f"requests-{name}", b"".join(requests), "wb")


def wrk(port, requests, seconds, connections):
    """Runs wrk; returns what requests.lua prints."""
    done = subprocess.run(
        [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s",
         "--timeout", "10s", "-s", os.path.join(FOLDER, "requests.lua"),
         f"http://127.0.0.1:{port}/", "--", requests],
        capture_output=True, text=True, timeout=seconds + 30)
    last = done.stdout.strip().splitlines()[-1:] or [""]
    if not last[0].startswith("{"):
        raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
    result = json.loads(last[0])
    if result["not_ok"] or result["broken"]:
        raise RuntimeError(f"answers were not all 200: {last[0]}")
    return result
