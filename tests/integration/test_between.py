"""kill -9 between what the database was told and what Redis is told next: the entry
that is repeated, or appended twice, changes nothing."""

import asyncio
import os
import re
import signal
import threading

import pytest

from doubles import png
from processes import alive, wait_for
from proxy import Proxy
from test_callbacks import Receiver, WHSEC


class Cut:
    """The way to Redis.  The first to send `command` for a stream is ended, before
    it gets there or at the moment when it does."""

    def __init__(self, port):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", port))
        self.run(self.proxy.start())
        self.url = f"redis://127.0.0.1:{self.proxy.port}/0"
        self.done = threading.Event()

    def run(self, coroutine):
        asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def at(self, command, stream, end, arrives=False):
        wanted = re.compile(rb"%s\r\n\$\d+\r\nshotfleet:%s\r\n"
                            % (command.encode(), stream.encode()))

        def inspect(data):
            if self.done.is_set() or not wanted.search(data):
                return True
            end()
            self.done.set()
            return arrives
        self.proxy.inspect = inspect

    def wait(self):
        assert self.done.wait(90), "nobody sent it"

    def close(self):
        self.run(self.proxy.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


@pytest.fixture
def cut(stack):
    each = Cut(stack.redis_server.port)
    yield each
    each.close()


@pytest.fixture
def receiver(stack):
    stack.env.update(SHOTFLEET_CALLBACKS="on", SHOTFLEET_CALLBACK_SECRETS=WHSEC)
    double = Receiver()
    yield double
    double.close()


def everything(stack):
    """All that the programs have written, but for when a book was looked at."""
    return {table: stack.sql(f"select * from {table} order by 1") for table in
            ("jobs", "deliveries", "dead_letters", "callbacks", "job_actions")}


def queue(stack, pages, **more):
    """A job and its entry, without a poller."""
    job = stack.sql("select create_job(%s, callback_url => %s)::text", pages.url + "/fine",
                    more.get("callback_url"))[0][0]
    stack.redis.xadd("shotfleet:submit", {"job": job, "attempt": 1})
    return job


def streams_are_empty(stack):
    return not any(stack.redis.xlen(f"shotfleet:{name}")
                   for name in ("submit", "webhook", "callback"))


# A worker dies after its transaction, before the entry is acknowledged.

def end_the_worker(stack):
    pid = stack.children("worker")[0]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid), 10, "its end")


def start_workers(stack, cut):
    stack.env.update(SHOTFLEET_TAKEOVER_S="1", SHOTFLEET_WORKER_PROCESSES="1")
    stack.start("worker", REDIS_URL=cut.url)


@pytest.mark.parametrize("stream, script, event", [
    ("submit", "drop", "submitted"),
    ("webhook", "complete", "completed"),
    ("webhook", "fail", "retry"),
    ("webhook", "refuse", "failed"),
    ("webhook", "move", "progress"),
    ("webhook", "spoil", "dead"),
])
def test_what_was_recorded_and_not_acknowledged(stack, provider, pages, cut, stream, script, event):
    provider.refuse = lambda capture: provider.fail(capture, "INVALID_URL", "no")
    provider.move = lambda capture: provider.send(capture, "progress", progress=50)
    provider.spoil = provider.complete
    if script == "spoil":
        provider.picture = b"no picture"
    provider.script = provider.drop
    written = {}

    def end():
        end_the_worker(stack)
        written.update(everything(stack))

    cut.at("XACK", stream, end)
    stack.start("ingest")
    start_workers(stack, cut)
    queue(stack, pages)
    if stream == "webhook":  # nothing else is in its hands then
        wait_for(lambda: provider.captures and streams_are_empty(stack), 30, "the submission")
        getattr(provider, script)(provider.captures[0])
    cut.wait()
    last = written["deliveries"][-1]
    assert last.event == event and last.outcome in ("recorded", "dead")
    wait_for(lambda: (stack.metrics_or_none("worker") or {}).get(
        f'shotfleet_entries_total{{kind="{stream}",outcome="repeated"}}') == 1, 30,
        "the entry to be taken over")
    wait_for(lambda: streams_are_empty(stack), 30, "its acknowledgement")
    if script != "drop":
        assert everything(stack) == written
    assert len(provider.captures) == 1


