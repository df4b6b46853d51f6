"""A provider that speaks Screenshotly's contract, fast, and treats its customer
badly: it drops, repeats, reorders, delays and corrupts webhooks and fails
captures, as a seed says.  What it told about each attempt of a job is kept, so
that every end of a job, and every figure of the scorecard, can be held against it."""

import asyncio
import collections
import json
import random
import time
import urllib.parse

from doubles import png, sign_webhook

DROPPED = 0.30
REPEATED = 0.20
REORDERED = 0.20
CORRUPTED = 0.01
FAILED = 0.10       # half of them for good
FORGOTTEN = 0.005   # its status API knows nothing of the capture
GONE = 0.005        # the picture vanishes
BUSY = 0.0005       # with this capture a second begins in which it takes none
BUSY_S = 1
MEAN_DELAY_S = 0.2
SEND_AGAIN_S = (1, 3)  # a webhook that was not answered 2xx
PICTURE = png(4, 3)

# How an end was told.  A webhook without a 2xx may have been taken all the same: the
# answer may have got lost, or the append may have come through after all.
BY_WEBHOOK, PERHAPS, BY_ANSWER = 1, 2, 4


async def read_message(reader):
    """(first line, headers in lower case, body); None at the end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.split("\r\n")[:-2]
    headers = {name.lower(): value.strip()
               for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return first, headers, body


class Attempt:
    """What the customer was told about one attempt of a job, by webhooks and by
    answers to its questions."""

    __slots__ = ("captures", "ends", "taken", "perhaps", "disorder", "disorder_perhaps")

    def __init__(self):
        self.captures = 0   # more than one: side by side, as nobody knew of the first
        self.ends = {}      # "completed", or an error code: how it was told
        self.taken = [0, 0]    # webhooks answered 2xx: of progress, of the end
        self.perhaps = [0, 0]  # … and in another way, or not at all
        self.disorder = 0          # progress that was taken after the end was,
        self.disorder_perhaps = 0  # … after the end had been sent

    def tell(self, end, way):
        self.ends[end] = self.ends.get(end, 0) | way

    def webhook(self, end, status):
        """`end` is None for progress."""
        if status == 401:  # corrupted
            return
        taken = 200 <= status < 300
        (self.taken if taken else self.perhaps)[end is not None] += 1
        if end:
            self.tell(end, BY_WEBHOOK if taken else PERHAPS)
        else:
            self.disorder += taken and self.taken[1] > 0 and self.captures == 1
            self.disorder_perhaps += self.taken[1] + self.perhaps[1] > 0 or self.captures > 1


class Capture:
    __slots__ = ("id", "webhook_url", "attempt", "luck", "well", "status", "forgotten", "gone")

    def __init__(self, number, seed, attempt, webhook_url, url):
        self.id = f"c{number}"
        self.webhook_url = webhook_url
        self.attempt = attempt
        self.luck = random.Random(f"{seed}/{number}")
        self.well = url.endswith("/probe")  # nothing happens to these
        self.status = {"jobId": self.id, "status": "processing"}
        self.forgotten = self.chance(FORGOTTEN)
        self.gone = self.chance(GONE)

    def chance(self, share):
        return self.luck.random() < share and not self.well

    def end(self):
        """What became of it, as our customer finds out; None: nothing yet."""
        if self.status["status"] == "processing":
            return None
        return self.status.get("errorCode", "PICTURE_GONE" if self.gone else "completed")


class Provider:
    def __init__(self, secret, key, url):
        self.seed = "1"
        self.secret = secret
        self.key = key
        self.url = url
        self.captures = {}
        self.attempts = {}  # (job, number): Attempt
        self.counts = collections.Counter()
        self.refused_at = []  # monotonic times of corrupted webhooks' 401s
        self.down = False
        self.busy_until = 0
        self.tasks = set()

    # answering

    def answer(self, first, headers, body):
        method, target, _ = first.split(" ")
        path = target.split("?")[0]
        if self.down:
            self.counts["refused while down"] += 1
            return reply(503, {"error": "down"})
        if method == "POST" and path == "/screenshot":
            if headers.get("authorization") != f"Bearer {self.key}":
                return reply(401, {"error": "unauthorized", "code": "UNAUTHORIZED"})
            return self.submit(json.loads(body))
        capture = self.captures.get(path.split("/")[-1].split(".")[0])
        if path.startswith("/images/") and capture and not capture.gone:
            return 200, b"image/png", PICTURE
        if path.startswith("/screenshot/") and capture and not capture.forgotten:
            self.counts["asked"] += 1
            if capture.end():
                capture.attempt.tell(capture.end(), BY_ANSWER)
            return reply(200, capture.status)
        if capture and path.startswith("/screenshot/"):
            capture.attempt.tell("LOST", BY_ANSWER)
        return reply(404, {"error": "not found", "code": "INVALID_REQUEST"})

    def submit(self, body):
        now = time.monotonic()
        if now < self.busy_until:
            self.counts["too busy"] += 1
            return reply(429, {"error": "busy", "code": "RATE_LIMITED"})
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(body["webhookUrl"]).query))
        attempt = self.attempts.setdefault((query["jobId"], int(query["attempt"])), Attempt())
        capture = Capture(len(self.captures) + 1, self.seed, attempt, body["webhookUrl"],
                          body["url"])
        attempt.captures += 1
        if capture.chance(BUSY):
            self.busy_until = now + BUSY_S
        self.captures[capture.id] = capture
        self.counts["captures"] += 1
        task = asyncio.get_running_loop().create_task(self.render(capture))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return reply(202, {"success": True, "jobId": capture.id, "status": "queued",
                           "statusUrl": f"/screenshot/{capture.id}"})

    # working

    async def render(self, capture):
        await self.play(capture)
        capture.luck = capture.webhook_url = None  # there are many captures

    async def play(self, capture):
        luck = capture.luck
        if capture.well:
            self.finish(capture)
            await self.deliver(capture, self.outcome(capture), capture.end())
            return
        await asyncio.sleep(luck.expovariate(1 / MEAN_DELAY_S))
        progress = self.event(capture, "progress", progress=luck.randrange(1, 99))
        self.finish(capture)
        outcome = self.outcome(capture)
        events = [progress, outcome] if luck.random() < 0.5 else [outcome]
        if luck.random() < DROPPED:
            self.counts["webhooks dropped"] += 1
            events.remove(outcome)
        elif luck.random() < REPEATED:
            self.counts["webhooks repeated"] += 1
            events += [outcome] * luck.randint(1, 3)
        if luck.random() < REORDERED:
            luck.shuffle(events)
        for event in events:
            await asyncio.sleep(luck.expovariate(1 / MEAN_DELAY_S))
            await self.deliver(capture, event, None if event is progress else capture.end())

    def finish(self, capture):
        failed = capture.chance(FAILED)
        if not failed:
            capture.status = {"jobId": capture.id, "status": "completed", "completed": True,
                              "imageUrl": f"{self.url}/images/{capture.id}.png",
                              "metadata": {"width": 4, "height": 3, "size": len(PICTURE)}}
            return
        code = capture.luck.choice(("INVALID_URL", "CAPTURE_ERROR"))
        self.counts["captures failed"] += 1
        capture.status = {"jobId": capture.id, "status": "failed", "failed": True,
                          "error": "it broke", "errorCode": code}

    def outcome(self, capture):
        names = ("imageUrl", "metadata", "error", "errorCode")
        data = {n: capture.status[n] for n in names if n in capture.status}
        return self.event(capture, capture.status["status"], **data)

    @staticmethod
    def event(capture, word, **data):
        return json.dumps({"event": f"screenshot.{word}",
                           "data": {"jobId": capture.id, **data}}).encode()

    async def deliver(self, capture, body, end):
        """Again twice, unless it is answered 2xx.  `end`: what it tells; None:
        progress."""
        for pause_s in (*SEND_AGAIN_S, None):
            status = await self.post(capture, body)
            self.counts[f"webhooks answered {status}"] += 1
            capture.attempt.webhook(end, status)
            if 200 <= status < 300 or pause_s is None:
                return
            await asyncio.sleep(pause_s)

    async def post(self, capture, body):
        """The status, 0 for none."""
        headers = sign_webhook(body, self.secret)
        corrupted = capture.chance(CORRUPTED)
        if corrupted:
            self.counts["webhooks corrupted"] += 1
            at = capture.luck.randrange(len(body))
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
        status = await send(capture.webhook_url, headers, body)
        if corrupted and status == 401:
            self.counts["webhooks corrupted, answered 401"] += 1
            self.refused_at.append(time.monotonic())
        return status

    def report(self):
        return {"attempts": [[*key, a.ends, a.taken, a.perhaps, a.disorder, a.disorder_perhaps]
                             for key, a in self.attempts.items()],
                "refused_at": self.refused_at}


async def send(url, headers, body):
    """POST; the status, 0 for none."""
    parts = urllib.parse.urlsplit(url)
    lines = [f"POST {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}",
             f"Content-Length: {len(body)}", "Connection: close",
             *(f"{n}: {v}" for n, v in headers.items())]
    writer = None
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            return int((await reader.readline()).split()[1])
    except (OSError, IndexError, TimeoutError):
        return 0
    finally:
        if writer:
            writer.close()


def reply(status, value):
    return status, b"application/json", json.dumps(value).encode()
