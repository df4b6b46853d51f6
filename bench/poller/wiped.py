#!/usr/bin/python3
"""How long until the fleet is itself again when Redis has lost everything?

--jobs captures are under way, half of them queued and half at the provider, and
Redis knows of none.  One poller and two workers; the provider is nginx, which has
finished all of them.  Its limit of 100 questions a second is set aside.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import report  # noqa: E402
from lab.world import Lab  # noqa: E402
from processes import wait_for  # noqa: E402

import provider  # noqa: E402

PATIENCE_S = 1800
UNDER_WAY = """
insert into jobs (url, provider, status, provider_job_id, queued_at, submitted_at,
                  deadline_at, next_check_at)
select 'https://www.example.com/page/' || n, 'screenshotly',
       case when n %% 2 = 0 then 'queued' else 'submitted' end,
       case when n %% 2 = 1 then 'c' || n end, now(), case when n %% 2 = 1 then now() end,
       now() + interval '1 day',
       now() + case when n %% 2 = 1 then interval '10 seconds' else interval '5 seconds' end
from generate_series(1, %s) n"""
REQUEUED = "shotfleet_jobs_requeued_total"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--long", action="store_true", help="no difference")
    options = parser.parse_args()
    where = report.machine()
    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        stack = lab.stack
        provider.use(stack, provider.start(lab, "failed"))
        # what is silent for ten seconds is asked about
        stack.env.update(SHOTFLEET_STALE_AFTER_S="10")
        stack.start("worker")
        stack.sql(UNDER_WAY, options.jobs)
        stack.redis.flushall()
        stack.start("poller")
        begin = time.monotonic()

        def since():
            return time.monotonic() - begin

        def count(status):
            time.sleep(0.1)
            return stack.sql("select count(*) from jobs where status = %s", status)[0][0]
        wait_for(lambda: stack.metrics("poller")[REQUEUED] >= options.jobs // 2, PATIENCE_S,
                 "all queued jobs to be queued again")
        requeued_s = since()
        rows = []
        for share in (0.5, 0.9, 1):
            wait_for(lambda: count("failed") >= share * options.jobs, PATIENCE_S,
                     f"{share:.0%} of the jobs to end")
            rows.append([f"{share:.0%} of them have ended", since()])
        checks = sum(value for name, value in stack.metrics("poller").items()
                     if name.startswith("shotfleet_checks_total"))
    print(f"\n{where}\n{options.jobs:,} jobs under way, {checks:,.0f} questions asked\n")
    # it looks for them five seconds after they were queued
    rate = options.jobs / 2 / max(requeued_s - 5, 0.001)
    print(report.table(["", "seconds"],
                       [[f"the queued half is queued again ({rate:,.0f}/s)",
                         report.number(requeued_s, 1)]]
                       + [[name, report.number(s, 1)] for name, s in rows]))
    report.save("poller-wiped.json", {"where": where, "requeued_s": requeued_s, "ended": rows})


if __name__ == "__main__":
    main()
