#!/usr/bin/python3
"""A file of URLs, submitted, followed and saved by the command, on a real fleet:
api, worker, ingest, poller, the built-in provider with Chromium, a durable Redis
and PostgreSQL.

    bench/road/file.py [--urls 1000] [--missing 10]

So many of the pages are missing and must fail, all others must be completed.
Then every picture in the folder is held against its row, and the ledger must
balance.  The pages are small ones, served by nginx on this machine: what is
measured is capturing, and what the fleet adds to it.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(ROOT, "scripts")]

from lab import report  # noqa: E402
from lab.world import Lab  # noqa: E402
import harness  # noqa: E402
from processes import free_port, wait_for  # noqa: E402
from tour_sites import SITES, page  # noqa: E402


def expect(fact, complaint):
    if not fact:
        sys.exit(complaint)


def serve_pages(lab):
    """Returns the address below which they are."""
    port = free_port()
    folder = os.path.join(lab.folder, "pages")
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    for name in SITES:
        lab.file(f"pages/{name}", page(name))
    lab.nginx("nginx", port, f"root {folder}; default_type 'text/html; charset=utf-8';")
    return f"http://127.0.0.1:{port}"


def write_urls(lab, base, count, missing):
    """A file as people have them; the missing ones are spread over it."""
    names = list(SITES)
    every = count // missing if missing else count + 1
    urls = [f"{base}/gone?{n}" if n % every == every - 1 else
            f"{base}/{names[n % len(names)]}?{n}" for n in range(count)]
    return lab.file("urls.txt", "# pages\n" + "\n".join(urls) + "\n"), sum(
        "/gone?" in url for url in urls)


def run(lab, urls, folder):
    """(seconds, exit code, the documents that the command printed)."""
    begin = time.monotonic()
    done = subprocess.run(
        [os.path.join(harness.BIN, "shotfleet"), "submit", "-f", urls, "-o", folder, "--json"],
        env=lab.stack.env, stdout=subprocess.PIPE, text=True)
    return (time.monotonic() - begin, done.returncode,
            [json.loads(line) for line in done.stdout.splitlines()])


def check_pictures(lab, folder, completed):
    """Each is there, whole, and nothing else is."""
    rows = lab.stack.sql("select id::text, sha256 from jobs where status = 'completed'")
    expect({r.id for r in rows} == {d["jobId"] for d in completed},
           "the command and the database do not speak of the same captures")
    saved = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as f:
            saved[name.split(".")[0]] = hashlib.sha256(f.read()).hexdigest()
    expect(saved == {r.id: r.sha256 for r in rows}, "a picture is missing or not whole")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--urls", type=int, default=1000)
    parser.add_argument("--missing", type=int, default=10)
    args, _ = parser.parse_known_args()
    with Lab() as lab:
        lab.start_redis()
        lab.start_postgres()
        urls, gone = write_urls(lab, serve_pages(lab), args.urls, args.missing)
        folder = os.path.join(lab.folder, "pictures")
        lab.stack.start_all()
        report.progress(f"submitting {args.urls} URLs, {gone} of them of pages that are missing")
        seconds, code, documents = run(lab, urls, folder)
        completed = [d for d in documents if d["status"] == "completed"]
        failed = [d for d in documents if d["status"] == "failed"]
        expect((len(completed), len(failed)) == (args.urls - gone, gone),
               f"{len(completed)} were completed and {len(failed)} failed")
        expect(code == (1 if gone else 0), f"the exit code was {code}")
        check_pictures(lab, folder, completed)
        wait_for(lambda: lab.stack.cli("ledger").returncode == 0, 30, "the ledger to balance")
        [[p50, p99]] = lab.stack.sql(
            "select percentile_cont(0.5) within group (order by s) as p50, percentile_cont(0.99) within"
            " group (order by s) as p99 from (select extract(epoch from completed_at - created_at)::float"
            " as s from jobs where status = 'completed') j")
    print(report.table(
        ["URLs", "completed", "failed", "wall s", "captures/s", "until a picture, p50 s", "p99 s"],
        [[str(args.urls), len(completed), len(failed), report.number(seconds, 1),
          report.number(args.urls / seconds, 2), report.number(p50, 1), report.number(p99, 1)]]))
    report.save("road-file", {"urls": args.urls, "completed": len(completed), "failed": len(failed),
                              "seconds": seconds, "p50 s": p50, "p99 s": p99})


if __name__ == "__main__":
    main()
