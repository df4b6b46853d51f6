"""The time from received to recorded, under a load that does not wait."""

import time

import jobs
import systems
from processes import wait_for

TICK_S = 0.002


def measure(lab, rate, seconds):
    """Appends `rate` entries a second, as ingest would, whatever the worker
    does, and asks PostgreSQL when it had committed each."""
    ids = jobs.submit(lab.stack, int(rate * seconds))
    jobs.settle(lab.stack)
    systems.start_worker(lab, 1)
    since = lab.stack.sql("select clock_timestamp()")[0][0]
    send(lab, ids, rate)
    wait_for(lambda: lab.redis.client.xlen(jobs.STREAM) == 0, 30,
             "the stream to be empty")
    lab.stack.stop("worker")
    # recorded_at is when the transaction began; users see its end
    row = lab.stack.sql("""
        with delay as (
            select extract(epoch from pg_xact_commit_timestamp(xmin)
                                      - received_at) * 1000 as ms
            from deliveries where recorded_at >= %s
        )
        select count(*), max(ms), percentile_cont(array[0.5, 0.99])
               within group (order by ms) as at
        from delay""", since)[0]
    systems.expect(row.count == len(ids), f"{row.count} of {len(ids)} recorded")
    return {"rate": rate, "p50_ms": float(row.at[0]), "p99_ms": float(row.at[1]),
            "max_ms": float(row.max)}


def send(lab, ids, rate):
    pipeline = jobs.Pipeline(lab.redis.port)
    bodies = [(job_id, jobs.failure(job_id)) for job_id in ids]
    started, sent = time.monotonic(), 0
    while sent < len(bodies):
        due = min(len(bodies), int((time.monotonic() - started) * rate))
        if due > sent:
            now = int(time.time() * 1000)
            pipeline.send([jobs.entry(job_id, body, jobs.STREAM, now)
                           for job_id, body in bodies[sent:due]])
            sent = due
        time.sleep(TICK_S)
    pipeline.close()
    took = time.monotonic() - started
    systems.expect(took < len(ids) / rate * 1.1,
                   f"the load could not be sent: it took {took:.1f} s")
