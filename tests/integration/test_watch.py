"""Watch tokens: following a capture or a batch without a key."""

import datetime
import time

import pytest

from doubles import png
from processes import wait_for
from test_api import complete, submit

KEY = {"X-API-Key": "the-key"}


@pytest.fixture
def keyed(stack):
    stack.start("api", SHOTFLEET_API_KEYS="the-key", SHOTFLEET_TOKEN_SECRETS="new,old")
    return stack


def status(stack, path, token):
    return stack.api("GET", f"{path}?token={token}").status


def test_a_receipt_has_a_token_for_its_capture_alone(keyed):
    before = time.time()
    one = submit(keyed, KEY, url="https://example.com/").json()
    other = submit(keyed, KEY, url="https://example.com/").json()
    expires = datetime.datetime.fromisoformat(
        one["watchTokenExpiresAt"].replace("Z", "+00:00")).timestamp()
    assert before + 3599 <= expires <= time.time() + 3600
    complete(keyed, one["jobId"], png())
    complete(keyed, other["jobId"], png())
    path = f"/v1/captures/{one['jobId']}"
    for wrong in ("", "x", other["watchToken"], one["watchToken"][:-1],
                  one["watchToken"] + "A"):
        for below in ("", "/image", "/events"):
            assert status(keyed, path + below, wrong) == 401, wrong
    for below in ("", "/image", "/events"):
        assert status(keyed, path + below, one["watchToken"]) == 200
    assert status(keyed, path.upper().replace("/V1/CAPTURES", "/v1/captures"),
                  one["watchToken"]) == 200
    assert keyed.api("GET", path, headers={
        "Authorization": f"Bearer {one['watchToken']}"}).status == 401  # no key

    # nothing else opens
    for below in ("/v1/captures", "/v1/events", "/v1/fleet"):
        assert status(keyed, below, one["watchToken"]) == 401
    for method in ("POST", "DELETE"):
        assert keyed.api(method, f"{path}?token={one['watchToken']}").status in (401, 405)
    assert one["watchToken"] not in keyed.log("api")


def test_tokens_of_older_secrets_and_other_processes_count(keyed):
    receipt = submit(keyed, KEY, url="https://example.com/").json()
    path = f"/v1/captures/{receipt['jobId']}"
    for secrets, expected in (("newest,new", 200), ("new", 200), ("old,other", 401)):
        keyed.stop("api")
        keyed.start("api", SHOTFLEET_API_KEYS="the-key", SHOTFLEET_TOKEN_SECRETS=secrets)
        assert status(keyed, path, receipt["watchToken"]) == expected, secrets


def test_tokens_expire(stack):
    stack.start("api", SHOTFLEET_API_KEYS="the-key", SHOTFLEET_WATCH_TOKEN_S=2)
    receipt = submit(stack, KEY, url="https://example.com/").json()
    path = f"/v1/captures/{receipt['jobId']}"
    assert status(stack, path, receipt["watchToken"]) == 200
    wait_for(lambda: status(stack, path, receipt["watchToken"]) == 401, 10,
             "the token to expire")


def test_without_secrets_there_are_none(stack):
    del stack.env["SHOTFLEET_WEBHOOK_SECRETS"]
    stack.start("api", SHOTFLEET_API_KEYS="the-key")
    assert "watchToken" not in submit(stack, KEY, url="https://example.com/").json()


# tokens that are asked for

def hand_out(stack, body, key=KEY):
    return stack.api("POST", "/v1/watch-tokens", body, key)


