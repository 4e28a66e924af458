"""How long the news of a change takes: from the API server's answer to a write until a watcher sees it. Pure.

SIG Scalability's watch latency SLI, which has no limit yet, begins when the object is stored; the answer to whoever
wrote it is the first that a client knows of that. News that comes before the answer took no time. What is still under
way at the end counts as infinitely late once it should have been there: what never came would be missed else.
"""

from math import inf

DUE = 1.0  # seconds after which news that has not come is missing


class WatchTimes:
    """What became of numbered changes of one object."""

    def __init__(self) -> None:
        """Nothing was changed."""
        self._answered: dict[int, float] = {}
        self._seen: dict[int, float] = {}
        self._latest = 0

    def answered(self, number: int, *, at: float) -> None:
        """The API server has taken a change.

        Args:
            number: of the change, from 1.
            at: the monotonic clock, in seconds.
        """
        self._answered[number] = at

    def seen(self, number: int, *, at: float) -> None:
        """A watcher sees the object as a change left it; of those before it there comes no news any more."""
        for each in range(self._latest + 1, number + 1):
            self._seen[each] = at
        self._latest = max(self._latest, number)

    def latencies(self, *, at: float) -> list[float]:
        """Seconds that the news of each change took, ascending.

        Args:
            at: the monotonic clock now.
        """
        return sorted(
            max(0.0, self._seen[number] - since) if number in self._seen else inf
            for number, since in self._answered.items()
            if number in self._seen or at - since > DUE
        )
