"""The harness is trusted by every other test, so it is tested first."""

import subprocess

import pytest

import processes
from doubles import sign_webhook
from processes import kill_tree, wait_for
from web import request


def test_signature_is_that_of_the_contract():
    body = (b'{"success":true,"imageUrl":"http://127.0.0.1:9/x.png",'
            b'"error":null,"metadata":{"width":1,"height":1,"size":67}}')
    headers = sign_webhook(body, "whsec_test", 1700000000000)
    assert headers["X-Screenshotly-Signature"] == (
        "4f8580beed232be6a3d8337f806f9021675554a52a9b094f4a964ecc4ce84640")


def test_waiting_ends(monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE_S", 0)
    with pytest.raises(AssertionError, match="for the moon"):
        wait_for(lambda: False, 0.1, "the moon")


def test_a_stack_has_its_own_database_and_an_empty_redis(stack):
    assert stack.sql("select count(*) from jobs")[0][0] == 0
    assert stack.redis.dbsize() == 0
    job = stack.queue("https://example.com/", format="png")
    assert stack.job(job).status == "queued"


def test_servers_survive_being_killed(stack):
    job = stack.queue("https://example.com/")
    stack.redis.set("key", "value")
    for server in (stack.redis_server, stack.postgres_server):
        server.kill()
        server.start()
    stack._connection = None
    assert stack.redis.get("key") == b"value"
    assert stack.job(job).status == "queued"


def test_an_orphan_is_noticed(stack):
    shell = subprocess.run(["setsid", "sh", "-c", "sleep 1000 >&- & echo $!"],
                           stdout=subprocess.PIPE, text=True, check=True)
    orphan = int(shell.stdout)
    try:
        assert f"{orphan} (sleep)" in stack.strays().values()
    finally:
        kill_tree(orphan)


def test_the_provider_double_answers(provider, stack):
    provider.script = provider.finish
    answer = request("POST", provider.url + "/screenshot",
                     {"url": "https://example.com/", "async": True},
                     {"Authorization": f"Bearer {stack.key}"})
    assert answer.status == 202
    [capture] = provider.captures
    wait_for(lambda: capture.status["completed"], 5, "the capture")
    picture = request("GET", capture.image_url)
    assert picture.body == provider.picture
    assert request("POST", provider.url + "/screenshot", {}).status == 401
