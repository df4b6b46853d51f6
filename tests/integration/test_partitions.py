"""deliveries by day: partitions come ahead of time, go as a whole, and an entry
has one row whenever it comes."""

import glob
import os
import secrets
import threading
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from harness import ROOT
from model_run import connect
from processes import wait_for

DAY_MS = 86400 * 1000


def today_utc():
    return datetime.now(timezone.utc).date()


def partitions(stack):
    return [r.name for r in stack.sql(
        "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = 'deliveries'::regclass order by 1")]


def record(stack, entry_id, event="ignored", job=None):
    """Outcome of one entry."""
    return stack.sql(
        "select outcome from record_entries(array[%s], array[%s]::uuid[], null, array[%s], null,"
        " null, null, null, array[1700000000000], null, null, null, null, null, null, null, null,"
        " null, null, null, null, null, null, null, null, null, 60000, 3)", entry_id, job, event)[0].outcome


def where(stack, entry_id):
    return [r.name for r in stack.sql(
        "select tableoid::regclass::text as name from deliveries where entry_id = %s", entry_id)]


def name_of(day):
    return f"deliveries_{day:%Y_%m_%d}"


@pytest.mark.parametrize("entry_id, day", [
    ("webhook:0-0", "1970-01-01"),
    ("webhook:86399999-5", "1970-01-01"),
    ("webhook:86400000-0", "1970-01-02"),
    ("submit:1700000000000-18446744073709551615", "2023-11-14"),
    ("webhook:1700000000000-0@127.0.0.1:6379/0", "2023-11-14"),
    ("webhook:1700000000000-0@[::1]:6379/0", "2023-11-14"),
    ("webhook:18446744073709551615-0", "7445-10-25"),  # the largest that redis takes
])
def test_the_day_of_an_entry_is_in_its_id(stack, entry_id, day):
    assert stack.sql("select entry_day(%s)::text as day", entry_id)[0].day == day


def test_a_row_cannot_stand_under_another_day(stack):
    with pytest.raises(psycopg2.errors.CheckViolation):
        stack.sql("insert into deliveries (entry_id, day, event, outcome, received_at)"
                  " values ('webhook:1700000000000-0', '2023-11-15', 'x', 'ignored', now())")


def test_partitions_are_made_ahead_once(stack):
    days = [today_utc() + timedelta(n) for n in range(-1, 8)]
    assert partitions(stack) == sorted([name_of(d) for d in days] + ["deliveries_default"])
    assert stack.sql("select delivery_partitions_create(7)")[0][0] == 0
    assert stack.sql("select delivery_partitions_create(9)")[0][0] == 2
    assert stack.sql("select delivery_partitions_create(8)")[0][0] == 0


def test_several_pollers_make_them_at_once(stack):
    made = []

    def one():
        connection = psycopg2.connect(stack.env["DATABASE_URL"])
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select delivery_partitions_create(20)")
            made.append(cursor.fetchone()[0])
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert sorted(made) == [0, 0, 0, 0, 0, 13]


def test_a_busy_table_is_left_for_later(stack):
    """Whoever reads for long must not stop the recording behind it."""
    reader = psycopg2.connect(stack.env["DATABASE_URL"])
    reader.cursor().execute("select * from deliveries")
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        stack.sql("select delivery_partitions_create(30)")
    reader.rollback()
    assert stack.sql("select delivery_partitions_create(30)")[0][0] == 23
    reader.close()


def test_what_fell_into_the_net_moves_to_its_partition(stack):
    day = today_utc() + timedelta(9)
    ms = int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp() * 1000)
    ids = {f"webhook:{ms - 1}-0": "deliveries_default", f"webhook:{ms}-0": name_of(day),
           f"webhook:{ms + DAY_MS - 1}-0": name_of(day), f"webhook:{ms + DAY_MS}-0": "deliveries_default"}
    for entry_id in ids:
        assert record(stack, entry_id) == "ignored"
        assert where(stack, entry_id) == ["deliveries_default"]
    stack.sql("select delivery_partition_add(%s)", day)
    for entry_id, name in ids.items():
        assert where(stack, entry_id) == [name]
        assert record(stack, entry_id) == "repeated"


def test_old_days_are_dropped_whole(stack):
    day = today_utc()
    ms = int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp() * 1000)
    record(stack, f"webhook:{ms - 1}-0")
    record(stack, f"webhook:{ms}-0")
    # until the last moment of a day, its partition stays
    assert stack.sql("select delivery_partitions_drop(now() - interval '1 day')")[0][0] == 0
    assert stack.sql("select delivery_partitions_drop(%s::timestamptz)", f"{day} 00:00:00Z")[0][0] == 1
    assert [r.entry_id for r in stack.sql("select entry_id from deliveries")] == [f"webhook:{ms}-0"]
    assert stack.sql("select delivery_partitions_drop(now())")[0][0] == 0


def test_an_entry_older_than_every_partition_is_recorded_once(stack):
    old = "webhook:1700000000000-0"
    assert [record(stack, old), record(stack, old)] == ["ignored", "repeated"]
    # and stays for as long as what was recorded at the same time
    stack.sql("select delivery_partitions_drop(now() - interval '1 hour')")
    assert record(stack, old) == "repeated"
    stack.sql("select delivery_partitions_drop(now() + interval '1 hour')")
    assert where(stack, old) == []


