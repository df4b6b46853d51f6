#!/usr/bin/python3
"""How many silent jobs can one poller ask about in a second?

A provider that is nginx with an answer of some bytes, and --jobs submitted jobs
that are all due.  Twice: it says that they are under way, which changes nothing
but the time of the next look; and that they have failed, which becomes an entry
for the workers each.  The provider's own limit of 100 questions a second is set
aside.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import meter, report  # noqa: E402
from lab.world import Lab  # noqa: E402
from processes import wait_for  # noqa: E402

import provider  # noqa: E402

PATIENCE_S = 300
SUBMITTED = """
insert into jobs (url, provider, status, provider_job_id, queued_at, submitted_at,
                  deadline_at, next_check_at)
select 'https://www.example.com/page/' || n, 'screenshotly', 'submitted', 'c' || n, now(),
       now(), now() + interval '1 day', now()
from generate_series(1, %s) n"""
ASKED = ("ended", "pending", "lost", "none")


def asked(stack):
    got = stack.metrics("poller")
    return sum(got[f'shotfleet_checks_total{{answer="{a}"}}'] for a in ASKED)


def measure(lab, url, jobs):
    stack = lab.stack
    stack.sql("truncate jobs cascade")
    stack.redis.flushall()
    stack.sql(SUBMITTED, jobs)
    stack.sql("vacuum analyze jobs")
    provider.use(stack, url)
    poller = stack.start("poller", SHOTFLEET_STALE_AFTER_S=3600)
    begin, done = time.monotonic(), asked(stack)
    pids = {"own": poller.process.pid, "postgres": lab.postgres.process.pid,
            "redis": lab.redis.process.pid}
    before = {name: meter.cpu_s(pid) for name, pid in pids.items()}
    # the held-back poller waits for workers, of whom there are none here
    wait_for(lambda: stack.redis.delete("shotfleet:webhook") and False
             or asked(stack) >= jobs, PATIENCE_S, "all to be asked about")
    seconds, count = time.monotonic() - begin, jobs - done
    result = {name: (meter.cpu_s(pid) - before[name]) / count * 1e6
              for name, pid in pids.items()}
    stack.stop("poller")
    left = stack.sql("select count(*) from jobs where checks = 0")[0][0]
    if left:
        sys.exit(f"{left} jobs were not asked about")
    return {**result, "rate": count / seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long", action="store_true", help="five times as many jobs")
    options = parser.parse_args()
    jobs = options.jobs * (5 if options.long else 1)
    where = report.machine()
    rounds = []
    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        urls = {status: provider.start(lab, status) for status in ("processing", "failed")}
        for i in range(options.rounds):
            rounds.append({s: measure(lab, url, jobs) for s, url in urls.items()})
            report.progress(f"round {i + 1} of {options.rounds}")

    def median(status, key, digits=0):
        return report.number(report.median([r[status][key] for r in rounds]), digits)
    print(f"\n{where}\n{options.rounds} rounds of {jobs:,} jobs, medians\n")
    print(report.table(
        ["the provider says", "jobs/s", "own CPU µs/job", "PostgreSQL µs", "Redis µs"],
        [[status, median(status, "rate"), median(status, "own", 1),
          median(status, "postgres", 1), median(status, "redis", 1)] for status in urls]))
    report.save("poller-checks.json", {"where": where, "rounds": rounds})


if __name__ == "__main__":
    main()
