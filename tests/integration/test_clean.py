"""Housekeeping: what is forgotten, what is left over, and what must stay."""

import os
import time

import pytest

from processes import wait_for

OLD_S = 2 * 24 * 3600


def store(stack, key, age_s=0, size=100):
    path = os.path.join(stack.storage, key)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(b"x" * size)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def there(stack, key):
    return os.path.exists(os.path.join(stack.storage, key))


def capture(stack, days_ago, status="completed", size=100, file=True):
    """One of an earlier day, with its picture; returns (id, key)."""
    job = stack.sql(
        "insert into jobs (id, url, provider, status, created_at, next_check_at, completed_at,"
        "                  failed_at, error_code, image_key, size_bytes)"
        " select uuidv7_at(at), 'http://page.test/', 'screenshotly', %s, at, null, at,"
        "        case when %s = 'failed' then at end, 'X', 'x', %s"
        " from (select now() - %s * interval '1 day' + random() * interval '1 minute' as at) t"
        " returning id::text", status, status, size, days_ago)[0][0]
    key = f"screenshots/{job[-2:]}/{job[-4:-2]}/{job}-0123456789ab.png"
    if status != "completed":
        stack.sql("update jobs set image_key = null, size_bytes = null where id = %s::uuid", job)
        return job, None
    stack.sql("update jobs set image_key = %s where id = %s::uuid", key, job)
    if file:
        store(stack, key, days_ago * 86400, size)
    return job, key


def thumbnail(stack, key):
    return store(stack, key.replace("screenshots/", "thumbnails/").replace(".png", ".webp"))


def sum_up(stack):
    while stack.sql("select scorecard_step()")[0][0]:
        pass


def clean(stack, *arguments):
    """{task: (found, removed)} of `shotfleet clean`."""
    done = stack.cli("clean", *arguments, timeout_s=120)
    assert done.returncode == 0, done.stderr + done.stdout
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def quiet(stack):
    """Only what is asked for by hand is done."""
    stack.sql("insert into cleanings (task, finished_at)"
              " select task, now() from cleaning_tasks()")


def start(stack, **settings):
    quiet(stack)
    stack.start("poller", **{f"SHOTFLEET_{n}": v for n, v in settings.items()})


def test_nothing_is_forgotten_by_default(stack):
    job, key = capture(stack, 400)
    sum_up(stack)
    start(stack)
    counts = clean(stack)
    assert {c for c in counts.values()} == {(0, 0)}
    assert len(counts) == 10
    assert stack.job(job) and there(stack, key)


def test_jobs_by_age_with_their_pictures(stack):
    old = [capture(stack, n) for n in (11, 12, 13)] + [capture(stack, 14, "failed")]
    kept = [capture(stack, n) for n in (1, 5, 9)]
    small = [thumbnail(stack, key) for _, key in (old[0], kept[0])]  # the others have none
    waiting = capture(stack, 20, "failed")[0]  # for a person, with its letter
    stack.sql("insert into dead_letters (entry_id, stream, job_id, payload, error, received_at)"
              " values ('a', 'shotfleet:webhook', %s::uuid, '', 'x', now())", waiting)
    active = capture(stack, 21)[0]
    stack.sql("update jobs set status = 'submitted' where id = %s::uuid", active)
    sum_up(stack)
    start(stack, RETAIN_JOBS_DAYS=10)
    assert clean(stack, "jobs", "--dry-run") == {"jobs": (4, 0)}
    assert all(stack.job(job) for job, _ in old)
    assert clean(stack, "jobs") == {"jobs": (4, 4)}
    assert not any(stack.job(job) for job, _ in old)
    assert not any(there(stack, key) for _, key in old if key)
    assert [os.path.exists(path) for path in small] == [False, True]
    assert all(stack.job(job) and there(stack, key) for job, key in kept)
    assert stack.job(waiting) and stack.job(active)
    assert clean(stack, "jobs") == {"jobs": (0, 0)}
    # its days keep their sums
    sum_up(stack)
    assert stack.sql("select sum(captures) from provider_days")[0][0] == 9


def test_days_that_are_not_summed_up_are_kept(stack):
    capture(stack, 11)
    sum_up(stack)
    stack.sql("update scorecard_days set final = false, refreshed_at = now()")
    start(stack, RETAIN_JOBS_DAYS=10)
    assert clean(stack, "jobs") == {"jobs": (0, 0)}


