#!/usr/bin/python3
"""The world outside of the fleet, as a process of its own: the provider
(provider.py) and the application that captures were submitted for (application.py).

    OUTSIDE_URL=http://127.0.0.1:8082 OUTSIDE_KEY=… OUTSIDE_SECRET=… outside.py

The key and the secret of webhooks may stand in files: OUTSIDE_KEY_FILE,
OUTSIDE_SECRET_FILE.  Below /outside it answers who runs the torture: POST
/outside/seed/7, GET /outside/counts, GET /outside/report, POST /outside/down, POST
/outside/up.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

from application import Application  # noqa: E402
from processes import free_port, wait_for  # noqa: E402
from provider import Provider, read_message, reply  # noqa: E402


class Outside:
    """That process, for who runs the torture."""

    def __init__(self, url):
        self.url = url
        self.callback_url = f"{url}/told"
        self.process = None

    @classmethod
    def start(cls, seed, secret, key, log):
        outside = cls(f"http://127.0.0.1:{free_port()}")
        with open(log, "ab") as output:
            outside.process = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, "OUTSIDE_URL": outside.url, "OUTSIDE_KEY": key,
                     "OUTSIDE_SECRET": secret})
        wait_for(outside.answers, 30, "the outside world")
        outside.seed(seed)
        return outside

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)

    def answers(self):
        try:
            return self.counts() is not None
        except OSError:
            return False

    def ask(self, method, what):
        parts = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        try:
            connection.request(method, f"/outside/{what}")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def counts(self):
        """{"provider": {what: how often}, "application": …, "busy": captures
        that it still has webhooks of}"""
        return self.ask("GET", "counts")

    def report(self):
        return self.ask("GET", "report")

    def down(self, down=True):
        """The provider alone."""
        self.ask("POST", "down" if down else "up")

    def seed(self, seed):
        """Before the first capture."""
        self.ask("POST", f"seed/{seed}")


class Server:
    def __init__(self, provider, application):
        self.provider = provider
        self.application = application

    async def serve(self, reader, writer):
        try:
            while message := await read_message(reader):
                status, kind, data = self.answer(*message)
                writer.write(b"HTTP/1.1 %d x\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
                             % (status, kind, len(data),
                                b"Retry-After: 1\r\n" if status == 429 else b""))
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def answer(self, first, headers, body):
        target = first.split(" ")[1]
        if target.startswith("/outside/"):
            return reply(200, self.control(target.removeprefix("/outside/")))
        if target == "/told":
            return self.application.take(headers), b"text/plain", b""
        return self.provider.answer(first, headers, body)

    def control(self, what):
        if what in ("down", "up"):
            self.provider.down = what == "down"
        if what.startswith("seed/"):
            self.provider.seed = what.removeprefix("seed/")
        if what == "report":
            return {**self.provider.report(), "told": self.application.told}
        return {"provider": self.provider.counts, "application": self.application.counts(),
                "busy": len(self.provider.tasks)}


def secret(name):
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ[name]
    with open(path, encoding="ascii") as f:
        return f.read().strip()


async def main():
    url = os.environ["OUTSIDE_URL"]
    listen = urllib.parse.urlsplit(os.environ.get("OUTSIDE_LISTEN", url))
    server = Server(Provider(secret("OUTSIDE_SECRET"), secret("OUTSIDE_KEY"), url),
                    Application())
    listener = await asyncio.start_server(server.serve, listen.hostname, listen.port, backlog=512)
    await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
