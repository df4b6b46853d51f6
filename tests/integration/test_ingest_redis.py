"""Ingest and its Redis: durable or not, full or not, and new settings on SIGHUP."""

import concurrent.futures
import http.client
import json
import os
import shutil
import signal
import time

import pytest

from doubles import sign_webhook
from harness import ROOT
from processes import wait_for
from web import request

BODY = b'{"success":true}'
STREAM = "shotfleet:webhook"


def send(stack, secret=None, ip=None):
    headers = sign_webhook(BODY, secret or stack.webhook_secret)
    if ip:
        headers["X-Forwarded-For"] = ip
    return request("POST", stack.ingest_url + "/webhooks/screenshotly", BODY, headers)


@pytest.fixture
def config(stack):
    """Sets Redis settings for the time of a test."""
    before = {}

    def put(name, value):
        before.setdefault(name, stack.redis.config_get(name)[name])
        stack.redis.config_set(name, value)
    yield put
    for name, value in before.items():
        stack.redis.config_set(name, value)


def unavailable(stack, reason, why):
    """`reason` is the log's, `why` the metric's."""
    series = f'shotfleet_unavailable_total{{reason="{why}"}}'
    before = stack.metrics("ingest")[series]
    answer = send(stack)
    assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0
    assert answer.json() == {"error": "try again later"}  # the sender learns no more
    wait_for(lambda: reason in stack.log("ingest"), 10, "the log to say why")
    assert stack.metrics("ingest")[series] == before + 1


def after_a_judgement(stack):
    """Ingest has just asked for Redis's settings; it will not again for seconds."""
    def asked():
        return stack.redis.info("commandstats")["cmdstat_config|get"]["calls"]

    before = asked()
    wait_for(lambda: asked() > before, 30, "a look at the settings")


def has_waitaof(stack):
    return bool(stack.redis.execute_command("COMMAND LIST", "FILTERBY", "PATTERN", "waitaof"))


@pytest.mark.parametrize("name, value", [
    ("appendonly", "no"), ("appendfsync", "no"), ("maxmemory-policy", "allkeys-lru")])
def test_a_redis_that_forgets_is_warned_about_or_refused(stack, config, name, value):
    config(name, value)
    stack.start("ingest")
    assert send(stack).status == 200
    assert f"{name} is {value}" in stack.log("ingest")
    stack.start("ingest", instance="strict", wait=False, SHOTFLEET_REQUIRE_DURABLE="1",
                SHOTFLEET_INGEST_LISTEN="127.0.0.1:0")
    wait_for(lambda: "nothing is accepted" in stack.log("strict"), 20, "the refusal")
    wait_for(lambda: stack.metrics_or_none("strict"), 20, "the admin port")
    answer = request("GET", stack.programs["strict"].admin_url + "/readyz")
    assert answer.status == 503


@pytest.mark.parametrize("name, value", [
    ("appendonly", "no"), ("appendfsync", "no"), ("maxmemory-policy", "allkeys-lru")])
def test_a_redis_that_begins_to_forget_is_refused(stack, config, name, value):
    ingest = stack.start("ingest", SHOTFLEET_REQUIRE_DURABLE="1")
    assert send(stack).status == 200
    assert stack.metrics("ingest")["shotfleet_redis_weak"] == 0
    before = stack.redis.config_get(name)[name]
    config(name, value)
    wait_for(lambda: send(stack).status == 503, 30, "the refusal")
    assert f"{name} is {value}" in stack.log("ingest")
    assert "nothing is accepted" in stack.log("ingest")
    assert stack.metrics("ingest")['shotfleet_unavailable_total{reason="not_durable"}'] >= 1
    wait_for(lambda: stack.metrics("ingest")["shotfleet_redis_weak"] == 1, 30, "the metric")
    wait_for(lambda: request("GET", ingest.admin_url + "/readyz").status == 503, 30, "unreadiness")
    config(name, before)
    wait_for(lambda: send(stack).status == 200, 30, "webhooks to be taken again")
    wait_for(lambda: "keeps acknowledged webhooks again" in stack.log("ingest"), 10, "the log to say so")
    wait_for(lambda: stack.metrics("ingest")["shotfleet_redis_weak"] == 0, 30, "the metric")
    wait_for(lambda: request("GET", ingest.admin_url + "/readyz").status == 200, 30, "readiness")


