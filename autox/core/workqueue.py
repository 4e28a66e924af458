"""Which key is worked on next: each at most once at a time, and none lost.

The rules are those of controller-runtime's work queue. A key that waits and is added again waits once. A key that is
being worked on and is added again is handed out again when that work ends, for the work may have read the world
before it changed. A key whose work failed comes back after a back-off of its own, sooner if something happens to it
meanwhile, since that may be what mends it.

There is no clock, no lock and no event loop in here: whoever works reads its clock, asks ``next_due`` how long to
sleep, and wakes up when it adds something. Rejected: ``autox.nodes.node.schedule``, whose names all come due at one
interval for ever; here keys come and go.
"""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

from autox.core.backoff import Backoff

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys that wait, keys that are being worked on, and how often each has failed in a row."""

    def __init__(self, *, retry: Backoff) -> None:
        """An empty queue; ``retry`` says how long a key waits whose work has failed."""
        self._retry = retry
        self._heap: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}  # of the keys that wait; a heap entry that differs is stale
        self._working: set[K] = set()
        self._again: dict[K, float] = {}  # when keys in work are due again
        self._failures: dict[K, int] = {}
        self._added = 0

    def __len__(self) -> int:
        """How many keys wait, whether due yet or not."""
        return len(self._due)

    @property
    def working(self) -> frozenset[K]:
        """The keys that were handed out and are not done."""
        return frozenset(self._working)

    def add(self, key: K, now: float) -> None:
        """Something happened to a key: it is due at once, or as soon as the work on it ends."""
        self.add_after(key, now, 0.0)

    def add_after(self, key: K, now: float, seconds: float) -> None:
        """Make a key due in so many seconds; it never becomes due later than it already was.

        Args:
            key: one that is being worked on is handed out again when that has ended, at the earliest.
            now: the clock's reading, seconds.
            seconds: from ``now``; less than 0 counts as 0.
        """
        at = now + max(seconds, 0.0)
        if key in self._working:
            self._again[key] = min(at, self._again.get(key, at))
        elif key not in self._due or at < self._due[key]:
            self._put(key, at)

    def get(self, now: float) -> K | None:
        """Hand out the key that has been due longest; None if none is due."""
        self._drop_stale()
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        self._working.add(key)
        return key

    def next_due(self) -> float | None:
        """When ``get`` will have something, on the clock of the ``now`` given so far; None if nothing waits."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def done(self, key: K) -> None:
        """The work on a key succeeded: its failures are forgotten."""
        self._failures.pop(key, None)
        self._leave(key)

    def failed(self, key: K, now: float, *, random: float = 0.0) -> float:
        """The work on a key failed: it comes back after a back-off.

        Args:
            key: a key that ``get`` handed out.
            now: the clock's reading, seconds.
            random: a number in [0, 1) that shortens the delay by its share of the jitter.

        Returns:
            The seconds that it waits, unless something happened or happens to it.
        """
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = self._retry.delay(failures, random=random)
        self.add_after(key, now, delay)
        self._leave(key)
        return delay

    def _leave(self, key: K) -> None:
        self._working.remove(key)
        at = self._again.pop(key, None)
        if at is not None:
            self._put(key, at)

    def _put(self, key: K, at: float) -> None:
        self._added += 1  # among equals the first added comes first, and keys need not be comparable
        self._due[key] = at
        heapq.heappush(self._heap, (at, self._added, key))

    def _drop_stale(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
