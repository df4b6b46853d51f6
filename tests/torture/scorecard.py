"""The fleet's scorecard of a provider, held against what the provider says it did.

Most figures follow from what the provider knows, and have to be equal.  Where a
fault makes that impossible a figure has a range, as narrow as the reasons allow:

- a webhook that was not answered 2xx may have been taken all the same (the
  answer got lost);
- one that was answered 2xx may have died with a Redis that was wiped, or came back
  without its last seconds: what it lost is known, entry by entry;
- an attempt that was told of in two ways at once, by a webhook and by an answer
  to the poller's question, ends by whichever is recorded first;
- what ingest counted of refused webhooks dies with it, or with Redis.
"""

import collections

from provider import BY_ANSWER, PICTURE

SCORES = """
with fresh as materialized (
    select scorecard_refresh(utc_day(now()) + d) from generate_series(-1, 1) d)
select count(*) from fresh"""
FIGURES = """
select captures, completed, failed, cancelled, attempts, bytes, webhooks, duplicates, late,
       out_of_order, never_came, errors, refused, day
from provider_scorecard where provider = 'screenshotly'"""
ROWS = """
select job_id::text as job, attempt, count(*) filter (where event = 'progress')::int as progress,
       count(*) filter (where event <> 'progress')::int as ends
from deliveries where source = 'webhook' group by 1, 2"""
FED = """
select count(distinct (job_id, attempt))::int as n from deliveries
where source = 'retry' and outcome = 'recorded'"""
PROGRESS, END = 0, 1


class Attempt:
    """As the provider reports it, and what a Redis has lost of it."""

    def __init__(self, job, number, ends, taken, perhaps, disorder, disorder_perhaps):
        self.job, self.number = job, number
        self.ends, self.taken, self.perhaps = ends, taken, perhaps
        self.disorder = (disorder, disorder_perhaps)
        self.lost = [0, 0]

    def least(self, kind):
        return max(0, self.taken[kind] - self.lost[kind])

    def most(self, kind):
        return self.taken[kind] + self.perhaps[kind]


