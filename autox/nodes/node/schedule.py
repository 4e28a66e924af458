"""What is due when, for things that every node needs again and again: leases, heartbeats.

One schedule serves thousands of names. It is plain arithmetic over times that the caller reads from its clock, so
tests ask it about any moment without waiting; ``ticker`` is the loop that follows it with real time.

Rejected: one timer for each node. At 50 renewals a second each wake-up of the process costs more CPU than the
request it makes, so what is due is gathered and sent together, once a tick.
"""

import heapq

from autox.core.backoff import Backoff


class Schedule:
    """Names that come due every ``interval`` seconds.

    A name that was handed out is not due again until its attempt is reported as done or failed.
    """

    def __init__(self, *, interval: float, retry: Backoff, jitter: float = 0.0) -> None:
        """Nothing comes due before it was added.

        Args:
            interval: seconds between the starts of two rounds of one name.
            retry: how soon a failed attempt is repeated.
            jitter: a round comes up to this share of the interval later than it would.
        """
        self._interval = interval
        self._jitter = jitter
        self._retry = retry
        self._heap: list[tuple[float, str]] = []
        self._planned: dict[str, float] = {}  # when each waiting name is due; a heap entry that differs is stale
        self._given: dict[str, float] = {}  # when each name that is being worked on was due
        self._again: set[str] = set()
        self._failures: dict[str, int] = {}
        self._longest = 0.0
        self._done: dict[str, float] = {}

    def add(self, name: str, now: float, *, at: float) -> None:
        """A new name, due again and again from ``at`` on.

        Args:
            name: one that is not in the schedule yet.
            now: the clock's reading; the age of its last success counts from then.
            at: when it is due first, by the same clock; another time for each of those that come together spreads them.
        """
        self._done[name] = now
        self._plan(name, at)

    def due(self, now: float) -> list[str]:
        """Hand out the names that are due, the longest overdue first."""
        names = []
        while self._heap and self._heap[0][0] <= now:
            at, name = heapq.heappop(self._heap)
            if self._planned.get(name) == at:
                del self._planned[name]
                self._given[name] = at
                names.append(name)
        return names

    def done(self, name: str, now: float, *, random: float = 0.0) -> None:
        """The attempt succeeded: due again one interval after it was due, or from now when that has passed.

        Args:
            name: a name that ``due`` handed out.
            now: the clock's reading.
            random: a number in [0, 1): this share of the jitter comes on top.
        """
        was = self._given.pop(name)
        self._failures.pop(name, None)
        age = now - self._done[name]
        self._longest = max(self._longest, age)
        self._done[name] = now
        interval = self._interval * (1 + self._jitter * random)
        following = was + interval
        if name in self._again:
            self._again.remove(name)
            self._plan(name, now)
        else:
            self._plan(name, following if following > now else now + interval)

    def failed(self, name: str, now: float, *, random: float = 0.0) -> None:
        """The attempt failed: due again after a back-off, which nothing shortens.

        Args:
            name: a name that ``due`` handed out.
            now: the clock's reading.
            random: a number in [0, 1) that shortens the delay by its share of the jitter.
        """
        del self._given[name]
        self._again.discard(name)
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        self._plan(name, now + self._retry.delay(failures, random=random))

    def hurry(self, name: str, now: float) -> None:
        """Make a name due at once; one that is being worked on comes due again right after that."""
        if name in self._given:
            self._again.add(name)
        elif self._planned[name] > now and name not in self._failures:
            self._plan(name, now)

    def lateness(self, now: float) -> float:
        """Seconds since the last success of the name that waits longest; 0.0 without names."""
        return now - min(self._done.values(), default=now)

    def longest(self, now: float) -> float:
        """The highest that ``lateness`` ever was."""
        return max(self._longest, self.lateness(now))

    def late(self, now: float, *, seconds: float) -> int:
        """How many names have had no success for that long."""
        return sum(now - at >= seconds for at in self._done.values())

    def _plan(self, name: str, at: float) -> None:
        self._planned[name] = at
        heapq.heappush(self._heap, (at, name))
