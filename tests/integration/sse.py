"""A client of server-sent events, and what a worker would announce."""

import http.client
import json
import socket
import threading

from processes import wait_for


def announce(stack, job, event):
    stack.redis.xadd("shotfleet:live", {"job": job, "event": event, "data": "{}"})


class Events:
    """A stream of server-sent events, read in a thread."""

    def __init__(self, stack, path, headers=None):
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", stack.ports["api"], timeout=90)
        self.connection.request("GET", path, headers=headers or {})
        self.sock = self.connection.sock  # which the answer takes with it
        self.answer = self.connection.getresponse()
        self.events = []  # (name, data)
        self.ids = []
        self.comments = 0
        self.text = ""  # as it came
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {}
        try:
            for line in self.answer:
                self.text += line.decode()
                line = line.decode().rstrip("\n")
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                else:
                    if "data" in event:
                        self.ids.append(event.get("id"))
                        self.events.append((event["event"], json.loads(event["data"])))
                    event = {}
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # closed below, or by the server's end
        self.ended.set()

    def names(self):
        return [name for name, _ in self.events]

    def wait(self, count):
        wait_for(lambda: len(self.events) >= count, 20, f"event {count}")

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.ended.wait(25)
        self.connection.close()
