"""Workers against a scriptable provider: every result once, whatever happens."""

import hashlib
import json
import os
import signal
import struct

import pytest

from doubles import png, sign_webhook
from processes import wait_for
from web import request


@pytest.fixture
def fleet(stack, provider):
    stack.start_all("ingest", "worker", "poller")
    return stack


def idle(stack):
    """Nothing is in flight any more."""
    return stack.redis.xlen("shotfleet:submit") == 0 == stack.redis.xlen("shotfleet:webhook")


def wait_idle(stack):
    wait_for(lambda: idle(stack), 30, "the streams to be empty")


def outcomes(stack, job):
    return [(r.event, r.outcome) for r in stack.sql(
        "select event, outcome from deliveries where job_id = %s::uuid order by recorded_at, entry_id", job)]


def once_submitted(fleet, send):
    """A script for what is not about a webhook that overtakes its submission."""
    def script(capture):
        wait_for(lambda: fleet.job(capture.job_id).status == "submitted", 30, "the submission")
        send(capture)
    return script


def test_a_capture_ends_as_a_file_and_a_row(fleet, provider, pages):
    provider.picture = png(40, 30)
    provider.script = once_submitted(fleet, provider.complete)
    job = fleet.wait_for_job(fleet.queue(pages.url + "/fine", format="png"), "completed")
    assert (job.width, job.height, job.image_type) == (40, 30, "image/png")
    assert job.size_bytes == len(provider.picture)
    assert job.sha256 == hashlib.sha256(provider.picture).hexdigest()
    assert job.progress == 100 and job.error is None and job.next_check_at is None
    assert job.image_key.startswith("screenshots/")
    with open(os.path.join(fleet.storage, job.image_key), "rb") as f:
        assert f.read() == provider.picture
    [capture] = provider.captures
    assert capture.url == pages.url + "/fine"
    assert capture.body["async"] is True and capture.body["format"] == "png"
    assert capture.query["jobId"] == job.id and capture.query["attempt"] == "1"
    assert len(capture.query["token"]) == 43
    assert job.provider_job_id == capture.id
    wait_idle(fleet)
    assert os.listdir(os.path.join(fleet.storage, "tmp")) == []
    assert sorted(outcomes(fleet, job.id)) == [("completed", "recorded"), ("submitted", "recorded")]


def test_a_webhook_that_overtakes_its_submission(fleet, provider, pages):
    def answer(capture):
        provider.finish(capture)
        provider.send_outcome(capture)
        fleet.wait_for_job(capture.job_id, "completed")  # before the 202
    provider.answer = answer
    provider.script = provider.drop
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    wait_idle(fleet)
    assert ("completed", "recorded") in outcomes(fleet, job.id)
    assert ("submitted", "ignored") in outcomes(fleet, job.id)


def test_repeated_and_reordered_webhooks_change_nothing(fleet, provider, pages):
    def script(capture):
        provider.finish(capture)
        provider.send(capture, "progress", progress=40)
        for _ in range(3):
            provider.send_outcome(capture)
        fleet.wait_for_job(capture.job_id, "completed")
        provider.send(capture, "progress", progress=70)
        provider.send(capture, "failed", error="late", errorCode="TIMEOUT")
    provider.script = script
    job = fleet.queue(pages.url)
    fleet.wait_for_job(job, "completed")
    wait_for(lambda: len(outcomes(fleet, job)) == 7, 30, "all seven entries")
    row = fleet.job(job)
    assert (row.status, row.progress, row.attempt, row.error) == ("completed", 100, 1, None)
    counted = [o for _, o in outcomes(fleet, job)]
    assert counted.count("recorded") in (2, 3)  # submitted, completed, perhaps the first progress
    assert provider.answers == [200] * 6
    assert [e for e, o in outcomes(fleet, job) if o == "recorded"].count("completed") == 1


def test_progress_shows_on_the_row(fleet, provider, pages):
    provider.script = once_submitted(fleet, lambda c: provider.send(c, "progress", progress=40))
    job = fleet.queue(pages.url)
    wait_for(lambda: fleet.job(job).progress == 40, 30, "progress to be recorded")
    assert fleet.job(job).status == "submitted"


