#!/usr/bin/python3
"""Live clients of one process, beside a socket.io server on Node: memory for
each client, processor time for each event that a client got, and the time from
PostgreSQL's commit to the client.

    bench/live/compare.py [--clients 10000] [--rate 1000] [--seconds 10]

Each client follows a capture of its own.  Then how many captures a second are
accepted, one in a request and a thousand.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time

import psycopg2
import redis as redis_module

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]

from lab import meter, report, world  # noqa: E402
from clients import Clients, SocketIo, Sse, WebSocket  # noqa: E402
from processes import free_port  # noqa: E402
from web import request  # noqa: E402

BATCH = 10  # changes in one transaction of the driver


def submit_jobs(stack, count):
    """One transaction, without the api; returns their ids."""
    rows = stack.sql("select create_job('https://example.com/' || n)::text "
                     "from generate_series(1, %s) n", count)
    stack.sql("update jobs set next_check_at = null")
    stack.sql("analyze jobs")
    return [row[0] for row in rows]


def drive(url, redis_port, jobs, rate, seconds, committed):
    """Changes job after job, as workers would, and notes when it committed."""
    connection = psycopg2.connect(url)
    redis = redis_module.Redis(port=redis_port)
    begin = time.monotonic()
    for n in range(0, int(rate * seconds), BATCH):
        wait = begin + n / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        chosen = [(n + i) % len(jobs) for i in range(BATCH)]
        with connection.cursor() as cursor:
            cursor.execute("update jobs set progress = (coalesce(progress, 0) + 1) %% 100 "
                           "where id = any (%s::uuid[])", ([jobs[i] for i in chosen],))
        connection.commit()
        now = time.monotonic()
        pipe = redis.pipeline(transaction=False)
        for i in chosen:
            committed[i] = now
            pipe.xadd("shotfleet:live", {"job": jobs[i], "event": "progress",
                                         "data": "{}"}, maxlen=10000, approximate=True)
        pipe.execute()


def measure(kind, port, pid, lab, jobs, args):
    """One kind of clients at the server with this pid."""
    before = meter.rss_mib(pid)
    clients = Clients(kind, port, jobs)
    time.sleep(1)
    after = meter.rss_mib(pid)
    committed = multiprocessing.Array("d", len(jobs), lock=False)
    driver = multiprocessing.Process(target=drive, args=(
        lab.stack.env["DATABASE_URL"], lab.redis.port, jobs, args.rate, args.seconds,
        committed))
    cpu = meter.cpu_s(pid)
    driver.start()
    clients.listen(args.seconds + 3)
    cpu = meter.cpu_s(pid) - cpu
    driver.join()
    delays = sorted((when - committed[job]) * 1000 for job, when in clients.heard)
    clients.close()
    time.sleep(2)
    count = len(delays)
    expected = args.rate * args.seconds
    return {"clients": len(jobs), "kB per client": (after - before) * 1024 / len(jobs),
            "events": count, "expected": expected,
            "CPU us per event": cpu * 1e6 / max(count, 1),
            "p50 ms": delays[count // 2], "p99 ms": delays[int(count * 0.99)]}


def submit_rate(stack, per_request, seconds):
    """Captures accepted in a second, one request after the other."""
    body = ({"url": "https://example.com/"} if per_request == 1 else
            {"captures": [{"url": "https://example.com/"}] * per_request})
    count = 0
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        answer = request("POST", stack.api_url + "/v1/captures", body, timeout_s=60)
        assert answer.status == 202, answer
        count += per_request
    return count / (time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clients", type=int, default=10000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    args, _ = parser.parse_known_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    world.check_peers()
    results = {}
    with world.Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        jobs = submit_jobs(lab.stack, args.clients)
        for kind in (Sse, WebSocket, SocketIo):
            report.progress(f"shotfleet, {kind.name}")
            lab.stack.start("api", SHOTFLEET_LIVE_CLIENTS=args.clients + 100)
            results[f"shotfleet, {kind.name}"] = measure(
                kind, lab.stack.ports["api"], lab.stack.programs["api"].process.pid,
                lab, jobs, args)
            lab.stack.stop("api")
        port = free_port()
        os.environ.update(REDIS_PORT=str(lab.redis.port), PORT=str(port),
                          DATABASE_URL=lab.stack.env["DATABASE_URL"])
        report.progress("socket.io on node")
        peer = lab.serve("node", ["node", os.path.join(world.PEERS, "live.mjs")], port)
        results["socket.io on node"] = measure(SocketIo, port, peer.process.pid, lab,
                                               jobs, args)
        lab.stack.start("api")
        for per_request in (1, 1000):
            report.progress(f"submitting {per_request} at once")
            results[f"submit {per_request}"] = {
                "captures/s": submit_rate(lab.stack, per_request, args.seconds)}
    columns = ["kB per client", "events", "CPU us per event", "p50 ms", "p99 ms"]
    print(report.table(["", *columns],
                 [[name, *(report.number(r[c], 1) for c in columns)]
                  for name, r in results.items() if "events" in r]))
    for per_request in (1, 1000):
        rate = results[f"submit {per_request}"]["captures/s"]
        print(f"{per_request} in a request: {rate:.0f} captures/s accepted")
    report.save("live-compare", results)


if __name__ == "__main__":
    main()