def test_many_jobs_take_many_steps(stack):
    stack.sql("insert into jobs (id, url, provider, status, created_at, next_check_at,"
              " failed_at, error_code) select uuidv7_at(at + n * interval '1 ms'), 'http://p.test/',"
              " 'screenshotly', 'failed', at, null, at, 'X'"
              " from (select now() - interval '20 days' as at) t, generate_series(1, 1001) n")
    sum_up(stack)
    start(stack, RETAIN_JOBS_DAYS=10)
    assert clean(stack, "jobs", "--dry-run") == {"jobs": (1001, 0)}
    assert clean(stack, "jobs") == {"jobs": (1001, 1001)}


def test_pictures_by_age(stack):
    old = [capture(stack, n) for n in (4, 5)]
    gone = capture(stack, 6, file=False)
    kept = capture(stack, 2)
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3)
    assert clean(stack, "pictures", "--dry-run") == {"pictures": (3, 0)}
    assert clean(stack, "pictures") == {"pictures": (3, 3)}
    for job, key in old + [gone]:
        assert stack.job(job).image_removed_at and not there(stack, key)
        assert stack.job(job).status == "completed"
    assert there(stack, kept[1]) and not stack.job(kept[0]).image_removed_at
    assert stack.sql("select pictures_total_bytes()")[0][0] == 100


def test_users_are_told_that_a_picture_was_removed(stack):
    (old, _), (young, _) = capture(stack, 5), capture(stack, 1)
    stack.sql("update jobs set image_type = 'image/png', width = 4, height = 3, sha256 = 'abc'")
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3)
    stack.start("api")
    document = stack.api("GET", f"/v1/captures/{old}").json()
    assert document["image"]["removedAt"] is None
    assert stack.api("GET", f"/v1/captures/{old}/image").status == 200
    assert clean(stack, "pictures") == {"pictures": (1, 1)}

    for headers in ({}, {"If-None-Match": '"abc"'}, {"Range": "bytes=0-1"}):
        gone = stack.api("GET", f"/v1/captures/{old}/image", headers=headers)
        assert gone.status == 410 and gone.headers["Content-Type"] == "application/problem+json"
    problem = gone.json()
    assert problem["code"] == "PICTURE_REMOVED" and problem["status"] == 410
    assert problem["type"] == "urn:shotfleet:problem:picture-removed"
    after = stack.api("GET", f"/v1/captures/{old}").json()
    assert after["image"].pop("removedAt") in problem["detail"]
    document["image"].pop("removedAt")
    assert after == document  # all else is still known
    assert stack.api("GET", f"/v1/captures/{young}/image").status == 200
    assert stack.api("GET", f"/v1/captures/{young}").json()["image"]["removedAt"] is None


@pytest.mark.parametrize("max_bytes, removed", [(1000, 0), (999, 1), (901, 1), (900, 1), (899, 2),
                                                (1, 10)])
def test_pictures_by_the_size_of_all(stack, max_bytes, removed):
    captures = [capture(stack, 20 - n) for n in range(10)]
    sum_up(stack)
    start(stack, RETAIN_PICTURES_BYTES=max_bytes)
    assert clean(stack, "pictures", "--dry-run") == {"pictures": (removed, 0)}
    assert clean(stack, "pictures") == {"pictures": (removed, removed)}
    assert [there(stack, key) for _, key in captures] == [n >= removed for n in range(10)]
    assert clean(stack, "pictures") == {"pictures": (0, 0)}


def test_a_picture_that_cannot_be_removed_keeps_its_row(stack):
    job, key = capture(stack, 20)
    os.remove(os.path.join(stack.storage, key))
    os.makedirs(os.path.join(stack.storage, key))  # no file: unlink says EISDIR
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3)
    done = stack.cli("clean", "pictures")
    assert done.returncode == 1
    assert "could not remove" in done.stdout
    assert not stack.job(job).image_removed_at


def test_a_key_that_points_elsewhere_is_not_followed(stack):
    victim = store(stack, "../victim.png")
    job, _ = capture(stack, 20)
    stack.sql("update jobs set image_key = 'screenshots/../../victim.png'")
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3)
    assert stack.cli("clean", "pictures").returncode == 1
    assert os.path.exists(victim)