def test_a_permanent_failure_is_final(fleet, provider, pages):
    provider.script = lambda c: provider.fail(c, "INVALID_URL", "no such page")
    job = fleet.wait_for_job(fleet.queue(pages.url), "failed")
    assert (job.error_code, job.error, job.attempt) == ("INVALID_URL", "no such page", 1)


def test_a_passing_failure_is_tried_again(fleet, provider, pages):
    def script(capture):
        if len(provider.captures) == 1:
            provider.fail(capture, "TIMEOUT", "slow")
        else:
            provider.complete(capture)
    provider.script = script
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert job.attempt == 2 and job.error is None
    assert [c.query["attempt"] for c in provider.captures] == ["1", "2"]


def test_attempts_are_bounded(fleet, provider, pages):
    provider.script = lambda c: provider.fail(c, "TIMEOUT", "slow")
    fleet.sql("update fleet_defaults set max_attempts = 2")
    job = fleet.wait_for_job(fleet.queue(pages.url), "failed")
    assert job.attempt == 2 and job.error_code == "TIMEOUT"
    assert len(provider.captures) == 2


def test_an_old_attempts_webhook_changes_nothing(fleet, provider, pages):
    def script(capture):
        provider.finish(capture)
        if len(provider.captures) == 1:
            provider.send(capture, "failed", error="slow", errorCode="TIMEOUT")
        else:
            first = provider.captures[0]
            provider.send(first, "failed", error="late", errorCode="INVALID_URL")
            provider.send_outcome(capture)
    provider.script = script
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert job.attempt == 2
    wait_for(lambda: ("failed", "ignored") in outcomes(fleet, job.id), 30, "the late failure")
    assert fleet.job(job.id).status == "completed"


def test_a_refused_submission_fails_with_the_providers_code(fleet, provider, pages):
    provider.answer = lambda c: (400, {"Content-Type": "application/json"},
                                 b'{"error":"x","message":"width is too small","code":"INVALID_REQUEST"}')
    job = fleet.wait_for_job(fleet.queue(pages.url, width=1), "failed")
    assert (job.error_code, job.error) == ("INVALID_REQUEST", "width is too small")


def test_a_busy_provider_costs_no_attempt(fleet, provider, pages):
    busy = (429, {"Content-Type": "application/json", "Retry-After": "1"},
            b'{"error":"busy","code":"RATE_LIMITED"}')
    provider.answer = lambda c: busy if len(provider.captures) == 1 else None
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert job.attempt == 1 and len(provider.captures) == 2


def test_a_busy_provider_still_hands_out_its_pictures(stack, provider, pages):
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    stack.start_all("ingest", "worker", "poller")
    busy = (429, {"Content-Type": "application/json", "Retry-After": "60"},
            b'{"error":"busy","code":"RATE_LIMITED"}')
    provider.script = provider.finish
    taken = stack.queue(pages.url)
    wait_for(lambda: stack.job(taken).status == "submitted", 30, "the first to be submitted")
    provider.answer = lambda c: busy
    refused = stack.queue(pages.url)
    wait_for(lambda: stack.job(refused).error_code == "RATE_LIMITED", 30, "the refusal")
    provider.send_outcome(provider.captures[0])
    stack.wait_for_job(taken, "completed")
    assert stack.sql("select count(*) from dead_letters")[0].count == 0


def test_an_answer_that_is_the_picture_completes_at_once(fleet, provider, pages):
    provider.answer = lambda c: (200, {"Content-Type": "image/png"}, png(7, 5))
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert (job.width, job.height) == (7, 5)


