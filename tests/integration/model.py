"""Histories of one job, for the SQL functions and a model beside them.

A history is a list of steps, made from a seed: webhooks of any kind and attempt,
repeated, reordered, delivered again; workers that take an entry and die before
or after their transaction; polls, verdicts, dead letters fed back, retried and
dropped; users who cancel and start again; a Redis that is wiped, or comes back as
it was.  The stream and the
workers' hands are simulated here; what is recorded goes through the real
functions of sql/, the same step of many histories in one call.

After each step the row must be what the rules below say, and

  - at most one end is ever recorded, and it stays until a user starts the job again
  - the attempt never goes back
  - no job is lost: it has ended, or is looked at again, or has an open
    letter of its present attempt
  - deliveries has one row per entry, by outcome as the model counted them

and in the end every job ends once the faults stop.
"""

import random
import time

ENDED = ("completed", "failed", "cancelled")
DEFAULT_ATTEMPTS = 3  # of fleet_defaults
MAX_FEEDS = 3
HOUR_MS = 3600 * 1000
TODAY_MS = int(time.time() * 1000)
LONG_AGO_MS = 1700000000000
OUTCOMES = ("recorded", "duplicate", "ignored", "dead")

# what a history is made of, by weight; a step is (name, a, b), and a and b
# choose among what there is at that moment, so that any part of a history is one
WEIGHTS = {"work": 30, "record": 30, "webhook": 20, "repeat": 4, "redeliver": 4,
           "crash": 3, "wipe": 2, "poll_there": 4, "poll_gone": 8, "expire": 1,
           "feed": 6, "retry": 3, "drop": 2, "cancel": 1, "restart": 2}
WEBHOOKS = ("completed", "completed", "failed", "retryable", "progress", "unknown",
            "garbage")
SETTLING = (["crash", "wipe"]
            + (["retry", "feed", "poll_gone"] + ["work_well", "record_well"] * 3) * 3
            + (["drop", "feed", "poll_gone"] + ["work_well", "record_well"] * 3) * 3)


def make_steps(rng, length):
    names, weights = zip(*WEIGHTS.items())
    return [(name, rng.randrange(10000), rng.randrange(10000))
            for name in rng.choices(names, weights, k=length)]


class Violation(Exception):
    def __init__(self, history, what):
        super().__init__(what)
        self.history = history


class Entry:
    def __init__(self, entry_id, stream, kind, attempt, dead=None, tries=None):
        self.id = entry_id
        self.stream = stream
        self.kind = kind        # submit, of WEBHOOKS, or a verdict
        self.attempt = attempt  # None: it does not say
        self.dead = dead        # the letter that it feeds back
        self.tries = tries      # of that one, before this


class Result:
    """What a worker made of an entry, about to be recorded."""

    def __init__(self, entry, event, picture=False, later=False):
        self.entry = entry
        self.event = event
        self.picture = picture
        self.delay_ms = HOUR_MS if later else None
        self.attempt = entry.attempt
        self.condemned = False


class Letter:
    def __init__(self, waiting):
        self.attempts = 1
        self.waiting = waiting  # for its time, not for a person
        self.open = True

    def is_past(self, tries):
        """A failure after so many tries is no news."""
        return not self.open or tries != self.attempts


