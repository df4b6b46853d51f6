"""Counts every job when it is over: what was promised, and what became of it."""

from processes import wait_for
from scorecard import Scorecard

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
STORED = "select image_key, size_bytes from jobs where status = 'completed'"
ENDED = """
select id::text, status, attempt, coalesce(error_code, 'completed') as how from jobs
where status in ('completed', 'failed')"""


def open_jobs(world):
    return world.sql(OPEN)


def undelivered(world):
    return world.sql(CALLED)[0].undelivered


def without_picture(world):
    """Completed jobs whose file is not there, or has another size."""
    stored = world.pictures()
    return sum(stored.get(row.image_key) != row.size_bytes for row in world.sql(STORED))


def unaccounted(world):
    """By the poller's ledger, once it has looked at all streams again."""
    now = world.sql("select now()")[0].now
    wait_for(lambda: world.sql(UNACCOUNTED, now)[0].fresh, LEDGER_S, "the ledger")
    return world.sql(UNACCOUNTED, now)[0].entries


def refusals_counted(world):
    """By the poller, all that ingest has told it as it stopped."""
    wait_for(lambda: world.redis.xlen("shotfleet:refusals") == 0, LEDGER_S,
             "the poller to count what ingest refused")


class Verdict:
    """What `world` looks like once everything had its time to end.  `exact`: the
    scorecard has to be, since nothing but the provider misbehaved."""

    def __init__(self, world, load, recoveries, exact=False):
        self.world = world
        self.load = load
        self.recoveries = recoveries
        self.exact = exact
        self.unaccounted = unaccounted(world)
        wrong = world.stop(["ingest"])
        refusals_counted(world)
        wrong += world.stop(["worker", "poller", "api"])
        self.left = open_jobs(world)
        self.outside = world.outside.counts()
        report = world.outside.report()
        self.told = report["told"]
        self.score = Scorecard(world, load, report, len(self.left))
        ended = world.sql(ENDED)
        self.unjust = [r for r in ended if r.how not in self.score.ends(r.id, r.attempt)]
        self.complaints = [*world.odd_ends, *wrong]
        self.rows = self.count(sum(r.status == "failed" for r in ended))
        self.musts = self.promises()

    def count(self, failed):
        world = self.world
        status = {r.status: r.count for r in world.sql(
            "select status, count(*) from jobs group by status")}
        letters = world.sql("select count(*) as ever, count(*) filter (where resolved_at"
                            " is null) as open from dead_letters")[0]
        unjust = sum(r.status == "failed" for r in self.unjust)
        rows = [("submitted", sum(status.values())), ("completed", status.get("completed", 0)),
                ("failed for cause", failed - unjust),
                ("cancelled", status.get("cancelled", 0)),
                ("dead letters, ever", letters.ever), ("dead letters, open", letters.open),
                ("programs started again", world.restarts),
                ("webhooks that Redis lost, and had answered for", len(world.lost))]
        for who, did in (("users", self.load.did), ("provider", self.outside["provider"]),
                         ("application", self.outside["application"])):
            rows += sorted((f"{who}: {name}", count) for name, count in did.items())
        return rows

    def promises(self):
        world, score = self.world, self.score
        known = {r.id for r in world.sql("select id::text from jobs")}
        asked_for = {*self.load.accepted, *world.probes}
        called = world.sql(CALLED)[0]
        ends = world.sql(ENDS)[0]
        taken = {r.id for r in world.sql(
            "select id::text from callbacks where delivered_at is not null")}
        return [
            ("accepted by api, not in the table", len(asked_for - known)),
            ("in the table, not accepted by api", max(0, len(known - asked_for)
             - self.load.unanswered - world.unanswered)),
            ("lost", sum(not row.dead for row in self.left)),
            ("recorded twice", ends.twice),
            ("ended without a record of it", ends.untold),
            ("ended otherwise than the provider said", len(self.unjust)),
            ("completed without their picture", without_picture(world)),
            ("dead letters for want of room", world.sql(NO_ROOM)[0].letters),
            ("webhooks answered 200, neither recorded nor lost by Redis", score.vanished()),
            ("webhooks recorded, never sent", score.made_up()),
            ("callbacks lost", called.unannounced + called.undelivered
             + len(taken - set(self.told))),
            ("entries left on the streams", world.in_flight()),
            ("entries unaccounted for by the ledger", self.unaccounted),
            ("figures of the scorecard that cannot be", len(score.wrong())),
            *([("figures of the scorecard that are not exact", len(score.inexact()))]
              if self.exact else []),
            ("faults never recovered from",
             sum(times.count(None) for times in self.recoveries.values())),
            ("programs that ended strangely", len(self.complaints)),
        ]

    def kept(self):
        return not any(value for _, value in self.musts)

    def __str__(self):
        lines = ["| what | |", "|---|---:|"]
        lines += [f"| {name} | {value} |" for name, value in self.rows]
        lines += [f"| **{name}** (must be 0) | {value} |" for name, value in self.musts]
        lines += ["", "| of the provider | by the scorecard | by itself |", "|---|---:|---:|"]
        for name, value, least, most in self.score.rows:
            lines.append(f"| {name} | {value} | {least}{'' if least == most else f' to {most}'} |")
        if self.recoveries:
            lines += ["", "| fault | times | longest to recover |", "|---|---:|---:|"]
        for name, times in sorted(self.recoveries.items()):
            longest = "never" if None in times else f"{max(times):.1f} s"
            lines.append(f"| {name} | {len(times)} | {longest} |")
        lines += [f"job {row.id} ended as {row.how}; the provider said"
                  f" {sorted(self.score.ends(row.id, row.attempt))}" for row in self.unjust[:10]]
        lines += [f"job {row.id} is {row.status}, attempt {row.attempt}, next looked at in"
                  f" {row.next_check}{', has a dead letter' if row.dead else ''}"
                  for row in self.left[:10]]
        return "\n".join(lines + self.complaints)
