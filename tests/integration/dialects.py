"""What each provider's webhooks look like, made from its documentation and not
from its profile: headers for a body, and bodies of a success."""

import base64
import hashlib
import hmac
import time


def digest(secret, data):
    return hmac.new(secret.encode(), data, hashlib.sha256).digest()


def screenshotly(body, secret, now=None):
    ms = str(int((now or time.time()) * 1000))
    return {"X-Screenshotly-Timestamp": ms,
            "X-Screenshotly-Signature": digest(secret, ms.encode() + b"." + body).hex()}


def urlbox(body, secret, now=None):
    s = str(int(now or time.time()))
    return {"X-Urlbox-Signature": f"t={s},sha256=" + digest(secret, s.encode() + b"." + body).hex()}


def screenshotone(body, secret, now=None):
    return {"X-ScreenshotOne-Signature": digest(secret, body).hex()}


def scrapfly(body, secret, now=None):
    return {"X-Scrapfly-Webhook-Signature": digest(secret, body).hex().upper(),
            "X-Scrapfly-Webhook-Id": "delivery-1",
            "X-Scrapfly-Webhook-Resource-Type": "screenshot",
            "X-Scrapfly-Webhook-Job-Id": "550e8400-e29b-41d4-a716-446655440000"}


def rendershot(body, secret, now=None):
    s = str(int(now or time.time()))
    return {"X-Rendershot-Event": "job.completed", "X-Rendershot-Delivery": "delivery-1",
            "X-Rendershot-Timestamp": s,
            "X-Rendershot-Signature": "sha256=" + digest(secret, s.encode() + b"." + body).hex()}


def standard_webhooks(body, secret, now=None):
    """`secret` as it is handed out: whsec_ + base64 of the key."""
    s = str(int(now or time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b"msg_1." + s.encode() + b"." + body, hashlib.sha256).digest()
    return {"webhook-id": "msg_1", "webhook-timestamp": s,
            "webhook-signature": "v1," + base64.b64encode(mac).decode()}


SIGNED = {"screenshotly": screenshotly, "urlbox": urlbox, "screenshotone": screenshotone,
          "scrapfly": scrapfly, "rendershot": rendershot,
          "standard-webhooks": standard_webhooks}


def token(secret, job, attempt=1):
    """The per-job token that Shotfleet puts into a webhook URL."""
    mac = digest(secret, f"shotfleet token\n{job}\n{attempt}".encode())
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def token_query(secret, job, attempt=1):
    return f"?jobId={job}&attempt={attempt}&token={token(secret, job, attempt)}"
