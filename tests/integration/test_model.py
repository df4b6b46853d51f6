"""Random histories against the SQL functions, beside a model of what must be true.

As a script it runs as many as you like:

    python3 tests/integration/test_model.py --histories 100000 --seed 7
"""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time

import pytest

from model_run import connect, install, search
from servers import PostgresServer

HISTORIES = int(os.environ.get("MODEL_HISTORIES", "4000"))
SEED = int(os.environ.get("MODEL_SEED", "1"))
MUTANT_HISTORIES = 4000  # most are found among the first hundred

# Wrong SQL, which the histories have to find: function, what is there, what is
# put in its place.
MUTANTS = {
    "any attempt counts": (
        "record_entries", "when e.attempt <> j.attempt then 'ignored'", ""),
    "an entry counts again": (
        "record_entries", "judged d join delivered using (entry_id)", "judged d"),
    "an attempt too many": (
        "record_entries", "j.attempt >= j.max_attempts", "j.attempt > j.max_attempts"),
    "a retry keeps its attempt": (
        "record_entries", "attempt = j.attempt + ", "attempt = j.attempt + 0 * "),
    "a submission is not watched": (
        "record_entries", "then now() + stale_after_ms * interval '1 millisecond'",
        "then null"),
    "a retried job is not watched": (
        "record_entries", "then now() + d.delay_ms * interval '1 millisecond'\n"
        "                when", "then null\n                when"),
    "an earlier attempt's letter halts the job": (
        "record_entries", "and coalesce(d.attempt, j.attempt) = j.attempt", ""),
    "a letter of no use leaves the job halted": (
        "record_entries", "d.outcome in ('ignored', 'duplicate')", "false"),
    "a letter of progress leaves the job halted": (
        "record_entries", "then coalesce(j.next_check_at, now())\n"
        "                when", "then j.next_check_at\n                when"),
    "dead entries are not kept": (
        "record_entries", "where d.outcome = 'dead' and d.feeds is null", "where false"),
    "a letter stays open": (
        "record_entries", "when d.outcome <> 'dead' then now() end", "when false then now() end"),
    "a letter that failed again is closed": (
        "record_entries", "resolved_at = case when d.outcome <> 'dead'",
        "resolved_at = case when true"),
    "a failure that the letter knows counts again": (
        "record_entries", "and letter_is_past(e.dead_id, e.tries) then 'ignored'",
        "and false then 'ignored'"),
    "a letter that is resolved is open again": (
        "letter_is_past", "select l.resolved_at is not null\n               or", "select"),
    "a failure is no duplicate": (
        "record_entries", "when e.event = j.status then 'duplicate'", ""),
    "requeueing ends the watch": (
        "requeue_due", "next_check_at = now() + interval '5 seconds'", "next_check_at = null"),
    "asking ends the watch": (
        "lease_checks", "greatest(j.deadline_at, now() + interval '1 second'))",
        "now()) + null::interval"),
    "telling of the deadline ends the watch": (
        "end_due", "next_check_at = now() + interval '1 minute'", "next_check_at = null"),
    "dropping forgets the job": (
        "drop_dead_letters", "resolved_at = case when j.id is null then now() end",
        "resolved_at = now()"),
    "starting again keeps the attempt": (
        "restart_job", "attempt = j.attempt + 1", "attempt = j.attempt"),
    "starting again is not watched": (
        "restart_job", "next_check_at = now() + interval '5 seconds'", "next_check_at = null"),
    "cancelling leaves letters": (
        "cancel_job", "next_attempt_at = null, resolved_at = now()", "next_attempt_at = null"),
}
TRANSITION_MUTANTS = {
    "cancelled may still be completed":
        "insert into transitions values ('completed', 'cancelled', 'completed')",
    "completed may be started again":
        "insert into transitions values ('restart', 'completed', 'queued')",
    "cancelled stays": "delete from transitions where event = 'restart'"
                       " and from_status = 'cancelled'",
    "completed may still fail": "insert into transitions values ('failed', 'completed', 'failed')",
    "failed may be retried": "insert into transitions values ('retry', 'failed', 'queued')",
    "submitted goes back": "insert into transitions values ('postpone', 'submitted', 'queued')",
    "a webhook may not overtake": "delete from transitions where event = 'completed'"
                                  " and from_status = 'queued'",
}


def mutate(cursor, function, old, new):
    """Returns the statement that undoes it."""
    cursor.execute("select pg_get_functiondef(%s::regproc)", (function,))
    text = cursor.fetchone()[0]
    assert old in text, f"{function}() has no {old!r} any more"
    cursor.execute(text.replace(old, new, 1))
    return text


@pytest.fixture
def database(servers):
    """A connection to a database of its own, with the schema."""
    for server in servers:
        if not server.process:
            server.start()
    name = "m_" + secrets.token_hex(6)
    servers[1].create(name)
    connection = connect(servers[1].url(name))
    install(connection)
    yield connection
    connection.close()
    servers[1].drop(name)


def explain(found):
    history, what = found
    return f"{what}\n{history}"


def test_histories(database):
    found = search(database, HISTORIES, SEED)
    assert not found, explain(found)


def test_the_histories_find_what_is_wrong(database):
    """Each mutant in turn, in the same database."""
    missed = []
    cursor = database.cursor()
    for name, (function, old, new) in MUTANTS.items():
        whole = mutate(cursor, function, old, new)
        if not search(database, MUTANT_HISTORIES, SEED):
            missed.append(name)
        cursor.execute(whole)
    for name, statement in TRANSITION_MUTANTS.items():
        cursor.execute("create temp table kept as select * from transitions")
        cursor.execute(statement)
        if not search(database, MUTANT_HISTORIES, SEED):
            missed.append(name)
        cursor.execute("truncate transitions; insert into transitions select * from kept;"
                       " drop table kept")
    assert not missed, f"not found: {missed}"
    assert not search(database, 200, SEED)  # and nothing was left behind


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--length", type=int, default=36, help="most steps of a history")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="shotfleet-", dir="/tmp")
    os.chmod(folder, 0o711)
    server = PostgresServer(folder + "/pg")
    begin = time.monotonic()

    def note(done):
        if done % 10000 == 0:
            print(f"{time.monotonic() - begin:7.0f} s  {done} histories", flush=True)
    try:
        server.start()
        server.create("model")
        connection = connect(server.url("model"))
        install(connection)
        found = search(connection, args.histories, args.seed, length=args.length, note=note)
        connection.close()
    finally:
        server.stop()
        shutil.rmtree(folder)
    if found:
        sys.exit(explain(found))
    print(f"{args.histories} histories of seed {args.seed} in"
          f" {time.monotonic() - begin:.0f} s: all true")


if __name__ == "__main__":
    main()
