"""Fixtures: `stack`, `provider`, `pages` (see harness.py and doubles.py)."""

import os
import shutil
import tempfile

import pytest

import processes
from doubles import PageServer, ProviderDouble
from harness import Stack
from servers import PostgresServer, RedisServer
from sse import Events

LOG_TAIL_BYTES = 6000


@pytest.fixture(scope="session")
def servers():
    processes.adopt_orphans()
    # Short, because a unix socket's path may have 107 bytes, and open, because
    # PostgreSQL runs as another user when root runs the tests.
    folder = tempfile.mkdtemp(prefix="shotfleet-", dir="/tmp")
    os.chmod(folder, 0o711)
    started = []
    try:
        for name, kind in (("redis", RedisServer), ("pg", PostgresServer)):
            server = kind(f"{folder}/{name}")
            started.append(server)
            server.start()
        yield started
    finally:
        for server in started:
            server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def stack(servers, tmp_path):
    for server in servers:  # a test may have ended with one down
        if not server.process:
            server.start()
    stack = Stack(tmp_path, *servers)
    try:
        stack.set_up()
        yield stack
    finally:
        wrong = stack.tear_down()
    if wrong:
        pytest.fail("; ".join(wrong))


@pytest.fixture
def provider(stack):
    """A scriptable provider in the place of the built-in one."""
    double = ProviderDouble(stack.webhook_secret, stack.key)
    stack.env["SHOTFLEET_PROVIDER_URL"] = double.url
    yield double
    double.close()


@pytest.fixture
def pages():
    server = PageServer()
    yield server
    server.close()


@pytest.fixture
def events(stack):
    opened = []

    def open_stream(path, headers=None):
        opened.append(Events(stack, path, headers))
        return opened[-1]

    yield open_stream
    for stream in opened:
        stream.close()


def pytest_runtest_logreport(report):
    """ctest is silent until all is over; scripts/test shows this file.

    With pytest -n a report comes by again in the process that collects them (as
    one with a `node`)."""
    path = os.environ.get("TEST_PROGRESS")
    if path and not hasattr(report, "node") and (report.when == "call" or report.failed):
        with open(path, "a") as progress:
            progress.write(f"  {report.outcome:7}{report.duration:6.1f} s  "
                           f"{report.nodeid.removeprefix('tests/integration/')}\n")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its programs said."""
    report = (yield).get_result()
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack:
        for name, text in stack.logs():
            report.sections.append((f"log of {name}", text[-LOG_TAIL_BYTES:]))
