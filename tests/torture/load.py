"""The users: they submit at an even pace, and try again what was not accepted.
Some change their mind."""

import collections
import threading
import time

CALLED_BACK = 20  # every so many-th job has a callback,
CANCELLED = 50    # is cancelled as soon as it was accepted,
RESTARTED = 100   # and then to be captured after all
MOST = 200        # in one request


class Load(threading.Thread):
    def __init__(self, world, jobs, seconds):
        super().__init__(daemon=True)
        self.world = world
        self.jobs = jobs
        self.seconds = seconds
        self.accepted = []
        self.did = collections.Counter()
        self.stopping = threading.Event()

    def capture(self, number):
        capture = {"url": f"http://page.test/{number}"}
        if number % CALLED_BACK == 0:
            capture["callbackUrl"] = self.world.application.url
        return capture

    def run(self):
        begin, number = time.monotonic(), 0
        while number < self.jobs and not self.stopping.is_set():
            due = int(self.jobs * (time.monotonic() - begin) / self.seconds) + 1
            count = min(due - number, self.jobs - number, MOST)
            if count <= 0:
                self.stopping.wait(0.1)
                continue
            ids = self.world.submit([self.capture(number + n) for n in range(count)])
            self.accepted += ids
            for n, job in enumerate(ids, number):
                self.change_mind(n, job)
            number += len(ids)
            if not ids:
                self.did["refused"] += 1
                self.stopping.wait(0.2)

    def change_mind(self, number, job):
        if number % CANCELLED == 1:
            self.ask("cancelled", "DELETE", f"/v1/captures/{job}")
        if number % RESTARTED == 1:
            self.ask("restarted", "POST", f"/v1/captures/{job}/retry")

    def ask(self, what, method, path):
        """Once: who gets no answer does not know either."""
        try:
            status = self.world.stack.api(method, path).status
        except OSError:
            status = 0
        self.did[what if 200 <= status < 300 else f"{what}: answered {status}"] += 1