def test_whoever_has_a_key_gets_new_tokens(keyed, events):
    one, other = (submit(keyed, KEY, url="https://example.com/").json() for _ in "12")
    batch = submit(keyed, KEY, captures=[{"url": "https://example.com/"}]).json()["batchId"]
    answer = hand_out(keyed, {"jobId": one["jobId"].upper()})
    assert (answer.status, set(answer.json())) == (200, {"watchToken", "watchTokenExpiresAt"})
    token = answer.json()["watchToken"]
    assert status(keyed, f"/v1/captures/{one['jobId']}", token) == 200
    assert status(keyed, f"/v1/captures/{other['jobId']}", token) == 401
    token = hand_out(keyed, {"batchId": batch}).json()["watchToken"]
    stream = events(f"/v1/events?batch={batch}&token={token}")
    assert stream.answer.status == 200
    assert status(keyed, "/v1/events", token) == 401
    assert hand_out(keyed, {"jobId": one["jobId"]}, {}).status == 401
    # no token makes another
    assert keyed.api("POST", f"/v1/watch-tokens?token={one['watchToken']}",
                     {"jobId": one["jobId"]}).status == 401


def test_one_token_shows_all_pictures_and_nothing_else(keyed):
    jobs = [submit(keyed, KEY, url="https://example.com/").json()["jobId"] for _ in "12"]
    complete(keyed, jobs[0], png())
    token = hand_out(keyed, {"pictures": True}).json()["watchToken"]
    assert status(keyed, f"/v1/captures/{jobs[0]}/image", token) == 200
    assert status(keyed, f"/v1/captures/{jobs[1]}/image", token) == 404  # not yet
    assert status(keyed, f"/v1/captures/{jobs[0]}/image", token[:-1]) == 401
    for path in (f"/v1/captures/{jobs[0]}", f"/v1/captures/{jobs[0]}/events", "/v1/captures",
                 "/v1/live", "/v1/events"):
        assert status(keyed, path, token) == 401, path
    assert token not in keyed.log("api")


def test_a_token_for_pictures_ends_with_its_key(stack):
    stack.start("api", SHOTFLEET_API_KEYS="the-key")
    job = submit(stack, KEY, url="https://example.com/").json()["jobId"]
    complete(stack, job, png())
    path = f"/v1/captures/{job}/image"
    tokens = {}
    for name in ("revoked", "expired", "kept"):
        key = stack.cli("keys", "create", name, "--scope", "read", check=True).stdout.strip()
        answer = wait_for(lambda: (a := hand_out(stack, {"pictures": True}, {"X-API-Key": key}))
                          .status == 200 and a, 10, "the key to be known")
        tokens[name] = answer.json()["watchToken"]
        assert status(stack, path, tokens[name]) == 200
    stack.cli("keys", "revoke", "revoked", check=True)
    stack.sql("update api_keys set expires_at = now() where name = 'expired'")
    for name in ("revoked", "expired"):
        wait_for(lambda: status(stack, path, tokens[name]) == 401, 20, f"the {name} key to end")
    assert status(stack, path, tokens["kept"]) == 200


@pytest.mark.parametrize("body", [
    {}, {"jobId": "x"}, {"jobId": 7}, {"jobId": None}, {"pictures": False}, {"pictures": "true"},
    {"batchId": []}, {"jobId": "01890a5d-ac96-774b-bcce-b302099a8057", "pictures": True},
    {"capture": "01890a5d-ac96-774b-bcce-b302099a8057"}, [], 7, b"{"])
def test_wishes_for_tokens_that_are_none(keyed, body):
    headers = {**KEY, "Content-Type": "application/json"}
    answer = hand_out(keyed, body, headers)
    assert (answer.status, answer.json()["code"]) == (400, "INVALID_REQUEST"), answer
    answer = hand_out(keyed, b"{}", {**KEY, "Content-Type": "text/plain"})
    assert answer.status == 415


def test_without_secrets_none_is_made(stack):
    del stack.env["SHOTFLEET_WEBHOOK_SECRETS"]
    stack.start("api", SHOTFLEET_API_KEYS="the-key")
    answer = hand_out(stack, {"pictures": True})
    assert (answer.status, answer.json()["code"]) == (409, "WRONG_STATE")
    assert "SHOTFLEET_TOKEN_SECRETS" in answer.json()["detail"]
