#!/usr/bin/python3
"""Does the fleet keep its promises while everything around it breaks?

A private stack takes captures for some minutes.  The provider drops 30 % of its
webhooks, repeats 20 %, reorders, delays, corrupts 1 %, fails 10 % of the captures
and now and then forgets one; meanwhile a schedule made from the seed kills,
freezes and restarts processes, wipes Redis or brings it back as it was, restarts
PostgreSQL, terminates its back-ends, takes all its connections, and spoils the
connections to both (slow, reset, half-open).  After each fault a probe measures
how long the fleet takes to be itself again.

When the time is over everything gets a while to end; then every job is counted.
Exit code 1: a promise was broken.  The same seed gives the same faults in the same
order and the same luck at the provider; the instants differ.

Not there yet: a full disk, and a clock that jumps.
"""

import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
os.environ.setdefault("SHOTFLEET_BIN", os.path.join(ROOT, "build", "release", "bin"))

import processes  # noqa: E402
from faults import Faults, stop_being_unwell  # noqa: E402
from world import World  # noqa: E402

RATE = 30          # jobs a second unless --jobs says otherwise
QUIET_S = (1, 4)   # between faults
TOGETHER = 0.25    # share of faults that come with another one
PATIENCE_S = 120   # that a probe gets
LETTERS_S = 10     # between two looks of a person at the dead letters

ENDS = """
select count(*) filter (where n > 1) as twice from (
    select j.id, count(*) filter (where d.event in ('completed', 'failed'))
               + (count(*) filter (where d.event = 'retry') >= j.max_attempts)::int as n
    from jobs j join deliveries d on d.job_id = j.id and d.outcome = 'recorded'
    group by j.id) ends"""
OPEN = """
select j.id::text, j.status,
       exists (select from dead_letters l where l.job_id = j.id
               and l.resolved_at is null) as dead
from jobs j where j.status in ('queued', 'submitted')"""


class Load(threading.Thread):
    """Submits at an even pace; what was not accepted is tried again later."""

    def __init__(self, world, jobs, seconds):
        super().__init__(daemon=True)
        self.world = world
        self.jobs = jobs
        self.seconds = seconds
        self.accepted = []
        self.refused = 0
        self.stopping = threading.Event()

    def run(self):
        begin, number = time.monotonic(), 0
        while number < self.jobs and not self.stopping.is_set():
            due = self.jobs * (time.monotonic() - begin) / self.seconds
            count = min(int(due) - number, self.jobs - number, 200)
            if count <= 0:
                self.stopping.wait(0.1)
                continue
            ids = self.world.submit([f"http://page.test/{number + n}" for n in range(count)])
            self.accepted += ids
            number += len(ids)
            self.refused += not ids
            if not ids:
                self.stopping.wait(0.2)


def run_faults(world, rng, end, say):
    """{fault: [seconds to recover]}; None stands for never."""
    stopping = threading.Event()
    faults = Faults(world, rng, stopping.wait)
    table = faults.all()
    recoveries = collections.defaultdict(list)
    names = []
    while time.monotonic() < end:
        stopping.wait(rng.uniform(*QUIET_S))
        if not names:  # each once before any comes again
            names = rng.sample(sorted(table), len(table))
        name = names.pop()
        other = rng.choice(sorted(table)) if rng.random() < TOGETHER else None
        if other and not clash(name, other):
            aside = threading.Thread(target=table[other])
            aside.start()
            table[name]()
            aside.join()
            applied = [name, other]
        else:
            table[name]()
            applied = [name]
        recovered = world.probe(PATIENCE_S)
        for each in applied:
            recoveries[each].append(recovered)
        say(f"{' + '.join(applied)}: {'NEVER RECOVERED' if recovered is None else f'{recovered:.1f} s'}")
    return recoveries


def clash(one, other):
    """Faults of the same server at the same time trip over each other, not over
    us; those that need PostgreSQL cannot come with those that take it away."""
    def subject(name):
        return "postgresql" if name in ("back ends terminated", "connections exhausted") \
            else name.split()[0]
    return subject(one) == subject(other)


def settle(world, seconds, say):
    """Waits until every job has ended or lies in the dead letters; returns the
    others.  A person looks at the letters now and then and tries them again."""
    begin = looked = time.monotonic()
    while True:
        left = world.sql(OPEN)
        late = time.monotonic() - begin > seconds
        if late or (not left and world.in_flight() == 0):
            break
        if left and all(row.dead for row in left) and not world.in_flight():
            if time.monotonic() - looked > 3 * LETTERS_S:
                break
        if any(row.dead for row in left) and time.monotonic() - looked > LETTERS_S:
            looked = time.monotonic()
            world.stack.cli("dead", "retry", "--all")
        time.sleep(0.5)
    say(f"settled after {time.monotonic() - begin:.0f} s")
    return left


