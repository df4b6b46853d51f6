#!/usr/bin/python3
"""Does the worker's memory stay flat while it records many results?

One child records --millions of results without downloads, in portions that are
prepared while it waits.  Prints and plots its resident memory.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import meter, plot, report  # noqa: E402
from lab.world import Lab  # noqa: E402
from processes import wait_for  # noqa: E402

import jobs  # noqa: E402
import systems  # noqa: E402

PORTION = 50_000


def run(lab, millions):
    """[(results so far, resident MiB)], the first before any result."""
    pid = systems.start_worker(lab, 1)
    points = [(0, meter.rss_mib(pid))]
    while points[-1][0] < millions * 1e6:
        ids = jobs.submit(lab.stack, PORTION)
        jobs.hold(lab, ids, jobs.failure)
        jobs.release(lab)
        wait_for(lambda: lab.redis.client.xlen(jobs.STREAM) == 0,
                 systems.PATIENCE_S, "the stream to be empty")
        points.append((points[-1][0] + PORTION, meter.rss_mib(pid)))
        report.progress(f"{points[-1][0] / 1e6:.2f} of {millions:g} million: "
                        f"{points[-1][1]:.1f} MiB")
    lab.stack.stop("worker")
    done = lab.stack.sql("select count(*) from jobs where status = 'failed'")
    systems.expect(done[0][0] == points[-1][0], "not every result was recorded")
    return points


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=0.8,
                        help="of results (default 0.8, about two minutes)")
    parser.add_argument("--long", action="store_true",
                        help="10 million results instead")
    options = parser.parse_args()
    if options.long:
        options.millions = 10
    where = report.machine()
    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        points = run(lab, options.millions)
    warm = next(p for p in points if p[0] >= points[-1][0] / 10)
    print(f"\n{where}\nall processes of the worker (supervisor, one child, admin "
          "port)\n")
    print(report.table(["results", "RSS MiB"],
                       [[report.number(n), f"{mib:.1f}"]
                        for n, mib in (points[0], warm, points[-1])]))
    print(f"\nfrom {report.number(warm[0])} results on: "
          f"{points[-1][1] - warm[1]:+.1f} MiB (aim: flat)")
    report.save("worker-endurance.json", {"where": where, "points": points})
    report.save("worker-endurance.svg",
                plot.lines("Memory of the worker", "results", "RSS MiB",
                           [("worker", points)]))


if __name__ == "__main__":
    main()
