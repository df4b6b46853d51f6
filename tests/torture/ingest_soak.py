#!/usr/bin/python3
"""Ingest under load while its Redis is restarted: is every 200 kept?

Private servers, signed webhooks with a number each, Redis restarted in turn by
SIGTERM and by kill -9.  What comes out of the stream is counted against what was
answered: a 200 without its entry is a broken promise, an entry that nobody sent
or that stands twice is an intruder.  An entry whose sender heard 503 is neither:
Redis had appended it and could not say so any more.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

import redis as redis_client  # noqa: E402
from doubles import sign_webhook  # noqa: E402
from processes import free_port, wait_for  # noqa: E402
from servers import RedisServer  # noqa: E402
from web import request  # noqa: E402

STREAM = "shotfleet:webhook"
SECRET = "soak_secret"


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        self.receipts = {}   # number -> entry id, for every 200
        self.statuses = {}   # status, or "lost" for a broken connection -> count
        self.entries = {}    # number -> entry id, as read from the stream
        self.twice = 0
        self.strange = 0     # entries that are none of ours

    def number(self):
        with self.lock:
            self.next += 1
            return self.next

    def answered(self, number, status, receipt=None):
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 200:
                self.receipts[number] = receipt


def sender(port, tally, rate, stopping):
    """Keeps one connection, sends `rate` webhooks a second."""
    connection = None
    due = time.monotonic()
    while not stopping.is_set():
        due = max(due + 1 / rate, time.monotonic() - 1)
        stopping.wait(max(0, due - time.monotonic()))
        number = tally.number()
        body = json.dumps({"success": True, "number": number,
                           "padding": "x" * random.randint(0, 400)}).encode()
        try:
            if not connection:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("POST", "/webhooks/screenshotly", body, sign_webhook(body, SECRET))
            answer = connection.getresponse()
            data = answer.read()
            receipt = json.loads(data).get("receipt") if answer.status == 200 else None
            tally.answered(number, answer.status, receipt)
        except OSError:
            tally.answered(number, "lost")
            connection.close()
            connection = None


def reader(server, tally, stopping):
    """Takes entries off the stream as workers would, so that it stays short."""
    position = "0"
    while True:
        last_round = stopping.is_set()
        try:
            found = server.client.xread({STREAM: position}, count=1000, block=200)
        except redis_client.RedisError:
            time.sleep(0.1)  # it is being restarted
            continue
        entries = found[0][1] if found else []
        for entry, fields in entries:
            number = json.loads(fields[b"body"]).get("number")
            if number is None or number > tally.next:
                tally.strange += 1
            elif number in tally.entries and tally.entries[number] != entry.decode():
                tally.twice += 1
            tally.entries[number] = entry.decode()
        if entries:
            # Deleted one round late: a kill -9 may undo nothing that was read.
            position = entries[-1][0]
            try:
                server.client.xtrim(STREAM, minid=entries[0][0])
            except redis_client.RedisError:
                pass  # the next round trims more
        elif last_round:
            return


def restarts(server, count, seconds, stopping, note):
    for turn in range(count):
        if stopping.wait(seconds / (count + 1)):
            return
        signo = signal.SIGKILL if turn % 2 else signal.SIGTERM
        server.stop(signo)
        stopping.wait(random.uniform(0, 3))
        server.start()
        note(f"redis restarted ({turn + 1} of {count}, {signo.name})")


def start_ingest(binary, server, folder):
    port, admin = free_port(), free_port()
    env = {"PATH": os.environ["PATH"], "REDIS_URL": server.url,
           "SHOTFLEET_INGEST_LISTEN": f"127.0.0.1:{port}",
           "SHOTFLEET_ADMIN_LISTEN": f"127.0.0.1:{admin}",
           "SHOTFLEET_INGEST_PROCESSES": "2", "SHOTFLEET_REQUIRE_DURABLE": "1",
           "SHOTFLEET_LOG_LEVEL": "error",
           "SHOTFLEET_WEBHOOK_SECRETS": SECRET,
           "SHOTFLEET_PROVIDERS_DIR": os.path.join(ROOT, "providers")}
    with open(os.path.join(folder, "ingest.log"), "ab") as log:
        process = subprocess.Popen([binary], env=env, stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL)

    def ready():
        assert process.poll() is None, "ingest ended; see " + log.name
        try:
            return request("GET", f"http://127.0.0.1:{admin}/readyz").status == 200
        except OSError:
            return False
    wait_for(ready, 20, "ingest to be ready")
    return process, port


def rss_kib(pid):
    """Resident memory of a process and its children."""
    total = 0
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/status") as f:
                status = dict(line.split(":", 1) for line in f)
        except OSError:
            continue
        if int(entry) == pid or int(status["PPid"]) == pid:
            total += int(status.get("VmRSS", "0 kB").split()[0])
    return total


def verdict(tally):
    promised = set(tally.receipts)
    kept = {n for n in promised if tally.entries.get(n) == tally.receipts[n]}
    unanswered = set(tally.entries) - promised
    print(f"sent                      {tally.next}")
    for status in sorted(tally.statuses, key=str):
        print(f"answered {status:<16} {tally.statuses[status]}")
    print(f"entries in the stream     {len(tally.entries)}")
    print(f"  of a 200                {len(kept)}")
    print(f"  whose 200 did not come  {len(unanswered)}")
    print(f"200 without its entry     {len(promised) - len(kept)}  (must be 0)")
    print(f"entries twice             {tally.twice}  (must be 0)")
    print(f"entries nobody sent       {tally.strange}  (must be 0)")
    good = (promised == kept and promised and not tally.twice and not tally.strange)
    print("kept every promise" if good else "BROKE A PROMISE")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--rate", type=int, default=400, help="webhooks a second, in all")
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--ingest", default=os.path.join(ROOT, "build/release/bin/shotfleet-ingest"))
    args = parser.parse_args()

    folder = tempfile.mkdtemp(prefix="shotfleet-soak-", dir="/tmp")
    os.chmod(folder, 0o711)
    server = RedisServer(folder + "/redis")
    server.start()
    process, port = start_ingest(args.ingest, server, folder)
    tally, stopping, drained = Tally(), threading.Event(), threading.Event()
    seconds = args.minutes * 60
    begin, memory = time.monotonic(), rss_kib(process.pid)

    def note(text):
        print(f"{time.monotonic() - begin:7.0f} s  {text}; 200s so far "
              f"{len(tally.receipts)}, ingest {rss_kib(process.pid)} KiB", flush=True)

    threads = [threading.Thread(target=sender, daemon=True, args=(
        port, tally, args.rate / args.senders, stopping)) for _ in range(args.senders)]
    read = threading.Thread(target=reader, args=(server, tally, drained), daemon=True)
    restart = threading.Thread(target=restarts, daemon=True, args=(
        server, args.restarts, seconds, stopping, note))
    for thread in [*threads, read, restart]:
        thread.start()
    try:
        while time.monotonic() - begin < seconds:
            time.sleep(min(60, seconds))
            note("under load")
    finally:
        stopping.set()
        for thread in [*threads, restart]:
            thread.join(30)
        drained.set()
        read.join(60)
        note(f"over; it began with {memory} KiB")
        process.terminate()
        code = process.wait(30)
        server.stop()
    good = verdict(tally) and code == 0
    if good:
        shutil.rmtree(folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
