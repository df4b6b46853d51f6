"""The poller: what happens when webhooks, queue entries or the provider's memory
are lost."""

import glob
import json
import os
import secrets
import threading

import pytest

import clock
from processes import wait_for
from servers import RedisServer


@pytest.fixture
def fleet(stack, provider):
    stack.env["SHOTFLEET_STALE_AFTER_S"] = "1"
    stack.start_all("ingest", "worker", "poller")
    return stack


def deliveries(stack, job):
    return stack.sql("select source, event, outcome from deliveries where job_id = %s::uuid", job)


def test_a_webhook_that_never_comes(fleet, provider, pages):
    provider.script = provider.finish
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert ("poll", "completed", "recorded") in deliveries(fleet, job.id)
    assert job.width == 4


def test_a_failure_that_was_never_told(fleet, provider, pages):
    provider.script = lambda c: provider.break_down(c, "INVALID_URL", "no")
    job = fleet.wait_for_job(fleet.queue(pages.url), "failed")
    assert job.error_code == "INVALID_URL"


def test_a_provider_that_forgot_the_job(fleet, provider, pages):
    def script(capture):
        if len(provider.captures) == 1:
            provider.forget(capture)
        else:
            provider.complete(capture)
    provider.script = script
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert job.attempt == 2


def test_a_provider_at_work_is_left_alone(fleet, provider, pages):
    provider.script = provider.drop
    job = fleet.queue(pages.url)
    wait_for(lambda: fleet.job(job).checks >= 2, 30, "two checks")
    row = fleet.job(job)
    assert (row.status, row.attempt) == ("submitted", 1)
    wait_for(lambda: checks(fleet, "pending") >= 1, 30, "an answer to be counted")
    assert not [d for d in deliveries(fleet, job) if d.source == "poll"]


def test_the_deadline_ends_a_silent_job(fleet, provider, pages):
    provider.script = provider.drop
    fleet.sql("update fleet_defaults set deadline = '3 seconds'")
    job = fleet.wait_for_job(fleet.queue(pages.url), "failed")
    assert job.error_code == "DEADLINE"


def test_the_deadline_ends_a_job_that_nobody_takes(stack, provider, pages):
    stack.sql("update fleet_defaults set deadline = '2 seconds'")
    provider.answer = lambda c: (503, {"Retry-After": "1"}, b"")
    stack.start_all("ingest", "worker", "poller")
    job = stack.wait_for_job(stack.queue(pages.url), "failed")
    assert job.error_code == "DEADLINE"


# The provider's answers.  What is asked of it is in `provider.questions`.

def checks(stack, answer):
    return stack.metrics("poller")[f'shotfleet_checks_total{{answer="{answer}"}}']


def health(stack):
    rows = stack.sql("select * from provider_health")
    return rows[0] if rows else None


def silent_jobs(stack, provider, pages, count):
    """Jobs that a provider has, due to be asked about; no worker runs any more."""
    provider.script = provider.drop
    stack.start("worker")
    jobs = [stack.queue(f"{pages.url}/fine?{n}") for n in range(count)]
    for job in jobs:
        stack.redis.xadd("shotfleet:submit", {"job": job, "attempt": 1})
    for job in jobs:
        stack.wait_for_job(job, "submitted")
    stack.stop("worker")
    stack.sql("update jobs set next_check_at = now() - interval '1 hour', checks = 0")
    return jobs


def polled(stack):
    """Jobs and the times when the provider's answers were appended, in order."""
    entries = stack.redis.xrange("shotfleet:webhook")
    return [(e[b"job"].decode(), int(i.split(b"-")[0])) for i, e in entries]


def test_a_provider_that_is_down_is_left_alone(stack, provider, pages):
    jobs = silent_jobs(stack, provider, pages, 40)
    provider.status = lambda c: (503, {}, b"gone fishing")
    stack.start("poller", SHOTFLEET_STALE_AFTER_S=1)
    wait_for(lambda: health(stack) and health(stack).paused_until, 30, "a pause")
    wait_for(lambda: health(stack).failures >= 6, 30, "a trial")
    asked = len(provider.questions)
    assert asked <= 20 + 2  # those under way, and then one at a time
    assert "503" in health(stack).error
    wait_for(lambda: "left alone" in stack.log("poller"), 30, "the log to say so")

    for capture in provider.captures:
        provider.finish(capture)
    provider.status = lambda c: None
    # some more than once: no worker runs, so that they are due again in a second
    wait_for(lambda: {job for job, _ in polled(stack)} == set(jobs), 60, "all to be polled")
    wait_for(lambda: (h := health(stack)).failures == 0 and h.paused_until is None, 30, "its health")
    wait_for(lambda: "answers again" in stack.log("poller"), 30, "the log to say so")


