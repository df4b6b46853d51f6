"""accepted = recorded + duplicate + ignored + dead + in flight, and when it is not."""

import json
import os
import signal
import threading

import psycopg2
import pytest

from doubles import sign_webhook
from processes import wait_for
from web import request

WEBHOOK, SUBMIT = "shotfleet:webhook", "shotfleet:submit"
METRIC = "shotfleet_unaccounted_entries"


@pytest.fixture
def fleet(stack, provider):
    stack.env["SHOTFLEET_TAKEOVER_S"] = "2"
    stack.start_all("ingest", "worker", "poller")
    return stack


def checked(stack, stream=WEBHOOK):
    """The row, after a check that began from now on."""
    def fresh():
        rows = [r for r in stack.sql("select * from ledger where checked_at > %s", since) if r.stream == stream]
        return rows and rows[0]
    since = stack.sql("select clock_timestamp()")[0][0]
    first = wait_for(fresh, 60, "a check")  # this one may have looked at redis before
    since = first.checked_at
    return wait_for(fresh, 60, "another check")


def balanced(stack, stream=WEBHOOK, in_flight=0):
    def row():
        r = checked(stack, stream)
        return r.in_flight == in_flight and r.unaccounted == 0 and r
    return wait_for(row, 60, "the ledger to balance")


ENTRY = {"v": "1", "provider": "screenshotly", "source": "webhook",
         "body": json.dumps({"event": "screenshot.sparkled", "data": {}})}


def add(stack, **fields):
    return stack.redis.xadd(WEBHOOK, {**ENTRY, **fields}).decode()


def entry_ids(stack):
    return {r.entry_id for r in stack.sql("select entry_id from deliveries")}


def test_everything_is_accounted_for(fleet, pages, provider):
    jobs = [fleet.queue(f"{pages.url}/fine?{n}") for n in range(12)]
    for job in jobs:
        fleet.wait_for_job(job, "completed")
    for _ in range(3):  # the same malformed body: one letter, three entries
        body = b'{"event":'
        request("POST", fleet.ingest_url + "/webhooks/screenshotly", body, sign_webhook(body, fleet.webhook_secret))
    webhooks, submits = balanced(fleet), balanced(fleet, SUBMIT)
    rows = {r.outcome: r.count for r in fleet.sql("select outcome, count(*) from deliveries group by 1")}
    for outcome in ("recorded", "duplicate", "ignored", "dead"):
        assert getattr(webhooks, outcome) + getattr(submits, outcome) == rows.get(outcome, 0)
    assert webhooks.accepted >= 12 and submits.accepted >= 12
    assert fleet.metrics("poller")[METRIC] == 0
    done = fleet.cli("ledger")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout.count("shotfleet:") == 2


def test_a_lost_entry_is_found(fleet):
    """Taken out of the stream behind the fleet's back, before anybody reads it."""
    balanced(fleet)
    fleet.stop("worker")
    before = add(fleet)
    lost = add(fleet)
    after = add(fleet)
    assert balanced(fleet, in_flight=3).accepted == 3
    assert fleet.redis.xdel(WEBHOOK, lost) == 1
    row = checked(fleet)
    assert (row.in_flight, row.unaccounted) == (2, 1)
    fleet.start("worker")
    row = wait_for(lambda: (r := checked(fleet)).in_flight == 0 and r, 60, "the others to be recorded")
    assert (row.accepted, row.dead, row.unaccounted) == (3, 2, 1)
    wait_for(lambda: fleet.metrics("poller")[METRIC] == 1, 30, "the metric")
    done = fleet.cli("ledger")
    assert done.returncode == 1
    assert f"1 entries left the stream without being recorded, after entry {row.after_id}" in done.stderr
    place = {id: tuple(map(int, id.split("-"))) for id in (before, lost, after, row.after_id, row.until_id)}
    assert place[row.after_id] < place[lost] <= place[row.until_id]
    assert "does not balance" in fleet.log("poller")
    # and the next ones are counted as well
    lost = add(fleet, job="x")
    assert balanced_but(fleet, 1).accepted == 4


def balanced_but(stack, unaccounted):
    return wait_for(lambda: (r := checked(stack)).in_flight == 0 and r.unaccounted == unaccounted and r, 60,
                    f"{unaccounted} unaccounted")


def test_an_entry_acknowledged_without_a_record_is_found(fleet):
    """As a worker with a bug would do it."""
    balanced(fleet)
    fleet.stop("worker")
    lost = add(fleet)
    fleet.redis.xreadgroup("workers", "liar", {WEBHOOK: ">"})
    assert balanced(fleet, in_flight=1).accepted == 1
    fleet.redis.xack(WEBHOOK, "workers", lost)
    fleet.redis.xdel(WEBHOOK, lost)
    assert balanced_but(fleet, 1).accepted == 1


