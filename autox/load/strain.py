"""Whether the load generator itself, and not its target, is the bottleneck: then its figures are not to be believed.

Two signs, looked for all the time, however busy the connections are. The event loop runs a beat late: it was not
running (a CPU quota, another process, a long callback), and requests that fell due meanwhile left late or were read
late. Or requests wait although the generator uses, or queues for, all the CPU time there is: then a slow answer may
well have lain unread in a socket. Comparing the achieved rate with the wanted one shows neither: a slow target lowers
it too.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from autox.core.pacing import Schedule

BEAT_SECONDS = 0.02
_LATE_SECONDS = 0.01
_LATE_SHARE = 0.1
"""A request is late from 10 ms on, or from a tenth of the median latency, if that is more."""
_SPAN_SECONDS = 0.25
_BUSY_SHARE = 0.95
_TOLERATED_SHARE = 0.05
_TOLERATED_REQUESTS = 2
"""Latency counts from when a request was due, so a generator that was late made figures worse and never better: a few
late requests cannot turn a failed SLO into one that was met. Many mean that the load was not the one that was asked
for. One hiccup of a busy machine is neither, also when few requests are sent.
"""

_SCHEDSTAT = Path("/proc/thread-self/schedstat")


def cpu_wanted() -> float:
    """Seconds for which this thread has had a CPU or, where the kernel tells, has waited for one."""
    with suppress(OSError, ValueError):
        running, waiting = map(int, _SCHEDSTAT.read_bytes().split()[:2])
        return (running + waiting) / 1e9
    return time.thread_time()


class Strain:
    """Counts the requests that fell due while the generator was not up to it."""

    def __init__(self, schedule: Schedule, *, now: float, cpu: Callable[[], float] = cpu_wanted) -> None:
        self._schedule = schedule
        self._cpu = cpu
        self._late: list[tuple[float, float]] = []  # when a beat was expected, and when it came
        self._starved = 0
        self._waiting = True
        self._expected = now + BEAT_SECONDS
        self._span_began = now
        self._span_cpu = cpu()

    def beat(self, now: float, *, waiting: bool) -> None:
        """To be called each ``BEAT_SECONDS`` after the one before.

        Args:
            now: when it is called.
            waiting: requests are due and not sent.
        """
        if now - self._expected > _LATE_SECONDS:
            self._late.append((self._expected, now))
        self._expected = now + BEAT_SECONDS
        self._waiting = self._waiting and waiting
        if now - self._span_began >= _SPAN_SECONDS:
            cpu = self._cpu()
            if self._waiting and cpu - self._span_cpu >= _BUSY_SHARE * (now - self._span_began):
                self._starved += self._schedule.due_by(now) - self._schedule.due_by(self._span_began)
            self._waiting, self._span_began, self._span_cpu = True, now, cpu

    def late(self, median: float | None) -> int:
        """How many requests fell due while the generator could not run.

        Args:
            median: latency in seconds; None if there was none.
        """
        tolerance = max(_LATE_SECONDS, _LATE_SHARE * (median or 0.0))
        due_by = self._schedule.due_by
        return sum(max(due_by(came - tolerance) - due_by(expected), 0) for expected, came in self._late)

    def verdict(self, median: float | None) -> str:
        """Why the figures are not to be believed; empty if they are; ``median`` as for ``late``."""
        late, count = self.late(median), self._schedule.count
        tolerated = max(_TOLERATED_SHARE * count, _TOLERATED_REQUESTS)
        if late > tolerated:
            return (
                f"the load generator fell behind its schedule: {late:,} of {count:,} requests were due while it could"
                " not run; give it more CPU or lower the rate"
            )
        if self._starved > tolerated:
            return (
                f"the load generator was short of CPU while requests waited, for {self._starved:,} of {count:,};"
                " give it more CPU or lower the rate"
            )
        return ""
