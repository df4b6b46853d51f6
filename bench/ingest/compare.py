#!/usr/bin/python3
"""What does a durable webhook cost, and what do others cost?

One shotfleet-ingest process in front of a Redis with appendfsync always, and
beside it

  nginx    `return 200`: parses the request, keeps nothing, checks nothing
  webdis   XADD of the body over HTTP, unchecked, into the same Redis
  express  Express that verifies the signature and adds a BullMQ job

They take turns, --rounds times, under the same load from wrk; every answer has
to be 200.  The figure to look at is the processor time per request: it hardly
depends on what else the machine does, while requests per second do.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lab  # noqa: E402,F401  (sets the search path)
from lab import meter, plot, report  # noqa: E402
from lab.world import PEERS, Lab, check_peers, program  # noqa: E402
from processes import free_port  # noqa: E402
from web import request  # noqa: E402
from webhooks import requests_file, webhook, wrk  # noqa: E402

RECEIPT = ('{"receipt":"1700000000000-0","sha256":"' + "0" * 64 + '"}')


class System:
    """One of those that are compared."""

    def __init__(self, name, port, pid, redis_key=None, target=None,
                 method="POST"):
        self.name = name
        self.port = port
        self.pid = pid
        self.redis_key = redis_key  # the stream that grows by one each time
        self.target = target
        self.method = method
        self.rounds = []


def start_ours(lab):
    ours = lab.stack.start("ingest")
    return System("shotfleet-ingest", lab.stack.ports["ingest"],
                  ours.process.pid, redis_key="shotfleet:webhook")


def start_nginx(lab):
    port = free_port()
    nginx = lab.nginx("nginx", port, "location / { default_type "
                      f"application/json; return 200 '{RECEIPT}'; }}")
    return System("nginx return 200", port, nginx.process.pid)


def start_webdis(lab):
    port = free_port()
    conf = lab.file("webdis.json", f'''{{
        "redis_host": "127.0.0.1", "redis_port": {lab.redis.port},
        "http_host": "127.0.0.1", "http_port": {port}, "threads": 1,
        "daemonize": false, "verbosity": 1,
        "logfile": "{lab.folder}/webdis.log" }}''')
    webdis = lab.serve("webdis", [program("webdis"), conf], port)
    return System("webdis XADD", port, webdis.process.pid,
                  redis_key="bench:webdis", method="PUT",
                  target="/XADD/bench:webdis/*/body")


def start_express(lab):
    port = free_port()
    os.environ.update(PORT=str(port), REDIS_PORT=str(lab.redis.port),
                      WEBHOOK_SECRET=lab.stack.webhook_secret,
                      NODE_ENV="production")
    node = lab.serve("express", [program("node"), f"{PEERS}/receiver.mjs"], port)
    return System("Express + BullMQ", port, node.process.pid,
                  redis_key="bull:webhooks:events")


def check(lab, system):
    """One webhook has to be answered 200, and kept where it is promised."""
    target, headers, body = webhook(lab.stack.webhook_secret)
    answer = request(system.method,
                     f"http://127.0.0.1:{system.port}{system.target or target}",
                     body, headers)
    if answer.status != 200:
        sys.exit(f"{system.name} answered {answer}")
    if system.redis_key and not lab.redis.client.xlen(system.redis_key):
        sys.exit(f"{system.name} answered 200 and kept nothing")


def measure(lab, system, seconds, connections):
    requests = requests_file(lab, "now", lab.stack.webhook_secret,
                             system.method, system.target)
    lab.redis.client.flushall()
    cpu, redis_cpu = meter.cpu_s(system.pid), meter.cpu_s(lab.redis.process.pid)
    got = wrk(system.port, requests, seconds, connections)
    cpu = meter.cpu_s(system.pid) - cpu
    redis_cpu = meter.cpu_s(lab.redis.process.pid) - redis_cpu
    if system.redis_key == "shotfleet:webhook":
        kept = lab.redis.client.xlen(system.redis_key)
        if kept < got["requests"]:
            sys.exit(f"{got['requests']} answers, {kept} entries in Redis")
    return {
        "rate": got["requests"] / got["seconds"],
        "p50_ms": got["p50_us"] / 1000,
        "p99_ms": got["p99_us"] / 1000,
        "cpu_us": cpu / got["requests"] * 1e6,
        "redis_us": (redis_cpu / got["requests"] * 1e6 if system.redis_key
                     else 0),
        "rss_mib": meter.rss_mib(system.pid),
    }


def show(systems, where, options):
    ours = systems[0]
    rows = []
    for system in systems:
        def middle(key):
            return report.median([r[key] for r in system.rounds])
        pairs = list(zip(system.rounds, ours.rounds))
        factor = report.ratio(pairs, lambda p: p[0]["cpu_us"],
                              lambda p: p[1]["cpu_us"])
        rows.append([system.name, report.number(middle("cpu_us"), 1),
                     report.number(1e6 / middle("cpu_us")),
                     f"{factor:.2f}×",
                     report.number(middle("redis_us"), 1) if system.redis_key
                     else "–",
                     report.number(middle("rate")),
                     f"{middle('p50_ms'):.1f}", f"{middle('p99_ms'):.1f}",
                     f"{middle('rss_mib'):.0f}"])
    print(f"\n{where}\n{options.rounds} rounds of {options.seconds} s, "
          f"{options.connections} connections, webhooks of "
          f"{len(webhook('x')[2])} bytes; medians\n")
    print(report.table(["server", "CPU µs/request", "requests/s per core",
                        "CPU, ours = 1", "Redis µs/request", "requests/s here",
                        "p50 ms", "p99 ms", "RSS MiB"], rows))
    aims(systems)


def aims(systems):
    ours, nginx, webdis, express = systems

    def ratio(over, under):
        return report.ratio(list(zip(over.rounds, under.rounds)),
                            lambda p: p[0]["cpu_us"], lambda p: p[1]["cpu_us"])
    print(f"\nCPU per durable webhook: {ratio(ours, nginx):.2f}× nginx's "
          "(aim: at most 1.5×)")
    print(f"webhooks per core: {ratio(express, ours):.1f}× Express + BullMQ's "
          f"(aim: 20×), {ratio(webdis, ours):.2f}× webdis's (aim: 2×)")


def draw(systems):
    groups = [(s.name, [report.median([r[key] for r in s.rounds])
                        for key in ("cpu_us", "redis_us")]) for s in systems]
    return plot.bars("Processor time per webhook", "µs", groups,
                     ["server", "Redis, fsync included"])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5,
                        help="of each turn (default 5)")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--long", action="store_true",
                        help="7 rounds of 15 s instead")
    options = parser.parse_args()
    if options.long:
        options.rounds, options.seconds = 7, 15
    check_peers()
    where = report.machine()
    with Lab() as lab:
        report.progress("starting Redis, ingest, nginx, webdis and Express")
        lab.start_redis()
        systems = [start(lab) for start in (start_ours, start_nginx,
                                            start_webdis, start_express)]
        for system in systems:  # node compiles what is hot
            check(lab, system)
            measure(lab, system, 2, options.connections)
        for i in range(options.rounds):
            for system in systems:
                got = measure(lab, system, options.seconds, options.connections)
                system.rounds.append(got)
                report.progress(f"round {i + 1} of {options.rounds}: "
                                f"{system.name}: {got['cpu_us']:.1f} µs")
    show(systems, where, options)
    report.save("ingest.json", {"where": where, "systems":
                                {s.name: s.rounds for s in systems}})
    report.save("ingest.svg", draw(systems))


if __name__ == "__main__":
    main()