def test_no_answer_at_all_counts_as_down(stack, provider, pages):
    silent_jobs(stack, provider, pages, 8)
    provider.close()
    stack.start("poller", SHOTFLEET_STALE_AFTER_S=1)
    wait_for(lambda: health(stack) and health(stack).paused_until, 30, "a pause")
    assert not polled(stack)


def test_the_deadline_passes_while_the_provider_is_down(stack, provider, pages):
    job = silent_jobs(stack, provider, pages, 1)[0]
    stack.sql("insert into provider_health values"
              " ('screenshotly', 9, now(), 'x', now() + interval '5 minutes')")
    stack.sql("update jobs set deadline_at = now(), next_check_at = now() + interval '9 minutes'")
    stack.start_all("worker", "poller")
    assert stack.wait_for_job(job, "failed").error_code == "DEADLINE"
    assert not provider.questions


def test_after_an_outage_the_oldest_come_first_at_a_capped_rate(stack, provider, pages):
    jobs = silent_jobs(stack, provider, pages, 30)
    for n, job in enumerate(reversed(jobs)):  # the last one waits longest
        stack.sql("update jobs set next_check_at = now() - %s * interval '1 minute'"
                  " where id = %s::uuid", 100 - n, job)
    for capture in provider.captures:
        provider.finish(capture)
    limit(stack, status_per_s=10, status_at_once=1)
    # when each is leased: what becomes of it afterwards is the machine's business
    stack.sql("""
        create table leases (n serial, job_id uuid, began timestamptz default now(),
                             at timestamptz default clock_timestamp());
        create function note() returns trigger language plpgsql as $$
        begin
            insert into leases (job_id) values (new.id);
            return new;
        end $$;
        create trigger note after update on jobs for each row
            when (new.checks > old.checks) execute function note()""")
    for n in range(3):  # one pace for all of them
        stack.start("poller", instance=f"poller-{n}", SHOTFLEET_STALE_AFTER_S=60)
    wait_for(lambda: {job for job, _ in polled(stack)} == set(jobs), 60, "all answers")
    leases = stack.sql("select job_id::text, began, at from leases order by n limit 30")
    # ten at once after a quiet time, then ten a second
    assert (leases[-1].at - leases[0].began).total_seconds() >= (30 - 10 - 1) / 10
    order = [jobs[::-1].index(lease.job_id) for lease in leases]
    assert max(abs(place - n) for n, place in enumerate(order)) <= 3  # pollers


def limit(stack, **limits):
    """Profiles of the test's own, with these limits."""
    folder = os.path.join(stack.folder, "providers")
    os.makedirs(folder)
    with open(os.path.join(stack.env["SHOTFLEET_PROVIDERS_DIR"], "screenshotly.json")) as f:
        profile = json.load(f)
    profile["limits"] = limits
    with open(os.path.join(folder, "screenshotly.json"), "w") as f:
        json.dump(profile, f)
    stack.env["SHOTFLEET_PROVIDERS_DIR"] = folder


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_no_more_questions_at_once_than_the_profile_says(stack, provider, pages, at_once):
    jobs = silent_jobs(stack, provider, pages, 6)
    limit(stack, status_at_once=at_once)
    gate = threading.Event()
    provider.status = lambda c: gate.wait(60) and None
    stack.start("poller", SHOTFLEET_STALE_AFTER_S=60)
    wait_for(lambda: len(provider.questions) == at_once, 30, "the first questions")
    wait_for(lambda: stack.metrics("poller")["shotfleet_checks_in_flight"] == at_once, 10,
             "the gauge")
    rounds = stack.sql("select checks from jobs where checks > 0")
    assert len(rounds) == at_once == len(provider.questions)
    gate.set()
    wait_for(lambda: len(provider.questions) == len(jobs), 30, "all questions")