@pytest.mark.parametrize("picture, why", [
    (b"<html>no picture</html>", "no PNG"),
    (b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 11, 8, 3, 4, 1) + b"\x01\x11\x00", "claims to be image/png"),
])
def test_what_is_no_picture_becomes_a_dead_letter(fleet, provider, pages, picture, why):
    provider.picture = picture
    provider.script = once_submitted(fleet, provider.complete)
    job = fleet.queue(pages.url)
    [letter] = wait_for(lambda: fleet.sql("select * from dead_letters"), 30, "a dead letter")
    assert why in letter.error and letter.job_id == job and letter.attempts == 1
    assert b"screenshot.completed" in bytes(letter.payload)
    row = fleet.job(job)
    assert row.status == "submitted" and why in row.error
    provider.picture = png(9, 9)  # mended: the poller feeds it back
    fleet.sql("update dead_letters set next_attempt_at = now()")
    assert fleet.wait_for_job(job, "completed").width == 9
    [letter] = fleet.sql("select * from dead_letters")
    assert letter.resolved_at and letter.next_attempt_at is None


def test_dead_letters_are_fed_back_a_bounded_number_of_times(fleet, provider, pages):
    provider.picture = b"never a picture"
    fleet.queue(pages.url)

    def spent():
        fleet.sql("update dead_letters set next_attempt_at = now() where next_attempt_at > now()")
        rows = fleet.sql("select * from dead_letters where next_attempt_at is null")
        return rows and rows[0]
    letter = wait_for(spent, 60, "the dead letter to wait for a person")
    assert letter.attempts == 3 and letter.resolved_at is None


def test_a_private_picture_address_is_not_fetched(stack, provider, pages):
    """...unless it is the provider's own."""
    stack.env["SHOTFLEET_FETCH_ALLOW"] = ""
    stack.start_all("ingest", "worker", "poller")
    assert stack.wait_for_job(stack.queue(pages.url), "completed")

    def script(capture):
        capture.image_url = pages.url + "/secret.png"
        provider.complete(capture)
    provider.script = script
    stack.queue(pages.url)
    [letter] = wait_for(lambda: stack.sql("select * from dead_letters"), 30, "a dead letter")
    assert "/secret.png" not in pages.asked
    assert "127.0.0.1" in letter.error


def test_a_vanished_picture_is_captured_again(fleet, provider, pages):
    def script(capture):
        if len(provider.captures) == 1:
            capture.image_url = provider.url + "/images/gone.png"
        provider.complete(capture)
    provider.script = script
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    assert job.attempt == 2


def test_webhooks_for_unknown_jobs_and_malformed_ones_are_kept(fleet, provider):
    unknown = b'{"event":"screenshot.completed","data":{"jobId":"nobody"}}'
    unclear = b'{"hello":"world"}'
    for body in (unknown, unclear):
        url = fleet.ingest_url + "/webhooks/screenshotly"
        assert request("POST", url, body, sign_webhook(body, fleet.webhook_secret)).status == 200
    letters = wait_for(lambda: len(r := fleet.sql("select * from dead_letters order by id")) == 2 and r,
                       30, "two dead letters")
    assert sorted(bytes(r.payload) for r in letters) == sorted([unknown, unclear])
    assert all(r.next_attempt_at is None for r in letters)


def append(stack, body, **fields):
    """An entry as ingest appends it, after its checks."""
    return stack.redis.xadd("shotfleet:webhook", {
        "v": "1", "provider": "screenshotly", "source": "webhook", "type": "application/json",
        "received_ms": "1700000000000", **fields, "body": json.dumps(body)})


@pytest.mark.parametrize("event, data, theirs", [
    ("failed", {"error": "broke", "errorCode": "INVALID_URL"}, {"event": "job.failed"}),
    ("progress", {"progress": 40}, {"status": "processing"})])
