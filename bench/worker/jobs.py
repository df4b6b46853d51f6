"""Jobs that wait for a result, and the stream entries that bring it."""

import json
import socket
import time
import uuid

STREAM = "shotfleet:webhook"
HELD = "bench:held"  # where entries stand until release()
CHUNK = 2000


def submit(stack, count):
    """Makes `count` jobs that a provider has; returns their ids, in order."""
    rows = stack.sql("""
        insert into jobs (url, provider, status, provider_job_id, queued_at,
                          submitted_at, next_check_at)
        select 'https://www.example.com/page/' || n, 'screenshotly', 'submitted',
               replace(gen_random_uuid()::text, '-', ''), now(), now(),
               now() + interval '1 hour'
        from generate_series(1, %s) n
        returning id::text""", count)
    return sorted(row[0] for row in rows)


def settle(stack):
    """What earlier rounds left to be done is not this round's cost.  Without a
    checkpoint: the whole pages that PostgreSQL logs after one would weigh more
    on a short round than they do in five minutes of work."""
    for table in ("jobs", "deliveries"):
        stack.sql(f"vacuum analyze {table}")


def failure(job_id):
    """A failure that no further attempt mends: nothing is downloaded."""
    return json.dumps({
        "event": "screenshot.failed",
        "data": {"jobId": uuid.uuid4().hex, "imageUrl": None, "metadata": None,
                 "error": "the selector matches nothing",
                 "errorCode": "SELECTOR_NOT_FOUND"}}).encode()


def completion(picture_url, size):
    """Makes the body for a picture of its own at `picture_url`."""
    def body(job_id):
        return json.dumps({
            "event": "screenshot.completed",
            "data": {"jobId": uuid.uuid4().hex,
                     "imageUrl": f"{picture_url}/{job_id}.png",
                     "metadata": {"width": 130, "height": 130, "size": size},
                     "error": None, "errorCode": None}}).encode()
    return body


def entry(job_id, body, stream=HELD, received_ms=None):
    """XADD as ingest does it, in Redis's protocol."""
    if received_ms is None:
        received_ms = int(time.time() * 1000)
    words = ["XADD", stream, "*", "v", "1", "provider", "screenshotly",
             "source", "webhook", "job", job_id, "attempt", "1",
             "received_ms", str(received_ms), "ip", "203.0.113.7",
             "type", "application/json", "body"]
    return b"".join([b"*%d\r\n" % (len(words) + 1)]
                    + [b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words]
                    + [b"$%d\r\n%s\r\n" % (len(body), body)])


class Pipeline:
    """Many commands at once to Redis, every one answered before it returns."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)

    def send(self, commands):
        self.socket.sendall(b"".join(commands))
        missing = len(commands)
        while missing:  # an answer to XADD: $15\r\n1700000000000-0\r\n
            got = self.socket.recv(1 << 16)
            if not got or b"-ERR" in got or b"-OOM" in got:
                raise RuntimeError(f"redis answered {got[:200]!r}")
            missing -= got.count(b"$")

    def close(self):
        self.socket.close()


def hold(lab, ids, body):
    """Puts an entry for each job where no worker sees it yet."""
    pipeline = Pipeline(lab.redis.port)
    for i in range(0, len(ids), CHUNK):
        pipeline.send([entry(job_id, body(job_id)) for job_id in ids[i:i + CHUNK]])
    pipeline.close()
    lab.redis.client.xgroup_create(HELD, "workers", "0")


def release(lab):
    """Hands all of them to the workers at one instant."""
    lab.redis.client.rename(HELD, STREAM)
