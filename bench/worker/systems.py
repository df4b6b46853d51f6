"""Those that record results: the worker, BullMQ, and PostgreSQL on its own.

Each function records results for `count` fresh jobs once and returns what that
took: rate (results/s) and, per result, the processor time of the program
itself, of PostgreSQL and of Redis in microseconds.
"""

import json
import os
import re
import struct
import subprocess
import sys
import zlib

import servers
from lab import meter
from lab.world import PEERS, program
from processes import wait_for

import jobs

BATCH = 500  # BATCH_MAX of worker/recorder.c
PATIENCE_S = 300


class Costs:
    """Processor time of a program and of its servers between two moments."""

    def __init__(self, lab, pid):
        self.pids = {"cpu_us": pid, "postgres_us": lab.postgres.process.pid,
                     "redis_us": lab.redis.process.pid}
        self.before = self._now()

    def _now(self):
        return {name: meter.cpu_s(pid) for name, pid in self.pids.items()}

    def per_result(self, count):
        now = self._now()
        return {name: (now[name] - self.before[name]) / count * 1e6
                for name in now}


# --- shotfleet-worker

def start_worker(lab, children):
    lab.redis.client.delete(jobs.STREAM)
    worker = lab.stack.start("worker", SHOTFLEET_WORKER_PROCESSES=children)
    # each waits for webhooks and for submissions
    wait_for(lambda: lab.redis.client.info("clients")["blocked_clients"]
             >= 2 * children, 20, "every child to read")
    return worker.process.pid


def recorded(lab, since, count, status):
    """Results/s between the first batch and the last one, as PostgreSQL's clock
    saw their transactions begin; insists that every job got its result."""
    row = lab.stack.sql("""
        select count(*) as all, min(recorded_at) as first, max(recorded_at) as last,
               extract(epoch from max(recorded_at) - min(recorded_at)) as seconds,
               count(*) filter (where outcome = 'recorded') as good
        from deliveries where recorded_at >= %s""", since)[0]
    done = lab.stack.sql(f"""select count(*) from jobs
        where coalesce(completed_at, failed_at) >= %s and status = '{status}'""",
        since)[0][0]
    if (row.all, row.good, done) != (count, count, count):
        sys.exit(f"of {count} entries {row.all} were delivered, {row.good} "
                 f"recorded, {done} jobs are {status}")
    last = lab.stack.sql("select count(*) from deliveries where recorded_at = %s",
                         row.last)[0][0]
    return (count - last) / float(row.seconds)


def run_worker(lab, count, children=1, body=jobs.failure, status="failed"):
    ids = jobs.submit(lab.stack, count)
    jobs.hold(lab, ids, body)
    jobs.settle(lab.stack)
    pid = start_worker(lab, children)
    since = lab.stack.sql("select clock_timestamp()")[0][0]
    costs = Costs(lab, pid)
    jobs.release(lab)
    wait_for(lambda: lab.redis.client.xlen(jobs.STREAM) == 0, PATIENCE_S,
             "the stream to be empty")
    result = {**costs.per_result(count), "rss_mib": meter.rss_mib(pid)}
    lab.stack.stop("worker")
    result["rate"] = recorded(lab, since, count, status)
    return result


# --- BullMQ

