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