class Rules:
    """What must become of a job.  Knows nothing of SQL."""

    def __init__(self, max_attempts):
        self.status = "queued"
        self.attempt = 1
        self.max_attempts = max_attempts
        self.seen = {}     # entry id -> outcome
        self.letters = {}  # entry id -> Letter
        self.ends = 0
        self.restarts = 0

    @property
    def ended(self):
        return self.status in ENDED

    def judge(self, result, letter):
        if result.entry.id in self.seen:
            return "repeated"
        if result.event == "dead" and letter and letter.is_past(result.entry.tries):
            return "ignored"
        if result.event in ("dead", "ignored"):
            return result.event
        if result.attempt not in (None, self.attempt):
            return "ignored"
        if self.ended or result.event in ("submitted", "postpone"):
            if self.status == "queued":
                return "recorded"
            return "duplicate" if result.event == self.status else "ignored"
        return "recorded"

    def apply(self, result, letter_entry):
        """`letter_entry`: the entry that made the letter which is fed back."""
        letter = self.letters.get(letter_entry)
        outcome = self.judge(result, letter)
        if outcome == "repeated":
            return outcome
        self.seen[result.entry.id] = outcome
        if outcome == "recorded":
            self.move(result.event)
        if outcome == "ignored" and result.event == "dead":
            pass  # the letter knows it already
        elif outcome == "dead" and letter:
            letter.attempts += 1
            letter.waiting = bool(result.delay_ms) and letter.attempts < MAX_FEEDS
        elif outcome == "dead":
            self.letters[result.entry.id] = Letter(bool(result.delay_ms))
        elif letter:
            letter.open = letter.waiting = False
        return outcome

    def move(self, event):
        if event == "retry":
            if self.attempt < self.max_attempts:
                self.attempt += 1
                self.status = "queued"
            else:
                self.status = "failed"
        elif event in ("submitted", "completed", "failed"):
            self.status = event
        self.ends += self.ended

    def cancel(self):
        """True if it changes anything."""
        if self.ended:
            return False
        self.status = "cancelled"
        self.ends += 1
        for letter in self.letters.values():
            letter.open = letter.waiting = False
        return True

    def restart(self):
        if self.status not in ("failed", "cancelled"):
            return False
        self.status = "queued"
        self.max_attempts = self.attempt + DEFAULT_ATTEMPTS
        self.attempt += 1
        self.restarts += 1
        return True

    def open_letters(self):
        return [key for key, letter in self.letters.items() if letter.open]