def test_what_is_recorded_without_asking_for_its_job(fleet, provider, pages, event, data, theirs):
    """Failures and progress are: of a job that is not there, or another provider's, a letter is
    kept whole; and one job is one, however its id is written."""
    provider.script = provider.drop
    job = fleet.queue(pages.url)
    wait_for(lambda: fleet.job(job).status == "submitted", 30, "the submission")
    body = {"event": f"screenshot.{event}", "data": data}
    nobody = "01a0e1f7-aaaa-7bbb-8ccc-000000000001"
    append(fleet, body, job=nobody, attempt="1")
    append(fleet, theirs, job=job, attempt="1", provider="rendershot")
    letters = wait_for(lambda: len(r := fleet.sql("select * from dead_letters order by id")) == 2 and r,
                       30, "two dead letters")
    assert {bytes(r.payload) for r in letters} == {json.dumps(b).encode() for b in (body, theirs)}
    assert all(r.job_id is None and r.next_attempt_at is None
               and r.error == "no job of this provider has this id" for r in letters)
    row = fleet.job(job)
    assert row.status == "submitted" and row.next_check_at is not None and row.error is None
    append(fleet, body, job=job, attempt="2")  # not the present one
    for n in range(3):
        append(fleet, body, job=job.upper() if n == 1 else job, attempt="1")
    wait_for(lambda: fleet.redis.xlen("shotfleet:webhook") == 0, 30, "all to be recorded")
    row = fleet.job(job)
    if event == "failed":
        assert (row.status, row.error_code, row.attempt) == ("failed", "INVALID_URL", 1)
        assert sorted(o for _, o in outcomes(fleet, job))[:3] == ["duplicate", "duplicate", "ignored"]
    else:
        assert (row.status, row.progress) == ("submitted", 40)
        assert sorted(o for _, o in outcomes(fleet, job))[0] == "ignored"
    assert fleet.sql("select count(*) from dead_letters")[0].count == 2


def test_an_unknown_event_is_ignored_and_recorded(fleet, provider, pages):
    provider.script = lambda c: provider.send(c, "sparkled")
    job = fleet.queue(pages.url)
    wait_for(lambda: any(o == "ignored" for _, o in outcomes(fleet, job)), 30, "the entry")
    wait_idle(fleet)  # the webhook may overtake the record of the submission
    assert fleet.job(job).status == "submitted"


def test_by_the_providers_id_alone(fleet, provider, pages):
    def script(capture):
        provider.finish(capture)
        capture.webhook_url = capture.webhook_url.split("?")[0]
        wait_for(lambda: fleet.job(capture.job_id).provider_job_id, 30, "the submission")
        provider.send_outcome(capture)
    provider.script = script
    fleet.wait_for_job(fleet.queue(pages.url), "completed")


@pytest.mark.parametrize("victim", ["child", "parent"])
def test_workers_killed_in_mid_batch_lose_nothing(stack, provider, pages, victim):
    stack.env["SHOTFLEET_TAKEOVER_S"] = "2"
    stack.start_all("ingest", "worker", "poller")
    jobs = [stack.queue(f"{pages.url}/fine?{n}") for n in range(60)]
    killed = 0
    while killed < 3:
        done = stack.sql("select count(*) from jobs where status = 'completed'")[0][0]
        if done >= 60:
            break
        if victim == "child":
            dead = stack.kill("worker", signal.SIGKILL, child=0)
            wait_for(lambda: len(set(stack.children("worker")) - {dead}) == 3, 20, "a new child")
        else:
            stack.kill("worker", signal.SIGKILL)
            stack.start("worker")
        killed += 1
    for job in jobs:
        assert stack.wait_for_job(job, "completed", 60).attempt == 1
    wait_idle(stack)
    rows = stack.sql("select job_id, count(*) from deliveries where event = 'completed'"
                     " and outcome = 'recorded' group by job_id")
    assert len(rows) == 60 and all(r.count == 1 for r in rows)
    assert killed > 0


def test_redis_wiped_in_the_middle(fleet, provider, pages):
    provider.script = provider.finish  # no webhook: only the poller knows
    jobs = [fleet.queue(f"{pages.url}/fine?{n}") for n in range(20)]
    fleet.redis.flushall()
    wait_for(lambda: len(provider.captures) >= 20, 60, "all jobs to be submitted")
    fleet.redis.flushall()
    fleet.sql("update jobs set next_check_at = now() where status = 'submitted'")

    def ended():
        fleet.sql("update jobs set next_check_at = now() where status = 'submitted'"
                  " and next_check_at > now() + interval '5 seconds'")
        return all(fleet.job(j).status == "completed" for j in jobs)
    wait_for(ended, 60, "all jobs to end")


