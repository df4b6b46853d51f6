"""shotfleet dead: looking at dead letters, trying them again, giving them up."""

import pytest

from doubles import png
from processes import wait_for


@pytest.fixture
def letter(stack, provider, pages):
    """A fleet with one dead letter that waits, and its job."""
    stack.start_all("ingest", "worker", "poller")
    provider.picture = b"no picture"
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
