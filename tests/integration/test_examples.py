"""examples/: what people copy from must run as it stands."""

import os
import re
import shutil
import subprocess

import pytest

from harness import ROOT
from processes import free_port, wait_for
from test_callbacks import WHSEC, fleet  # noqa: F401  (a fixture)
from web import request

EXAMPLES = os.path.join(ROOT, "examples")
NODE_MODULES = os.path.join(ROOT, "tests", "peers", "node_modules")
PICTURE = re.compile(r"http://127\.0\.0\.1:\d+/v1/captures/[0-9a-f-]{36}/image")


@pytest.fixture
def folder(tmp_path):
    """A copy of the examples, beside the npm packages that they need."""
    copy = tmp_path / "examples"
    shutil.copytree(EXAMPLES, copy)
    os.symlink(NODE_MODULES, copy / "node_modules")
    return copy


def interpreter(name):
    return ["/usr/bin/python3" if name.endswith(".py") else "node", name]


def run(stack, folder, name, *arguments, **env):
    return subprocess.run(interpreter(name) + list(arguments), cwd=folder,
                          env={**os.environ, **stack.env, **env},
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", ["poll.py", "sse.mjs", "websocket.mjs", "socketio.mjs"])
def test_following(fleet, pages, folder, name):  # noqa: F811
    done = run(fleet, folder, name, pages.url + "/fine")
    assert done.returncode == 0, done.stderr
    url = PICTURE.search(done.stdout).group()
    assert request("GET", url).status == 200
    done = run(fleet, folder, name, "nonsense")
    assert done.returncode != 0 or name == "websocket.mjs"


def test_listening(fleet, pages, folder):  # noqa: F811
    fleet.sql("alter table jobs enable trigger jobs_notify")
    done = run(fleet, folder, "listen.py", pages.url + "/fine")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("completed screenshots/")


def has_standardwebhooks():
    return subprocess.run(["/usr/bin/python3", "-c", "import standardwebhooks"],
                          capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["receive.mjs", "receive.py"])
def test_receiving(fleet, pages, folder, name):  # noqa: F811
    if name.endswith(".py") and not has_standardwebhooks():
        pytest.skip("Debian has no package of standardwebhooks for Python")
    port = free_port()
    process = subprocess.Popen(
        interpreter(name) + [str(port)], cwd=folder, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "CALLBACK_SECRET": WHSEC})
    try:
        url = f"http://127.0.0.1:{port}/"

        def up():
            try:
                return request("POST", url, b"{}").status
            except OSError:
                return None

        assert wait_for(up, 20, "the example to listen") == 401
        answer = fleet.api("POST", "/v1/captures",
                           {"url": pages.url + "/fine", "callbackUrl": url})
        told = process.stdout.readline().split()
        assert told == ["job.completed", answer.json()["jobId"], pages.url + "/fine"]
        wait_for(lambda: fleet.sql("select 1 from callbacks where delivered_at"
                                   " is not null"), 20, "the callback to be delivered")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