def test_a_late_entry_ends_its_job_once(stack, provider, pages):
    """Through the worker: an entry from a day that was dropped, delivered twice."""
    stack.start("worker")
    job = stack.sql("insert into jobs (url, provider, status) values ('http://x.test', 'screenshotly',"
                    " 'submitted') returning id::text")[0].id
    fields = {"v": "1", "provider": "screenshotly", "source": "webhook", "job": job, "attempt": "1",
              "body": '{"event":"screenshot.failed","data":{"error":"no","errorCode":"INVALID_URL"}}'}
    for _ in range(2):
        stack.redis.xadd("shotfleet:webhook", fields, id="1600000000000-0")
        wait_for(lambda: stack.redis.xlen("shotfleet:webhook") == 0, 30, "it to be recorded")
        stack.redis.delete("shotfleet:webhook")  # the same id is refused otherwise
    assert stack.job(job).status == "failed"
    rows = stack.sql("select outcome, tableoid::regclass::text as name from deliveries where job_id = %s::uuid", job)
    assert [(r.outcome, r.name) for r in rows] == [("recorded", "deliveries_default")]
    wait_for(lambda: stack.metrics("worker")['shotfleet_entries_total{kind="webhook",outcome="repeated"}'] == 1, 30, "the repetition")


def test_an_id_that_redis_gave_out_twice(stack, provider):
    """Two entries with one id are two, each may come again; so are their dead letters."""
    stack.start("worker")
    jobs = [stack.sql("insert into jobs (url, provider, status) values ('http://x.test', 'screenshotly',"
                      " 'submitted') returning id::text")[0].id for _ in range(2)]
    failed = '{"event":"screenshot.failed","data":{"error":"no","errorCode":"INVALID_URL"}}'
    entries = [(job, now_ms, body) for job, now_ms, body in (
        (jobs[0], 1600000000000, failed), (jobs[1], 1600000000007, failed),
        (jobs[0], 1600000000000, failed), (jobs[1], 1600000000007, failed),
        (jobs[1], 1600000000009, "nonsense"))]
    for job, received_ms, body in entries:
        stack.redis.xadd("shotfleet:webhook", {
            "v": "1", "provider": "screenshotly", "source": "webhook", "job": job, "attempt": "1",
            "received_ms": received_ms, "body": body}, id="1600000000000-0")
        wait_for(lambda: stack.redis.xlen("shotfleet:webhook") == 0, 30, "it to be recorded")
        stack.redis.delete("shotfleet:webhook")  # the same id is refused otherwise
    assert [stack.job(job).status for job in jobs] == ["failed", "failed"]
    assert [(r.entry_id, str(r.job_id), r.outcome) for r in stack.sql(
        "select entry_id, job_id, outcome from deliveries order by entry_id")] == [
        ("webhook:1600000000000-0", jobs[0], "recorded"),
        ("webhook:1600000000000-0~1600000000007", jobs[1], "recorded"),
        ("webhook:1600000000000-0~1600000000009", "None", "dead")]
    assert [r.entry_id for r in stack.sql("select entry_id from dead_letters")] == [
        "webhook:1600000000000-0~1600000000009"]
    wait_for(lambda: stack.metrics("worker")['shotfleet_entries_total{kind="webhook",outcome="repeated"}'] == 2,
             30, "the repetitions")
    stack.sql("select scorecard_refresh(utc_day('2020-09-13 12:00:00Z'))")  # reads the ids


def test_recording_touches_the_partitions_it_needs_only(stack):
    """The plan of the insert does not grow with what is kept."""
    ms = int(datetime.now(timezone.utc).timestamp() * 1000)
    stack.sql("begin")
    record(stack, f"webhook:{ms}-0")
    locked = [r.name for r in stack.sql(
        "select relation::regclass::text as name from pg_locks where relation::regclass::text ~ '^deliveries_2'"
        " and relation::regclass::text !~ '(pkey|idx)$' and pid = pg_backend_pid()")]
    stack.sql("rollback")
    assert locked == [name_of(today_utc())]


def test_rows_from_before_keep_their_place(servers):
    """The migration, over a table that has rows."""
    name = "m_" + secrets.token_hex(6)
    servers[1].create(name)
    connection = connect(servers[1].url(name))
    cursor = connection.cursor()
    now_ms = int(datetime.now(timezone.utc).timestamp() * 1000)
    rows = [(f"webhook:{now_ms}-0", name_of(today_utc())),
            (f"submit:{now_ms - 30 * DAY_MS}-7@127.0.0.1:1/0", name_of(today_utc() - timedelta(30))),
            ("webhook:1500000000000-0", "deliveries_default")]
    for path in sorted(glob.glob(os.path.join(ROOT, "sql", "*.sql"))):
        if path.endswith("0005_partitions.sql"):
            for entry_id, _ in rows:
                cursor.execute("insert into deliveries (entry_id, event, outcome, received_at)"
                               " values (%s, 'completed', 'recorded', now())", (entry_id,))
            cursor.execute("insert into deliveries (entry_id, event, outcome, received_at) values"
                           " ('body:screenshotly:abc', 'dead', 'dead', '2023-11-14 22:13:20Z')")
        with open(path) as f:
            cursor.execute(f.read())
    cursor.execute("select entry_id, tableoid::regclass::text from deliveries")
    rows.append(("webhook:1700000000000-body:screenshotly:abc", "deliveries_default"))
    assert sorted(tuple(r) for r in cursor.fetchall()) == sorted(rows)
    connection.close()
    servers[1].drop(name)
