"""Housekeeping where pictures are kept in S3."""

import hashlib
import json
import os
import time

import pytest

from processes import wait_for
from s3 import S3Server
from test_clean import OLD_S, capture, clean, start, sum_up

PREFIX = "of/today"
NOBODY = "01900000-0000-7000-8000-0000000000aa"


@pytest.fixture
def s3(stack):
    server = S3Server(os.path.join(stack.folder, "s3"))
    stack.env.update(server.environment("shots/" + PREFIX))
    server.start("shots")
    try:
        yield server
    finally:
        server.stop()


def path(s3, key):
    return os.path.join(s3.folder, "shots", PREFIX, key)


def there(s3, key):
    return os.path.exists(path(s3, key) + "._S3rver_object")


def put(s3, key, age_s=0, size=100):
    """An object that was stored so long ago."""
    at = path(s3, key)
    os.makedirs(os.path.dirname(at), exist_ok=True)
    with open(at + "._S3rver_metadata.json", "w", encoding="utf-8") as f:
        json.dump({"content-type": "image/png"}, f)
    with open(at + "._S3rver_object", "wb") as f:
        f.write(b"x" * size)
    with open(at + "._S3rver_object.md5", "w", encoding="utf-8") as f:
        f.write(hashlib.md5(b"x" * size).hexdigest())
    os.utime(at + "._S3rver_object", (time.time() - age_s,) * 2)
    return key


def shot(stack, s3, days_ago, **more):
    job, key = capture(stack, days_ago, file=False, **more)
    put(s3, key, days_ago * 86400)
    return job, key


def key_of(job, name):
    return f"screenshots/{job[-2:]}/{job[-4:-2]}/{job}-{name}.png"


def test_pictures_by_age(stack, s3):
    old = [shot(stack, s3, n) for n in (4, 5)]
    gone = capture(stack, 6, file=False)
    young, kept = shot(stack, s3, 2)
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3)
    assert clean(stack, "pictures", "--dry-run") == {"pictures": (3, 0)}
    assert there(s3, old[0][1])
    assert clean(stack, "pictures") == {"pictures": (3, 3)}
    assert not any(there(s3, key) for _, key in old)
    assert all(stack.job(job).image_removed_at for job, _ in [*old, gone])
    assert there(s3, kept) and not stack.job(young).image_removed_at


@pytest.mark.parametrize("max_bytes, removed", [(500, 0), (499, 1), (400, 1), (399, 2)])
def test_pictures_by_the_size_of_all(stack, s3, max_bytes, removed):
    shots = [shot(stack, s3, 20 - n) for n in range(5)]
    sum_up(stack)
    start(stack, RETAIN_PICTURES_BYTES=max_bytes)
    assert clean(stack, "pictures") == {"pictures": (removed, removed)}
    assert [there(s3, key) for _, key in shots] == [n >= removed for n in range(5)]


def test_jobs_go_with_their_pictures(stack, s3):
    old = [shot(stack, s3, n) for n in (11, 12)] + [capture(stack, 14, "failed")]
    kept, key = shot(stack, s3, 9)
    sum_up(stack)
    start(stack, RETAIN_JOBS_DAYS=10)
    assert clean(stack, "jobs") == {"jobs": (3, 3)}
    assert not any(stack.job(job) for job, _ in old)
    assert not any(there(s3, key) for _, key in old if key)
    assert stack.job(kept) and there(s3, key)


def test_many_at_a_time(stack, s3):
    """More than are asked for at once, and more than a step has."""
    shots = [shot(stack, s3, 4 + n / 1000) for n in range(201)]
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3)
    assert clean(stack, "pictures") == {"pictures": (201, 201)}
    assert not any(there(s3, key) for _, key in shots)


