"""Runs the histories of model.py against PostgreSQL, many at a time, and makes a
failing one short."""

import glob
import os

import psycopg2
import psycopg2.extras

from model import HOUR_MS, MAX_FEEDS, SETTLING, History, Violation

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BATCH = 400
LENGTH = 36

RECORD = """
select entry_id, outcome, status, attempt from record_entries(
    %s::text[], %s::uuid[], %s::integer[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::inet[], %s::bigint[], %s::text[], %s::integer[],
    %s::text[], %s::text[], %s::integer[], %s::integer[], %s::bigint[], %s::text[],
    %s::text[], %s::text[], %s::bigint[], %s::uuid[],
    null, null, null, null, %s::integer[], %s, %s)"""

CREATE = """
select create_job('http://page.test/', appended_by_caller => appended)::text as id
from unnest(%s::boolean[]) with ordinality as a (appended, n) order by n"""

# Nothing is due but what a step makes due.
QUIET = """
update jobs set next_check_at = now() + interval '1 day'
where next_check_at <= now() + interval '1 minute'"""

STATE = """
select j.id::text, j.status, j.attempt, j.next_check_at is not null as watched,
       d.*, l.*
from jobs j,
     lateral (select count(*) filter (where outcome = 'recorded') as recorded,
                     count(*) filter (where outcome = 'duplicate') as duplicate,
                     count(*) filter (where outcome = 'ignored') as ignored,
                     count(*) filter (where outcome = 'dead') as dead,
                     count(*) filter (where outcome = 'recorded' and event
                                      in ('completed', 'failed')) as ends
              from deliveries where job_id = j.id) d,
     lateral (select count(*) as open_letters,
                     count(*) filter (where coalesce(attempt, j.attempt) = j.attempt)
                         as holding_letters
              from dead_letters
              where job_id = j.id and resolved_at is null) l
where j.id = any (%s::uuid[])"""


def install(connection):
    """The schema, as `shotfleet migrate` would apply it."""
    with connection.cursor() as cursor:
        for path in sorted(glob.glob(os.path.join(ROOT, "sql", "*.sql"))):
            with open(path) as f:
                cursor.execute(f.read())


def connect(url):
    connection = psycopg2.connect(
        url, cursor_factory=psycopg2.extras.NamedTupleCursor)
    connection.autocommit = True
    connection.cursor().execute("set jit = off; set enable_seqscan = off;"
                                " set synchronous_commit = off")
    return connection


