"""What a torture run has to do with, be it a private stack (private.py) or one in
Docker Compose (compose.py): the fleet, the world outside of it, what was done."""

import json
import threading
import time
import uuid

import psycopg2
import psycopg2.extras
import redis

STREAMS = ("submit", "webhook", "callback")


class World:
    """`dsn` of PostgreSQL, `redis`, `outside`: ways to them that no fault spoils."""

    dsn = redis = outside = None

    def __init__(self):
        self.broken = []     # in words
        self.kept = False    # … are the logs
        self.restarts = 0    # of programs that ended
        self.odd_ends = []   # exit codes that no fault of ours explains
        self.left_out = []   # faults that cannot be had here
        self.probes = []     # ids
        self.unanswered = 0  # probes of which nobody knows whether they were taken
        self.lost = []       # (job, attempt, is it the end?) of webhooks that
        self.lost_refusals = 0  # … and counts that went with a Redis
        self.spoilt = []     # (begin, end) when a count of ingest's may have got lost
        self.connection = None
        self.lock = threading.Lock()

    # what the other two do

    def set_up(self):
        raise NotImplementedError

    def tear_down(self):
        """Returns what was wrong, in words."""
        raise NotImplementedError

    def api(self, method, path, body=None, headers=None):
        raise NotImplementedError

    def cli(self, *args):
        raise NotImplementedError

    def faults(self, rng, pause):
        """{name: function}"""
        raise NotImplementedError

    def be_well(self):
        """After the last fault, should it have been cut short."""
        raise NotImplementedError

    def revive(self):
        """Starts the stores that are not there (again)."""
        raise NotImplementedError

    def tidy(self):
        """What a fault may have left behind: orphans that nobody waits for."""

    def pictures(self):
        """{key: size} of all that are stored."""
        raise NotImplementedError

    def stop(self, names):
        """Programs, politely; returns what was wrong, in words."""
        raise NotImplementedError

    # asking and doing

    def sql(self, query, *params):
        """Straight to PostgreSQL; tries again while it is away."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.lock:
                    return self.ask(query, params)
            except psycopg2.Error:
                self.connection = None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def ask(self, query, params):
        if not self.connection:
            self.connection = psycopg2.connect(
                self.dsn, cursor_factory=psycopg2.extras.NamedTupleCursor)
            self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            cursor.execute(query, params or None)
            return cursor.fetchall()

    def submit(self, captures, key):
        """Ids of the jobs that api accepted; [] when it did not.  Twice with one
        key and the same captures makes them once."""
        try:
            answer = self.api("POST", "/v1/captures", {"captures": captures},
                              {"Idempotency-Key": f'"{key}"'})
        except OSError:
            return []
        if answer.status != 202:
            return []
        return [capture["jobId"] for capture in answer.json()["captures"]]

    def in_flight(self):
        """Entries on the streams; None while Redis is away."""
        try:
            return sum(self.redis.xlen(f"shotfleet:{s}") for s in STREAMS)
        except redis.RedisError:
            return None

    def probe(self, patience_s):
        """Seconds until a capture that nothing happens to runs through; None:
        not within `patience_s`."""
        begin = time.monotonic()
        jobs, key = [], str(uuid.uuid4())
        while time.monotonic() - begin < patience_s:
            self.revive()
            if not jobs:
                jobs = self.submit([{"url": "http://page.test/probe"}], key)
                self.probes += jobs
            if jobs and self.sql("select 1 from jobs where id = %s::uuid"
                                 " and status = 'completed'", jobs[0]):
                return time.monotonic() - begin
            time.sleep(0.05)
        self.unanswered += not jobs
        return None

    # what Redis loses

    def forget(self, webhooks, refusals):
        """Keeps in mind what was on two of its streams, as it is about to be lost."""
        self.lost += [told(fields) for _, fields in webhooks
                      if fields[b"source"] == b"webhook"]
        self.lost_refusals += sum(int(fields[b"count"]) for _, fields in refusals)


def told(fields):
    """(job, attempt, is it the end?) of a webhook on its stream"""
    event = json.loads(fields[b"body"])["event"]
    return (fields[b"job"].decode(), int(fields[b"attempt"]), not event.endswith("progress"))