def test_orphans_are_counted_and_removed_only_when_told(stack):
    def file_of(job, age_s, name="ba9876543210"):
        key = f"screenshots/{job[-2:]}/{job[-4:-2]}/{job}-{name}.png"
        store(stack, key, age_s)
        return key

    done, own = capture(stack, 3)
    active = stack.queue("http://page.test/")
    nobody = "01900000-0000-7000-8000-0000000000aa"
    stays = [own, file_of(active, OLD_S), file_of(done, 3600, "new"), file_of(nobody, 3600, "new"),
             file_of(nobody, 24 * 3600 - 900, "young"), "screenshots/aa/00/README"]
    store(stack, stays[-1], OLD_S)
    goes = [file_of(done, OLD_S), file_of(nobody, OLD_S), file_of(nobody, 24 * 3600 + 60, "old")]
    removed, removed_key = capture(stack, 3)  # recorded as removed, but there
    stack.sql("update jobs set image_removed_at = now() where id = %s::uuid", removed)
    goes.append(removed_key)

    start(stack)
    assert clean(stack, "orphans", "--dry-run") == {"orphans": (4, 0)}
    assert clean(stack, "orphans") == {"orphans": (0, 0)}  # not told to
    assert all(there(stack, key) for key in goes)
    stack.stop("poller")
    stack.start("poller", SHOTFLEET_REMOVE_ORPHANS="on")
    assert clean(stack, "orphans") == {"orphans": (4, 4)}
    assert not any(there(stack, key) for key in goes)
    assert all(there(stack, key) for key in stays)


def test_pictures_that_are_missing_are_told(stack):
    capture(stack, 3)
    job, key = capture(stack, 3, file=False)
    start(stack)
    assert clean(stack, "missing") == {"missing": (1, 0)}
    assert job in stack.log("poller") and key in stack.log("poller")
    assert stack.job(job).status == "completed"


def test_what_dead_workers_left_in_tmp(stack):
    young = store(stack, "tmp/young", 3600 - 900)
    store(stack, "tmp/old", 3600 + 60)
    start(stack)
    assert clean(stack, "temporary", "--dry-run") == {"temporary": (1, 0)}
    assert clean(stack, "temporary") == {"temporary": (1, 1)}
    assert os.listdir(os.path.dirname(young)) == ["young"]


def test_dead_letters_and_callbacks(stack):
    for n, (days, resolved) in enumerate([(20, 15), (21, 5), (22, None), (5, 4)]):
        stack.sql("insert into dead_letters (id, entry_id, stream, payload, error, received_at,"
                  " resolved_at) values (uuidv7_at(now() - %s * interval '1 day'), %s,"
                  " 'shotfleet:webhook', '', 'x', now(), now() - %s * interval '1 day')",
                  days, f"e{n}", resolved)
    for n, (days, delivered, due) in enumerate([(20, True, None), (21, None, None),
                                                (22, None, True), (5, True, None)]):
        job = capture(stack, 2)[0]
        stack.sql("insert into callbacks (id, job_id, url, event, delivered_at, next_attempt_at)"
                  " values (uuidv7_at(now() - %s * interval '1 day'), %s::uuid, 'http://a.test/',"
                  " 'job.completed', case when %s then now() end,"
                  " case when %s then now() + interval '1 hour' end)", days, job, delivered, due)
    start(stack, RETAIN_DEAD_LETTERS_DAYS=10, RETAIN_CALLBACKS_DAYS=10)
    assert clean(stack, "dead_letters", "--dry-run") == {"dead_letters": (1, 0)}
    assert clean(stack, "dead_letters") == {"dead_letters": (1, 1)}
    assert clean(stack, "callbacks") == {"callbacks": (2, 2)}
    assert stack.sql("select count(*) from dead_letters")[0][0] == 3
    assert stack.sql("select count(*) from callbacks")[0][0] == 2


def test_days_of_deliveries(stack):
    for days in (9, 10, 11, 12):
        stack.sql("select delivery_partition_add(utc_day(now()) - %s)", days)
    stack.sql(f"drop table deliveries_{time.strftime('%Y_%m_%d', time.gmtime(time.time() + 86400))}")
    start(stack, RETAIN_DELIVERIES_DAYS=10)
    assert clean(stack, "partitions", "--dry-run") == {"partitions": (1, 0)}
    assert clean(stack, "partitions") == {"partitions": (1, 1)}
    assert clean(stack, "deliveries", "--dry-run") == {"deliveries": (2, 0)}
    assert clean(stack, "deliveries") == {"deliveries": (2, 2)}


def consumers(stack):
    return {c["name"].decode() for c in stack.redis.xinfo_consumers("shotfleet:webhook", "workers")}


