"""Several Redis servers that know nothing of each other."""

import os

import pytest

from doubles import sign_webhook
from processes import wait_for
from servers import RedisServer
from web import request


@pytest.fixture
def second(stack, servers, tmp_path_factory):
    folder = os.path.dirname(stack.redis_server.path)
    server = RedisServer(f"{folder}/redis-{os.urandom(3).hex()}")
    server.start()
    stack.env["REDIS_URL"] += ", " + server.url
    yield server
    server.stop()


def test_entries_are_spread_and_all_are_recorded(stack, second, provider, pages):
    stack.start_all("ingest", "worker", "poller")
    jobs = [stack.queue(f"{pages.url}/fine?{n}") for n in range(10)]
    for job in jobs:
        stack.wait_for_job(job, "completed")
    rows = stack.sql("select entry_id from deliveries")
    names = {r.entry_id.split("@")[1] for r in rows}
    assert names == {f"127.0.0.1:{s.port}/0" for s in (stack.redis_server, second)}


def test_one_dies_and_the_others_go_on(stack, second, provider, pages):
    stack.start_all("ingest", "worker", "poller")
    second.kill()
    jobs = [stack.queue(f"{pages.url}/fine?{n}") for n in range(10)]
    for job in jobs:
        stack.wait_for_job(job, "completed")
    second.start()
    body = b'{"success":true}'

    def accepted_there():
        request("POST", stack.ingest_url + "/webhooks/screenshotly", body,
                sign_webhook(body, stack.webhook_secret))
        return "@127.0.0.1:%d" % second.port in "".join(
            r.entry_id for r in stack.sql("select entry_id from deliveries"))

    wait_for(accepted_there, 30, "the second server to be used again")
