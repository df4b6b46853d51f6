#!/usr/bin/python3
"""Do more worker children record more results?

1, 2 and 4 children of one shotfleet-worker take turns at recording results
without downloads, beside PostgreSQL (default durability) and Redis (appendfsync
always) on this same machine: they share its processors.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import plot, report  # noqa: E402
from lab.world import Lab  # noqa: E402

import systems  # noqa: E402

CHILDREN = (1, 2, 4)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=int, default=60000,
                        help="per turn (default 60000)")
    parser.add_argument("--long", action="store_true",
                        help="7 rounds of 200,000 results")
    options = parser.parse_args()
    if options.long:
        options.rounds, options.results = 7, 200000
    where = report.machine()
    rounds = []
    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        for i in range(options.rounds):
            rounds.append({})
            for n in CHILDREN:
                got = systems.run_worker(lab, options.results, children=n)
                rounds[-1][n] = got
                report.progress(f"round {i + 1} of {options.rounds}: {n} children:"
                                f" {report.number(got['rate'])}/s")
    rates = {n: report.median([r[n]["rate"] for r in rounds]) for n in CHILDREN}
    print(f"\n{where}\n{options.rounds} rounds of {options.results:,} results, "
          "medians\n")
    print(report.table(
        ["children", "results/s", "beside one", "own CPU µs/result",
         "PostgreSQL µs"],
        [[str(n), report.number(rates[n]),
          f"{report.ratio(rounds, lambda r: r[n]['rate'], lambda r: r[1]['rate']):.2f}×",
          report.number(report.median([r[n]["cpu_us"] for r in rounds]), 1),
          report.number(report.median([r[n]["postgres_us"] for r in rounds]), 1)]
         for n in CHILDREN]))
    report.save("worker-scaling.json", {"where": where, "rounds": rounds})
    report.save("worker-scaling.svg", plot.lines(
        f"Results recorded per second ({os.cpu_count()} processors for all)",
        "worker children", "results/s", [("shotfleet-worker", list(rates.items()))]))


if __name__ == "__main__":
    main()
