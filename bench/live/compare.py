#!/usr/bin/python3
"""Live clients of one process, beside a socket.io server on Node: memory for
each client, processor time for each event that a client got, and the time from
PostgreSQL's commit to the client.  And the floor below both: a loop of send(2)
of as many bytes over as many connections (floor.c).

    bench/live/compare.py [--clients 10000] [--seconds 10]

First each client follows a capture of its own, at 1,000 changes a second and at
5,000; then all of them follow the same one.  Then how many captures a second
are accepted, one in a request and a thousand.
"""

import argparse
import multiprocessing
import os
import resource
import subprocess
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

RATES = (1000, 5000)  # changes a second, each for one client
SHARED_RATE = 2       # each for all of them
TRANSACTIONS = 100    # of the driver in a second, at most


def submit_jobs(stack, count):
    """One transaction, without the api; returns their ids."""
    rows = stack.sql("select create_job('https://example.com/' || n)::text "
                     "from generate_series(1, %s) n", count)
    stack.sql("update jobs set next_check_at = null")
    stack.sql("analyze jobs")
    return [row[0] for row in rows]


def drive(url, redis_port, jobs, rate, seconds, committed):
    """Changes job after job, as workers would, and notes when it committed which
    progress of which job."""
    connection = psycopg2.connect(url)
    redis = redis_module.Redis(port=redis_port)
    batch = max(1, rate // TRANSACTIONS)
    begin = time.monotonic()
    for n in range(0, rate * seconds, batch):
        wait = begin + n / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        chosen = [(n + i) % len(jobs) for i in range(batch)]
        with connection.cursor() as cursor:
            cursor.execute("update jobs set progress = (coalesce(progress, 0) + 1) %% 100 "
                           "where id = any (%s::uuid[]) returning id::text, progress",
                           ([jobs[i] for i in chosen],))
            progress = dict(cursor.fetchall())
        connection.commit()
        now = time.monotonic()
        pipe = redis.pipeline(transaction=False)
        for i in chosen:
            committed[i * 100 + progress[jobs[i]]] = now
            pipe.xadd("shotfleet:live", {"job": jobs[i], "event": "progress",
                                         "data": "{}"}, maxlen=10000, approximate=True)
        pipe.execute()


def measure(clients, pid, lab, jobs, rate, seconds):
    """What `rate` changes a second cost the server with this pid."""
    clients.clear()
    committed = multiprocessing.Array("d", 100 * len(jobs), lock=False)
    driver = multiprocessing.Process(target=drive, args=(
        lab.stack.env["DATABASE_URL"], lab.redis.port, jobs, rate, seconds, committed))
    cpu = meter.cpu_s(pid)
    driver.start()
    while driver.is_alive():
        clients.listen(0.5)
    clients.listen(2)
    cpu = meter.cpu_s(pid) - cpu
    driver.join()
    delays = sorted((when - committed[job * 100 + progress]) * 1000
                    for job, progress, when in clients.heard)
    count = len(delays)
    told = len(clients.sockets) if len(jobs) == 1 else 1  # clients of one change
    return {"events": count, "expected": rate * seconds * told,
            "bytes per event": clients.bytes / max(count, 1),
            "CPU us per event": cpu * 1e6 / max(count, 1),
            "p50 ms": delays[count // 2], "p99 ms": delays[int(count * 0.99)]}


def measure_server(name, kind, port, pid, lab, jobs, args):
    """All of it; (name, what) -> figures."""
    results = {}
    before = meter.rss_mib(pid)
    clients = Clients(kind, port, jobs, range(len(jobs)))
    time.sleep(1)
    memory = (meter.rss_mib(pid) - before) * 1024 / len(jobs)
    for rate in RATES:
        results[name, f"{rate}/s, one client each"] = {
            "kB per client": memory,
            **measure(clients, pid, lab, jobs, rate, args.seconds)}
    clients.close()
    clients = Clients(kind, port, jobs, [0] * len(jobs))
    results[name, f"{SHARED_RATE}/s, all clients each"] = {
        "kB per client": memory,
        **measure(clients, pid, lab, jobs[:1], SHARED_RATE, args.seconds)}
    clients.close()
    time.sleep(2)
    return results


def measure_floor(lab, size, args):
    """What the system takes to send events of so many bytes, as results have it."""
    program = os.path.join(lab.folder, "floor")
    subprocess.run([world.program("cc"), "-std=gnu17", "-O2", os.path.join(HERE, "floor.c"),
                    "-o", program], check=True)
    results = {}
    for rate in RATES:
        done = subprocess.run(
            [program, str(args.clients), str(size), str(rate * args.seconds), str(rate)],
            check=True, stdout=subprocess.PIPE, text=True)
        paced, unpaced = map(float, done.stdout.split())
        results["send(2) alone", f"{rate}/s, one client each"] = {"CPU us per event": paced}
    results["send(2) alone", f"{SHARED_RATE}/s, all clients each"] = {"CPU us per event": unpaced}
    return results


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
    parser.add_argument("--seconds", type=int, default=10)
    args, _ = parser.parse_known_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    world.check_peers()
    results, submitted = {}, {}
    with world.Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        jobs = submit_jobs(lab.stack, args.clients)
        for kind in (Sse, WebSocket, SocketIo):
            report.progress(f"shotfleet, {kind.name}")
            lab.stack.start("api", SHOTFLEET_LIVE_CLIENTS=args.clients + 100)
            results |= measure_server(
                f"shotfleet, {kind.name}", kind, lab.stack.ports["api"],
                lab.stack.programs["api"].process.pid, lab, jobs, args)
            lab.stack.stop("api")
        port = free_port()
        os.environ.update(REDIS_PORT=str(lab.redis.port), PORT=str(port),
                          DATABASE_URL=lab.stack.env["DATABASE_URL"])
        report.progress("socket.io on node")
        peer = lab.serve("node", ["node", os.path.join(world.PEERS, "live.mjs")], port)
        results |= measure_server("socket.io on node", SocketIo, port, peer.process.pid, lab,
                                  jobs, args)
        report.progress("send(2) alone")
        size = results["shotfleet, SSE", f"{RATES[0]}/s, one client each"]["bytes per event"]
        results |= measure_floor(lab, round(size), args)
        lab.stack.start("api")
        for per_request in (1, 1000):
            report.progress(f"submitting {per_request} at once")
            submitted[per_request] = submit_rate(lab.stack, per_request, args.seconds)
    columns = ["kB per client", "events", "expected", "bytes per event", "CPU us per event",
               "p50 ms", "p99 ms"]
    print(report.table(["changes", "", *columns],
                       [[what, name, *(report.number(r[c], 1) if c in r else "" for c in columns)]
                        for (name, what), r in
                        sorted(results.items(), key=lambda each: each[0][1])]))
    for per_request, rate in submitted.items():
        print(f"{per_request} in a request: {rate:.0f} captures/s accepted")
    report.save("live-compare", {
        **{f"{what}: {name}": figures for (name, what), figures in results.items()},
        **{f"submit {n}": {"captures/s": rate} for n, rate in submitted.items()}})


if __name__ == "__main__":
    main()
