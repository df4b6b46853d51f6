"""Pictures in an S3-compatible storage."""

import hashlib
import os

import pytest

from doubles import png
from processes import wait_for
from s3 import S3Server
from web import request


@pytest.fixture
def s3(stack):
    server = S3Server(os.path.join(stack.folder, "s3"))
    stack.env.update(server.environment("shots/of/today"))
    try:
        yield server
    finally:
        server.stop()


def test_a_capture_ends_as_an_object(stack, provider, pages, s3):
    s3.start("shots")
    provider.picture = png(40, 30)
    stack.start_all("ingest", "worker", "poller")
    job = stack.wait_for_job(stack.queue(pages.url), "completed")
    data, metadata = s3.object("shots", "of/today/" + job.image_key)
    assert data == provider.picture and '"image/png"' in metadata
    assert job.sha256 == hashlib.sha256(data).hexdigest()
    n = len(job.id)
    assert job.image_key == (f"screenshots/{job.id[n - 2:]}/{job.id[n - 4:n - 2]}/"
                             f"{job.id}-{job.sha256[:12]}.png")
    assert not os.path.exists(os.path.join(stack.storage, "screenshots"))


def test_large_pictures_go_in_one_request(stack, provider, pages, s3):
    """Beyond 1 MB, where clients like to wait for "100 Continue"."""
    s3.start("shots")
    provider.picture = png(4, 3) + os.urandom(3 * 1024 * 1024)
    stack.start_all("ingest", "worker", "poller")
    job = stack.wait_for_job(stack.queue(pages.url), "completed")
    assert s3.object("shots", "of/today/" + job.image_key)[0] == provider.picture


def test_a_storage_that_is_away_stops_the_work(stack, provider, pages, s3):
    s3.start("shots")
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    stack.start_all("ingest", "worker", "poller")
    stack.wait_for_job(stack.queue(pages.url), "completed")
    s3.stop()
    job = stack.queue(pages.url)
    ready = stack.programs["worker"].admin_url + "/readyz"
    wait_for(lambda: request("GET", ready).status == 503, 60, "the worker to be unready")
    wait_for(lambda: "could not store a picture in s3://shots/of/today" in stack.log("worker"), 30, "the log to say so")
    s3.start("shots")
    assert stack.wait_for_job(job, "completed", 60).attempt == 1
    assert len(provider.captures) == 2
    assert stack.sql("select count(*) from dead_letters")[0].count == 0


@pytest.mark.parametrize("changed, why", [
    ({"AWS_SECRET_ACCESS_KEY": "not/the+right=one"}, "SignatureDoesNotMatch"),
    ({"AWS_ACCESS_KEY_ID": "NOBODY"}, "check AWS_ACCESS_KEY_ID"),
    ({"AWS_REGION": "eu-north-1"}, "check AWS_REGION"),
    ({"SHOTFLEET_STORAGE": "s3://missing/of"}, "there is no such bucket"),
])
def test_what_is_wrong_is_said_at_the_start(stack, s3, changed, why):
    s3.start("shots")
    stack.env.update(changed)
    stack.env["SHOTFLEET_WORKER_PROCESSES"] = "1"
    program = stack.start("worker", wait=False)
    wait_for(lambda: why in stack.log("worker"), 30, "the complaint")
    wait_for(lambda: "no work is taken until the storage is well" in stack.log("worker"), 30, "the rest")
    assert wait_for(lambda: _status(program), 30, "the admin port") == 503
    assert "not/the" not in stack.log("worker")


def _status(program):
    try:
        return request("GET", program.admin_url + "/readyz").status
    except OSError:
        return None


@pytest.mark.parametrize("changed, why", [
    ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY"),
    ({"AWS_ENDPOINT_URL": "minio:9000"}, "minio:9000"),
    ({"SHOTFLEET_STORAGE": "s3://"}, "is not s3://bucket"),
])
def test_wrong_settings_end_the_worker(stack, s3, changed, why):
    stack.env.update(changed)
    program = stack.start("worker", wait=False)
    assert program.process.wait(90) == 2
    assert why in stack.log("worker")
    stack._retire("worker")


def test_the_secret_from_a_file(stack, provider, pages, s3, tmp_path):
    s3.start("shots")
    path = tmp_path / "secret"
    path.write_text(s3.secret + "\n")
    del stack.env["AWS_SECRET_ACCESS_KEY"]
    stack.env["AWS_SECRET_ACCESS_KEY_FILE"] = str(path)
    stack.start_all("ingest", "worker", "poller")
    stack.wait_for_job(stack.queue(pages.url), "completed")


class Redirected:
    """A picture as a client gets it: from api to where that sends it."""

    def __init__(self, stack, job, query="", headers=None):
        self.first = stack.api("GET", f"/v1/captures/{job.id}/image{query}", headers=headers)
        assert self.first.status == 302 and self.first.body == b""
        self.location = self.first.headers["Location"]
        self.second = request("GET", self.location)


def test_users_are_sent_to_the_storage(stack, provider, pages, s3):
    s3.start("shots")
    stack.start_all("ingest", "worker", "poller", "api")
    job = stack.wait_for_job(stack.queue(pages.url), "completed")
    shown = Redirected(stack, job)
    assert shown.location.startswith(s3.url + "/shots/of/today/screenshots/")
    assert shown.first.headers["Cache-Control"] == "private, max-age=150"
    assert shown.second.status == 200 and shown.second.body == provider.picture
    assert shown.second.headers["Content-Type"] == "image/png"
    assert shown.second.headers["Content-Disposition"] == f'inline; filename="{job.id}.png"'
    saved = Redirected(stack, job, "?download")
    assert saved.second.headers["Content-Disposition"] == f'attachment; filename="{job.id}.png"'
    # the link is good for this picture only, and nothing in it may be changed
    for forged in (shown.location.replace("/screenshots/", "/others/"),
                   shown.location.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
                   shown.location.split("?")[0]):
        assert request("GET", forged).status == 403
    tag = f'"{job.sha256}"'
    assert stack.api("GET", f"/v1/captures/{job.id}/image", headers={"If-None-Match": tag}).status == 304
    policy = stack.api("GET", "/").headers["Content-Security-Policy"]
    assert f"img-src 'self' blob: {s3.url};" in policy and f"connect-src 'self' {s3.url};" in policy


def test_the_command_saves_a_picture_from_there(stack, provider, pages, s3):
    s3.start("shots")
    stack.start_all("ingest", "worker", "poller", "api")
    stack.env["SHOTFLEET_API_KEY"] = "not for the storage"
    folder = os.path.join(stack.folder, "saved")
    stack.cli("submit", "--wait", "--output", folder, pages.url, check=True)
    [name] = os.listdir(folder)
    with open(os.path.join(folder, name), "rb") as f:
        assert f.read() == provider.picture
