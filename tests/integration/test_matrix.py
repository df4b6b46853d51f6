"""Every pair of a job's state and an event, through record_entries(), against the
table `transitions` and against the matrix in docs/architecture.md.
"""

import itertools
import os
import re

import pytest

from harness import ROOT
from model_run import connect, install

STATES = ("queued", "submitted", "completed", "failed", "cancelled")
EVENTS = ("submitted", "postpone", "progress", "completed", "failed", "retry", "dead", "ignored")
NUMBERS = itertools.count(1)
DOCS = os.path.join(ROOT, "docs", "architecture.md")

JOB = """
insert into jobs (url, provider, status, attempt, max_attempts, image_key, completed_at, error_code,
                  failed_at, cancelled_at, next_check_at)
values ('http://page.test/', 'screenshotly', %(status)s, %(attempt)s, 3,
        case when %(status)s = 'completed' then 'screenshots/first' end,
        case when %(status)s = 'completed' then now() end,
        case when %(status)s = 'failed' then 'FIRST' end,
        case when %(status)s = 'failed' then now() end,
        case when %(status)s = 'cancelled' then now() end,
        case when %(status)s in ('queued', 'submitted') then now() end)
returning id::text"""

RECORD = """
select outcome, status, attempt from record_entries(
    array[%(entry)s], array[%(job)s::uuid], array[%(attempt)s]::integer[], array[%(event)s],
    array['screenshotly'], array['webhook'], null, null, array[1700000000000], null, array[40],
    array[case when %(event)s = 'completed' then 'screenshots/second' end],
    null, null, null, null, null, null, array['SECOND'], array[1000], null, null, null, null, null,
    null, 60000, 3)"""


class Pair:
    """A fresh job in a state, and an event that speaks of `attempt`."""

    def __init__(self, sql, state, event, attempt=2, of=2):
        self.sql = sql
        self.entry = f"webhook:1700000000000-{next(NUMBERS)}"
        self.event, self.attempt = event, attempt
        self.job = sql(JOB, {"status": state, "attempt": of})[0].id
        self.before = self.row()
        self.answer = self.record()

    def record(self):
        return self.sql(RECORD, {"entry": self.entry, "job": self.job, "event": self.event,
                                 "attempt": self.attempt})[0]

    def row(self):
        return self.sql("select * from jobs where id = %s::uuid", (self.job,))[0]

    def letters(self):
        return self.sql("select count(*) from dead_letters where job_id = %s::uuid", (self.job,))[0][0]


@pytest.fixture(scope="module")
def sql(servers):
    """A function that runs a query in a database of its own."""
    servers[1].create("matrix")
    connection = connect(servers[1].url("matrix"))
    install(connection)
    cursor = connection.cursor()

    def run(query, params=None):
        cursor.execute(query, params)
        return cursor.fetchall()
    yield run
    connection.close()
    servers[1].drop("matrix")


@pytest.fixture(scope="module")
def transitions(sql):
    return {(r.event, r.from_status): r.to_status for r in sql("select * from transitions")}


def test_the_table_knows_no_other_words(transitions):
    people = {"cancel", "restart"}  # cancel_job() and restart_job(), test_api_captures.py
    assert {event for event, _ in transitions} == set(EVENTS) - {"dead", "ignored"} | people
    assert {state for _, state in transitions} | set(transitions.values()) <= set(STATES)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", STATES)
def test_pair(sql, transitions, state, event):
    pair = Pair(sql, state, event)
    to = transitions.get((event, state))
    outcome = (event if event in ("dead", "ignored") else "recorded" if to
               else "duplicate" if event == state else "ignored")
    assert (pair.answer.outcome, pair.answer.status) == (outcome, to or state)
    row = pair.row()
    if to:
        assert row.status == to
        assert row.attempt == (3 if event == "retry" else 2)
    elif outcome == "dead" and state in ("queued", "submitted"):
        # says what it waits for, and is the letter's business
        assert row == pair.before._replace(error_code="SECOND", next_check_at=None)
    else:
        assert row == pair.before
    assert pair.letters() == (outcome == "dead")
    # delivered again, it changes nothing
    assert pair.record().outcome == "repeated"
    assert pair.row() == row and pair.letters() == (outcome == "dead")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("attempt", [1, 3])
def test_of_another_attempt(sql, state, event, attempt):
    pair = Pair(sql, state, event, attempt)
    assert pair.answer.outcome == ("dead" if event == "dead" else "ignored")
    assert pair.row() == pair.before
    assert pair.letters() == (event == "dead")


@pytest.mark.parametrize("state", STATES)
def test_no_attempt_is_left(sql, transitions, state):
    pair = Pair(sql, state, "retry", attempt=3, of=3)
    open_state = ("retry", state) in transitions
    assert pair.row().status == ("failed" if open_state else state)
    assert pair.row().attempt == 3
    assert (pair.row().error_code == "SECOND") == open_state


@pytest.mark.parametrize("event", EVENTS)
def test_no_job(sql, event):
    answer = sql(RECORD, {"entry": f"webhook:1700000000000-nobody-{event}", "event": event, "attempt": 1,
                                   "job": "00000000-0000-7000-8000-000000000000"})[0]
    assert (answer.outcome, answer.status) == ("ignored" if event == "ignored" else "dead", None)


def matrix(sql):
    """As Markdown, found out by doing it."""
    lines = ["| event | " + " | ".join(STATES) + " |", "|---" * (len(STATES) + 1) + "|"]
    for event in EVENTS:
        cells = []
        for state in STATES:
            answer = Pair(sql, state, event).answer
            cells.append(f"→ **{answer.status}**" if answer.outcome == "recorded" else answer.outcome)
        lines.append(f"| {event} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def test_the_docs_show_it(sql):
    with open(DOCS) as f:
        found = re.search(r"<!-- matrix -->\n(.*?)\n<!-- /matrix -->", f.read(), re.S)
    assert found and found[1] == matrix(sql), \
        f"docs/architecture.md must hold, between its marks:\n{matrix(sql)}"


@pytest.fixture
def many_in_flight(servers):
    """A cursor on a database whose statistics are from when no job was in flight."""
    servers[1].create("many")
    connection = connect(servers[1].url("many"))
    install(connection)
    cursor = connection.cursor()
    cursor.execute("""
        alter table jobs set (autovacuum_enabled = off);
        insert into jobs (url, provider, status, error_code, failed_at)
        select 'http://page.test/', 'screenshotly', 'failed', 'X', now() from generate_series(1, 5000)""")
    cursor.execute("analyze jobs")
    cursor.execute("""
        insert into jobs (url, provider, status)
        select 'http://page.test/', 'screenshotly', 'submitted' from generate_series(1, 20000)""")
    yield cursor
    connection.close()
    servers[1].drop("many")


def test_recording_does_not_walk_through_the_jobs_in_flight(many_in_flight):
    buffers = []
    for event in (EVENTS[0], *EVENTS):  # the first one also reads the catalogue
        many_in_flight.execute("select min(id::text) from jobs where status = 'submitted'")
        entry = {"entry": f"webhook:1700000000000-{next(NUMBERS)}", "job": many_in_flight.fetchone()[0],
                 "attempt": 1, "event": event}
        many_in_flight.execute("explain (analyze, buffers, format json)" + RECORD, entry)
        plan = many_in_flight.fetchone()[0][0]["Plan"]
        buffers.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    assert max(buffers[1:]) < 100, buffers
