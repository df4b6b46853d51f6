#!/usr/bin/python3
"""Does the fleet keep its promises while everything around it breaks?

A private stack takes captures for some minutes.  The provider drops 30 % of its
webhooks, repeats 20 %, reorders, delays, corrupts 1 %, fails 10 % of the captures
and now and then forgets one; meanwhile a schedule made from the seed breaks what
is around it, one thing at a time or two (faults.py): processes, Redis, PostgreSQL,
the connections to both, disks and clocks.  After each fault a probe measures how
long the fleet takes to be itself again.

When the time is over everything gets a while to end; then every job is counted.
Exit code 1: a promise was broken.  The same seed gives the same faults in the same
order and the same luck at the provider; the instants differ.

Full disks need root, to mount file systems of their own; clocks that jump a C
compiler.  Without them those faults are left out.

With --compose the subject is a stack that runs in Docker Compose, started by

    docker compose -f docker-compose.yml -f tests/torture/compose.yml up --build --wait -d

Faults that cannot be had there are left out as well, and said to be.
"""

import argparse
import collections
import os
import random
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
os.environ.setdefault("SHOTFLEET_BIN", os.path.join(ROOT, "build", "release", "bin"))

import verdict  # noqa: E402
from compose import compose_world  # noqa: E402
from faults import spoils_counts, subject  # noqa: E402
from load import Load  # noqa: E402
from private import private_world  # noqa: E402

RATE = 30          # jobs a second unless --jobs says otherwise
QUIET_S = (1, 4)   # between faults
TOGETHER = 0.25    # share of faults that come with another one
PATIENCE_S = 180   # that a probe gets, behind whatever queue there is
PERSON_S = 10      # between two looks of a person at what needs one
TELLS_S = 6        # ingest tells every five seconds what it has refused
# without faults nobody asks before a webhook that was corrupted has come again
PATIENT = {"SHOTFLEET_STALE_AFTER_S": "4"}


def run_faults(world, rng, only, end, say):
    """{fault: [seconds to recover]}; None stands for never."""
    stopping = threading.Event()
    table = {name: fault for name, fault in world.faults(rng, stopping.wait).items()
             if not only or only in name}
    recoveries = collections.defaultdict(list)
    names = []
    while time.monotonic() < end:
        stopping.wait(rng.uniform(*QUIET_S))
        if not names:  # each once before any comes again
            names = rng.sample(sorted(table), len(table))
        applied = [names.pop()]
        other = rng.choice(sorted(table))
        if rng.random() < TOGETHER and subject(other) != subject(applied[0]):
            applied.append(other)
        begin = time.monotonic()
        at_once([table[name] for name in applied])
        recovered = world.probe(PATIENCE_S)
        world.tidy()
        for name in applied:
            recoveries[name].append(recovered)
        if any(map(spoils_counts, applied)):
            world.spoilt.append((begin - TELLS_S, time.monotonic() + TELLS_S))
        say(f"{' + '.join(applied)}:"
            f" {'NEVER RECOVERED' if recovered is None else f'{recovered:.1f} s'},"
            f" {world.in_flight()} entries on the streams")
    return recoveries


def at_once(functions):
    """Calls them side by side; what one raises is raised here."""
    raised = []

    def call(function):
        try:
            function()
        except Exception as error:  # pylint: disable=broad-except
            raised.append(error)
    threads = [threading.Thread(target=call, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def settle(world, seconds, say):
    """Waits until every job and callback has ended, or lies in the dead letters
    for good, and the provider has said all it had to.  A person looks at the dead
    letters now and then and tries them again."""
    begin = looked = time.monotonic()
    looks = 0
    while time.monotonic() - begin < seconds:
        left, calls = verdict.open_jobs(world), verdict.undelivered(world)
        busy = world.in_flight() != 0 or world.outside.counts()["busy"]
        if not left and not calls and not busy:
            break
        if looks == 3 and not calls and not busy and all(row.dead for row in left):
            break
        if time.monotonic() - looked > PERSON_S and (calls or any(r.dead for r in left)):
            looked = time.monotonic()
            looks += 1
            world.cli("dead", "retry", "--all")
            world.cli("callback", "retry", "--all")
        time.sleep(0.5)
    say(f"settled after {time.monotonic() - begin:.0f} s")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="of faults (3)")
    parser.add_argument("--seed", type=int, default=random.randrange(10000))
    parser.add_argument("--jobs", type=int, help=f"in all ({RATE} a second)")
    parser.add_argument("--only", help="faults with this in their name")
    parser.add_argument("--no-faults", action="store_true",
                        help="but the provider's; then the scorecard has to be exact")
    parser.add_argument("--compose", nargs="?", const="", metavar="PROJECT",
                        help="a stack in Docker Compose (shotfleet-torture)")
    parser.add_argument("--settle-s", type=float, default=600,
                        help="how long everything gets to end at the end (600)")
    parser.add_argument("--keep", action="store_true", help="keep the logs in any case")
    args = parser.parse_args()
    args.jobs = args.jobs or int(RATE * args.minutes * 60)
    return args


def run(world, args, say):
    """The verdict."""
    world.set_up()
    say(f"seed {args.seed}, {args.jobs} jobs in {args.minutes:g} minutes,"
        f" logs in {world.logs}")
    for text in world.left_out:
        say(f"without {text}")
    load = Load(world, args.jobs, args.minutes * 60)
    load.start()
    end = time.monotonic() + args.minutes * 60
    recoveries = {}
    if not args.no_faults:
        recoveries = run_faults(world, random.Random(args.seed), args.only, end, say)
        world.be_well()
    load.join(max(0, end - time.monotonic()) + 60)
    load.stopping.set()
    settle(world, args.settle_s, say)
    return verdict.Verdict(world, load, recoveries, exact=args.no_faults)


def the_world(args):
    if args.compose is not None:
        return compose_world(args.compose, args.seed)
    return private_world(args.seed, PATIENT if args.no_faults else {})


def main():
    args = parse_arguments()
    begin = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - begin:7.1f} s  {text}", flush=True)

    with the_world(args) as world:
        found = run(world, args, say)
        print(f"\n{found}")
        world.kept = args.keep or not found.kept()
    good = found.kept() and not world.broken
    print(f"\n{'kept every promise' if good else 'BROKE A PROMISE'}; again with:"
          f" --minutes {args.minutes:g} --seed {args.seed} --jobs {args.jobs}"
          f"{' --no-faults' if args.no_faults else ''}"
          f"{f' --compose {args.compose}'.rstrip() if args.compose is not None else ''}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
