#!/usr/bin/python3
"""Do the workers record everything once while they are killed all the time?

Webhooks, three for each job (two of progress, one of its end), come in through
ingest: 10 % of them twice, 10 % out of order, 1 % garbage, and of some jobs two
ends that contradict each other.  Meanwhile every second a random worker process
gets a kill -9, and PostgreSQL is restarted five times, every other time killed.

In the end the ledger has to balance with as many entries accepted as ingest gave
a receipt for, and every job has to be what its webhooks said.  Exit code 1: not so.
"""

import argparse
import collections
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
os.environ.setdefault("SHOTFLEET_BIN", os.path.join(ROOT, "build", "release", "bin"))

import processes  # noqa: E402
from doubles import PageServer, png, sign_webhook  # noqa: E402
from harness import Stack  # noqa: E402
from servers import PostgresServer, RedisServer  # noqa: E402

CONNECTIONS = 4
PIPELINED = 10     # requests on a connection before their answers are read
FAR = 3000         # places that an entry out of order is late at most
RESTARTS = 5
KILL_S = 1.0
SETTLE_S = 300
PERSON_S = 10


class Plan:
    """What is sent, in order, and what has to come of it."""

    def __init__(self, rng, count, jobs, picture_url):
        self.picture_url = picture_url
        self.ends = {}    # job -> set of (status, error_code) that are right
        self.counts = collections.Counter()
        webhooks = []     # (place, kind, path, body)
        for n, job in enumerate(jobs):
            for step, body in enumerate(self.story(rng, job)):
                late = rng.random() < 0.1
                self.counts["out of order"] += late
                place = 3 * n + step + (rng.uniform(3, FAR) if late else 0)
                query = f"?jobId={job}&attempt=1"
                webhooks.append((place, "good", query, body))
                if rng.random() < 0.1:
                    self.counts["twice"] += 1
                    webhooks.append((place + rng.uniform(0, FAR), "good", query, body))
        for _ in range(count // 100):
            self.counts["garbage"] += 1
            webhooks.append((rng.uniform(0, count), *self.garbage(rng)))
        self.webhooks = [w[1:] for w in sorted(webhooks, key=lambda w: w[0])]

    def story(self, rng, job):
        yield event("progress", progress=10)
        yield event("progress", progress=50)
        luck = rng.random()
        completed = event("completed", imageUrl=f"{self.picture_url}/{job}",
                          metadata={"width": 4, "height": 3, "size": len(png())})
        failed = event("failed", error="it broke", errorCode="SELECTOR_NOT_FOUND")
        ends = [completed] if luck < 0.1 else [failed]
        if luck > 0.98:
            self.counts["two ends"] += 1
            ends = [completed, failed]
            rng.shuffle(ends)
        self.ends[job] = ({("completed", None)} if completed in ends else set()) | (
            {("failed", "SELECTOR_NOT_FOUND")} if failed in ends else set())
        yield from ends

    @staticmethod
    def garbage(rng):
        return rng.choice([
            ("good", f"?jobId={uuid.uuid4()}&attempt=1", event("completed")),  # nobody's
            ("good", "", json.dumps({"hello": rng.random()}).encode()),        # nothing said
            ("good", "", event("sparkled", n=rng.random())),
            ("malformed", "", b'{"event":' + str(rng.random()).encode()),
            ("forged", "", event("failed", n=rng.random()))])


def event(kind, **data):
    return json.dumps({"event": f"screenshot.{kind}", "data": data}).encode()


class Sender(threading.Thread):
    """One connection to ingest, and an even share of the webhooks."""

    def __init__(self, stack, webhooks, rate):
        super().__init__(daemon=True)
        self.stack, self.webhooks, self.rate = stack, webhooks, rate
        self.answers = collections.Counter()  # (kind, status)
        self.trouble = None

    def run(self):
        try:
            self.send()
        except Exception as error:  # pylint: disable=broad-except
            self.trouble = error

    def request(self, kind, query, body):
        secret = "wrong" if kind == "forged" else self.stack.webhook_secret
        head = "".join(f"{name}: {value}\r\n" for name, value in sign_webhook(body, secret).items())
        return (f"POST /webhooks/screenshotly{query} HTTP/1.1\r\nHost: ingest\r\n{head}"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def send(self):
        begin = time.monotonic()
        connection, reader = None, None
        for first in range(0, len(self.webhooks), PIPELINED):
            part = self.webhooks[first:first + PIPELINED]
            ahead = first / self.rate - (time.monotonic() - begin)
            if ahead > 0:
                time.sleep(ahead)
            if not connection:
                connection = socket.create_connection(("127.0.0.1", self.stack.ports["ingest"]), 60)
                reader = connection.makefile("rb")
            connection.sendall(b"".join(self.request(*w) for w in part))
            for kind, _, _ in part:
                status, closing = read_answer(reader)
                self.answers[kind, status] += 1
                if closing:
                    raise AssertionError(f"ingest closed the connection after {status}")
        connection.close()


def read_answer(reader):
    line = reader.readline()
    if not line:
        raise AssertionError("ingest closed the connection")
    length, closing = 0, False
    while (header := reader.readline().strip().lower()):
        if header.startswith(b"content-length:"):
            length = int(header.split(b":")[1])
        closing = closing or header == b"connection: close"
    reader.read(length)
    return int(line.split()[1]), closing


class Violence(threading.Thread):
    """Kills a worker process each second; restarts PostgreSQL when it is told."""

    def __init__(self, stack, rng):
        super().__init__(daemon=True)
        self.stack, self.rng = stack, rng
        self.over = threading.Event()
        self.kills = self.parents = self.restarts = 0

    def run(self):
        while not self.over.wait(KILL_S):
            program = self.stack.programs["worker"]
            if program.process.poll() is not None:  # died too often in a row
                self.parents += 1
                self.stack.retired.append(self.stack.programs.pop("worker"))
                self.stack.start("worker", wait=False)
                continue
            victims = self.stack.children("worker")
            if victims:
                os.kill(self.rng.choice(victims), signal.SIGKILL)
                self.kills += 1

    def restart_postgres(self):
        server = self.stack.postgres_server
        if self.restarts % 2 == 0:
            server.stop()
        else:
            server.kill()
        server.start()
        self.stack._connection = None
        self.restarts += 1


def make_jobs(stack, count):
    """As if a provider had them, and were not to be asked about them: here is none."""
    return [r.id for r in stack.sql("""
        insert into jobs (url, provider, provider_job_id, status, queued_at, submitted_at,
                          next_check_at)
        select 'http://page.test/' || n, 'screenshotly', 'theirs-' || n, 'submitted', now(),
               now(), now() + interval '30 minutes' from generate_series(1, %s) n
        returning id::text""", count)]


def flow(stack, plan, rate, rng, say):
    """Sends everything, under fire; answers by kind and status."""
    senders = [Sender(stack, plan.webhooks[i::CONNECTIONS], rate / CONNECTIONS)
               for i in range(CONNECTIONS)]
    violence = Violence(stack, rng)
    expected_s = len(plan.webhooks) / rate
    for thread in (*senders, violence):
        thread.start()
    begin = time.monotonic()
    while any(s.is_alive() for s in senders) or violence.restarts < RESTARTS:
        due = expected_s * (violence.restarts + 1) / (RESTARTS + 1)
        if violence.restarts < RESTARTS and time.monotonic() - begin >= due:
            violence.restart_postgres()
            say(f"PostgreSQL restarted, {violence.kills} workers killed so far")
        time.sleep(0.1)
    violence.over.set()
    violence.join()
    for sender in senders:
        if sender.trouble:
            raise sender.trouble
    return sum((s.answers for s in senders), collections.Counter()), violence, time.monotonic() - begin


def settled(stack):
    """The ledger of webhooks once every job has ended and nothing is in flight, or
    as it is in the end.  Pictures that could not be fetched in all that lie in
    the dead letters; a person tries them again."""
    deadline = time.monotonic() + SETTLE_S
    looked = time.monotonic()
    ended_us = None  # by the clock of Redis: a check from before saw less
    while True:
        rows = stack.sql("select * from ledgers where stream = 'shotfleet:webhook' and closed_at is null")
        left = stack.sql("select count(*) from jobs where status in ('queued', 'submitted')")[0][0]
        if left > 0 or stack.redis.xlen("shotfleet:webhook") > 0:
            ended_us = None
        elif ended_us is None:
            seconds, us = stack.redis.time()
            ended_us = seconds * 1_000_000 + us
        checked = rows and ended_us is not None and rows[0].seen_us > ended_us
        if (checked and rows[0].in_flight == 0) or time.monotonic() > deadline:
            return rows and rows[0]
        if time.monotonic() - looked > PERSON_S:
            looked = time.monotonic()
            stack.cli("dead", "retry", "--error", "picture")
        time.sleep(0.5)


def judge(stack, plan, answers, ledger):
    """{what must be 0: how many}"""
    receipts = sum(n for (_, status), n in answers.items() if status == 200)
    kept = answers["malformed", 400]
    odd = sum(n for (kind, status), n in answers.items()
              if (kind, status) not in (("good", 200), ("malformed", 400), ("forged", 401)))
    wrong = pictures = 0
    sha256 = hashlib.sha256(png()).hexdigest()
    for row in stack.sql("select id::text, status, error_code, sha256, image_key from jobs"):
        if (row.status, row.error_code) not in plan.ends[row.id]:
            wrong += 1
        elif row.status == "completed":
            pictures += row.sha256 != sha256 or not os.path.exists(os.path.join(stack.storage, row.image_key))
    ends = stack.sql("""select count(*) from (
        select job_id from deliveries where outcome = 'recorded' and event in ('completed', 'failed')
        group by job_id having count(*) <> 1) d""")[0][0]
    rows = {r.webhook: r.count for r in stack.sql(
        "select source = 'webhook' as webhook, count(*) from deliveries where entry_id like 'webhook:%' group by 1")}
    return {"unaccounted for by the ledger": ledger.unaccounted,
            "receipts less rows of webhooks": receipts + kept - rows[True],
            "entries accepted less rows of all": ledger.accepted - sum(rows.values()),
            "answers that were not as they should be": odd,
            "jobs in a wrong state": wrong,
            "jobs that ended twice": ends,
            "pictures that are not there": pictures,
            "exit code of `shotfleet ledger`": stack.cli("ledger").returncode}


def run(stack, args, say):
    rng = random.Random(args.seed)
    pages = PageServer()
    pages.handle = lambda *_: (200, {"Content-Type": "image/png"}, png())
    stack.start_all("ingest", "worker", "poller")
    plan = Plan(rng, args.webhooks, make_jobs(stack, args.webhooks // 3), pages.url)
    say(f"{len(plan.webhooks)} webhooks at {args.rate} a second, seed {args.seed}")
    answers, violence, took = flow(stack, plan, args.rate, rng, say)
    say("all are sent; waiting for the rest to be recorded")
    ledger = settled(stack)
    pages.close()
    must_be_0 = judge(stack, plan, answers, ledger)
    rows = {"webhooks sent": len(plan.webhooks), "of them twice": plan.counts["twice"],
            "out of order": plan.counts["out of order"], "garbage": plan.counts["garbage"],
            "jobs with two ends": plan.counts["two ends"], "jobs": len(plan.ends),
            "seconds": round(took), "workers killed": violence.kills,
            "fleets that gave up and were started again": violence.parents,
            "PostgreSQL restarted": violence.restarts,
            **{f"ledger: {name.replace('_', ' ')}": getattr(ledger, name) for name in
               ("accepted", "recorded", "duplicate", "ignored", "dead", "in_flight")}}
    width = max(map(len, [*rows, *must_be_0])) + 19
    print(f"\n| {'what':{width}} | {'':>7} |\n|{'-' * (width + 2)}|{'-' * 8}:|")
    for name, value in rows.items():
        print(f"| {name:{width}} | {value:>7} |")
    for name, value in must_be_0.items():
        print(f"| {f'**{name}** (must be 0)':{width}} | {value:>7} |")
    return not any(must_be_0.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--webhooks", type=int, default=100000, help="without duplicates and garbage (100000)")
    parser.add_argument("--rate", type=float, default=1200, help="a second (1200)")
    parser.add_argument("--children", type=int, default=4, help="worker processes (4)")
    parser.add_argument("--seed", type=int, default=random.randrange(10000))
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    processes.adopt_orphans()
    folder = tempfile.mkdtemp(prefix="shotfleet-", dir="/tmp")
    os.chmod(folder, 0o711)
    begin = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - begin:7.1f} s  {text}", flush=True)

    servers = (RedisServer(folder + "/redis"), PostgresServer(folder + "/pg"))
    stack = Stack(folder + "/stack", *servers)
    stack.env.update(SHOTFLEET_TAKEOVER_S="2", SHOTFLEET_LOG_LEVEL="warning",
                     SHOTFLEET_STALE_AFTER_S="1800",
                     SHOTFLEET_WORKER_PROCESSES=str(args.children))
    good, broken = False, []
    try:
        for server in servers:
            server.start()
        stack.set_up()
        good = run(stack, args, say)
    finally:
        broken = stack.tear_down()
        for server in servers:
            server.stop()
    for text in broken:
        print(text)
    good = good and not broken
    print(f"\n{'survived' if good else 'DID NOT SURVIVE'}; again with: --webhooks {args.webhooks}"
          f" --seed {args.seed}" + ("" if good else f"; logs in {folder}"))
    if good:
        shutil.rmtree(folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
