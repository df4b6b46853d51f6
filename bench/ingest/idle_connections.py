#!/usr/bin/env python3
"""What do idle keep-alive connections cost one ingest process?

Starts a private Redis and shotfleet-ingest with one process, sends one signed
webhook over each of COUNT connections, leaves them all open and prints the
resident memory of the process that holds them.  The connections come from many
loopback addresses, because ingest limits how many one address may have.

    bench/ingest/idle_connections.py build/release/bin/shotfleet-ingest
"""

import argparse
import hashlib
import hmac
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SECRET = "bench-secret"
PER_ADDRESS = 100
BATCH = 200  # requests on their way at the same time
PATIENCE_S = 30
BODY = b'{"success":true,"imageUrl":"https://images.example/%s.png",' \
       b'"error":null,"metadata":{"width":1280,"height":720,"size":48213}}' \
       % (b"0" * 32)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_listening(port, process):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{process.args[0]} does not listen on port {port}")


def webhook():
    """A head as long as providers and a proxy or two make it."""
    stamp = str(int(time.time() * 1000))
    signature = hmac.new(SECRET.encode(), stamp.encode() + b"." + BODY,
                         hashlib.sha256).hexdigest()
    head = [
        "POST /webhooks/screenshotly HTTP/1.1",
        "Host: hooks.example.com",
        "User-Agent: Screenshotly-Webhook/1.0",
        "Accept: */*",
        "Accept-Encoding: gzip, deflate, br",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
        f"X-Screenshotly-Signature: {signature}",
        f"X-Screenshotly-Timestamp: {stamp}",
        "X-Request-Id: 7f3b1c52-6a0e-4b7d-9a51-3f0c2f4f9d10",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Connection: keep-alive",
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + BODY


def open_connections(port, count):
    sockets = []
    for i in range(count):
        n = i // PER_ADDRESS
        s = socket.socket()
        s.bind((f"127.1.{n // 250}.{n % 250 + 1}", 0))
        s.settimeout(PATIENCE_S)
        s.connect(("127.0.0.1", port))
        sockets.append(s)
    return sockets


def exchange(sockets):
    """One webhook over each; how many were accepted."""
    accepted = 0
    for start in range(0, len(sockets), BATCH):
        batch = sockets[start:start + BATCH]
        for s in batch:
            s.sendall(webhook())
        for s in batch:
            accepted += s.recv(4096).startswith(b"HTTP/1.1 200 ")
    return accepted


def holder_of(parent):
    """The one child of the supervisor."""
    with open(f"/proc/{parent}/task/{parent}/children") as f:
        return f.read().split()[0]


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise SystemExit(f"process {pid} tells no VmRSS")


def raise_descriptors(count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = count + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"{count} connections need {wanted} descriptors, the "
                         f"hard limit is {hard}: raise it (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def measure(ingest, count, folder):
    redis_port, port = free_port(), free_port()
    env = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "SHOTFLEET_INGEST_LISTEN": f"127.0.0.1:{port}",
        "SHOTFLEET_INGEST_PROCESSES": "1",
        "SHOTFLEET_PROVIDERS_DIR": os.path.join(ROOT, "providers"),
        "SHOTFLEET_WEBHOOK_SECRETS": SECRET,
        "SHOTFLEET_LOG_LEVEL": "error",
    }
    started = []
    sockets = []
    try:
        started.append(subprocess.Popen(
            ["redis-server", "--port", str(redis_port), "--bind", "127.0.0.1",
             "--dir", folder, "--appendonly", "yes", "--save", ""],
            stdout=subprocess.DEVNULL))
        wait_until_listening(redis_port, started[0])
        started.append(subprocess.Popen([ingest], env=env))
        wait_until_listening(port, started[1])
        pid = holder_of(started[1].pid)
        warm = open_connections(port, 1)
        while exchange(warm) != 1:  # until it is connected to Redis
            time.sleep(0.05)
        before = resident_kib(pid)
        sockets = open_connections(port, count)
        silent = resident_kib(pid)
        accepted = exchange(sockets)
        after = resident_kib(pid)
        return before, silent, after, accepted
    finally:
        for s in sockets:
            s.close()
        for process in reversed(started):
            process.terminate()
            process.wait(PATIENCE_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ingest", help="path of shotfleet-ingest")
    parser.add_argument("--count", type=int, default=10000)
    args = parser.parse_args()
    raise_descriptors(args.count)
    folder = tempfile.mkdtemp(prefix="shotfleet-bench-")
    try:
        before, silent, after, accepted = measure(args.ingest, args.count,
                                                  folder)
    finally:
        shutil.rmtree(folder)
    if accepted != args.count:
        raise SystemExit(f"only {accepted} of {args.count} webhooks were "
                         "accepted: nothing was measured")
    print(f"connections            {args.count:8}")
    print(f"resident before        {before / 1024:8.1f} MiB")
    print(f"resident, all silent   {silent / 1024:8.1f} MiB")
    print(f"resident, all idle     {after / 1024:8.1f} MiB")
    print(f"per idle connection    {(after - before) / args.count:8.2f} KiB")


if __name__ == "__main__":
    main()