class History:
    """One job: its rules, and the part of Redis and the workers that is its."""

    def __init__(self, number, seed, steps, appended, max_attempts):
        self.number = number
        self.seed = seed
        self.steps = steps
        self.appended = appended
        self.max_attempts = max_attempts
        self.reset()

    @classmethod
    def from_seed(cls, number, seed, length):
        rng = random.Random(f"{seed}/{number}")
        steps = make_steps(rng, rng.randint(length // 2, length))
        return cls(number, seed, steps, rng.random() < 0.8, rng.randint(1, 3))

    def reset(self, job=None):
        self.job = job
        self.rules = Rules(self.max_attempts)
        self.stream = []     # not acknowledged
        self.hands = []      # results of workers that have not recorded yet
        self.gone = []       # acknowledged
        self.letters = {}    # dead letter id -> entry id that made it
        self.kinds = {}      # entry id -> kind
        self.count = 0
        self.before = ("queued", 1, 0)
        if job and self.appended:
            self.append("submit", "submit", 1)

    def append(self, stream, kind, attempt, dead=None, tries=None):
        self.count += 1
        ms = TODAY_MS if self.count % 2 else LONG_AGO_MS  # of which no partition is kept
        entry = Entry(f"{stream}:{ms}-{self.number}.{self.count}", stream, kind, attempt, dead,
                      tries)
        self.kinds[entry.id] = kind
        self.stream.append(entry)

    # what needs no database

    def webhook(self, a, b):
        attempt = None if b % 7 == 0 else 1 + b % self.rules.attempt
        self.append("webhook", WEBHOOKS[a % len(WEBHOOKS)], attempt)

    def repeat(self, a, b):
        known = [e for e in self.gone + self.stream if e.stream == "webhook"]
        if known:
            entry = known[a % len(known)]
            self.append("webhook", entry.kind, entry.attempt, entry.dead, entry.tries)

    def redeliver(self, a, b):
        if self.gone:
            self.stream.append(self.gone[a % len(self.gone)])

    def crash(self, a, b):
        self.hands.clear()

    def wipe(self, a, b):
        self.stream.clear()

    def work(self, a, b):
        if self.stream:
            entry = self.stream[a % len(self.stream)]
            self.take(entry, b)

    def work_well(self, a, b):
        if self.stream:
            self.take(self.stream[0], None)

    def take(self, entry, luck):
        """What does not name an attempt is judged by the present one, and counts
        for that one only."""
        result = self.result_of(entry, luck)
        if result.attempt is None and not result.condemned:
            result.attempt = self.rules.attempt
        self.hands.append(result)

    def result_of(self, entry, luck):
        """As worker/applier.c decides, from the row as it is now.  `luck` None:
        all goes well."""
        if luck is not None and luck % 40 == 0:
            return self.condemned(entry)
        if entry.kind == "submit":
            return self.submission(entry, luck)
        if entry.kind in ("completed", "garbage"):
            return self.completion(entry, luck)
        event = {"failed": "failed", "deadline": "failed", "dropped": "failed",
                 "retryable": "retry", "lost": "retry", "progress": "progress",
                 "unknown": "ignored"}[entry.kind]
        return Result(entry, event, later=event == "retry")

    @staticmethod
    def condemned(entry):
        """PostgreSQL refused it: it counts for the attempt that it names."""
        result = Result(entry, "dead")
        result.condemned = True
        return result

    def submission(self, entry, luck):
        if self.rules.status != "queued":
            return Result(entry, "ignored")
        event = ("submitted" if luck is None else
                 ("submitted", "submitted", "submitted", "submitted", "postpone",
                  "failed", "completed", "dead")[luck % 8])
        return Result(entry, event, picture=event == "completed",
                      later=event in ("postpone", "dead"))

    def completion(self, entry, luck):
        if entry.kind == "garbage":
            return Result(entry, "dead")
        if self.rules.ended or entry.attempt not in (None, self.rules.attempt):
            return Result(entry, "completed")
        event = ("completed" if luck is None else
                 ("completed", "completed", "completed", "dead", "dead",
                  "retry")[luck % 6])
        return Result(entry, event, picture=event == "completed",
                      later=event == "retry" or (event == "dead" and luck % 5 > 0))

    # around the database

    def take_hand(self, a):
        return self.hands.pop(a % len(self.hands)) if self.hands else None

    def acknowledge(self, entry):
        self.stream = [e for e in self.stream if e.id != entry.id]
        self.gone.append(entry)

    def polled(self, status, attempt, expired, b):
        """What the poller appends for this row, if it lives to do so."""
        if b is not None and b % 9 == 0:
            return
        if expired:
            self.append("webhook", "deadline", attempt)
        elif status == "queued":
            self.append("submit", "submit", attempt)
        else:
            answers = ("completed", "failed", "retryable", "lost", None)
            kind = "completed" if b is None else answers[b % 5]
            if kind:
                self.append("webhook", kind, attempt)

    def fed(self, row, b):
        """What the poller appends for this row of feed_due()."""
        letter_entry = row.entry_id
        self.letters[row.dead_id] = letter_entry
        if b is not None and b % 9 == 0:
            return
        kind = "dropped" if row.dropped else self.kinds[letter_entry]
        stream = "submit" if kind == "submit" else "webhook"
        self.append(stream, kind, row.attempt, row.dead_id, row.tries)
        self.kinds[self.stream[-1].id] = kind

    def check(self, row):
        rules, (status, attempt, restarts) = self.rules, self.before
        counts = {o: 0 for o in OUTCOMES}
        for outcome in rules.seen.values():
            counts[outcome] += 1
        claims = (
            (status not in ENDED or row.status == status or rules.restarts > restarts,
             f"left {status}"),
            (row.attempt >= attempt, f"attempt went back from {attempt} to {row.attempt}"),
            (row.ends <= 1 + rules.restarts, f"{row.ends} ends recorded"),
            ((row.status, row.attempt) == (rules.status, rules.attempt),
             f"is {row.status}, attempt {row.attempt}; must be {rules.status},"
             f" attempt {rules.attempt}"),
            (row.status in ENDED or row.watched or row.holding_letters,
             f"lost: {row.status}, never looked at again, no dead letter"
             " of this attempt"),
            ([getattr(row, o) for o in OUTCOMES] == list(counts.values()),
             f"deliveries {[getattr(row, o) for o in OUTCOMES]}, must be"
             f" {list(counts.values())} ({', '.join(OUTCOMES)})"),
            (row.open_letters == len(rules.open_letters()),
             f"{row.open_letters} open dead letters, must be"
             f" {len(rules.open_letters())}"),
            (rules.ends <= 1 + rules.restarts, "the model itself ended twice"),
        )
        for true, what in claims:
            if not true:
                raise Violation(self, what)
        self.before = (row.status, row.attempt, rules.restarts)

    def __str__(self):
        lines = [f"history {self.number} of seed {self.seed}: {len(self.steps)} steps,"
                 f" {self.max_attempts} attempts,"
                 f" {'appended' if self.appended else 'queued'} by its creator"]
        return "\n".join(lines + [f"  {step!r}," for step in self.steps])
