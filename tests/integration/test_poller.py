"""The poller: what happens when webhooks, queue entries or the provider's memory
are lost."""

import pytest

from processes import wait_for


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
    assert fleet.metrics("poller")['shotfleet_checks_total{answer="pending"}'] >= 1
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