def test_postgresql_restarted_in_the_middle(fleet, provider, pages):
    jobs = [fleet.queue(f"{pages.url}/fine?{n}") for n in range(20)]
    fleet.postgres_server.kill()
    fleet.postgres_server.start()
    fleet._connection = None
    for job in jobs:
        fleet.wait_for_job(job, "completed", 60)


def test_sigterm_finishes_what_is_in_hand(fleet, provider, pages):
    jobs = [fleet.queue(f"{pages.url}/fine?{n}") for n in range(20)]
    wait_for(lambda: len(provider.captures) > 0, 30, "the first submission")
    fleet.stop("worker")  # insists on exit code 0
    pending = [fleet.redis.xpending(f"shotfleet:{s}", "workers")["pending"] for s in ("submit", "webhook")]
    assert pending == [0, 0]
    fleet.start("worker", instance="worker-2")
    for job in jobs:
        fleet.wait_for_job(job, "completed", 60)


def test_a_bad_entry_does_not_take_its_batch_down(stack, provider, pages):
    """Bytes that PostgreSQL refuses, in the same batch as good entries."""
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    good = [stack.queue(pages.url) for _ in range(3)]
    for job in good:
        stack.redis.xadd("shotfleet:submit", {"job": job, "attempt": "1"})
    stack.redis.xadd("shotfleet:webhook", {"provider": "screenshotly", "source": "webhook",
                                           "ip": "not an address", "body": '{"event":"x","data":{"jobId":"y"}}'})
    stack.redis.xadd("shotfleet:webhook", {"garbage": "\xff"})
    stack.start("ingest")  # the double sends its webhook once
    stack.start_all("worker", "poller")
    for job in good:
        stack.wait_for_job(job, "completed")
    letters = wait_for(lambda: len(r := stack.sql("select * from dead_letters")) == 2 and r, 30,
                       "both bad entries")
    assert {r.stream for r in letters} == {"shotfleet:webhook"}
    wait_idle(stack)


@pytest.mark.parametrize("sqlstate, what", [
    ("40001", "a serialization failure"), ("40P01", "a deadlock"), ("53100", "a full disk"),
    ("25006", "a failover"), ("57014", "a statement time-out")])
def test_what_passes_by_itself_is_tried_again(fleet, provider, pages, sqlstate, what):
    """The entry is acknowledged when it is recorded, and no earlier."""
    provider.script = provider.drop
    job = fleet.queue(pages.url)
    wait_for(lambda: fleet.job(job).status == "submitted", 30, "the submission")
    wait_idle(fleet)
    fleet.sql(f"""
        create sequence tries;
        create function refuse() returns trigger language plpgsql as $$
        begin
            if nextval('tries') <= 3 then  -- which no rollback takes back
                raise exception 'for the test: {what}' using errcode = '{sqlstate}';
            end if;
            return new;
        end $$;
        create trigger refuse before insert on deliveries for each row execute function refuse()""")
    append(fleet, {"event": "screenshot.failed", "data": {"errorCode": "INVALID_URL"}}, job=job, attempt="1")
    wait_for(lambda: fleet.sql("select last_value from tries")[0][0] > 1, 30, "the first tries")
    fleet.wait_for_job(job, "failed")
    wait_idle(fleet)
    assert fleet.sql("select last_value from tries")[0][0] == 4
    assert [o for e, o in outcomes(fleet, job) if e == "failed"] == ["recorded"]
    assert fleet.sql("select count(*) from dead_letters")[0].count == 0
    assert f"for the test: {what}" in fleet.log("worker") and f"sqlstate={sqlstate}" in fleet.log("worker")


