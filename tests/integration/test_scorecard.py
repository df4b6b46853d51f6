"""The providers' scorecard: what it says is what the provider did."""

import json

import psycopg2
import pytest

from doubles import sign_webhook
from processes import wait_for
from web import request

DAY = "(now() at time zone 'UTC')::date"


@pytest.fixture
def fleet(stack, provider):
    stack.env["SHOTFLEET_STALE_AFTER_S"] = "1"
    stack.start_all("ingest", "worker", "poller")
    return stack


def score(stack, day=DAY, provider="screenshotly"):
    """Summed up now."""
    stack.sql(f"select scorecard_refresh({day})")
    rows = stack.sql(f"select * from provider_scorecard where day = {day} and provider = %s",
                     provider)
    return rows[0] if rows else None


def test_what_the_provider_did(fleet, provider, pages):
    plan = (["complete"] * 5 + ["twice"] * 3 + ["silent"] * 4 + ["fail"] * 2 + ["disorder"] * 2
            + ["forge"])
    order = iter(plan)
    chosen = {}

    def script(capture):
        what = chosen.setdefault(capture.job_id, None) or next(order)
        chosen[capture.job_id] = what
        if what == "fail":
            provider.fail(capture, "INVALID_URL", "no")
            return
        if what == "forge":
            provider.send(capture, "completed", secret="wrong")
        provider.finish(capture)
        if what == "silent":
            return
        provider.send_outcome(capture)
        wait_for(lambda: fleet.job(capture.job_id).status == "completed", 30, "the end")
        if what == "twice":
            provider.send_outcome(capture)
        if what == "disorder":
            provider.send(capture, "progress", progress=50)

    provider.script = script
    jobs = [fleet.queue(f"{pages.url}/fine?{n}") for n in range(len(plan))]
    for job in jobs:
        wait_for(lambda j=job: fleet.job(j).status in ("completed", "failed"), 60, "an end")
    wait_for(lambda: fleet.sql("select count(*) from deliveries where source = 'webhook'")[0][0]
             >= len(plan) - 4 + 3 + 2, 30, "all webhooks")
    wait_for(lambda: score(fleet).bad_signatures == 1, 30, "the count of forged webhooks")

    row = score(fleet)
    assert (row.captures, row.completed, row.failed) == (17, 15, 2)
    assert float(row.success_percent) == 88.24
    assert row.errors == {"INVALID_URL": 2}
    assert row.webhooks == 13 + 3 + 2
    # a poll may have been faster than a webhook on a busy machine
    assert row.never_came == 4
    assert row.duplicates == 3
    assert row.out_of_order == 2
    assert row.late == sum(1 for r in fleet.sql(
        "select from deliveries p join deliveries w using (job_id) where p.source = 'poll'"
        " and p.outcome = 'recorded' and w.source = 'webhook' and w.event = 'completed'"
        " and w.outcome = 'duplicate'"))
    assert row.refused == {"signature": 1}
    assert row.bytes == 15 * len(provider.picture)
    assert 0 <= row.delay_p50_ms <= row.delay_p99_ms
    assert 0 < row.picture_p50_ms <= row.picture_p99_ms


def test_who_cancels_puts_nothing_out_of_order(fleet, provider, pages):
    captures = []
    provider.script = captures.append
    job = fleet.queue(pages.url)
    wait_for(lambda: captures and fleet.job(job).status == "submitted", 30, "the submission")
    fleet.sql("select from cancel_job(%s::uuid, null)", job)
    for send in (lambda: provider.send(captures[0], "progress", progress=50),
                 lambda: provider.send_outcome(captures[0])):
        send()
    wait_for(lambda: score(fleet).webhooks == 2, 30, "both webhooks")
    assert score(fleet).out_of_order == 0
    provider.send(captures[0], "progress", progress=50)
    wait_for(lambda: score(fleet).webhooks == 3, 30, "the third")
    assert score(fleet).out_of_order == 1


def test_the_poller_keeps_it(fleet, provider, pages):
    fleet.wait_for_job(fleet.queue(pages.url), "completed")
    fleet.sql("update scorecard_days set refreshed_at = null")
    row = wait_for(lambda: next(iter(fleet.sql("select * from provider_scorecard")), None), 30,
                   "the row")
    assert row.provider == "screenshotly"
    wait_for(lambda: fleet.metrics("poller")["shotfleet_scorecard_days_total"] >= 1, 30, "it to be counted")


def finished(stack, days_ago, count=1, provider="screenshotly", status="completed"):
    """Captures of an earlier day; returns their ids."""
    return [r[0] for r in stack.sql(
        "insert into jobs (id, url, provider, status, created_at, image_key, size_bytes,"
        "                  completed_at, next_check_at)"
        " select uuidv7_at(at + n * interval '1 ms'), 'http://page.test/', %s, %s, at, 'x', 100,"
        "        at + interval '2 seconds', null"
        " from (select now() - %s * interval '1 day' as at) t, generate_series(1, %s) n"
        " returning id::text", provider, status, days_ago, count)]


def steps(stack):
    found = []
    while day := stack.sql("select scorecard_step()")[0][0]:
        found.append(str(day))
    return found


def test_history_is_summed_up_once_and_final(stack):
    finished(stack, 12, 3)
    finished(stack, 5, 2)
    assert len(steps(stack)) == 13
    rows = stack.sql(f"select {DAY} - day as ago, captures from provider_scorecard order by day")
    assert [(r.ago, r.captures) for r in rows] == [(12, 3), (5, 2)]
    assert stack.sql(f"select {DAY} - day as ago from scorecard_days where not final"
                     " order by 1") == [(0,), (1,)]
    assert steps(stack) == []


