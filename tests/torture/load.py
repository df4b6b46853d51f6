"""The users: they submit at an even pace, and try again what was not accepted."""

import threading
import time

CALLED_BACK = 20  # every so many-th job has a callback
MOST = 200        # in one request


class Load(threading.Thread):
    def __init__(self, world, jobs, seconds):
        super().__init__(daemon=True)
        self.world = world
        self.jobs = jobs
        self.seconds = seconds
        self.accepted = []
        self.refused = 0
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
            number += len(ids)
            self.refused += not ids
            if not ids:
                self.stopping.wait(0.2)
