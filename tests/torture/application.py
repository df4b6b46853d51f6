"""The application that some jobs were submitted for: it takes their callbacks, when
it feels like it, and remembers whom it was told about."""

import collections
import random

REFUSED = 0.10


class Application:
    def __init__(self):
        self.luck = random.Random(1)
        self.told = collections.Counter()  # webhook-id -> times it was taken
        self.refused = 0

    def take(self, headers):
        """The status of the answer."""
        if self.luck.random() < REFUSED:
            self.refused += 1
            return 500
        self.told[headers["webhook-id"]] += 1
        return 204

    def counts(self):
        return {"callbacks refused": self.refused, "callbacks taken": len(self.told),
                "callbacks taken again": sum(self.told.values()) - len(self.told)}