def test_a_redis_that_begins_to_forget_is_warned_about(stack, config):
    stack.start("ingest")
    config("appendfsync", "no")
    wait_for(lambda: "appendfsync is no" in stack.log("ingest"), 30, "the warning")
    assert send(stack).status == 200
    warnings = stack.log("ingest").count("appendfsync is no")
    after_a_judgement(stack)
    after_a_judgement(stack)
    assert stack.log("ingest").count("appendfsync is no") == warnings  # once is enough


def test_a_durable_redis_satisfies_the_strict(stack):
    stack.start("ingest", SHOTFLEET_REQUIRE_DURABLE="1")
    assert send(stack).status == 200


def test_an_old_redis_that_syncs_once_a_second_is_weak(stack, config):
    if has_waitaof(stack):
        pytest.skip("this Redis has WAITAOF")
    config("appendfsync", "everysec")
    stack.start("ingest")
    assert send(stack).status == 200
    assert "appendfsync is everysec, not always" in stack.log("ingest")


@pytest.fixture
def everysec(stack, config):
    if not has_waitaof(stack):
        pytest.skip("this Redis has no WAITAOF (7.2)")
    config("appendfsync", "everysec")
    stack.start("ingest", SHOTFLEET_REQUIRE_DURABLE="1", SHOTFLEET_INGEST_PROCESSES="1")
    assert "webhooks wait for the next fsync" in stack.log("ingest")


def test_a_webhook_waits_until_it_is_on_disk(stack, everysec):
    # one that comes right behind another cannot be on disk before the next sync
    assert send(stack).status == 200
    calls = stack.redis.info("commandstats")["cmdstat_waitaof"]["calls"]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: send(stack), range(40)))
    assert [a.status for a in answers] == [200] * 40
    receipts = {a.json()["receipt"] for a in answers}
    assert len(receipts) == 40
    assert receipts <= {i.decode() for i, _ in stack.redis.xrange(STREAM)}
    waits = stack.redis.info("commandstats")["cmdstat_waitaof"]["calls"] - calls
    assert 1 <= waits < 40  # many share one


def test_a_webhook_that_cannot_be_on_disk_is_not_acknowledged(stack, everysec, config):
    # "no": Redis never syncs by itself, and WAITAOF waits in vain
    after_a_judgement(stack)
    config("appendfsync", "no")
    answer = send(stack)
    assert answer.status == 503 and answer.json() == {"error": "try again later"}
    wait_for(lambda: "not on disk within the deadline" in stack.log("ingest"), 10, "the log to say why")
    assert stack.metrics("ingest")['shotfleet_unavailable_total{reason="append"}'] >= 1


def test_a_redis_that_begins_to_sync_once_a_second(stack, config):
    if not has_waitaof(stack):
        pytest.skip("this Redis has no WAITAOF (7.2)")
    stack.start("ingest", SHOTFLEET_REQUIRE_DURABLE="1", SHOTFLEET_INGEST_PROCESSES="1")
    config("appendfsync", "everysec")
    wait_for(lambda: "webhooks wait for the next fsync" in stack.log("ingest"), 30, "the look")
    wait_for(lambda: send(stack).status == 200, 20, "its second connection")
    assert stack.redis.info("commandstats")["cmdstat_waitaof"]["calls"] > 0
    config("appendfsync", "always")
    after_a_judgement(stack)
    after_a_judgement(stack)
    calls = stack.redis.info("commandstats")["cmdstat_waitaof"]["calls"]
    assert send(stack).status == 200
    assert stack.redis.info("commandstats")["cmdstat_waitaof"]["calls"] == calls


