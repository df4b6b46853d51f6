"""Counts every job when it is over: what was promised, and what became of it."""

import os

from processes import wait_for

LEDGER_S = 120  # until the poller has looked at each stream

# A job ends once, and once more each time that a user starts it again.  What ends
# it: an entry, a user, or a retry that found no attempt left, which is one that the
# attempt does not show.
ENDS = """
select count(*) filter (where ends > 1 + restarts) as twice,
       count(*) filter (where ends < 1 + restarts and ended) as untold
from (select j.status in ('completed', 'failed', 'cancelled') as ended, a.restarts,
             d.ends + a.cancels + d.retries - (j.attempt - 1 - a.restarts) as ends
      from jobs j,
           lateral (select count(*) filter (where event in ('completed', 'failed')) as ends,
                           count(*) filter (where event = 'retry') as retries
                    from deliveries where job_id = j.id and outcome = 'recorded') d,
           lateral (select count(*) filter (where action = 'cancel') as cancels,
                           count(*) filter (where action = 'restart') as restarts
                    from job_actions where job_id = j.id) a) each"""
OPEN = """
select j.id::text, j.status, j.attempt, j.next_check_at - now() as next_check,
       exists (select from dead_letters l where l.job_id = j.id
               and l.resolved_at is null) as dead
from jobs j where j.status in ('queued', 'submitted')"""
CALLED = """
select count(*) filter (where j.callback_url is not null and c.id is null) as unannounced,
       count(*) filter (where c.id is not null and c.delivered_at is null) as undelivered
from jobs j left join callbacks c on c.job_id = j.id
where j.status in ('completed', 'failed')"""

# A full disk stops the work; it is nothing that an entry could be blamed for.
NO_ROOM = """
select count(*) as letters from dead_letters
where history::text like '%No space left on device%'"""
UNACCOUNTED = """
select coalesce(sum(abs(unaccounted)), 0)::int as entries,
       coalesce(bool_and(checked_at > %s), false) as fresh from ledger"""
SCORES = """
with fresh as materialized (
    select scorecard_refresh(utc_day(now()) + d) from generate_series(-1, 1) d)
select count(*) from fresh"""
SCORECARD = """
select coalesce(sum(captures), 0)::int as captures, coalesce(sum(webhooks), 0)::int as webhooks,
       coalesce(sum(never_came), 0)::int as never_came,
       coalesce(sum(duplicates), 0)::int as duplicates, coalesce(sum(late), 0)::int as late,
       coalesce(sum(bad_signatures), 0)::int as bad_signatures
from provider_scorecard"""


def open_jobs(world):
    return world.sql(OPEN)


def undelivered(world):
    return world.sql(CALLED)[0].undelivered


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


def unaccounted(world):
    """By the poller's ledger, once it has looked at all streams again."""
    now = world.sql("select now()")[0].now
    wait_for(lambda: world.sql(UNACCOUNTED, now)[0].fresh, LEDGER_S, "the ledger")
    return world.sql(UNACCOUNTED, now)[0].entries


class Verdict:
    """What `world` looks like once everything had its time to end."""

    def __init__(self, world, load, recoveries):
        self.world = world
        self.unaccounted = unaccounted(world)
        wrong = world.stop_programs()
        world.sql(SCORES)
        self.score = world.sql(SCORECARD)[0]
        self.load = load
        self.recoveries = recoveries
        self.left = open_jobs(world)
        failed = world.sql("select id::text, error_code from jobs where status = 'failed'")
        self.unjust = [r for r in failed if r.error_code not in world.provider.told[r.id]]
        self.complaints = [*world.odd_ends, *wrong]
        self.rows = self.count(failed)
        self.musts = self.promises()

    def count(self, failed):
        world = self.world
        status = {r.status: r.count for r in world.sql(
            "select status, count(*) from jobs group by status")}
        letters = world.sql("select count(*) as ever, count(*) filter (where resolved_at"
                            " is null) as open from dead_letters")[0]
        told = world.application.told
        did = self.load.did
        rows = [("submitted", sum(status.values())), ("completed", status.get("completed", 0)),
                ("failed for cause", len(failed) - len(self.unjust)),
                ("cancelled", status.get("cancelled", 0)),
                ("dead letters, ever", letters.ever), ("dead letters, open", letters.open),
                ("programs started again", world.restarts)]
        rows += sorted((f"users: {n}", count) for n, count in did.items())
        rows += sorted((f"provider: {n}", count) for n, count in world.provider.counts.items())
        rows += [(f"scorecard: {name.replace('_', ' ')}", count)
                 for name, count in self.score._asdict().items()]
        return rows + [("application: callbacks refused", world.application.refused),
                       ("application: callbacks taken", len(told)),
                       ("application: callbacks taken again", sum(told.values()) - len(told))]

    def promises(self):
        world = self.world
        known = {r.id for r in world.sql("select id::text from jobs")}
        called = world.sql(CALLED)[0]
        ends = world.sql(ENDS)[0]
        taken = {r.id for r in world.sql(
            "select id::text from callbacks where delivered_at is not null")}
        return [
            ("accepted by api, not in the table", len(set(self.load.accepted) - known)),
            ("lost", sum(not row.dead for row in self.left)),
            ("recorded twice", ends.twice),
            ("ended without a record of it", ends.untold),
            ("failed without a cause", len(self.unjust)),
            ("completed without their picture", without_picture(world)),
            ("dead letters for want of room", world.sql(NO_ROOM)[0].letters),
            ("callbacks lost", called.unannounced + called.undelivered
             + len(taken - set(world.application.told))),
            ("entries left on the streams", world.in_flight()),
            ("entries unaccounted for by the ledger", self.unaccounted),
            ("of the scorecard, not of the provider", self.made_up()),
            ("faults never recovered from",
             sum(times.count(None) for times in self.recoveries.values())),
            ("programs that ended strangely", len(self.complaints)),
        ]

    def made_up(self):
        """What the scorecard says beyond what can be.  That it says less is right:
        a webhook that was answered 200 dies with a Redis that is wiped."""
        did, score = self.world.provider.counts, self.score
        posts = sum(n for name, n in did.items()
                    if name.startswith("webhooks answered") and not name.endswith("401"))
        jobs = self.world.sql("select count(*)::int as n from jobs")[0].n
        return (abs(score.captures - jobs) + max(0, score.webhooks - posts)
                + max(0, score.bad_signatures - did["webhooks corrupted"]))

    def kept(self):
        return not any(value for _, value in self.musts)

    def __str__(self):
        lines = ["| what | |", "|---|---:|"]
        lines += [f"| {name} | {value} |" for name, value in self.rows]
        lines += [f"| **{name}** (must be 0) | {value} |" for name, value in self.musts]
        lines += ["", "| fault | times | longest to recover |", "|---|---:|---:|"]
        for name, times in sorted(self.recoveries.items()):
            longest = "never" if None in times else f"{max(times):.1f} s"
            lines.append(f"| {name} | {len(times)} | {longest} |")
        lines += [f"job {row.id} failed with {row.error_code}; the provider said"
                  f" {sorted(self.world.provider.told[row.id])}" for row in self.unjust[:10]]
        lines += [f"job {row.id} is {row.status}, attempt {row.attempt}, next looked at in"
                  f" {row.next_check}{', has a dead letter' if row.dead else ''}"
                  for row in self.left[:10]]
        return "\n".join(lines + self.complaints)