def test_a_batch_that_takes_too_long_is_tried_in_parts(stack, provider, pages):
    """PostgreSQL, slow today, gets four rows done in the time of a statement."""
    jobs = [stack.queue(pages.url) for _ in range(60)]
    stack.sql("""
        create function time_out() returns trigger language plpgsql as $$
        begin
            if (select count(*) from added) > 4 then
                raise exception 'canceled for the test' using errcode = '57014';
            end if;
            return null;
        end $$;
        create trigger time_out after insert on deliveries referencing new table as added
            for each statement execute function time_out()""")
    for job in jobs:
        append(stack, {"event": "screenshot.failed", "data": {"errorCode": "INVALID_URL"}}, job=job, attempt="1")
    stack.start("worker")
    for job in jobs:
        stack.wait_for_job(job, "failed")
    wait_idle(stack)
    assert "canceled for the test" in stack.log("worker")
    assert [r.outcome for r in stack.sql("select outcome from deliveries where source = 'webhook'")] == ["recorded"] * 60


def test_live_events_follow_the_row(fleet, provider, pages):
    job = fleet.wait_for_job(fleet.queue(pages.url), "completed")
    events = wait_for(lambda: len(e := [f for _, f in fleet.redis.xrange("shotfleet:live")
                                        if f[b"job"].decode() == job.id]) >= 2 and e, 30, "live events")
    assert [e[b"event"] for e in events][-1] in (b"completed", b"submitted")
    assert b'"status":"completed"' in b"".join(e[b"data"] for e in events)


def test_what_the_ledger_counts(fleet, provider, pages):
    jobs = [fleet.queue(f"{pages.url}/fine?{n}") for n in range(10)]
    for job in jobs:
        fleet.wait_for_job(job, "completed")
    wait_idle(fleet)
    metrics = wait_for(lambda: (m := fleet.metrics("worker"))["shotfleet_entries_in_hand"] == 0 and m, 30,
                       "the workers to hear that they are acknowledged")
    rows = {r.outcome: r.count for r in fleet.sql("select outcome, count(*) from deliveries group by outcome")}
    for outcome, count in rows.items():
        assert sum(value for name, value in metrics.items() if name.startswith("shotfleet_entries_total{")
                   and f'outcome="{outcome}"' in name) == count
    assert sum(rows.values()) >= 20




def test_a_provider_that_refuses_our_key_is_left_alone(fleet, provider, pages):
    provider.key = "another"
    jobs = [fleet.queue(f"{pages.url}/fine?{n}") for n in range(5)]
    wait_for(lambda: "refuses our key" in fleet.log("worker"), 30, "the complaint")
    wait_for(lambda: all(fleet.job(j).error_code for j in jobs), 30, "all to be put off")
    assert provider.refused <= 10  # at most a first burst of each process
    assert fleet.log("worker").count("refuses our key") == 1  # of all processes, in a minute
    assert all(fleet.job(j).attempt == 1 and fleet.job(j).status == "queued" for j in jobs)


def test_a_provider_that_is_down_costs_no_attempt(fleet, provider, pages):
    provider.answer = lambda c: (503, {}, b"") if len(provider.captures) <= 8 else None
    jobs = [fleet.queue(f"{pages.url}/fine?{n}") for n in range(4)]
    for job in jobs:
        assert fleet.wait_for_job(job, "completed", 90).attempt == 1


def test_new_keys_on_sighup_without_losing_a_capture(stack, provider, pages, tmp_path):
    key = tmp_path / "key"
    key.write_text("wrong")
    del stack.env["SHOTFLEET_PROVIDER_KEY"]
    stack.env["SHOTFLEET_PROVIDER_KEY_FILE"] = str(key)
    stack.start_all("ingest", "worker", "poller")
    job = stack.queue(pages.url)
    wait_for(lambda: "refuses our key" in stack.log("worker"), 30, "the complaint")
    key.write_text(stack.key)
    before = stack.children("worker")
    os.kill(stack.programs["worker"].process.pid, signal.SIGHUP)
    wait_for(lambda: len(set(stack.children("worker")) - set(before)) == 2, 30, "two new children")
    stack.sql("update jobs set next_check_at = now()")
    assert stack.wait_for_job(job, "completed").attempt == 1