def test_redis_dies_while_webhooks_wait_for_its_disk(stack, everysec, config):
    after_a_judgement(stack)
    config("appendfsync", "no")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(send, stack)
        wait_for(lambda: stack.redis.xlen(STREAM) == 1, 20, "the entry")
        stack.redis_server.kill()
        assert answer.result().status == 503
    stack.redis_server.start()
    wait_for(lambda: send(stack).status == 200, 30, "webhooks to be taken again")


@pytest.mark.parametrize("waiting, status", [(4, 200), (5, 503), (6, 503)])
def test_a_stream_that_is_too_long(stack, waiting, status):
    for _ in range(waiting):
        stack.redis.xadd(STREAM, {"x": "y"})
    stack.start("ingest", wait=False, SHOTFLEET_STREAM_MAX_LENGTH="5")
    wait_for(lambda: stack.metrics_or_none("ingest"), 20, "the admin port")
    wait_for(lambda: stack.metrics("ingest")["shotfleet_webhook_stream_entries"] == waiting, 20, "a look")
    assert send(stack).status == status
    if status == 503:
        unavailable(stack, f"{waiting} webhooks wait for workers", "stream_length")
        stack.redis.delete(STREAM)
        wait_for(lambda: send(stack).status == 200, 20, "webhooks to be taken again")


def test_a_stream_whose_oldest_entry_is_too_old(stack):
    def oldest(age_s):
        stack.redis.delete(STREAM)
        stack.redis.xadd(STREAM, {"x": "y"}, id=f"{int((time.time() - age_s) * 1000)}-0")
        wait_for(lambda: age_s <= stack.metrics("ingest")["shotfleet_webhook_stream_oldest_seconds"]
                 < age_s + 60, 20, "a look")

    stack.start("ingest", SHOTFLEET_STREAM_MAX_AGE_S="1000")
    for age_s, status in [(900, 200), (1000, 503), (1001, 503), (900, 200)]:
        oldest(age_s)
        assert send(stack).status == status
    assert "do the workers run" in stack.log("ingest")
    oldest(1000)
    unavailable(stack, "oldest webhook has waited", "stream_age")


