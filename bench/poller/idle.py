#!/usr/bin/python3
"""What does a poller cost that has nothing to do, beside --rows finished jobs?

Two databases in one PostgreSQL, one empty and one with that many jobs.  A poller
runs on each for --seconds; pg_stat_statements and pg_stat_user_tables say what
it asked for and what PostgreSQL touched.  Then each of its questions by itself,
with explain (analyze, buffers).
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import meter, report  # noqa: E402
from lab.world import Lab  # noqa: E402

# The scorecard of days that are over is made once; a fleet that grew has it.
SUM_UP = """
select count(scorecard_refresh(utc_day(day))) from generate_series(
    now() - interval '91 days', now(), '1 day') day"""
# Asked as the poller does; rolled back.
QUESTIONS = {
    "queued jobs": "select * from requeue_due(9223372036854775807, 500)",
    "silent jobs": "select * from check_due(60000, array['screenshotly'], array[20],"
                   " array[100]::real[], 100)",
    "deadlines": "select * from end_due(100)",
    "dead letters": "select * from feed_due(20)",
    "callbacks": "select * from callbacks_due(500)",
    "clocks set back": "select watch_clock()",
    "impossible plans": "select repair_plans(60000)",
    "what to clean": "select * from cleaning_lease('bench')",
    "jobs to forget": "select * from jobs_due_to_go(80, null, 200)",
    "pictures by age": "select * from pictures_due(80, 0, null, 0, 200)",
    "pictures by size": "select * from pictures_due(0, 1000000, null, 0, 200)",
    "old dead letters": "select * from clean_rows('dead_letters', false, 80, null)",
    "old callbacks": "select * from clean_rows('callbacks', false, 80, null)",
}
TOUCHED = """
select sum(calls)::float as queries, sum(shared_blks_hit + shared_blks_read)::float as buffers,
       sum(total_exec_time) as ms
from pg_stat_statements s join pg_database d on d.oid = s.dbid
where d.datname = current_database() and toplevel"""
SCANS = """
select coalesce(sum(seq_tup_read), 0)::float as rows from pg_stat_user_tables
where relname = 'jobs'"""
CHUNK = 1_000_000
FINISHED = """
insert into jobs (id, url, provider, status, progress, provider_job_id, image_key,
                  image_type, width, height, size_bytes, sha256, created_at, queued_at,
                  submitted_at, completed_at, next_check_at)
select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
        || '7' || substr(x, 14))::uuid,
       'https://www.example.com/page/' || n, 'screenshotly', 'completed', 100, x,
       'screenshots/' || substr(x, 1, 2) || '/' || x || '.png', 'image/png', 1920, 1080,
       482133, repeat(substr(x, 1, 16), 4), at, at, at, at + interval '3 s', null
from (select n, now() - interval '90 days' * (1 - n::float8 / %s) as at,
             replace(gen_random_uuid()::text, '-', '') as x
      from generate_series(%s, %s) n) s"""


def add_finished(stack, rows):
    """Jobs of the last 90 days; the indexes come afterwards, which is faster."""
    indexes = stack.sql("""
        select indexname as name, indexdef as definition from pg_indexes
        where tablename = 'jobs' and indexname <> 'jobs_pkey'""")
    for index in indexes:
        stack.sql(f"drop index {index.name}")
    for first in range(1, rows + 1, CHUNK):
        last = min(rows, first + CHUNK - 1)
        stack.sql(FINISHED, rows, first, last)
        report.progress(f"{last:,} of {rows:,} rows")
    for index in indexes:
        stack.sql(index.definition)


def touched(stack):
    row = stack.sql(TOUCHED)[0]
    return {"queries": row.queries or 0, "buffers": row.buffers or 0, "ms": row.ms or 0,
            "rows": stack.sql(SCANS)[0].rows}


def idle(stack, seconds):
    """Per minute."""
    poller = stack.start("poller")
    time.sleep(5)  # what it does once
    stack.sql("select pg_stat_statements_reset()")
    stack.sql("select pg_stat_reset()")
    cpu_s = meter.cpu_s(poller.process.pid)
    time.sleep(seconds)
    cpu_s = meter.cpu_s(poller.process.pid) - cpu_s
    stack.stop("poller")  # it leaves its last statistics behind
    found = {**touched(stack), "cpu_ms": cpu_s * 1e3}
    return {name: value * 60 / seconds for name, value in found.items()}


def explain(stack, question):
    """(ms, buffers), of the second time: what it is when it is asked each second."""
    for _ in range(2):
        stack.sql("begin")
        plan = stack.sql(f"explain (analyze, buffers, format json) {question}")[0][0][0]
        stack.sql("rollback")
    top = plan["Plan"]
    return plan["Execution Time"], top["Shared Hit Blocks"] + top["Shared Read Blocks"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--long", action="store_true",
                        help="10 million rows; needs 10 GB and some ten minutes")
    options = parser.parse_args()
    if options.long:
        options.rows = 10_000_000
    where = report.machine()
    minutes, plans = {}, {}
    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        lab.stack.sql("alter system set shared_preload_libraries = 'pg_stat_statements'")
        lab.postgres.stop()
        lab.postgres.start()
        for rows in (0, options.rows):
            stack = lab.another_stack()
            stack.sql("create extension pg_stat_statements")
            add_finished(stack, rows)
            stack.sql("vacuum analyze")
            stack.sql(SUM_UP)
            minutes[rows] = idle(stack, options.seconds)
            plans[rows] = {name: explain(stack, q) for name, q in QUESTIONS.items()}
            report.progress(f"{rows:,} rows: measured")
    print(f"\n{where}\n\nAn idle minute\n")
    print(report.table(
        ["finished jobs", "queries", "buffers", "rows read by scans", "PostgreSQL ms",
         "the poller's CPU ms"],
        [[f"{rows:,}", report.number(m["queries"]), report.number(m["buffers"]),
          report.number(m["rows"]), report.number(m["ms"], 1), report.number(m["cpu_ms"])]
         for rows, m in minutes.items()]))
    print("\nOne question, by explain (analyze, buffers)\n")
    print(report.table(
        ["question"] + [f"{what}, {rows:,} jobs" for rows in plans for what in ("ms", "buffers")],
        [[name] + [cell for rows in plans for cell in (
            report.number(plans[rows][name][0], 2), plans[rows][name][1])]
         for name in QUESTIONS]))
    report.save("poller-idle.json", {"where": where, "minutes": minutes, "plans": plans})


if __name__ == "__main__":
    main()