def test_dead_consumers_go_once_their_entries_are_claimed(stack, provider, pages):
    stack.redis.xgroup_create("shotfleet:webhook", "workers", mkstream=True)
    book = "ledger:0:(0-0:1700000000000000"
    for name in ("dead", "holding", book):
        stack.redis.xgroup_createconsumer("shotfleet:webhook", "workers", name)
    stack.redis.xadd("shotfleet:webhook", {"v": 1})
    stack.redis.xreadgroup("workers", "holding", {"shotfleet:webhook": ">"})
    start(stack, TAKEOVER_S=1)
    wait_for(lambda: clean(stack, "consumers", "--dry-run") == {"consumers": (1, 0)}, 60,
             "ten seconds of silence")
    assert consumers(stack) == {"dead", "holding", book}
    assert clean(stack, "consumers") == {"consumers": (1, 1)}
    assert consumers(stack) == {"holding", book}  # what it has is not lost
    assert stack.redis.xpending("shotfleet:webhook", "workers")["pending"] == 1
    assert clean(stack, "consumers") == {"consumers": (0, 0)}


def test_an_idle_worker_that_was_taken_for_dead_works_on(stack, provider, pages):
    stack.env["SHOTFLEET_TAKEOVER_S"] = "1"
    stack.start_all("ingest", "worker")
    start(stack)
    wait_for(lambda: clean(stack, "consumers")["consumers"][1] or "idle", 30, "a sweep")
    names = consumers(stack)
    for name in names:
        stack.redis.xgroup_delconsumer("shotfleet:webhook", "workers", name)
        stack.redis.xgroup_delconsumer("shotfleet:submit", "workers", name)
    assert stack.wait_for_job(stack.queue(pages.url), "completed").attempt == 1


def test_ghosts_are_acknowledged(stack):
    stack.redis.xgroup_create("shotfleet:webhook", "workers", mkstream=True)
    ghost = stack.redis.xadd("shotfleet:webhook", {"v": 1})
    stack.redis.xadd("shotfleet:webhook", {"v": 1})
    stack.redis.xreadgroup("workers", "w", {"shotfleet:webhook": ">"})
    stack.redis.xdel("shotfleet:webhook", ghost)
    start(stack, TAKEOVER_S=1)
    wait_for(lambda: clean(stack, "consumers") == {"consumers": (1, 1)}, 60, "ten seconds")
    assert stack.redis.xpending("shotfleet:webhook", "workers")["pending"] == 1


def test_each_task_is_done_by_one_at_a_time(stack):
    for n in range(20):
        capture(stack, 20 + n / 100)
    sum_up(stack)
    stack.sql("create table steps (holder text, task text)")
    stack.sql("create function note() returns trigger language plpgsql as $$ begin"
              " insert into steps values (new.holder, new.task); return new; end $$")
    stack.sql("create trigger note after update on cleanings for each row"
              " when (new.finished_at is not null) execute function note()")
    for n in range(3):
        stack.start("poller", instance=f"poller-{n}", SHOTFLEET_RETAIN_JOBS_DAYS=10)
    wait_for(lambda: len(stack.sql("select * from steps")) >= 9, 30, "a round of all tasks")
    done = stack.sql("select task, count(*) from steps group by 1")
    assert {count for _, count in done} == {1}
    assert stack.sql("select count(*) from jobs")[0][0] == 0
    assert sum(stack.metrics(f"poller-{n}")["shotfleet_cleaned_total"] for n in range(3)) >= 20


def test_what_a_dead_poller_began_another_finishes(stack):
    capture(stack, 20)
    sum_up(stack)
    quiet(stack)
    stack.sql("insert into cleanings (task, by_hand, holder, started_at, leased_until)"
              " values ('jobs', true, 'gone', now(), now() + interval '2 seconds')")
    stack.start("poller", SHOTFLEET_RETAIN_JOBS_DAYS=10)
    wait_for(lambda: stack.sql("select 1 from cleanings where by_hand and finished_at is not null"
                               " and removed = 1"), 30, "the end")


def test_without_a_poller_the_command_says_so(stack):
    done = stack.cli("clean", "--dry-run")
    assert done.returncode == 3
    assert "is shotfleet-poller running" in done.stderr


def test_wrong_usage(stack):
    for arguments in (["nothing"], ["jobs", "x"], ["--what"]):
        assert stack.cli("clean", *arguments).returncode == 2
