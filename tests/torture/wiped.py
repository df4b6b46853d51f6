#!/usr/bin/python3
"""What becomes of captures when Redis loses everything in the middle of them?

A private stack with the settings that it comes with gets --jobs captures at once,
from a provider that drops 30 % of its webhooks and worse (provider.py).  When half
of them have ended Redis is wiped; then all have to end.  Exit code 1: one did not,
or ended twice, or without a cause.
"""

import argparse
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
os.environ.setdefault("SHOTFLEET_BIN", os.path.join(ROOT, "build", "release", "bin"))

import verdict  # noqa: E402
from load import Load  # noqa: E402
from processes import wait_for  # noqa: E402
from torture import TELLS_S, settle  # noqa: E402
from private import private_world  # noqa: E402

SUBMIT_S = 5  # all of them
SETTINGS = {"SHOTFLEET_STALE_AFTER_S": "60", "SHOTFLEET_TAKEOVER_S": "30"}


def statuses(world):
    return {row.status: row.count for row in world.sql(
        "select status, count(*) from jobs group by status")}


def ended(world):
    now = statuses(world)
    return sum(now.get(status, 0) for status in ("completed", "failed", "cancelled"))


def run(world, args):
    world.set_up()
    begin = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - begin:7.1f} s  {text}", flush=True)
    load = Load(world, args.jobs, SUBMIT_S)
    load.start()
    load.join()
    wait_for(lambda: (time.sleep(0.1) or ended(world)) >= args.jobs / 2, args.patience_s, "half to end")
    before, entries = statuses(world), world.in_flight()
    world.faults(None, None)["redis wiped"]()
    wiped = time.monotonic()
    world.spoilt.append((wiped - TELLS_S, wiped + TELLS_S))
    say(f"wiped Redis with {entries} entries; jobs: {before}")
    for share in (0.9, 0.99, 1):
        wait_for(lambda: ended(world) >= share * args.jobs or time.monotonic() - wiped
                 > args.patience_s, args.patience_s + 10, "the jobs to end")
        say(f"{ended(world)} have ended, {time.monotonic() - wiped:.1f} s after")
    settle(world, args.patience_s, say)
    for name, value in world.stack.metrics("poller").items():
        if value and ("requeued" in name or "checks_total" in name):
            say(f"{name} {value:.0f}")
    return verdict.Verdict(world, load, {})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience-s", type=float, default=1800,
                        help="how long all of them get to end (1800)")
    args = parser.parse_args()
    with private_world(args.seed, SETTINGS) as world:
        found = run(world, args)
        print(f"\n{found}")
        world.kept = not found.kept()
    sys.exit(0 if found.kept() and not world.broken else "broke a promise")


if __name__ == "__main__":
    main()
