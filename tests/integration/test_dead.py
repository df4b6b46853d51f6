"""shotfleet dead: looking at dead letters, trying them again, giving them up."""

import pytest

from doubles import png
from processes import free_port, wait_for


@pytest.fixture
def letter(stack, provider, pages):
    """A fleet with one dead letter that waits, and its job."""
    stack.start_all("ingest", "worker", "poller")
    provider.picture = b"no picture"

    def script(capture):  # which does not overtake the submission
        wait_for(lambda: stack.job(capture.job_id).status == "submitted", 30, "the submission")
        provider.complete(capture)
    provider.script = script
    job = stack.queue(pages.url)
    [row] = wait_for(lambda: stack.sql("select * from dead_letters"), 30, "a dead letter")
    stack.sql("update dead_letters set next_attempt_at = null")
    return row


def test_list_and_show(stack, letter):
    [line] = stack.cli("dead", "list", check=True).stdout.splitlines()
    fields = line.split("\t")
    assert fields[0] == letter.id and fields[1] == letter.job_id
    assert fields[5] == "waits for you" and "could not read the picture" in fields[6]
    shown = stack.cli("dead", "show", letter.id, check=True).stdout
    assert "screenshot.completed" in shown


def test_retry_goes_well_once_the_cause_is_gone(stack, provider, letter):
    provider.picture = png(5, 5)
    assert "1 will be tried again" in stack.cli("dead", "retry", letter.id, check=True).stdout
    assert stack.wait_for_job(letter.job_id, "completed").width == 5
    assert stack.cli("dead", "list", check=True).stdout == ""


def test_drop_ends_the_job(stack, letter):
    assert letter.id in stack.cli("dead", "drop", "--all", "--dry-run", check=True).stdout
    assert stack.job(letter.job_id).status == "submitted"
    stack.cli("dead", "drop", "--error", "no PNG", check=True)
    assert stack.wait_for_job(letter.job_id, "failed").error_code == "DROPPED"
    wait_for(lambda: stack.sql("select resolved_at from dead_letters")[0].resolved_at, 20, "the end")


def test_a_letter_without_a_job_is_dropped_at_once(stack):
    stack.sql("insert into dead_letters (entry_id, stream, payload, error, received_at)"
              " values ('x', 'shotfleet:webhook', 'y', 'no job has this id', now())")
    assert "1 given up" in stack.cli("dead", "drop", "--all", check=True).stdout
    assert stack.sql("select count(*) from dead_letters_open()")[0].count == 0


def test_filters_choose(stack):
    for provider, error in (("one", "timeout"), ("two", "timeout"), ("two", "broken")):
        stack.sql("insert into dead_letters (entry_id, stream, provider, payload, error, received_at)"
                  " values (gen_random_uuid()::text, 'shotfleet:webhook', %s, 'y', %s, now())", provider, error)

    def count(*filters):
        return len(stack.cli("dead", "list", *filters, check=True).stdout.splitlines())
    assert count() == 3
    assert count("--provider", "two") == 2
    assert count("--provider", "two", "--error", "time") == 1
    assert count("--job", "00000000-0000-7000-8000-000000000000") == 0


@pytest.mark.parametrize("words", [
    [], ["bury"], ["retry"], ["drop"], ["show"], ["retry", "nonsense"], ["drop", "--all", "--provider", "x"],
    ["list", "--job", "x"], ["list", "--nonsense"]])
def test_wrong_usage_changes_nothing(stack, words):
    done = stack.cli("dead", *words)
    assert done.returncode == 2 and "shotfleet" in done.stderr


def test_an_unknown_id_says_so(stack):
    done = stack.cli("dead", "retry", "00000000-0000-7000-8000-000000000000")
    assert done.returncode == 1 and "no dead letter" in done.stderr


def test_show_tells_every_try(stack, provider, letter):
    """Those that went wrong in the same way on one line."""
    def tried(n):
        stack.cli("dead", "retry", letter.id, check=True)
        wait_for(lambda: stack.sql("select attempts from dead_letters")[0].attempts == n, 30, "another try")
        stack.sql("update dead_letters set next_attempt_at = null")
    tried(2)
    provider.picture = b"\xff\xd8\xff still none"
    tried(3)
    lines = [line for line in stack.cli("dead", "show", letter.id, check=True).stdout.splitlines()
             if line.startswith("tried")]
    assert len(lines) == 2
    assert "10 bytes" in lines[0] and "(2 times, until 20" in lines[0]
    assert "14 bytes" in lines[1] and "times" not in lines[1]


def test_twenty_tries_are_kept(stack):
    history = "[]"
    for n in range(25):
        [row] = stack.sql("select tried_again(%s::jsonb, %s)::text as h", history, f"error {n}")
        history = row.h
    assert history.count('"error"') == 20
    assert '"error 24"' in history and '"error 5"' in history and '"error 4"' not in history


def test_a_host_that_is_away_uses_no_tries_up(stack, provider, pages):
    """...for a day; then its letters are like all others."""
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    stack.start_all("ingest", "worker", "poller")

    def script(capture):
        capture.image_url = f"http://127.0.0.1:{free_port()}/gone.png"
        provider.complete(capture)
    provider.script = script
    job = stack.queue(pages.url)
    [letter] = wait_for(lambda: stack.sql("select * from dead_letters"), 30, "a dead letter")
    assert (letter.attempts, letter.host_waits) == (1, 0)

    for n in range(1, 6):  # more than its three tries
        stack.cli("dead", "retry", letter.id, check=True)
        wait_for(lambda: stack.sql("select host_waits from dead_letters")[0].host_waits == n, 60, "another try")
    [row] = stack.sql("select attempts, next_attempt_at - now() as wait, jsonb_array_length(history) as h"
                      " from dead_letters")
    assert row.attempts == 1 and 0 < row.wait.total_seconds() <= 600
    assert 1 <= row.h <= 6  # equal errors are one; curl's say how many milliseconds it took
    assert stack.job(job).status == "submitted" and stack.job(job).error_code == "PICTURE_HOST"

    stack.sql("update dead_letters set received_at = now() - interval '25 hours'")
    stack.cli("dead", "retry", letter.id, check=True)
    wait_for(lambda: stack.sql("select attempts from dead_letters")[0].attempts == 2, 60, "a try that counts")
    assert stack.sql("select host_waits from dead_letters")[0].host_waits == 5


def test_a_host_that_comes_back_is_used_again(stack, provider, pages):
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    stack.start_all("ingest", "worker", "poller")
    down = [True]
    provider.serve_picture = lambda capture: (503, {"Retry-After": "1"}, b"") if down[0] else None
    job = stack.queue(pages.url)
    wait_for(lambda: stack.job(job).error_code == "PICTURE_HOST", 30, "the letter")
    down[0] = False

    def ended():
        stack.sql("update dead_letters set next_attempt_at = now() where next_attempt_at > now() + interval '3 seconds'")
        return stack.job(job).status == "completed"
    wait_for(ended, 60, "the capture to be completed")
    [letter] = stack.sql("select * from dead_letters")
    assert letter.resolved_at and letter.attempts == 1
