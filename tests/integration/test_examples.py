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
                          capture_output=True, text=True, timeout=240)


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


# Debian has no package of these libraries: the examples run with our own reading
# of the standard under the libraries' names; receive.mjs has the real one.

STAND_INS = {
    "standardwebhooks/webhooks.py": """
import base64, hashlib, hmac, json

class WebhookVerificationError(Exception):
    pass

class Webhook:
    def __init__(self, secret):
        self.key = base64.b64decode(secret.removeprefix("whsec_"))

    def verify(self, data, headers):
        given = {name.lower(): value for name, value in headers.items()}
        try:
            signed = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + data
            wanted = "v1," + base64.b64encode(
                hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
            if wanted in given["webhook-signature"].split(" "):
                return json.loads(data)
        except KeyError:
            pass
        raise WebhookVerificationError()
""",
    "vendor/autoload.php": """<?php
namespace StandardWebhooks\\Exception { class WebhookVerificationException extends \\Exception {} }
namespace StandardWebhooks {
    class Webhook {
        private string $key;
        public function __construct(string $secret) { $this->key = base64_decode(substr($secret, 6)); }
        public function verify(string $payload, array $headers): array {
            $signed = ($headers['webhook-id'] ?? '') . '.' . ($headers['webhook-timestamp'] ?? '') . ".$payload";
            $wanted = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $this->key, true));
            if (!in_array($wanted, explode(' ', $headers['webhook-signature'] ?? ''), true))
                throw new Exception\\WebhookVerificationException();
            return json_decode($payload, true);
        }
    }
}
""",
}


def start_receiver(folder, name, port):
    for path, text in STAND_INS.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    command = (["php", "-S", f"127.0.0.1:{port}", name] if name.endswith(".php")
               else interpreter(name) + [str(port)])
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, "CALLBACK_SECRET": WHSEC})


def status_of(url, method="POST", body=b"{}"):
    try:
        return request(method, url, body).status
    except OSError:
        return None


@pytest.mark.parametrize("name", ["receive.mjs", "receive.py", "receive.php"])
def test_receiving(fleet, pages, folder, name):  # noqa: F811
    if name.endswith(".php") and not shutil.which("php"):
        pytest.skip("no PHP")
    port = free_port()
    process = start_receiver(folder, name, port)
    try:
        url = f"http://127.0.0.1:{port}/"
        assert wait_for(lambda: status_of(url), 20, "the example to listen") == 401
        answer = fleet.api("POST", "/v1/captures",
                           {"url": pages.url + "/fine", "callbackUrl": url})
        told = f"job.completed {answer.json()['jobId']} {pages.url}/fine\n"
        for line in process.stdout:
            if line.endswith(told):
                break
        else:
            raise AssertionError(f"{name} ended with {process.wait()}")
        wait_for(lambda: fleet.sql("select 1 from callbacks where delivered_at"
                                   " is not null"), 20, "the callback to be delivered")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_go_is_formatted():
    if not shutil.which("gofmt"):
        pytest.skip("no Go")
    done = subprocess.run(["gofmt", "-l", "receive.go"], cwd=EXAMPLES, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_server_of_the_element(stack, tmp_path):
    """The server in docs/embed.md: adds the key, hands on what is allowed."""
    port = free_port()
    with open(os.path.join(ROOT, "docs", "embed.md")) as f:
        text = re.search(r"```js\n(.*?)```", f.read(), re.S).group(1)
    assert "http://127.0.0.1:8080/" in text and "3000" in text
    (tmp_path / "server.mjs").write_text(
        text.replace("http://127.0.0.1:8080", stack.api_url).replace("3000", str(port)))
    stack.start("api", SHOTFLEET_API_KEYS="only-the-server-knows", SHOTFLEET_TOKEN_SECRETS="s" * 32)
    process = subprocess.Popen(["node", "server.mjs"], cwd=tmp_path, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "SHOTFLEET_API_KEY": "only-the-server-knows"})
    try:
        url = f"http://127.0.0.1:{port}/captures"
        assert wait_for(lambda: status_of(url, body=b"no JSON"), 20, "the server to listen") == 502
        answer = request("POST", url, {"url": "https://example.com/", "device": "laptop",
                                       "callbackUrl": "http://evil.test/"})
        assert answer.status == 202
        receipt = answer.json()
        path = f"{stack.api_url}/v1/captures/{receipt['jobId']}"
        assert request("GET", f"{path}?token={receipt['watchToken']}").json()["options"] == {
            "device": "laptop"}
        assert stack.sql("select count(*) from jobs where callback_url is not null")[0][0] == 0
        refused = request("POST", url, {"url": "nonsense"})
        assert refused.status == 400 and refused.json()["code"] == "INVALID_URL"
        stack.stop("api")
        assert request("POST", url, {"url": "https://example.com/"}).status == 502
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