def test_a_row_that_is_gone_is_found(fleet):
    """The other side: recorded and acknowledged, and then not recorded any more."""
    add(fleet)
    assert balanced(fleet).dead == 1
    fleet.stop("worker")
    add(fleet)
    reader = fleet.redis.xreadgroup("workers", "liar", {WEBHOOK: ">"})[0][1]
    fleet.sql("insert into deliveries (entry_id, day, event, outcome, received_at) select e, entry_day(e),"
              " 'dead', 'dead', now() from cast(%s as text) e", f"webhook:{reader[0][0].decode()}")
    # recorded, but still there: in flight, counted once
    row = balanced(fleet, in_flight=1)
    assert (row.accepted, row.dead) == (2, 1)
    fleet.redis.xdel(WEBHOOK, reader[0][0])
    fleet.redis.xack(WEBHOOK, "workers", reader[0][0])
    row = balanced(fleet)
    assert (row.accepted, row.dead) == (2, 2)


def test_always_0_under_load_and_kills(fleet, provider, pages):
    """Asked all the time while entries flow and workers die, never once off."""
    wrong, seen, stop = [], set(), threading.Event()
    connection = psycopg2.connect(fleet.env["DATABASE_URL"])
    connection.autocommit = True

    def look():
        cursor = connection.cursor()
        while not stop.is_set():
            cursor.execute("select seen_us, unaccounted from ledgers")
            for seen_us, unaccounted in cursor.fetchall():
                seen.add(seen_us)
                if unaccounted:
                    wrong.append(unaccounted)
            stop.wait(0.05)
    thread = threading.Thread(target=look)
    thread.start()
    try:
        for n in range(3):
            for k in range(300):
                add(fleet, job=f"{n}-{k}")
            dead = fleet.kill("worker", signal.SIGKILL, child=0)
            wait_for(lambda: dead not in fleet.children("worker"), 20, "it to be gone")
            checked(fleet)
        row = balanced(fleet)
    finally:
        stop.set()
        thread.join()
        connection.close()
    assert row.accepted == 900 and not wrong and len(seen) >= 4


def test_a_wiped_redis_begins_another_book(fleet):
    for _ in range(5):
        add(fleet)
    assert balanced(fleet).accepted == 5
    with fleet.redis.pipeline(transaction=True) as together:  # before the book begins
        together.flushall()
        for _ in range(3):
            together.xadd(WEBHOOK, ENTRY)
        together.execute()
    row = wait_for(lambda: (r := checked(fleet)).accepted == 3 and r, 60, "the new book")
    row = balanced(fleet)
    assert (row.accepted, row.dead) == (3, 3)
    assert fleet.sql("select count(*) from ledgers where closed_at is not null and stream = %s", WEBHOOK)[0][0] == 1
    fleet.redis.xgroup_destroy(WEBHOOK, "workers")  # the stream stays
    add(fleet)
    assert wait_for(lambda: (r := checked(fleet)).accepted == 1 and r, 60, "the third").unaccounted == 0
    assert balanced(fleet).dead == 1


def test_a_redis_wiped_while_it_is_idle(fleet):
    """The book begins before the first entry comes, and after those of the last one."""
    for _ in range(5):
        add(fleet)
    assert balanced(fleet).accepted == 5
    fleet.redis.flushall()
    wait_for(lambda: fleet.redis.exists(WEBHOOK), 30, "the stream to be there again")
    assert balanced(fleet).accepted == 0
    for _ in range(3):
        add(fleet)
    wait_for(lambda: checked(fleet).accepted == 3, 60, "the new entries")
    assert (balanced(fleet).accepted, checked(fleet).dead) == (3, 3)


def test_ids_go_on_behind_what_was_recorded(fleet):
    """Those of a clock that was ahead before Redis was wiped: none is given out twice."""
    ahead = int(fleet.redis.time()[0] + 3600) * 1000
    fields = {"v": "1", "provider": "screenshotly", "source": "webhook", "body": "{}"}
    for n in range(5):
        fleet.redis.xadd(WEBHOOK, fields, id=f"{ahead + n}-0")
    assert balanced(fleet).accepted == 5
    fleet.redis.flushall()
    add(fleet)
    wait_for(lambda: fleet.redis.exists(WEBHOOK)
             and fleet.redis.xinfo_stream(WEBHOOK)["last-generated-id"] > f"{ahead + 4}-0".encode(),
             60, "the stream to be moved on")
    assert balanced(fleet).accepted == 0  # what was added above came before the book
    for _ in range(3):
        assert add(fleet) > f"{ahead + 4}-0"
    wait_for(lambda: checked(fleet).accepted == 3, 60, "the new entries")
    assert balanced(fleet).accepted == 3
    assert len(entry_ids(fleet)) == 9