class Scorecard:
    """`rows`: (figure, the fleet's, least and most of the provider's)."""

    def __init__(self, world, load, report, open_jobs):
        world.sql(SCORES)
        self.world, self.load = world, load
        self.open = open_jobs  # they wait for a person
        self.attempts = {}
        for job, number, *rest in report["attempts"]:
            self.attempts[job, number] = Attempt(job, number, *rest)
        for job, number, end in world.lost:
            self.attempts[job, number].lost[end] += 1
        self.last = {}  # job: Attempt
        for attempt in sorted(self.attempts.values(), key=lambda a: a.number):
            self.last[attempt.job] = attempt
        self.refused_at = report["refused_at"]
        self.counts = world.outside.counts()["provider"]
        self.rows = []
        days = world.sql(FIGURES)
        # an attempt that was told of on both sides of midnight is two of two days
        self.one_day = len({row.day for row in days}) == 1
        self.compare(days)

    def ends(self, job, number):
        """What the provider told of that attempt: completed, or error codes."""
        attempt = self.attempts.get((job, number))
        return set(attempt.ends) if attempt else set()

    def compare(self, days):
        def total(name):
            return sum(getattr(row, name) for row in days)

        for name, least, most in [*self.of_jobs(), *self.of_webhooks()]:
            self.rows.append((name.replace("_", " "), int(total(name)), least, most))
        for name, codes, column in (("failed with", self.of_errors(), "errors"),
                                    ("refused for its", self.of_refusals(), "refused")):
            said = collections.Counter()
            for row in days:
                said.update(getattr(row, column))
            for code in sorted(said.keys() | codes.keys()):
                self.rows.append((f"{name} {code}", said[code], *codes.get(code, (0, 0))))

    def jobs(self):
        """Of each that was neither cancelled for good nor perhaps: what it may have
        ended with.  Of the others: None."""
        load = self.load
        gone = (load.cancelled.keys() - load.restarted.keys()) | load.unsure
        for job in {*load.accepted, *self.world.probes}:
            last = self.last.get(job)
            yield job, None if job in gone else set(last.ends) if last else set()

    def of_jobs(self):
        load = self.load
        unsure = len(load.unsure)
        count = len({*load.accepted, *self.world.probes})
        ends = [possible for _, possible in self.jobs() if possible is not None]
        completed = (max(0, sum(e == {"completed"} for e in ends) - self.open),
                     sum("completed" in e for e in ends) + unsure)
        failed = (max(0, sum(bool(e) and "completed" not in e for e in ends) - self.open),
                  sum(bool(e - {"completed"}) for e in ends) + unsure)
        cancelled = len(load.cancelled.keys() - load.restarted.keys() - load.unsure)
        attempts = sum(max(load.cancelled.get(job, 1),
                           self.last[job].number if job in self.last else 1)
                       for job, _ in self.jobs())
        return [("captures", count, count + load.unanswered + self.world.unanswered),
                ("completed", *completed), ("failed", *failed),
                ("cancelled", cancelled, cancelled + unsure),
                ("attempts", attempts, attempts + unsure),
                ("bytes", *(len(PICTURE) * n for n in completed))]

    def of_errors(self):
        """{code: (least, most)}"""
        ends = [possible for _, possible in self.jobs() if possible is not None]
        codes = set().union(*ends) - {"completed"}
        return {code: (max(0, sum(e == {code} for e in ends) - self.open),
                       sum(code in e for e in ends) + len(self.load.unsure))
                for code in codes}

    def of_webhooks(self):
        tried = self.attempts.values()
        cancelled = set(self.load.cancelled.items())
        waited = [a for a in tried if (a.job, a.number) not in cancelled]
        silent = [a for a in waited if a.most(END) == 0 and a.job not in self.load.unsure]
        fed = self.world.sql(FED)[0].n  # these have ended in neither way
        both = sum(any(way & BY_ANSWER for way in a.ends.values()) and a.most(END) > 0
                   for a in tried)
        figures = [
            ("webhooks", sum(a.least(PROGRESS) + a.least(END) for a in tried),
             sum(a.most(PROGRESS) + a.most(END) for a in tried)),
            ("duplicates", sum(max(0, a.least(END) - 1) for a in tried),
             sum(max(0, a.most(END) - 1) for a in tried)),
            ("late", 0, both),
            ("out_of_order", sum(a.disorder[0] for a in tried if not any(a.lost)),
             sum(a.disorder[1] for a in tried)),
            ("never_came", max(0, len(silent) - fed),
             sum(a.least(END) == 0 for a in waited))]
        if not self.one_day:
            figures[1:4] = [(name, 0, most) for name, _, most in figures[1:4]]
        return figures

    def of_refusals(self):
        """{outcome: (least, most)}; a timestamp is wrong where a clock is."""
        spoilt = self.world.spoilt
        sure = sum(not any(begin <= at <= end for begin, end in spoilt)
                   for at in self.refused_at)
        found = {"signature": (max(0, sure - self.world.lost_refusals),
                               self.counts.get("webhooks corrupted", 0))}
        if spoilt:
            found["timestamp"] = (0, self.counts.get("webhooks answered 401", 0))
        return found

    # what comes of it

    def inexact(self):
        """Figures that have a range; late ones do, whenever both ways were taken."""
        return [row for row in self.rows if row[2] != row[3] and row[0] != "late"]

    def wrong(self):
        return [row for row in self.rows if not row[2] <= row[1] <= row[3]]

    def made_up(self):
        """Webhooks that were recorded and that the provider never sent."""
        return sum(max(0, n - attempt.most(kind)) for attempt, kind, n in self.recorded())

    def vanished(self):
        """Webhooks that were answered 2xx, were not recorded, and that no Redis has
        lost."""
        return sum(max(0, attempt.least(kind) - n) for attempt, kind, n in self.recorded())

    def recorded(self):
        """(attempt, kind, rows of it)"""
        rows = {(r.job, r.attempt): r for r in self.world.sql(ROWS)}
        nobody = Attempt(None, 0, {}, (0, 0), (0, 0), 0, 0)
        for key in rows.keys() | self.attempts.keys():
            row = rows.get(key)
            attempt = self.attempts.get(key, nobody)
            yield attempt, PROGRESS, row.progress if row else 0
            yield attempt, END, row.ends if row else 0