@pytest.mark.parametrize("status, headers, least_s, most_s", [
    (429, {"Retry-After": "100"}, 90, 100),
    (503, {"Retry-After": "100"}, 90, 100),
    (429, {}, 2, 5),
    (429, {"Retry-After": "86400"}, 290, 300),  # at most five minutes
    (401, {}, 50, 60),
])
def test_a_pause_that_the_provider_wants(stack, provider, pages, status, headers,
                                         least_s, most_s):
    silent_jobs(stack, provider, pages, 1)
    provider.status = lambda c: (status, headers, b"")
    stack.start("poller", SHOTFLEET_STALE_AFTER_S=60)
    paused = wait_for(lambda: health(stack) and health(stack).paused_until, 30, "a pause")
    left_s = (paused - stack.sql("select now()")[0][0]).total_seconds()
    assert least_s - 10 <= left_s <= most_s
    if status == 401:
        wait_for(lambda: "SHOTFLEET_PROVIDER_KEY" in stack.log("poller"), 30, "the log to say so")
        assert stack.key not in stack.log("poller")


@pytest.mark.parametrize("body", [
    b"", b"<html>maintenance</html>", b"[]", b'{"status":"perhaps"}', b'{"status":7}',
    b"{" * 1000, b'{"status":"completed"' + b" " * (1024 * 1024), b"\0\xff\xfe",
])
def test_nonsense_is_bounded_and_logged(stack, provider, pages, body):
    job = silent_jobs(stack, provider, pages, 1)[0]
    provider.status = lambda c: (200, {"Content-Type": "application/json"}, body)
    stack.start("poller", SHOTFLEET_STALE_AFTER_S=1)
    wait_for(lambda: checks(stack, "none") >= 2, 30, "two questions")
    assert stack.job(job).status == "submitted"
    assert not polled(stack)
    wait_for(lambda: "could not learn what became of a job" in stack.log("poller"), 30, "the log to say so")
    assert len(stack.log("poller")) < 20000
    for capture in provider.captures:
        provider.finish(capture)
    provider.status = lambda c: None
    wait_for(lambda: polled(stack), 90, "an answer that makes sense")


def test_a_provider_that_expired_the_job(fleet, provider, pages):
    """410, as 404: another attempt; the deadline or the attempts end it."""
    fleet.sql("update fleet_defaults set max_attempts = 2")
    provider.script = provider.drop
    provider.status = lambda c: (410, {}, b"")
    job = fleet.wait_for_job(fleet.queue(pages.url), "failed", 60)
    assert job.attempt == 2
    assert len(provider.captures) == 2


@pytest.mark.parametrize("why", ["no status API", "unknown profile", "no job id"])
def test_nobody_to_ask(stack, provider, pages, why):
    silent_jobs(stack, provider, pages, 1)
    if why == "no status API":
        limit(stack)
        path = os.path.join(stack.env["SHOTFLEET_PROVIDERS_DIR"], "screenshotly.json")
        with open(path) as f:
            profile = json.load(f)
        del profile["status"]
        with open(path, "w") as f:
            json.dump(profile, f)
    elif why == "unknown profile":
        stack.sql("update jobs set provider = 'no-such'")
    else:
        stack.sql("update jobs set provider_job_id = null")
    stack.start("poller")
    wait_for(lambda: stack.redis.xlen("shotfleet:webhook") == 1, 30, "the verdict")
    entry = stack.redis.xrange("shotfleet:webhook")[0][1]
    assert entry[b"verdict"] == b"lost"
    assert not provider.questions


def test_the_key_is_sent(fleet, provider, pages):
    provider.script = provider.finish
    fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert provider.refused == 0


def test_pauses_grow_to_ten_minutes_and_end_at_the_deadline(stack):
    job = stack.queue("http://page.test/")
    stack.sql("update jobs set status = 'submitted', deadline_at = now() + interval '1 day'")
    pauses = []
    for n in range(14):
        stack.sql("update jobs set next_check_at = now()")
        rows = stack.sql("select *, now() from check_due(60000, '{}', '{}', '{}', 10)")
        assert len(rows) == 1
        pauses.append((stack.job(job).next_check_at - rows[0].now).total_seconds())
        most = min(600, 60 * (0.5 + 2 ** n))
        assert min(30, most) <= pauses[-1] <= most
    assert max(pauses) > 300
    stack.sql("update jobs set next_check_at = now(), deadline_at = now() + interval '7 seconds'")
    stack.sql("select * from check_due(60000, '{}', '{}', '{}', 10)")
    row = stack.job(job)
    assert row.next_check_at == row.deadline_at


# Clocks.

@pytest.mark.parametrize("offset", ["-2d", "+2d"])
def test_a_poller_whose_clock_is_wrong(stack, provider, pages, offset):
    """All its decisions are the database's."""
    provider.script = provider.finish
    stack.env["SHOTFLEET_STALE_AFTER_S"] = "1"
    stack.start_all("ingest", "worker")
    stack.start("poller", LD_PRELOAD=faketime(), FAKETIME=offset, FAKETIME_DONT_FAKE_MONOTONIC=1,
                ASAN_OPTIONS=stack.env["ASAN_OPTIONS"] + ":verify_asan_link_order=0")
    job = stack.wait_for_job(stack.queue(pages.url), "completed")
    assert job.attempt == 1