def test_a_callback_that_was_told_and_not_acknowledged(stack, provider, pages, cut, receiver):
    stack.start("ingest")
    cut.at("XACK", "callback", lambda: end_the_worker(stack))
    start_workers(stack, cut)
    job = queue(stack, pages, callback_url=receiver.url)
    stack.wait_for_job(job, "completed")
    [row] = stack.sql("select * from callbacks")
    stack.redis.xadd("shotfleet:callback", {"callback": row.id, "attempt": 0})
    cut.wait()
    written = everything(stack)
    assert written["callbacks"][0].delivered_at
    wait_for(lambda: streams_are_empty(stack), 30, "its acknowledgement")
    assert everything(stack) == written
    assert len(receiver.calls) == 1


# A poller dies after its lease, before the entry is appended or right after.

def silent(stack, provider, pages):
    """A job at the provider that is due to be asked about."""
    provider.script = provider.drop
    stack.start("worker")
    job = queue(stack, pages)
    stack.wait_for_job(job, "submitted")
    wait_for(lambda: streams_are_empty(stack), 30, "the acknowledgement")
    stack.stop("worker")
    provider.script = provider.complete
    stack.sql("update jobs set next_check_at = now()")
    return job


class Queued:
    stream, twice = "submit", False
    lease = "jobs", "next_check_at"

    def prepare(self, stack, provider, pages, receiver):
        self.job = stack.queue(pages.url + "/fine")

    def check(self, stack, provider, receiver):
        assert stack.wait_for_job(self.job, "completed").attempt == 1
        assert len(provider.captures) == 1


class Retry(Queued):
    def prepare(self, stack, provider, pages, receiver):
        stack.start("ingest")
        provider.script = provider.fail
        stack.start("worker")
        self.job = queue(stack, pages)
        wait_for(lambda: stack.job(self.job).attempt == 2, 30, "the second attempt")
        wait_for(lambda: streams_are_empty(stack), 30, "the acknowledgement")
        stack.stop("worker")
        stack.stop("ingest")
        provider.script = provider.complete
        assert stack.job(self.job).queued_at is None
        stack.sql("update jobs set next_check_at = now()")

    def check(self, stack, provider, receiver):
        assert stack.wait_for_job(self.job, "completed").attempt == 2
        assert len(provider.captures) == 2


class Found:
    """The provider says that it is done."""
    stream, twice = "webhook", True
    lease = "jobs", "next_check_at"
    event, status, attempts = "completed", "completed", 1

    def prepare(self, stack, provider, pages, receiver):
        self.job = silent(stack, provider, pages)
        provider.finish(provider.captures[0])

    def check(self, stack, provider, receiver):
        job = stack.wait_for_job(self.job, self.status, 60)
        assert job.attempt == self.attempts == len(provider.captures)
        wait_for(lambda: streams_are_empty(stack), 30, "the last entry")
        outcomes = [row.outcome for row in stack.sql(
            "select outcome from deliveries where source = 'poll' and event = %s", self.event)]
        assert outcomes.count("recorded") == 1
        assert set(outcomes) <= {"recorded", "duplicate", "ignored"}


class Lost(Found):
    """The provider knows nothing of it."""
    event, attempts = "retry", 2

    def prepare(self, stack, provider, pages, receiver):
        self.job = silent(stack, provider, pages)
        provider.forget(provider.captures[0])


class Deadline(Found):
    event, status = "failed", "failed"

    def prepare(self, stack, provider, pages, receiver):
        self.job = silent(stack, provider, pages)
        stack.sql("update jobs set deadline_at = now()")


class Letter:
    stream, twice = "webhook", True
    lease = "dead_letters", "next_attempt_at"

    def prepare(self, stack, provider, pages, receiver):
        stack.start("ingest")
        provider.picture = b"no picture"
        stack.start("worker")
        self.job = queue(stack, pages)
        wait_for(lambda: stack.sql("select 1 from dead_letters"), 30, "a dead letter")
        wait_for(lambda: streams_are_empty(stack), 30, "the acknowledgement")
        stack.stop("worker")
        stack.stop("ingest")
        provider.picture = png()
        stack.sql("update dead_letters set next_attempt_at = now()")

    def check(self, stack, provider, receiver):
        assert stack.wait_for_job(self.job, "completed").attempt == 1
        wait_for(lambda: streams_are_empty(stack), 30, "the last entry")
        [letter] = stack.sql("select * from dead_letters")
        assert letter.resolved_at and letter.attempts == 1
        assert stack.sql("select count(*) from deliveries where source = 'retry'"
                         " and outcome = 'recorded'")[0].count == 1