def test_a_day_with_an_unfinished_job_stays_open_for_eight_days(stack):
    for days in (7, 8, 9):
        stack.sql("update jobs set id = uuidv7_at(now() - %s * interval '1 day')"
                  " where id = %s::uuid", days, stack.queue("http://page.test/"))
    steps(stack)
    assert stack.sql(f"select {DAY} - day as ago from scorecard_days where not final"
                     " order by 1") == [(0,), (1,), (7,), (8,)]


def test_what_comes_late_is_counted(stack):
    """A capture of five days ago that a person has brought to its end today."""
    job = finished(stack, 5)[0]
    steps(stack)
    stack.sql("insert into deliveries (entry_id, day, job_id, attempt, provider, source, event,"
              " outcome, received_at) select id, entry_day(id), %s::uuid, 1, 'screenshotly',"
              " 'retry', 'completed', 'recorded', now()"
              " from (select 'webhook:' || (extract(epoch from now()) * 1000)::bigint || '-0' as id"
              ") e", job)
    finished(stack, 5, 1, "other")
    stack.sql("update scorecard_days set refreshed_at = refreshed_at - interval '2 hours'")
    days = steps(stack)
    assert len(days) == 3  # today, yesterday, and that day again
    assert len(stack.sql("select * from provider_scorecard")) == 2


def test_forgotten_days_keep_their_sums(stack):
    finished(stack, 5, 4)
    steps(stack)
    stack.sql("update scorecard_days set forgotten = true")
    stack.sql("delete from jobs")
    stack.sql("update scorecard_days set refreshed_at = refreshed_at - interval '2 hours'")
    steps(stack)
    assert [r.captures for r in stack.sql("select * from provider_scorecard")] == [4]


def test_refusals_are_counted_once(stack):
    record = ("select record_refusals('a', array['5-0', '5-1', '9-0'], array['p', 'p', 'q'],"
              " array['signature', 'body', 'signature'], array[1, 2, 3]::bigint[])")
    stack.sql(record)
    stack.sql(record)
    stack.sql("select record_refusals('a', array['9-1'], array['q'], array['signature'],"
              " array[4]::bigint[])")
    stack.sql(record.replace("'a'", "'b'"))  # another server has ids of its own
    assert sorted(stack.sql("select provider, outcome, count from refusals")) == [
        ("p", "body", 4), ("p", "signature", 2), ("q", "signature", 10)]


def test_refusals_count_again_after_a_clock_was_ahead(stack):
    for n, hours in enumerate((2, 0, 0)):  # redis was wiped after the first, its clock put right
        stack.sql("select record_refusals('a', array[(extract(epoch from clock_timestamp()"
                  " + %s * interval '1 hour') * 1000)::bigint || '-' || %s], array['p'],"
                  " array['signature'], array[1]::bigint[])", hours, n)
    assert stack.sql("select sum(count) from refusals") == [(3,)]


def test_refusals_survive_a_stop_of_ingest(stack, provider):
    stack.start("ingest")
    for n in range(3):
        body = b'{"success":true}'
        answer = request("POST", f"{stack.ingest_url}/webhooks/screenshotly", body,
                         sign_webhook(body, "wrong"))
        assert answer.status == 401
    stack.stop("ingest")
    assert 1 <= stack.redis.xlen("shotfleet:refusals") <= 3
    # an entry of another make harms nobody
    stack.redis.xadd("shotfleet:refusals", {"provider": "x", "outcome": "y", "count": "many"})
    stack.redis.xadd("shotfleet:refusals", {"what": "is this"})
    stack.start("poller")
    wait_for(lambda: stack.redis.xlen("shotfleet:refusals") == 0, 30, "the poller to count")
    assert stack.sql("select provider, outcome, count from refusals") == [
        ("screenshotly", "signature", 3)]


def test_the_command(stack):
    finished(stack, 3, 2)
    finished(stack, 30, 2)
    steps(stack)
    stack.sql("insert into provider_health (provider, failures, error) values ('p', 6, 'HTTP 503')")
    done = stack.cli("providers", check=True)
    assert done.stdout.count("\n") == 1
    assert done.stdout.split("\t")[1:4] == ["screenshotly", "2", "100.00 %"]
    assert "p fails to say what became of captures: HTTP 503 (6 in a row" in done.stderr
    lines = stack.cli("providers", "--days", "31", "--json", check=True).stdout.splitlines()
    assert [json.loads(line)["captures"] for line in lines] == [2, 2]
    assert stack.cli("providers", "--days", "30", check=True).stdout.count("\n") == 1
    for arguments in (["--days", "0"], ["--days", "3661"], ["--days"], ["x"], ["--what"]):
        assert stack.cli("providers", *arguments).returncode == 2


def test_a_huge_day_gets_longer_than_other_statements(stack):
    """Ten seconds are what all others have."""
    stack.queue("http://page.test/")
    with psycopg2.connect(stack.env["DATABASE_URL"]) as holder, holder.cursor() as cursor:
        cursor.execute("lock table provider_days in access exclusive mode")
        stack.start("poller")
        wait_for(lambda: stack.sql(
            "select 1 from pg_stat_activity where application_name = 'shotfleet-poller-slow'"
            " and datname = current_database() and wait_event_type = 'Lock'"
            " and clock_timestamp() - query_start > interval '13 seconds'"), 60, "thirteen seconds")
    holder.close()
    wait_for(lambda: stack.sql("select 1 from provider_days"), 30, "the sum")
    assert "could not sum up" not in stack.log("poller")