def faketime():
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not found:
        pytest.skip("libfaketime is not installed")
    return found[0]


@pytest.mark.parametrize("what", ["jobs", "dead_letters", "callbacks"])
def test_the_database_s_clock_was_set_back(stack, provider, pages, what):
    """Plans that are two days away were made by another clock."""
    job = stack.queue(pages.url)
    stack.sql("update jobs set next_check_at = now() + interval '2 days'")
    stack.sql("insert into dead_letters (entry_id, stream, job_id, payload, error, received_at,"
              " next_attempt_at) values ('x', 'shotfleet:webhook', %s::uuid, '', 'x', now(),"
              " now() + interval '2 days')", job)
    stack.sql("insert into callbacks (job_id, url, event, next_attempt_at) values (%s::uuid,"
              " 'http://a.test/', 'job.completed', now() + interval '2 days')", job)
    stream, stays = {"jobs": ("submit", "next_check_at"),
                     "dead_letters": ("webhook", "next_attempt_at"),
                     "callbacks": ("callback", "next_attempt_at")}[what]
    for other in {"jobs", "dead_letters", "callbacks"} - {what}:
        stack.sql(f"update {other} set next_check_at = null" if other == "jobs" else
                  f"delete from {other}")
    stack.start("poller")
    wait_for(lambda: stack.redis.xlen(f"shotfleet:{stream}") == 1, 30, "the entry")


@pytest.mark.parametrize("what", ["jobs", "dead_letters", "callbacks"])
def test_the_database_s_clock_was_half_an_hour_ahead(stack, provider, pages, what):
    """No plan is impossible; but all of them move back with the clock."""
    job = stack.queue(pages.url)
    later = "now() + interval '30 minutes'"
    if what == "jobs":
        stack.sql(f"update jobs set queued_at = {later}, next_check_at = {later}")
    else:
        stack.sql("update jobs set next_check_at = null")
    if what == "dead_letters":
        stack.sql("insert into dead_letters (entry_id, stream, job_id, payload, error, received_at,"
                  f" next_attempt_at) values ('x', 'shotfleet:webhook', %s::uuid, '', 'x', now(), {later})",
                  job)
    if what == "callbacks":
        stack.sql("insert into callbacks (job_id, url, event, next_attempt_at)"
                  f" values (%s::uuid, 'http://a.test/', 'job.completed', {later})", job)
    stack.sql(f"update database_clock set seen = {later}")
    stack.start("poller")
    stream = {"jobs": "submit", "dead_letters": "webhook", "callbacks": "callback"}[what]
    wait_for(lambda: stack.redis.xlen(f"shotfleet:{stream}") == 1, 30, "the entry")
    assert "clock was set back" in stack.log("poller")
    if what != "jobs":
        assert stack.job(job).next_check_at is None  # it has a letter


@pytest.mark.parametrize("ahead_s, moves", [(4, False), (6, True), (1800, True)])
def test_plans_move_with_the_clock_once(stack, ahead_s, moves):
    due = [stack.queue("http://page.test/") for _ in range(3)]
    for n, job in enumerate(due):  # before, at and beyond what the clock was ahead
        stack.sql("update jobs set next_check_at = now() + %s * interval '1 second'"
                  " where id = %s::uuid", ahead_s + 60 * n - 60, job)
    stack.sql("update database_clock set seen = now() + %s * interval '1 second'", ahead_s)
    before = [stack.job(job).next_check_at for job in due]
    moved_ms = stack.sql("select watch_clock()")[0].watch_clock
    assert (moved_ms is not None) == moves
    now = stack.sql("select now()")[0].now
    for job, planned in zip(due, before):
        left = (stack.job(job).next_check_at - now).total_seconds()
        if not moves:
            assert stack.job(job).next_check_at == planned
        elif planned > now:
            expected = max(0, (planned - now).total_seconds() - moved_ms / 1000)
            assert abs(left - expected) < 5
    assert stack.sql("select watch_clock()")[0].watch_clock is None


def test_a_clock_that_goes_on_moves_nothing(stack):
    job = stack.queue("http://page.test/")
    stack.sql("update jobs set next_check_at = now() + interval '1 hour'")
    planned = stack.job(job).next_check_at
    for ago in ("1 second", "6 seconds", "3 days"):
        stack.sql("update database_clock set seen = now() - %s::interval", ago)
        assert stack.sql("select watch_clock()")[0].watch_clock is None
        assert stack.job(job).next_check_at == planned


