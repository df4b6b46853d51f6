"""Pictures and the disk: full, read-only, and well again."""

import hashlib
import os
import resource
import subprocess

import pytest

from doubles import png
from processes import wait_for
from web import request

MIB = 1024 * 1024


@pytest.fixture
def disk(stack):
    """A small file system of its own for the pictures."""
    folder = os.path.join(stack.folder, "disk")
    os.mkdir(folder)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=777", "tmpfs", folder],
                           capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"may not mount a tmpfs: {mount.stderr.strip()}")
    stack.storage = os.path.join(folder, "pictures")
    stack.env["SHOTFLEET_STORAGE"] = f"file://{stack.storage}"
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk):
    path = os.path.join(disk, "filler")
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            return path


def files_below(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names
                  if name != ".shotfleet")


def ready(stack):
    return request("GET", stack.programs["worker"].admin_url + "/readyz")


def wait_ill(stack):
    answer = wait_for(lambda: (a := ready(stack)).status == 503 and a, 30, "the worker to be unready")
    assert b"store pictures" in answer.body
    wait_for(lambda: stack.metrics("worker")["shotfleet_storage_up"] == 0, 30, "the gauge")


def check_stored(stack, job, picture):
    row = stack.wait_for_job(job, "completed", 60)
    assert row.attempt == 1 and row.sha256 == hashlib.sha256(picture).hexdigest()
    with open(os.path.join(stack.storage, row.image_key), "rb") as f:
        assert f.read() == picture


def test_a_full_disk_stops_the_work_and_loses_nothing(stack, provider, pages, disk):
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    stack.start_all("ingest", "worker", "poller")
    stack.wait_for_job(stack.queue(pages.url + "/before"), "completed")
    kept = files_below(stack.storage)
    filler = fill(disk)

    job = stack.queue(pages.url + "/full")
    wait_ill(stack)
    wait_for(lambda: "No space left on device; no work is taken" in stack.log("worker"), 30, "the complaint")
    assert files_below(stack.storage) == kept  # nothing in tmp, nothing half-written
    assert stack.job(job).status in ("queued", "submitted")
    wait_for(lambda: stack.redis.info("clients")["blocked_clients"] == 1, 30,
             "nobody to read but for callbacks")
    later = stack.queue(pages.url + "/later")
    wait_for(lambda: stack.redis.xlen("shotfleet:submit") == 1, 30, "the entry of the second job")
    assert stack.job(later).status == "queued"

    os.unlink(filler)
    check_stored(stack, job, provider.picture)
    check_stored(stack, later, provider.picture)
    wait_for(lambda: ready(stack).status == 200, 30, "the worker to be ready")
    log = stack.log("worker")
    assert log.count("No space left") == 1 and "the storage is well again" in log
    assert stack.sql("select count(*) from dead_letters")[0].count == 0
    assert len(provider.captures) == 3  # nothing was captured twice
    assert os.listdir(os.path.join(stack.storage, "tmp")) == []


def test_a_read_only_disk_likewise_also_at_the_start(stack, provider, pages, disk):
    def remount(how):
        subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    remount("ro")
    stack.start("worker", wait=False)
    wait_for(lambda: "Read-only file system; no work is taken" in stack.log("worker"), 30, "the complaint")
    job = stack.queue(pages.url + "/waits")
    remount("rw")
    stack.wait_ready("worker")
    stack.start_all("ingest", "poller")
    check_stored(stack, job, provider.picture)
    remount("ro")
    job = stack.queue(pages.url + "/once-more")
    wait_ill(stack)
    remount("rw")
    check_stored(stack, job, provider.picture)


def test_a_picture_in_an_answer_waits_for_the_disk_too(stack, provider, pages, disk):
    """It came once: nobody would send it again."""
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    provider.answer = lambda c: (200, {"Content-Type": "image/png"}, png(7, 5))
    stack.start_all("worker", "poller")
    filler = fill(disk)
    job = stack.queue(pages.url)
    wait_ill(stack)
    os.unlink(filler)
    check_stored(stack, job, png(7, 5))
    assert len(provider.captures) == 1


def test_a_picture_too_large_for_the_file_system_is_its_own_trouble(stack, provider, pages):
    """Others are stored, and nobody falls ill."""
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    stack.start_all("ingest", "worker", "poller")
    for child in stack.children("worker"):
        resource.prlimit(child, resource.RLIMIT_FSIZE, (MIB, MIB))
    head = png(4, 3)
    large, exact = head + bytes(MIB + 1 - len(head)), head + bytes(MIB - len(head))
    provider.picture = large
    stack.queue(pages.url + "/large")
    [letter] = wait_for(lambda: stack.sql("select * from dead_letters"), 30, "a dead letter")
    assert "File too large" in letter.error
    provider.picture = exact
    check_stored(stack, stack.queue(pages.url + "/exact"), exact)
    assert ready(stack).status == 200 and "no work is taken" not in stack.log("worker")
    assert os.listdir(os.path.join(stack.storage, "tmp")) == []


def test_what_a_dead_worker_left_half_written_is_removed(stack, provider, pages):
    folder = os.path.join(stack.storage, "tmp")
    os.mkdir(folder)
    for name, age_s in (("old", 3700), ("new", 3500)):
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(b"half a pict")
        past = os.stat(path).st_mtime - age_s
        os.utime(path, (past, past))
    stack.start("worker")
    assert os.listdir(folder) == ["new"]


@pytest.mark.parametrize("url, why", [
    ("ftp://host/x", "is neither file:///absolute/folder"),
    ("file://relative", "is neither file:///absolute/folder"),
    ("file:///dev/null/x", "Not a directory"),
])
def test_a_wrong_storage_ends_the_worker(stack, url, why):
    stack.env["SHOTFLEET_STORAGE"] = url
    program = stack.start("worker", wait=False)
    assert program.process.wait(90) == 2
    assert why in stack.log("worker")
    stack._retire("worker")