def run_bullmq(lab, count):
    ids = jobs.submit(lab.stack, count)
    jobs.settle(lab.stack)
    node = subprocess.Popen(
        [program("node"), f"{PEERS}/recorder.mjs"], text=True,
        env={**lab.stack.env, "NODE_ENV": "production",
             "REDIS_PORT": str(lab.redis.port)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        say(node, " ".join(ids))
        expect(node.stdout.readline().strip() == "ready", "BullMQ did not start")
        costs = Costs(lab, node.pid)
        say(node, "go")
        got = json.loads(node.stdout.readline())
        result = {**costs.per_result(got["count"]),
                  "rss_mib": meter.rss_mib(node.pid),
                  "rate": got["count"] / got["seconds"]}
        say(node, "")
        expect(node.wait(30) == 0, "BullMQ's worker failed")
    finally:
        node.kill()
        node.wait()
    done = lab.stack.sql("select count(*) from jobs where status = 'failed' and "
                         "id = any (%s::uuid[])", ids)[0][0]
    expect(done == count, f"BullMQ recorded {done} of {count}")
    return result


def say(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()


def expect(condition, complaint):
    if not condition:
        sys.exit(complaint)


# --- pgbench

# What an entry says, as an expression over job `j` and its number `n`; every
# other argument of record_entries() is null.
ENTRY = {
    "entry_ids": "'webhook:' || (extract(epoch from now()) * 1000)::bigint "
                 "|| '-' || n",
    "job_ids": "j.id",
    "attempts": "1",
    "events": "'failed'",
    "providers": "'screenshotly'",
    "sources": "'webhook'",
    "ips": "'203.0.113.7'",
    "received_ms": "(extract(epoch from clock_timestamp()) * 1000)::bigint",
    "provider_job_ids": "j.provider_job_id",
    "errors": "'the selector matches nothing'",
    "error_codes": "'SELECTOR_NOT_FOUND'",
}
SCALARS = {"stale_after_ms": "60000", "max_feeds": "3"}


def arguments(lab):
    """[(name, type)] of record_entries(), as the schema has it today."""
    row = lab.stack.sql("""
        select proargnames[1:pronargs] as names,
               array(select format_type(t, null)
                     from unnest(proargtypes) t) as types
        from pg_proc where proname = 'record_entries'""")[0]
    return list(zip(row.names, row.types))


def make_batches(lab, ids):
    """A table with the arguments of one call in each row."""
    columns = []
    for name, kind in arguments(lab):
        if name in ENTRY:
            columns.append(f"array_agg(({ENTRY[name]})::{kind.removesuffix('[]')} "
                           f"order by n) as {name}")
        else:
            columns.append(f"{SCALARS.get(name, 'null')}::{kind} as {name}")
    lab.stack.sql(f"""
        drop table if exists bench_batch;
        create table bench_batch as
        select (n - 1) / {BATCH} + 1 as batch, {', '.join(columns)}
        from unnest(%s::uuid[]) with ordinality as e (id, n)
        join jobs j using (id) group by batch""", ids)
    lab.stack.sql("alter table bench_batch add primary key (batch)")


def run_pgbench(lab, count):
    """record_entries() in batches, called by one client."""
    count -= count % BATCH
    ids = jobs.submit(lab.stack, count)
    make_batches(lab, ids)
    jobs.settle(lab.stack)
    called = ", ".join(f"b.{name}" for name, _ in arguments(lab))
    script = lab.file("record.sql", f"""\\set n :n + 1
        select r.* from bench_batch b, lateral record_entries({called}) r
        where b.batch = :n;""")
    costs = Costs(lab, os.getpid())
    done = subprocess.run(
        [f"{servers.bin_folder()}/pgbench", "-n", "-c1", f"-t{count // BATCH}",
         "-M", "prepared", "-D", "n=0", "-f", script,
         lab.stack.env["DATABASE_URL"]], capture_output=True, text=True)
    tps = re.search(r"^tps = ([0-9.]+)", done.stdout, re.M)
    expect(done.returncode == 0 and tps, f"pgbench: {done.stdout}{done.stderr}")
    good = lab.stack.sql("select count(*) from jobs where status = 'failed' and "
                         "id = any (%s::uuid[])", ids)[0][0]
    expect(good == count, f"pgbench recorded {good} of {count}")
    return {"rate": float(tps[1]) * BATCH,
            "postgres_us": costs.per_result(count)["postgres_us"]}


# --- pictures

def picture(kib=50):
    """A PNG of noise: 130 × 130 pixels are just under 50 KiB."""
    side = 130 * kib // 50

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    rows = b"".join(b"\0" + os.urandom(side * 3) for _ in range(side))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


def run_curl(lab, url, count, parallel):
    """curl fetching as many files; nothing is synced to the disk."""
    folder = os.path.join(lab.folder, "curl")
    os.makedirs(folder, exist_ok=True)
    config = lab.file("curl.conf", "".join(
        f'url = "{url}/{n}.png"\noutput = "{folder}/{n}.png"\n'
        for n in range(count)))
    before = os.times()
    done = subprocess.run(["curl", "--silent", "--show-error", "--fail",
                           "--parallel", "--parallel-max", str(parallel),
                           "--config", config], capture_output=True, text=True)
    after = os.times()
    expect(done.returncode == 0, f"curl: {done.stderr}")
    cpu = (after.children_user + after.children_system
           - before.children_user - before.children_system)
    expect(len(os.listdir(folder)) == count, "curl fetched too few files")
    return {"rate": count / (after.elapsed - before.elapsed),
            "cpu_us": cpu / count * 1e6}
