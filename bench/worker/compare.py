#!/usr/bin/python3
"""How fast does one worker record results, and what would others do?

Without downloads (a failure that is final: a real change of state), one child
of shotfleet-worker beside

  pgbench  our own record_entries() in batches of 500, without Redis and without
           parsing anything: the limit that PostgreSQL sets
  BullMQ   a worker that records each event in a transaction of its own

With downloads (a picture of 50 kB from a local nginx, stored durably), beside
`curl --parallel` fetching the same files, which syncs nothing to the disk.

At last, at half of the rate found, the time from received to recorded.
PostgreSQL runs with its default durability (fsync on), Redis with appendfsync
always.  Ratios are medians over rounds in which all took turns.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import plot, report  # noqa: E402
from lab.world import Lab, check_peers  # noqa: E402
from processes import free_port  # noqa: E402

import jobs  # noqa: E402
import latency  # noqa: E402
import systems  # noqa: E402

CURL_PARALLEL = 64


def serve_picture(lab):
    """(URL of a folder that holds any name, size of the picture)"""
    port, data = free_port(), systems.picture()
    os.makedirs(f"{lab.folder}/pictures")
    lab.file("pictures/picture.png", data, "wb")
    lab.nginx("nginx", port, f"root {lab.folder}/pictures; types "
              "{ image/png png; } location / "
              "{ rewrite ^ /picture.png break; }")
    return f"http://127.0.0.1:{port}", len(data)


def one_round(lab, options, i, picture):
    url, size = picture
    steps = {
        "worker": lambda: systems.run_worker(lab, options.results),
        "pgbench": lambda: systems.run_pgbench(lab, options.results),
        "bullmq": lambda: systems.run_bullmq(lab, options.results // 10),
        "pictures": lambda: systems.run_worker(
            lab, options.pictures, body=jobs.completion(url, size),
            status="completed"),
        "curl": lambda: systems.run_curl(lab, url, options.pictures,
                                         CURL_PARALLEL),
    }
    result = {}
    for name, step in steps.items():
        result[name] = step()
        report.progress(f"round {i + 1} of {options.rounds}: {name}: "
                        f"{report.number(result[name]['rate'])}/s")
    return result


def show(rounds, where, options):
    labels = {"worker": "shotfleet-worker, 1 child",
              "pgbench": "record_entries() by pgbench",
              "bullmq": "BullMQ + pg, a transaction each",
              "pictures": "shotfleet-worker, 50 kB pictures",
              "curl": f"curl --parallel-max {CURL_PARALLEL}, no fsync"}
    rows = []
    for name, label in labels.items():
        def middle(key, digits=1):
            if key not in rounds[0][name]:
                return "–"
            return report.number(report.median([r[name][key] for r in rounds]),
                                 digits)
        rows.append([label, middle("rate", 0), middle("cpu_us"),
                     middle("postgres_us"), middle("redis_us"),
                     middle("rss_mib", 0)])
    print(f"\n{where}\n{options.rounds} rounds of {options.results:,} results "
          f"(BullMQ: a tenth) and {options.pictures:,} pictures; medians\n")
    print(report.table(["", "results/s", "own CPU µs/result", "PostgreSQL µs",
                        "Redis µs", "RSS MiB"], rows))


def aims(rounds, delay):
    def ratio(over, under, key="rate"):
        return report.ratio(rounds, lambda r: r[over][key],
                            lambda r: r[under][key])
    print(f"\nrecorded: {ratio('worker', 'bullmq'):.1f}× BullMQ + pg (aim: 15×), "
          f"{ratio('worker', 'pgbench'):.0%} of pgbench (aim: 60 %)")
    print(f"own CPU per result: BullMQ's is "
          f"{ratio('bullmq', 'worker', 'cpu_us'):.1f}× ours")
    print(f"with pictures: {ratio('pictures', 'curl'):.0%} of curl "
          "(aim: 70 %)")
    print(f"received to committed at {report.number(delay['rate'])} results/s: "
          f"p50 {delay['p50_ms']:.1f} ms, p99 {delay['p99_ms']:.1f} ms, most "
          f"{delay['max_ms']:.0f} ms (aim: p99 under 50 ms)")


def draw(rounds):
    names = {"worker": "shotfleet-worker", "pgbench": "pgbench, the limit",
             "bullmq": "BullMQ + pg"}
    return plot.bars("Results recorded per second, no download", "/s",
                     [(label, [report.median([r[name]["rate"] for r in rounds])])
                      for name, label in names.items()], ["one process"])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=int, default=60000,
                        help="without download, per round (default 60000)")
    parser.add_argument("--pictures", type=int, default=3000,
                        help="downloads per round (default 3000)")
    parser.add_argument("--seconds", type=int, default=10,
                        help="at half load (default 10)")
    parser.add_argument("--long", action="store_true",
                        help="7 rounds of 200,000 and 10,000, 60 s at half load")
    options = parser.parse_args()
    if options.long:
        options.rounds, options.results = 7, 200000
        options.pictures, options.seconds = 10000, 60
    check_peers()
    where = report.machine()
    with Lab() as lab:
        report.progress("starting Redis, PostgreSQL and nginx")
        lab.start_redis()
        lab.start_postgres()
        picture = serve_picture(lab)
        rounds = [one_round(lab, options, i, picture)
                  for i in range(options.rounds)]
        half = report.median([r["worker"]["rate"] for r in rounds]) / 2
        report.progress(f"{options.seconds} s at {half:.0f} results/s")
        delay = latency.measure(lab, half, options.seconds)
    show(rounds, where, options)
    aims(rounds, delay)
    report.save("worker.json", {"where": where, "rounds": rounds,
                                "half load": delay})
    report.save("worker.svg", draw(rounds))


if __name__ == "__main__":
    main()