class Run:
    """Histories side by side: step by step, each with its own job."""

    def __init__(self, connection, histories):
        self.connection = connection
        self.cursor = connection.cursor()
        self.histories = histories
        self.by_job = {}

    def sql(self, query, *params):
        self.cursor.execute(query, params or None)
        return self.cursor.fetchall() if self.cursor.description else []

    def all(self):
        self.set_up()
        for n in range(max(len(h.steps) for h in self.histories)):
            self.round({h: h.steps[n] for h in self.histories if n < len(h.steps)})
        for name in SETTLING:
            self.round({h: (name, 0, None) for h in self.histories if not h.rules.ended})
        for h in self.histories:
            if not h.rules.ended:
                raise Violation(h, f"never ends: {h.rules.status}")

    def set_up(self):
        self.sql("truncate jobs, job_actions, deliveries, dead_letters, callbacks")
        rows = self.sql(CREATE, [h.appended for h in self.histories])
        for h, row in zip(self.histories, rows):
            h.reset(row.id)
            self.by_job[row.id] = h
        self.sql("update jobs set max_attempts = m from unnest(%s::uuid[], %s::integer[])"
                 " as u (job, m) where id = job", [h.job for h in self.histories],
                 [h.max_attempts for h in self.histories])
        self.sql(QUIET)

    def round(self, steps):
        by_name = {}
        for h, (name, a, b) in steps.items():
            if hasattr(h, name):
                getattr(h, name)(a, b)
            else:
                by_name.setdefault(name, {})[h] = (a, b)
        for name in sorted(by_name):
            getattr(self, name)(by_name[name])
        touched = [h.job for chosen in by_name.values() for h in chosen]
        for row in self.sql(STATE, touched) if touched else []:
            self.by_job[row.id].check(row)

    # workers

    def record(self, chosen):
        whole, rolled_back = [], []
        for h, (a, b) in chosen.items():
            result = h.take_hand(a)
            if result:
                (rolled_back if b % 10 < 2 else whole).append((h, result, b % 10 > 2))
        if rolled_back:
            self.sql("begin")
            self.write([(h, result) for h, result, _ in rolled_back])
            self.sql("rollback")
        self.commit(whole)

    def record_well(self, chosen):
        taken = ((h, h.take_hand(0), True) for h in chosen)
        self.commit([each for each in taken if each[1]])

    def commit(self, batch):
        if not batch:
            return
        answers = {row.entry_id: row
                   for row in self.write([(h, result) for h, result, _ in batch])}
        for h, result, acknowledged in batch:
            outcome = h.rules.apply(result, h.letters.get(result.entry.dead))
            row = answers.get(result.entry.id)
            if not row or row.outcome != outcome:
                raise Violation(h, f"{result.event} of {result.entry.kind} was made"
                                   f" {row and row.outcome}, must be {outcome}")
            if acknowledged:
                h.acknowledge(result.entry)

    def write(self, batch):
        def column(of):
            return [of(h, r) for h, r in batch]

        def none(h, r):
            return None
        provider = (lambda h, r: "screenshotly")
        picture = (lambda value: lambda h, r: value if r.picture else None)
        failing = ("failed", "retry", "postpone", "dead")
        code = (lambda h, r: "CODE" if r.event in failing else None)
        return self.sql(
            RECORD, column(lambda h, r: r.entry.id),
            column(lambda h, r: h.job), column(lambda h, r: r.attempt),
            column(lambda h, r: r.event), column(provider),
            column(lambda h, r: r.entry.stream), column(none), column(none),
            column(lambda h, r: 1700000000000), column(none),
            column(lambda h, r: 50 if r.event == "progress" else None),
            column(picture("screenshots/key")), column(picture("image/png")),
            column(picture(4)), column(picture(3)), column(picture(70)),
            column(picture("hash")), column(code), column(code),
            column(lambda h, r: r.delay_ms),
            column(lambda h, r: r.entry.dead), column(lambda h, r: r.entry.tries),
            HOUR_MS, MAX_FEEDS)

    # the poller, and people

    def poll_there(self, chosen):
        self.poll(chosen, 0)

    def poll_gone(self, chosen):
        self.poll(chosen, 9223372036854775807)

    def poll(self, chosen, oldest_ms):
        self.sql(QUIET)
        self.sql("update jobs set next_check_at = now() where next_check_at is not null"
                 " and id = any (%s::uuid[])", [h.job for h in chosen])
        late = self.sql("select job_id::text, '' as status, attempt, true as expired"
                        " from end_due(100000)")
        queued = self.sql("select job_id::text, 'queued' as status, attempt,"
                          " false as expired from requeue_due(%s, 100000)", oldest_ms)
        silent = self.sql("select job_id::text, 'submitted' as status, attempt,"
                          " false as expired"
                          " from check_due(%s, '{}', '{}', '{}', 100000)", HOUR_MS)
        for row in late + queued + silent:
            h = self.by_job[row.job_id]
            if h in chosen:  # the deadlines of all are looked at
                h.polled(row.status, row.attempt, row.expired, chosen[h][1])
        self.sql(QUIET)

    def expire(self, chosen):
        self.sql("update jobs set deadline_at = now() - interval '1 second'"
                 " where id = any (%s::uuid[])", [h.job for h in chosen])

    def feed(self, chosen):
        self.sql("update dead_letters set next_attempt_at = now() where resolved_at is null"
                 " and next_attempt_at is not null and job_id = any (%s::uuid[])",
                 [h.job for h in chosen])
        rows = self.sql("select f.*, l.entry_id from feed_due(100000) f"
                        " join dead_letters l on l.id = f.dead_id order by f.dead_id")
        for row in rows:
            h = self.by_job[row.job_id]
            h.fed(row, chosen[h][1])

    def retry(self, chosen):
        self.person("retry_dead_letters", chosen)

    def drop(self, chosen):
        self.person("drop_dead_letters", chosen)
        for h in chosen:
            if h.rules.ended:
                for letter in h.rules.letters.values():
                    letter.open = False

    def cancel(self, chosen):
        self.user("cancel", chosen)

    def restart(self, chosen):
        self.user("restart", chosen)

    def user(self, does, chosen):
        rows = self.sql("select j.id::text as job, d.changed from unnest(%s::uuid[]) j (id),"
                        f" lateral {does}_job(j.id) d", [h.job for h in chosen])
        for row in rows:
            h = self.by_job[row.job]
            if row.changed != getattr(h.rules, does)():
                raise Violation(h, f"{does} changed {'it' if row.changed else 'nothing'}")
        self.sql(QUIET)

    def person(self, function, chosen):
        self.sql(f"select {function}(array(select id from dead_letters where resolved_at"
                 " is null and job_id = any (%s::uuid[])))", [h.job for h in chosen])
        self.sql("update dead_letters set next_attempt_at = now() + interval '1 hour'"
                 " where next_attempt_at <= now()")


def failure_of(connection, histories):
    """(history, what is wrong) of the first that fails, or None."""
    try:
        Run(connection, histories).all()
        return None
    except Violation as violation:
        connection.rollback()
        return violation.history, str(violation)
    except psycopg2.Error as error:  # of all of them; whose was it?
        connection.rollback()
        if len(histories) == 1:
            return histories[0], f"PostgreSQL refused: {error}"
        half = len(histories) // 2
        return (failure_of(connection, histories[:half])
                or failure_of(connection, histories[half:]))


def shrink(connection, history, what):
    """Delta debugging: parts of the steps are left out, as long as it fails."""
    size = max(1, len(history.steps) // 2)
    while True:
        at, shorter = 0, False
        while at < len(history.steps):
            steps = history.steps[:at] + history.steps[at + size:]
            tried = History(history.number, history.seed, steps, history.appended,
                            history.max_attempts)
            found = steps and failure_of(connection, [tried])
            if found:
                history, what, shorter = tried, found[1], True
            else:
                at += size
        if size == 1 and not shorter:
            return history, what
        size = max(1, size // 2)


def search(connection, count, seed, batch=BATCH, length=LENGTH, note=None):
    """Runs `count` histories; None, or (shrunk history, what is wrong)."""
    for first in range(0, count, batch):
        histories = [History.from_seed(n, seed, length)
                     for n in range(first, min(first + batch, count))]
        found = failure_of(connection, histories)
        if found:
            return shrink(connection, *found)
        if note:
            note(first + len(histories))
    return None