def test_redis_s_clock_was_ahead(stack, provider):
    """What it handed out meanwhile would not be idle for two hours."""
    folder = os.path.join(os.path.dirname(stack.redis_server.path), "clock-" + secrets.token_hex(4))
    os.mkdir(folder, 0o711)
    library = clock.build(folder)
    if not library:
        pytest.skip("there is no C compiler")
    of_redis = clock.Clock(folder, "redis", library)
    of_redis.off_by(7200)
    server = RedisServer(folder + "/redis")
    server.env = of_redis.env
    server.start()
    try:
        stack.env.update(REDIS_URL=server.url, SHOTFLEET_TAKEOVER_S="1")
        server.client.xgroup_create("shotfleet:webhook", "workers", mkstream=True)
        server.client.xadd("shotfleet:webhook", {"v": 1, "provider": "screenshotly"})
        server.client.xreadgroup("workers", "dead", {"shotfleet:webhook": ">"})
        stack.start("poller")
        wait_for(lambda: stack.sql("select 1 from ledgers"), 30, "a look at it")
        of_redis.off_by(0)
        stack.start("worker")
        wait_for(lambda: stack.sql("select 1 from dead_letters"), 30, "the entry to be taken over")
        assert "redis's clock was set back" in stack.log("poller")
    finally:
        for name in list(stack.programs):
            stack.stop(name)
        server.stop()


def test_a_pause_of_another_clock_does_not_hold(stack, provider, pages):
    silent_jobs(stack, provider, pages, 1)
    stack.sql("insert into provider_health values"
              " ('screenshotly', 9, now(), 'x', now() + interval '2 days')")
    stack.start("poller")
    wait_for(lambda: provider.questions, 30, "a question")


def test_plain_sql_is_picked_up_within_a_second_or_so(fleet, provider, pages):
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed", 10)
    assert (job.submitted_at - job.created_at).total_seconds() < 5


def test_a_waiting_entry_is_not_queued_twice(stack, provider, pages):
    """No worker runs: the entry is still there, so nothing is appended."""
    stack.start("poller")
    job = stack.queue(pages.url)
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 1, 20, "the entry")
    before = stack.job(job)
    stack.sql("update jobs set next_check_at = now()")
    wait_for(lambda: stack.job(job).next_check_at > before.next_check_at, 20, "another look")
    assert stack.redis.xlen("shotfleet:submit") == 1
    stack.redis.delete("shotfleet:submit")
    stack.sql("update jobs set next_check_at = now()")
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 1, 20, "a new entry")


def test_many_pollers_share_the_work(stack, provider, pages):
    provider.script = provider.finish
    stack.env["SHOTFLEET_STALE_AFTER_S"] = "1"
    stack.start_all("ingest", "worker")
    for n in range(3):
        stack.start("poller", instance=f"poller-{n}")
    jobs = [stack.queue(f"{pages.url}/fine?{n}") for n in range(30)]
    for job in jobs:
        assert stack.wait_for_job(job, "completed", 60).attempt == 1
    assert len(provider.captures) == 30


@pytest.mark.parametrize("queued_s_ago, ahead_s, gone", [
    (7, -1, True), (6, 1, False), (6, 7200, False),
    (599, 7200, False), (601, 7200, True),
])
def test_ids_of_a_clock_that_was_set_back(stack, queued_s_ago, ahead_s, gone):
    """They do not make a queue that waits look like one that is lost."""
    job = stack.queue("http://page.test/")
    stack.sql("begin")  # and now() stands still
    stack.sql("update jobs set queued_at = now() - %s * interval '1 second',"
              " next_check_at = now()", queued_s_ago)
    again = stack.sql("select job_id::text from requeue_due("
                      "(extract(epoch from now()) * 1000)::bigint + %s, 10)", ahead_s * 1000)
    stack.sql("commit")
    assert [row.job_id for row in again] == ([job] if gone else [])


def test_a_wiped_queue_beside_a_clock_that_was_set_back(stack):
    """Where nothing is, no id is ahead."""
    job = stack.queue("http://page.test/")
    stack.sql("update jobs set queued_at = now() - interval '6 seconds', next_check_at = now()")
    again = stack.sql("select job_id::text from requeue_due(9223372036854775807, 10)")
    assert [row.job_id for row in again] == [job]
