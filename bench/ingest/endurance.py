#!/usr/bin/python3
"""Does ingest's memory stay flat while millions of webhooks pass through?

One shotfleet-ingest process, Redis with appendfsync always, wrk sending signed
webhooks until --millions were answered 200; the stream is emptied now and then,
as workers would.  Prints and plots the resident memory against the requests.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import meter, plot, report  # noqa: E402
from lab.world import Lab  # noqa: E402
from webhooks import requests_file, wrk  # noqa: E402

TURN_S = 5
STREAM = "shotfleet:webhook"


def run(lab, millions, connections):
    """[(requests so far, resident MiB)], the first before any request."""
    pid = lab.stack.start("ingest").process.pid
    points = [(0, meter.rss_mib(pid))]
    while points[-1][0] < millions * 1e6:
        requests = requests_file(lab, "now", lab.stack.webhook_secret)
        got = wrk(lab.stack.ports["ingest"], requests, TURN_S, connections)
        kept = lab.redis.client.xlen(STREAM)
        if kept < got["requests"]:
            sys.exit(f"{got['requests']} answers, {kept} entries in Redis")
        lab.redis.client.xtrim(STREAM, maxlen=0, approximate=False)
        points.append((points[-1][0] + got["requests"], meter.rss_mib(pid)))
        report.progress(f"{points[-1][0] / 1e6:.2f} of {millions:g} million: "
                        f"{points[-1][1]:.1f} MiB")
    return points


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=2,
                        help="of webhooks (default 2, about two minutes)")
    parser.add_argument("--long", action="store_true",
                        help="10 million webhooks instead")
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    if options.long:
        options.millions = 10
    where = report.machine()
    with Lab() as lab:
        lab.start_redis()
        points = run(lab, options.millions, options.connections)
    warm = next(p for p in points if p[0] >= points[-1][0] / 10)
    print(f"\n{where}\n{options.connections} connections; all processes of "
          "ingest (supervisor, one worker, admin port)\n")
    print(report.table(["webhooks", "RSS MiB"],
                       [[report.number(n), f"{mib:.1f}"]
                        for n, mib in (points[0], warm, points[-1])]))
    print(f"\nfrom {report.number(warm[0])} webhooks on: "
          f"{points[-1][1] - warm[1]:+.1f} MiB (aim: flat)")
    report.save("ingest-endurance.json", {"where": where, "points": points})
    report.save("ingest-endurance.svg",
                plot.lines("Memory of ingest", "webhooks", "RSS MiB",
                           [("ingest", points)]))


if __name__ == "__main__":
    main()