def test_orphans_are_removed_only_when_told(stack, s3):
    done, own = shot(stack, s3, 3)
    active = stack.queue("http://page.test/")
    stays = [own, put(s3, key_of(active, "waits"), OLD_S), put(s3, key_of(done, "new"), 3600),
             put(s3, key_of(NOBODY, "young"), 24 * 3600 - 900),
             put(s3, "screenshots/aa/00/READ & ME <1>", OLD_S), put(s3, "elsewhere/a", OLD_S)]
    goes = [put(s3, key_of(done, "0ther"), OLD_S), put(s3, key_of(NOBODY, "old"), 24 * 3600 + 60)]
    start(stack)
    assert clean(stack, "orphans", "--dry-run") == {"orphans": (2, 0)}
    assert clean(stack, "orphans") == {"orphans": (0, 0)}
    assert all(there(s3, key) for key in goes)
    stack.stop("poller")
    stack.start("poller", SHOTFLEET_REMOVE_ORPHANS="on")
    assert clean(stack, "orphans") == {"orphans": (2, 2)}
    assert not any(there(s3, key) for key in goes)
    assert all(there(s3, key) for key in stays)


def test_orphans_beyond_a_page(stack, s3):
    for n in range(1001):
        put(s3, key_of(NOBODY, f"{n:012}"), OLD_S, size=1)
    start(stack)
    assert clean(stack, "orphans", "--dry-run") == {"orphans": (1001, 0)}


def test_what_is_missing_and_what_is_temporary(stack, s3):
    shot(stack, s3, 3)
    job, key = capture(stack, 3, file=False)
    start(stack)
    assert clean(stack, "missing") == {"missing": (1, 0)}
    assert job in stack.log("poller") and key in stack.log("poller")
    assert clean(stack, "temporary") == {"temporary": (0, 0)}


@pytest.mark.parametrize("changed, why", [
    ({"AWS_SECRET_ACCESS_KEY": "not/the+right=one"}, "SignatureDoesNotMatch"),
    ({"AWS_REGION": "eu-north-1"}, "check AWS_REGION"),
    ({"SHOTFLEET_STORAGE": "s3://missing/of"}, "there is no such bucket"),
    ({"AWS_ACCESS_KEY_ID": ""}, "needs AWS_ACCESS_KEY_ID"),
])
@pytest.mark.parametrize("task", ["pictures", "orphans"])
def test_what_is_wrong_is_said_and_nothing_forgotten(stack, s3, changed, why, task):
    job, key = shot(stack, s3, 20)
    stack.env.update(changed)
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3, REMOVE_ORPHANS="on")
    done = stack.cli("clean", task)
    assert done.returncode == 1 and why in done.stdout, done.stdout
    assert why in stack.log("poller") and "not/the" not in stack.log("poller")
    assert there(s3, key) and not stack.job(job).image_removed_at


def test_a_server_that_is_away(stack, s3):
    """It is tried again at the next run; nothing is forgotten meanwhile."""
    job, key = shot(stack, s3, 20)
    s3.stop()
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3)
    assert stack.cli("clean", "pictures").returncode == 1
    assert "could not remove a picture in s3://shots/of/today" in stack.log("poller")
    assert not stack.job(job).image_removed_at
    s3.start("shots")
    assert clean(stack, "pictures") == {"pictures": (1, 1)}
    assert not there(s3, key)


def test_a_poller_that_ends_in_between(stack, s3):
    """Whoever goes on finds what was left."""
    shots = [shot(stack, s3, 4 + n / 1000) for n in range(150)]
    sum_up(stack)
    start(stack, RETAIN_PICTURES_DAYS=3)
    stack.sql("insert into cleanings (task, by_hand) values ('pictures', true)")
    wait_for(lambda: not all(there(s3, key) for _, key in shots), 30, "the first to go")
    stack.stop("poller")
    start(stack, RETAIN_PICTURES_DAYS=3)
    stack.sql("update cleanings set leased_until = now() where finished_at is null")
    wait_for(lambda: stack.sql("select 1 from cleanings where by_hand and finished_at is not null"),
             60, "the end")
    assert not any(there(s3, key) for _, key in shots)
    assert stack.sql("select count(*) from jobs where image_removed_at is null")[0].count == 0