@pytest.mark.parametrize("limit", [1, 3])
def test_webhooks_that_wait_for_one_redis(stack, limit):
    stack.start("ingest", SHOTFLEET_REDIS_IN_FLIGHT=limit, SHOTFLEET_INGEST_PROCESSES="1",
                SHOTFLEET_REDIS_DEADLINE_MS="60000")
    assert send(stack).status == 200
    os.kill(stack.redis_server.process.pid, signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(limit) as pool:
            held = [pool.submit(send, stack) for _ in range(limit)]
            wait_for(lambda: stack.metrics("ingest")["shotfleet_webhooks_in_flight"] == limit, 20,
                     "as many as may wait")
            unavailable(stack, "too many webhooks are waiting for it", "in_flight")
            os.kill(stack.redis_server.process.pid, signal.SIGCONT)
            assert [h.result().status for h in held] == [200] * limit
    finally:
        os.kill(stack.redis_server.process.pid, signal.SIGCONT)
    assert send(stack).status == 200


@pytest.mark.parametrize("percent, status", [(50, 503), (90, 200)])
def test_the_share_of_memory(stack, config, percent, status):
    used = stack.redis.info("memory")["used_memory"]
    config("maxmemory", int(used / 0.7))
    stack.start("ingest", wait=False, SHOTFLEET_REDIS_MEMORY_PERCENT=percent)

    def answered():
        try:
            return send(stack).status == status
        except ConnectionRefusedError:  # the door opens when Redis has been judged
            return False

    wait_for(answered, 20, f"a {status}")


def test_memory_near_its_limit(stack, config):
    stack.start("ingest")
    used = stack.redis.info("memory")["used_memory"]
    config("maxmemory", int(used * 1.05))
    wait_for(lambda: send(stack).status == 503, 20, "the refusal")
    unavailable(stack, "bytes", "memory")
    wait_for(lambda: 90 <= stack.metrics("ingest")["shotfleet_redis_memory_percent"] < 100, 20,
             "the metric")
    config("maxmemory", 0)
    wait_for(lambda: send(stack).status == 200, 20, "webhooks to be taken again")


@pytest.fixture
def files(stack, tmp_path):
    secrets, ranges = tmp_path / "secrets", tmp_path / "ranges"
    secrets.write_text("first\n")
    ranges.write_text("10.0.0.0/8\n192.0.2.0/24\n")
    del stack.env["SHOTFLEET_WEBHOOK_SECRETS"]
    stack.start("ingest", SHOTFLEET_WEBHOOK_SECRETS_FILE=secrets, SHOTFLEET_ALLOWED_IPS_FILE=ranges,
                SHOTFLEET_TRUSTED_PROXIES="127.0.0.0/8", SHOTFLEET_INGEST_PROCESSES="2")
    return secrets, ranges


def reload(stack, done):
    os.kill(stack.programs["ingest"].process.pid, signal.SIGHUP)
    wait_for(lambda: stack.log("ingest").count(done) >= 2, 20, f'"{done}" from both processes')


def test_secrets_and_ranges_change_on_sighup(stack, files):
    secrets, ranges = files
    assert send(stack, "first", "10.1.1.1").status == 200
    assert send(stack, "first", "192.0.2.7").status == 200
    assert send(stack, "second", "10.1.1.1").status == 401
    secrets.write_text("second,first\n")
    ranges.write_text("192.0.2.0/24\n")
    reload(stack, "reloaded secrets")
    for _ in range(8):  # whichever process answers
        assert send(stack, "second", "192.0.2.7").status == 200
        assert send(stack, "first", "192.0.2.7").status == 200
        assert send(stack, "first", "10.1.1.1").status == 403


def test_a_provider_is_dropped_in_on_sighup(stack, tmp_path):
    """And a connection that is open stays so."""
    folder = tmp_path / "providers"
    shutil.copytree(os.path.join(ROOT, "providers"), folder)
    stack.start("ingest", SHOTFLEET_PROVIDERS_DIR=folder, SHOTFLEET_INGEST_PROCESSES="1")
    url, headers = "/webhooks/newcomer", sign_webhook(BODY, stack.webhook_secret)
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports["ingest"], timeout=90)

    def status():
        connection.request("POST", url, BODY, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert status() == 404  # which closes the connection
    connection.request("POST", "/webhooks/screenshotly", BODY, headers)
    assert connection.getresponse().read()
    socket = connection.sock
    assert socket
    profile = json.loads((folder / "screenshotly.json").read_text())
    (folder / "newcomer.json").write_text(json.dumps({**profile, "name": "newcomer"}))
    os.kill(stack.programs["ingest"].process.pid, signal.SIGHUP)
    wait_for(lambda: "reloaded secrets" in stack.log("ingest"), 20, "the reload")
    assert status() == 200
    assert connection.sock is socket
    connection.close()
    # its series came too late to have one of its own
    assert stack.metrics("ingest")[
        'shotfleet_webhooks_total{provider="other",outcome="accepted"}'] == 1


def test_a_bad_new_configuration_keeps_the_old_one(stack, files):
    secrets, ranges = files
    secrets.write_text("second\n")
    ranges.write_text("10.0.0.0/99\n")
    reload(stack, "could not reload, going on as before")
    assert "10.0.0.0/99" in stack.log("ingest")
    for _ in range(8):
        assert send(stack, "first", "10.1.1.1").status == 200


def test_a_replaced_child_has_the_new_secrets(stack, files):
    secrets, _ = files
    secrets.write_text("second\n")
    reload(stack, "reloaded secrets")
    before = set(stack.children("ingest"))
    stack.kill("ingest", child=0)
    wait_for(lambda: len(set(stack.children("ingest")) | before) > len(before)
             and len(stack.children("ingest")) == len(before), 20, "a new child")
    for _ in range(8):
        assert send(stack, "second", "10.1.1.1").status == 200
        assert send(stack, "first", "10.1.1.1").status == 401