def test_a_bad_new_configuration_keeps_the_workers(stack, provider, pages, tmp_path):
    key = tmp_path / "key"
    key.write_text(stack.key)
    del stack.env["SHOTFLEET_PROVIDER_KEY"]
    stack.env["SHOTFLEET_PROVIDER_KEY_FILE"] = str(key)
    stack.start_all("ingest", "worker", "poller")
    before = stack.children("worker")
    key.unlink()
    os.kill(stack.programs["worker"].process.pid, signal.SIGHUP)
    wait_for(lambda: stack.log("worker").count("going on as before") == 2, 30, "both complaints")
    assert stack.children("worker") == before
    stack.wait_for_job(stack.queue(pages.url), "completed")


def test_sigusr1_says_what_each_child_does(fleet, provider):
    os.kill(fleet.programs["worker"].process.pid, signal.SIGUSR1)
    wait_for(lambda: fleet.log("worker").count("at work consumer=") == 2, 30, "two reports")


def test_large_webhooks_are_read_a_few_at_a_time(stack, provider, pages):
    """A backlog of 100 MB does not become 100 MB in a worker."""
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    for n in range(100):
        stack.redis.xadd("shotfleet:webhook", {
            "provider": "screenshotly", "source": "webhook", "malformed": "test",
            "body": f"{n}" + "x" * 1000 * 1000})
    stack.start("worker")
    wait_for(lambda: stack.sql("select count(*) from dead_letters")[0].count == 100, 60, "all of them")
    peak = max(int(line.split()[1]) for child in stack.children("worker")
               for line in open(f"/proc/{child}/status") if line.startswith("VmHWM"))
    assert peak < 1500 * 1000  # KiB; with ASan, which keeps what was freed for a while


def test_the_metrics_say_what_happened(fleet, provider, pages):
    """Of each kind of series one, moved by what it is to count."""
    provider.script = once_submitted(fleet, provider.complete)
    for n in range(4):
        fleet.wait_for_job(fleet.queue(f"{pages.url}/fine?{n}"), "completed")

    def fail_once(capture):
        if len(provider.captures) <= 5:
            provider.fail(capture, "TIMEOUT")
        else:
            provider.complete(capture)
    provider.script = once_submitted(fleet, fail_once)
    assert fleet.wait_for_job(fleet.queue(pages.url), "completed", 60).attempt == 2
    body = b'{"hello":"world"}'
    request("POST", fleet.ingest_url + "/webhooks/screenshotly", body, sign_webhook(body, fleet.webhook_secret))
    wait_idle(fleet)
    dead = fleet.kill("worker", signal.SIGKILL, child=0)
    wait_for(lambda: dead not in fleet.children("worker") and len(fleet.children("worker")) == 3, 30, "another child")
    m = wait_for(lambda: (m := fleet.metrics_or_none("worker"))
                 and m["shotfleet_children_restarted_total"] == 1 and m, 30, "the restart")
    assert m['shotfleet_entries_total{kind="submit",outcome="recorded"}'] == 6
    assert m['shotfleet_entries_total{kind="webhook",outcome="recorded"}'] == 6
    assert m['shotfleet_dead_letters_total{reason="unknown_job"}'] + \
        m['shotfleet_dead_letters_total{reason="unreadable"}'] == 1
    assert m["shotfleet_retries_total"] == 1
    assert m['shotfleet_downloads_total{host="provider",outcome="fetched"}'] == 5
    assert m["shotfleet_pictures_stored_total"] == 5
    assert m["shotfleet_received_to_recorded_seconds_count{}"] == 7
    assert 0 < m["shotfleet_received_to_recorded_seconds_sum{}"] < 7 * 60
    batches = m["shotfleet_batch_entries_count{}"]
    assert m["shotfleet_batch_entries_sum{}"] == 13 and 1 <= batches <= 13
    assert m['shotfleet_batch_entries_bucket{le="500"}'] == batches == m["shotfleet_batch_seconds_count{}"]
    p = wait_for(lambda: (p := fleet.metrics("poller")) and p['shotfleet_stream_entries{stream="webhook"}'] == 0
                 and p, 30, "the streams to be looked at")
    assert p['shotfleet_stream_pending_entries{stream="submit"}'] == 0
    assert p['shotfleet_stream_oldest_seconds{stream="webhook"}'] == 0
    assert p["shotfleet_unaccounted_entries"] == 0
