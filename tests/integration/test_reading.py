"""How a worker reads its streams: entries that kill, groups that vanish, sockets
that say nothing any more."""

import asyncio
import os
import sys
import threading

import pytest

from harness import ROOT
from processes import wait_for

sys.path.insert(0, os.path.join(ROOT, "tests", "torture"))
from proxy import Proxy  # noqa: E402

STREAM, GROUP = "shotfleet:webhook", "workers"


def add(stack, body='{"event":"screenshot.sparkled"}'):
    return stack.redis.xadd(STREAM, {"v": "1", "provider": "screenshotly", "source": "webhook", "body": body})


def recorded(stack, count):
    wait_for(lambda: stack.sql("select count(*) from deliveries")[0][0] == count
             and stack.redis.xlen(STREAM) == 0, 60, f"{count} entries")


@pytest.mark.parametrize("before, poison", [(8, False), (9, False), (10, True)])
def test_an_entry_that_was_handed_out_too_often(stack, before, poison):
    """Ten times may be bad luck; the eleventh time it is not tried any more."""
    stack.env["SHOTFLEET_TAKEOVER_S"] = "1"
    body = '{"hello":"world"}'
    entry = add(stack, body)
    stack.redis.xgroup_create(STREAM, GROUP, "0")
    stack.redis.xreadgroup(GROUP, "victim", {STREAM: ">"})
    stack.redis.execute_command("XCLAIM", STREAM, GROUP, "victim", 0, entry, "RETRYCOUNT", before)
    stack.start("worker")
    letter = wait_for(lambda: stack.sql("select * from dead_letters"), 30, "the letter")[0]
    assert (letter.error == "handed out 11 times without an outcome") == poison
    assert bytes(letter.payload) == body.encode() and letter.entry_id == f"webhook:{entry.decode()}"
    series = "deliveries" if poison else "unreadable"
    wait_for(lambda: stack.metrics("worker")[f'shotfleet_dead_letters_total{{reason="{series}"}}']
             + stack.metrics("worker")['shotfleet_dead_letters_total{reason="unknown_job"}'] * (not poison)
             == 1, 30, "the metric")
    recorded(stack, 1)


@pytest.mark.parametrize("how", ["group", "stream", "everything"])
def test_a_group_that_vanished_is_opened_again(stack, how):
    stack.start("worker")
    add(stack)
    recorded(stack, 1)
    {"group": lambda: stack.redis.xgroup_destroy(STREAM, GROUP),
     "stream": lambda: stack.redis.delete(STREAM), "everything": stack.redis.flushall}[how]()
    add(stack)
    recorded(stack, 2)


def test_half_open_sockets_are_given_up(stack):
    """The other end is gone and nobody says so.  What redis has handed out into the
    dead socket is pending, and is taken over."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    port = stack.redis_server.port
    proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", port))
    asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(10)
    stack.start("worker", REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0", SHOTFLEET_TAKEOVER_S=2)
    try:
        add(stack)
        recorded(stack, 1)
        loop.call_soon_threadsafe(proxy.silence)
        loop.call_soon_threadsafe(proxy.hear)  # for those that are made anew
        for _ in range(5):
            add(stack)
        recorded(stack, 6)
        assert "lost the connection to redis" in stack.log("worker")
    finally:
        stack.stop("worker")
        loop.call_soon_threadsafe(loop.stop)


def test_consumers_that_may_be_alive_are_kept(stack):
    """Only after an hour of silence they are forgotten, and with nothing pending."""
    add(stack)
    stack.redis.xgroup_create(STREAM, GROUP, "0")
    stack.redis.xgroup_createconsumer(STREAM, GROUP, "young")
    stack.redis.xreadgroup(GROUP, "busy", {STREAM: ">"})
    stack.start("poller")
    names = lambda: {c["name"].decode() for c in stack.redis.xinfo_consumers(STREAM, GROUP)}  # noqa: E731
    wait_for(lambda: stack.sql("select * from ledger"), 30, "a look")
    assert names() == {"young", "busy"}
