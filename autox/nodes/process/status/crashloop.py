"""How long a container that keeps ending has to wait for its next start: the kubelet's crash-loop back-off.

Derived from the attempts themselves and never kept: the first restart is immediate, the second waits the initial
delay after the end of the one before, and each further one twice as long up to the limit. A run that ended more
than twice the limit after it was started is forgiven. After a restart of the node only the newest two attempts are
known: a container in a crash loop then begins again with the initial delay, where the kubelet restarts it at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from autox.nodes.process.status.runtime_state import ObservedAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """A container waits before it is started again."""

    seconds: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashLoop:
    """The curve of the delays, in seconds."""

    initial: float = 10.0
    limit: float = 300.0

    def back_off(self, attempts: Sequence[ObservedAttempt]) -> BackOff | None:
        """What the next start has to wait for after these attempts, oldest first; None if for nothing."""
        seconds, restarted_at = 0.0, 0.0
        for ended, restarted in pairwise(attempts):
            seconds = self._grown(seconds, restarted_at, ended)
            restarted_at = restarted.started_at or restarted.finished_at or restarted_at
        last = attempts[-1]
        if not seconds or self._forgiven(restarted_at, last):
            return None
        return BackOff(seconds=seconds, until=(last.finished_at or restarted_at) + seconds)

    def _grown(self, seconds: float, restarted_at: float, ended: ObservedAttempt) -> float:
        if not seconds or self._forgiven(restarted_at, ended):
            return self.initial
        return min(seconds * 2, self.limit)

    def _forgiven(self, restarted_at: float, ended: ObservedAttempt) -> bool:
        return (ended.finished_at or restarted_at) - restarted_at > 2 * self.limit