def test_servers_and_programs_may_restart(fleet):
    for _ in range(4):
        add(fleet)
    balanced(fleet)
    fleet.redis_server.kill()
    fleet.redis_server.start()
    fleet.stop("poller")
    fleet.postgres_server.stop()
    fleet.postgres_server.start()
    fleet._connection = None
    fleet.start("poller")
    for _ in range(4):
        add(fleet)
    row = wait_for(lambda: (r := balanced(fleet)).accepted == 8 and r, 60, "all eight")
    assert row.dead == 8 and fleet.metrics("poller")[METRIC] == 0


def test_a_redis_that_went_back_in_time(fleet):
    """A replica that lacked the last entries, say: no false alarm for ever."""
    add(fleet)
    balanced(fleet)
    fleet.stop("worker")
    fleet.sql("update ledgers set accepted = 100 where stream = %s", WEBHOOK)
    wait_for(lambda: "it lost its last ones" in fleet.log("poller"), 30, "it to be noticed")
    fleet.start("worker")
    row = wait_for(lambda: (r := checked(fleet)).accepted == 0 and r, 60, "a new book")
    add(fleet)
    row = balanced(fleet)
    assert (row.accepted, row.dead, row.unaccounted) == (1, 1, 0)


def test_a_redis_that_lost_fewer_than_came_since(fleet):
    """Its count never fell, as seen by the poller; but more were recorded than came."""
    add(fleet)
    balanced(fleet)
    fleet.stop("poller")
    newest = [add(fleet) for _ in range(3)][-1]
    wait_for(lambda: len(entry_ids(fleet)) == 4 and fleet.redis.xlen(WEBHOOK) == 0, 30, "all of them")
    fleet.redis.execute_command("XSETID", WEBHOOK, newest, "ENTRIESADDED", 2)
    fleet.start("poller")
    wait_for(lambda: "it lost its last ones" in fleet.log("poller"), 60, "it to be noticed")
    wait_for(lambda: checked(fleet).accepted == 0, 60, "a new book")
    add(fleet)
    row = wait_for(lambda: (r := balanced(fleet)).accepted == 1 and r, 60, "the next")
    assert (row.dead, row.unaccounted) == (1, 0)


def test_a_group_from_before_gets_its_book(stack, provider):
    """While it is empty; until then nothing is claimed."""
    ids = [add(stack) for _ in range(3)]
    stack.redis.xgroup_create(WEBHOOK, "workers", "0")
    stack.redis.xreadgroup("workers", "old", {WEBHOOK: ">"}, count=2)
    stack.redis.xack(WEBHOOK, "workers", ids[0])
    stack.redis.xdel(WEBHOOK, ids[0])
    stack.env["SHOTFLEET_TAKEOVER_S"] = "1"
    stack.start("poller")
    checked(stack, SUBMIT)
    assert not stack.sql("select * from ledger where stream = %s", WEBHOOK)
    stack.start("worker")
    assert balanced(stack).accepted == 0
    add(stack)
    assert wait_for(lambda: (r := balanced(stack)).accepted == 1 and r, 60, "the next").dead == 1


def test_two_pollers_and_two_redis(stack, provider, tmp_path):
    from servers import RedisServer
    folder = os.path.dirname(stack.redis_server.path)
    second = RedisServer(f"{folder}/redis-{os.urandom(3).hex()}")
    second.start()
    stack.env["REDIS_URL"] += "," + second.url
    try:
        stack.start_all("worker", "poller")
        stack.start("poller", instance="another")
        fields = {"provider": "screenshotly", "source": "webhook", "body": "{}"}
        for _ in range(5):
            stack.redis.xadd(WEBHOOK, fields)
            second.client.xadd(WEBHOOK, fields)
        second.client.xadd(WEBHOOK, fields)

        def both():
            rows = {r.redis: r for r in stack.sql("select * from ledger where stream = %s", WEBHOOK)}
            return len(rows) == 2 and sorted((r.accepted, r.dead, r.unaccounted) for r in rows.values()) \
                == [(5, 5, 0), (6, 6, 0)]
        wait_for(both, 60, "both books to balance")
    finally:
        for name in list(stack.programs):
            stack.stop(name)
        second.stop()


def test_nobody_has_looked(stack):
    done = stack.cli("ledger")
    assert done.returncode == 1 and "nothing was checked yet" in done.stderr
    stack.sql("insert into ledgers (stream, book, redis, settled_to, checked_at) values"
              " ('shotfleet:webhook', 'ledger:0:(0-0:1', 'here:1/0', 0, now() - interval '2 minutes')")
    done = stack.cli("ledger")
    assert done.returncode == 1 and "does a poller run" in done.stderr
    assert stack.cli("ledger", "please").returncode == 2
