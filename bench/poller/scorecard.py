#!/usr/bin/python3
"""How long is one huge day summed up for?

A day of --jobs captures, each with two webhooks and the record of its submission,
every tenth found by the poller; then what the scorecard asks of it (sql/0010):
refreshed as the poller does, with the time of each of its parts.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import report  # noqa: E402
from lab.world import Lab  # noqa: E402

CHUNK = 250_000
JOBS = """
insert into jobs (id, url, provider, status, progress, image_key, image_type, width, height,
                  size_bytes, created_at, queued_at, submitted_at, completed_at, next_check_at)
select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
        || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid,
       'https://www.example.com/' || n, 'screenshotly', 'completed', 100, 'screenshots/' || n,
       'image/png', 1920, 1080, 482133, at, at, at, at + random() * interval '10 s', null
from (select n, utc_day(now())::timestamp at time zone 'UTC'
             + interval '20 hours' * n / %s as at
      from generate_series(%s, %s) n) s"""
DELIVERIES = """
insert into deliveries (entry_id, day, job_id, attempt, provider, source, event, outcome,
                        received_at, recorded_at)
select kind.stream || ':' || (extract(epoch from j.completed_at) * 1000)::bigint || '-' || j.n,
       utc_day(now()), j.id, 1, 'screenshotly',
       case when kind.event = 'completed' and j.n % 10 = 0 then 'poll' else kind.source end,
       kind.event, 'recorded', j.completed_at, j.completed_at
from (select id, completed_at, row_number() over () as n from jobs) j,
     (values ('submit', 'submit', 'submitted'), ('webhook', 'webhook', 'completed'),
             ('progress', 'webhook', 'progress')) as kind (stream, source, event)"""
PARTS = {
    "captures": "select * from scorecard_captures(utc_day(now()))",
    "webhooks": "select * from scorecard_webhooks(utc_day(now()))",
    "all of it, as the poller does": "select scorecard_refresh(utc_day(now()))",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=400_000)
    options = parser.parse_args()
    where = report.machine()
    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        stack = lab.another_stack()
        for first in range(1, options.jobs + 1, CHUNK):
            stack.sql(JOBS, options.jobs, first, min(options.jobs, first + CHUNK - 1))
        stack.sql(DELIVERIES)
        stack.sql("vacuum analyze")
        deliveries = stack.sql("select count(*) from deliveries")[0].count
        found = {}
        for name, question in PARTS.items():
            plan = stack.sql(f"explain (analyze, buffers, format json) {question}")[0][0][0]
            top = plan["Plan"]
            found[name] = (plan["Execution Time"],
                           top["Shared Hit Blocks"] + top["Shared Read Blocks"],
                           top["Temp Written Blocks"])
    print(f"\n{where}\n\nA day of {options.jobs:,} captures and {deliveries:,} deliveries\n")
    print(report.table(["asked", "ms", "buffers", "blocks of temporary files"],
                       [[name, report.number(ms), buffers, temporary]
                        for name, (ms, buffers, temporary) in found.items()]))
    report.save("poller-scorecard.json", {"where": where, "parts": found})


if __name__ == "__main__":
    main()