def without_picture(world):
    """Completed jobs whose file is not there, or has another size."""
    missing = 0
    for row in world.sql("select image_key, size_bytes from jobs where status = 'completed'"):
        try:
            size = os.path.getsize(os.path.join(world.stack.storage, row.image_key))
        except OSError:
            size = None
        missing += size != row.size_bytes
    return missing


def verdict(world, load, left, recoveries, wrong):
    """The table; True when every promise was kept."""
    status = {r.status: r.count for r in world.sql(
        "select status, count(*) from jobs group by status")}
    failed = world.sql("select id::text, error_code from jobs where status = 'failed'")
    unjust = [r for r in failed if r.error_code not in world.provider.told[r.id]]
    known = {r.id for r in world.sql("select id::text from jobs")}
    letters = world.sql("select count(*) as ever, count(*) filter (where resolved_at is null)"
                        " as open from dead_letters")[0]
    never = sum(times.count(None) for times in recoveries.values())
    musts = [
        ("accepted by api, not in the table", len(set(load.accepted) - known)),
        ("lost", sum(not row.dead for row in left)),
        ("recorded twice", world.sql(ENDS)[0].twice),
        ("failed without a cause", len(unjust)),
        ("completed without their picture", without_picture(world)),
        ("entries left on the streams", world.in_flight()),
        ("faults never recovered from", never),
        ("programs that ended strangely", len(world.odd_ends) + len(wrong)),
    ]
    rows = [("submitted", sum(status.values())), ("completed", status.get("completed", 0)),
            ("failed for cause", len(failed) - len(unjust)),
            ("dead letters, ever", letters.ever), ("dead letters, open", letters.open),
            ("programs started again", world.restarts)]
    rows += sorted((f"provider: {n}", count) for n, count in world.provider.counts.items())
    print("\n| what | |\n|---|---:|")
    for name, value in rows:
        print(f"| {name} | {value} |")
    for name, value in musts:
        print(f"| **{name}** (must be 0) | {value} |")
    print("\n| fault | times | longest to recover |\n|---|---:|---:|")
    for name, times in sorted(recoveries.items()):
        longest = "never" if None in times else f"{max(times):.1f} s"
        print(f"| {name} | {len(times)} | {longest} |")
    for row in unjust[:10]:
        print(f"job {row.id} failed with {row.error_code}; the provider said"
              f" {sorted(world.provider.told[row.id])}")
    for row in left[:10]:
        print(f"job {row.id} is {row.status}{' with a dead letter' if row.dead else ''}")
    for text in [*world.odd_ends, *wrong]:
        print(text)
    return not any(value for _, value in musts)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="of faults (3)")
    parser.add_argument("--seed", type=int, default=random.randrange(10000))
    parser.add_argument("--jobs", type=int, help=f"in all ({RATE} a second)")
    parser.add_argument("--settle-s", type=float, default=300,
                        help="how long everything gets to end at the end (300)")
    args = parser.parse_args()
    seconds = args.minutes * 60
    jobs = args.jobs or int(RATE * seconds)

    processes.adopt_orphans()
    folder = tempfile.mkdtemp(prefix="shotfleet-", dir="/tmp")
    os.chmod(folder, 0o711)
    begin = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - begin:7.1f} s  {text}", flush=True)

    world = World(folder, args.seed)
    good = False
    try:
        world.set_up()
        say(f"seed {args.seed}, {jobs} jobs in {args.minutes:g} minutes, logs in {folder}/stack")
        load = Load(world, jobs, seconds)
        load.start()
        recoveries = run_faults(world, random.Random(args.seed), time.monotonic() + seconds, say)
        stop_being_unwell(world)
        load.join(60)
        load.stopping.set()
        left = settle(world, args.settle_s, say)
        world.keeping = False
        time.sleep(1)
        wrong = []
        for name in list(world.stack.programs):
            try:
                world.stack.stop(name)
            except AssertionError as error:
                wrong.append(str(error))
        good = verdict(world, load, left, recoveries, wrong)
    finally:
        broken = world.tear_down()
    for text in broken:
        print(text)
    good = good and not broken
    again = f"--minutes {args.minutes:g} --seed {args.seed} --jobs {jobs}"
    print(f"\n{'kept every promise' if good else 'BROKE A PROMISE'}; again with: {again}")
    if good:
        shutil.rmtree(folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
