#!/usr/bin/python3
"""Does recording slow down when there are millions of jobs?

Two databases in one PostgreSQL (default durability): one with a history of
10,000 jobs, one with --rows of them, each job with its row in deliveries.  One
worker child records results for fresh jobs in both, in turns.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import report  # noqa: E402
from lab.world import Lab  # noqa: E402

import systems  # noqa: E402

FEW = 10_000
CHUNK = 500_000


def add_history(stack, rows):
    """Completed jobs of the last 90 days, oldest first."""
    stack.sql("""select delivery_partition_add(day::date)
                 from generate_series(now() - interval '91 days', now(), '1 day') day
                 where to_regclass(delivery_partition(day::date)) is null""")
    for first in range(0, rows, CHUNK):
        last = min(rows, first + CHUNK)
        stack.sql("""
            insert into jobs (id, url, provider, status, progress,
                              provider_job_id, image_key, image_type, width,
                              height, size_bytes, sha256, created_at, queued_at,
                              submitted_at, completed_at, next_check_at)
            select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
                    || '7' || substr(x, 14))::uuid,
                   'https://www.example.com/page/' || n, 'screenshotly',
                   'completed', 100, x,
                   'screenshots/' || substr(x, 1, 2) || '/' || substr(x, 3, 2)
                   || '/' || x || '.png', 'image/png', 1920, 1080, 482133,
                   repeat(substr(x, 1, 16), 4), at, at, at,
                   at + interval '3 s', null
            from (select n, now() - interval '90 days' * (1 - n::float8 / %s) as at,
                         replace(gen_random_uuid()::text, '-', '') as x
                  from generate_series(%s, %s) n) s""", rows, first, last - 1)
        stack.sql("""
            insert into deliveries (entry_id, day, job_id, attempt, provider,
                                    source, event, outcome, ip, received_at,
                                    recorded_at)
            select entry_id, entry_day(entry_id), id, 1, provider, 'webhook',
                   'completed', 'recorded', '203.0.113.7', completed_at,
                   completed_at
            from (select *, 'webhook:'
                         || (extract(epoch from completed_at) * 1000)::bigint
                         || '-' || row_number() over () as entry_id
                  from jobs where status = 'completed'
                  order by id desc limit %s) j""", last - first)
        report.progress(f"{last:,} of {rows:,} rows")


def databases(lab, rows):
    """{rows: a stack on a database with that many}"""
    found = {}
    for count in (FEW, rows):
        stack = lab.stack if not found else lab.another_stack()
        add_history(stack, count)
        found[count] = stack
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000,
                        help="in the large table (default 1 million)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=int, default=40000,
                        help="per turn (default 40000)")
    parser.add_argument("--long", action="store_true",
                        help="10 million rows; needs 10 GB and some ten minutes")
    options = parser.parse_args()
    if options.long:
        options.rows = 10_000_000
    where = report.machine()
    rounds = []
    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        stacks = databases(lab, options.rows)
        for i in range(options.rounds):
            rounds.append({})
            for count, stack in stacks.items():
                lab.stack = stack
                got = systems.run_worker(lab, options.results)
                rounds[-1][count] = got
                report.progress(f"round {i + 1} of {options.rounds}: {count:,} "
                                f"rows: {report.number(got['rate'])}/s")
    print(f"\n{where}\n{options.rounds} rounds of {options.results:,} results, "
          "medians\n")
    print(report.table(
        ["rows in jobs", "results/s", "beside the small one", "own CPU µs/result",
         "PostgreSQL µs", "beside the small one"],
        [[f"{n:,}", report.number(report.median([r[n]["rate"] for r in rounds])),
          beside(rounds, n, "rate"),
          report.number(report.median([r[n]["cpu_us"] for r in rounds]), 1),
          report.number(report.median([r[n]["postgres_us"] for r in rounds]), 1),
          beside(rounds, n, "postgres_us")]
         for n in stacks]))
    print("\n(aim: the same rate within 10 %)")
    report.save("worker-growth.json", {"where": where, "rounds": rounds})


def beside(rounds, n, key):
    return f"{report.ratio(rounds, lambda r: r[n][key], lambda r: r[FEW][key]):.0%}"


if __name__ == "__main__":
    main()