class Spoilt(Letter):
    """It goes wrong again, which counts once however often it was appended."""

    def prepare(self, stack, provider, pages, receiver):
        super().prepare(stack, provider, pages, receiver)
        provider.picture = b"no picture yet"

    def check(self, stack, provider, receiver):
        wait_for(lambda: streams_are_empty(stack), 30, "the last entry")
        [letter] = stack.sql("select * from dead_letters")
        assert not letter.resolved_at and letter.attempts == 2
        assert stack.job(self.job).status == "submitted"
        provider.picture = png()
        stack.sql("update dead_letters set next_attempt_at = now()")
        assert stack.wait_for_job(self.job, "completed").attempt == 1


class Callback:
    stream, twice = "callback", True
    lease = "callbacks", "next_attempt_at"

    def prepare(self, stack, provider, pages, receiver):
        stack.start_all("ingest", "worker")
        job = queue(stack, pages, callback_url=receiver.url)
        stack.wait_for_job(job, "completed")
        wait_for(lambda: streams_are_empty(stack), 30, "the acknowledgement")
        stack.stop("worker")
        stack.stop("ingest")

    def check(self, stack, provider, receiver):
        wait_for(lambda: stack.sql("select delivered_at from callbacks")[0].delivered_at, 30,
                 "its delivery")
        wait_for(lambda: streams_are_empty(stack), 30, "the last entry")
        # two workers may have it in hand: whoever is called twice sees it by the id
        assert len(set(receiver.ids)) == 1
        assert stack.sql("select attempts from callbacks")[0].attempts == 1


@pytest.mark.parametrize("arrives", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("what", [Queued, Retry, Found, Lost, Deadline, Letter, Spoilt, Callback])
def test_what_was_leased_and_perhaps_not_appended(stack, provider, pages, cut, receiver, what,
                                                  arrives):
    case = what()
    case.prepare(stack, provider, pages, receiver)
    cut.at("XADD", case.stream, lambda: stack.kill("poller"), arrives)
    stack.start("poller", wait=False, REDIS_URL=cut.url)
    cut.wait()
    length = lambda: stack.redis.xlen(f"shotfleet:{case.stream}")
    wait_for(lambda: length() == int(arrives), 30, "the entry")

    # the lease ends, and nothing else is due
    table, due = case.lease
    stack.sql(f"update {table} set {due} = now() where {due} is not null")
    looked_at = stack.sql("select now()")[0].now
    stack.start("poller")
    if arrives and not case.twice:  # it sees that the entry is there
        wait_for(lambda: stack.job(case.job).next_check_at > looked_at, 30, "another look")
    wait_for(lambda: length() == 1 + (arrives and case.twice), 30, "the entry")
    stack.start_all("ingest", "worker")
    case.check(stack, provider, receiver)


# From plain SQL.

def looks(stack):
    """How often a poller has audited: every two seconds, whatever it polls."""
    return stack.sql("select max(checked_at) as at from ledgers")[0].at


def test_a_capture_from_sql_wakes_the_poller(stack, pages):
    """It is NOTIFY that does it: the next look is an hour away."""
    stack.start("poller", SHOTFLEET_POLL_INTERVAL_S=3600)
    stack.queue(pages.url + "/first")
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 1, 30, "the first one")
    quiet = stack.sql("select create_job(%s, appended_by_caller => false)::text",
                      pages.url + "/quiet")[0][0]
    for _ in range(2):
        before = wait_for(lambda: looks(stack), 30, "an audit")
        wait_for(lambda: looks(stack) > before, 30, "the next one")
    assert stack.redis.xlen("shotfleet:submit") == 1  # nobody has looked
    loud = stack.queue(pages.url + "/loud")
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 3, 30, "both")
    jobs = {entry[b"job"].decode() for _, entry in stack.redis.xrange("shotfleet:submit")}
    assert {quiet, loud} <= jobs


def test_a_hint_that_was_lost_is_made_up_for(stack, pages):
    """NOTIFY reaches nobody while the connection is gone; the table is the truth."""
    stack.start("poller", SHOTFLEET_POLL_INTERVAL_S=3600)
    stack.queue(pages.url + "/first")
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 1, 30, "the first one")
    stack.sql("begin; select pg_terminate_backend(pid) from pg_stat_activity"
              " where application_name = 'shotfleet-poller' and datname = current_database();"
              " select create_job('http://page.test/', appended_by_caller => false); commit")
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 2, 30, "the one without a hint")
