"""The users: they submit at an even pace, and try again what was not accepted.
Some change their mind."""

import collections
import threading
import time
import uuid

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
        self.cancelled = {}  # id: the attempt that it was
        self.restarted = {}
        self.unsure = set()  # of these one or the other was asked, without an answer
        self.unanswered = 0  # captures of which nobody knows whether they were taken
        self.did = collections.Counter()
        self.stopping = threading.Event()

    def capture(self, number):
        capture = {"url": f"http://page.test/{number}"}
        if number % CALLED_BACK == 0:
            capture["callbackUrl"] = self.world.outside.callback_url
        return capture

    def run(self):
        begin, number = time.monotonic(), 0
        while number < self.jobs and not self.stopping.is_set():
            due = int(self.jobs * (time.monotonic() - begin) / self.seconds) + 1
            count = min(due - number, self.jobs - number, MOST)
            if count <= 0:
                self.stopping.wait(0.1)
                continue
            ids = self.insist([self.capture(number + n) for n in range(count)])
            self.accepted += ids
            for n, job in enumerate(ids, number):
                self.change_mind(n, job)
            number += len(ids)

    def insist(self, captures):
        """With one key, so that whatever got lost of the answers, each is captured
        once."""
        key = str(uuid.uuid4())
        while not (ids := self.world.submit(captures, key)) and not self.stopping.is_set():
            self.did["refused"] += 1
            self.stopping.wait(0.2)
        self.unanswered += 0 if ids else len(captures)
        return ids

    def change_mind(self, number, job):
        if number % CANCELLED == 1:
            self.ask("cancelled", self.cancelled, job, "DELETE", "")
        if number % RESTARTED == 1:
            self.ask("restarted", self.restarted, job, "POST", "/retry")

    def ask(self, what, those, job, method, path):
        """Once: who gets no answer does not know either."""
        try:
            answer = self.world.api(method, f"/v1/captures/{job}{path}")
        except OSError:
            self.did[f"{what}: no answer"] += 1
            self.unsure.add(job)
            return
        if 200 <= answer.status < 300:
            self.did[what] += 1
            those[job] = answer.json()["attempt"]
            return
        self.did[f"{what}: answered {answer.status}"] += 1
        if answer.status >= 500:
            self.unsure.add(job)
