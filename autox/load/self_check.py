"""Whether the load generator itself, and not its target, is the bottleneck: then its figures are not to be believed.

Signs of that are looked for all the time, however busy the connections are. The event loop runs a beat late: it was
not running (a CPU quota, another process, a long callback), and requests that fell due meanwhile left late or were
read late; or it stood still often, each time too shortly to be told, and long in all. Or the kernel says that it was
not given the CPU that it wanted. Or requests wait although the generator uses, or queues for, all the CPU time there
is: then a slow answer may well have lain unread in a socket. Comparing the achieved rate with the wanted one shows
none of these: a slow target lowers it too.

What is in it here is time alone. Whether the generator is what spoilt a run is for ``tally`` to say, which knows what
became of the requests: no CPU mends a certificate that has expired.
"""

from collections.abc import Callable

from autox.core.loads.pacing import Schedule
from autox.load.cputime import Denied, cpu_wanted

BEAT_SECONDS = 0.02
_LATE_SECONDS = 0.01
_LATE_SHARE = 0.1
"""A request is late from 10 ms on, or from a tenth of the median latency, if that is more."""
_SHORT_SECONDS = 0.004
"""A beat that came so late met a standstill; of many, requests and answers met as many."""
_MET_SHARE = 0.25
_STOOD_SHARE = 0.4
"""So much of the time may be lost in all. A busy machine takes a tenth to a third, a few milliseconds at a time."""
_ENOUGH_BEATS = 25
_SPAN_SECONDS = 0.25
_BUSY_SHARE = 0.95
_TOLERATED_SHARE = 0.05
_TOLERATED_REQUESTS = 2
"""Latency counts from when a request was due, so a generator that was late made figures worse and never better: a few
late requests cannot turn a failed SLO into one that was met. Many mean that the load was not the one that was asked
for. One hiccup of a busy machine is neither, also when few requests are sent.
"""
_REMEDY = "give it more CPU or lower the rate"


class SelfCheck:
    """Counts what the generator missed: the requests that fell due meanwhile, and the time."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        now: float,
        cpu: Callable[[], float] = cpu_wanted,
        denied: Callable[[], float] | None = None,
    ) -> None:
        """Begin.

        Args:
            schedule: of the requests.
            now: on the schedule's clock.
            cpu: seconds of CPU in all that the generator has had or waited for.
            denied: seconds of CPU since now that it wanted and was not given.
        """
        self._schedule = schedule
        self._cpu = cpu
        self._denied = denied or Denied().seconds
        self._late: list[tuple[float, float]] = []  # when a beat was expected, and when it came
        self._starved = 0
        self._waiting = True
        self._began = now
        self._expected = now + BEAT_SECONDS
        self._beats = 0
        self._lost = 0.0  # seconds in all that beats came late
        self._took = 0.0  # CPU that was denied, by the end of the last span
        self._span_began = now
        self._span_cpu = cpu()

    def beat(self, now: float, *, waiting: bool) -> bool:
        """To be called each ``BEAT_SECONDS`` after the one before; whether it was, and not much later.

        Args:
            now: when it is called.
            waiting: requests are due and not sent.
        """
        late = now - self._expected
        self._beats += 1
        self._lost += max(late, 0.0)
        if late > _SHORT_SECONDS:
            self._late.append((self._expected, now))
        self._expected = now + BEAT_SECONDS
        self._waiting = self._waiting and waiting
        if now - self._span_began >= _SPAN_SECONDS:
            cpu = self._cpu()
            self._took = self._denied()
            if self._waiting and cpu - self._span_cpu >= _BUSY_SHARE * (now - self._span_began):
                self._starved += self._schedule.due_by(now) - self._schedule.due_by(self._span_began)
            self._waiting, self._span_began, self._span_cpu = True, now, cpu
        return late <= _SHORT_SECONDS

    def late(self, median: float | None) -> int:
        """How many requests fell due while the generator could not run.

        Args:
            median: latency in seconds; None if there was none.
        """
        tolerance = max(_LATE_SECONDS, _LATE_SHARE * (median or 0.0))
        due_by = self._schedule.due_by
        return sum(max(due_by(came - tolerance) - due_by(expected), 0) for expected, came in self._late)

    def verdict(self, median: float | None, *, due: int | None = None) -> str:
        """Why the figures are not to be believed; empty if they are.

        Args:
            median: as for ``late``.
            due: how many requests were due, of a schedule that was ended before its end; None if all of them were.
        """
        late, count = self.late(median), self._schedule.count if due is None else due
        tolerated = max(_TOLERATED_SHARE * count, _TOLERATED_REQUESTS)
        found = ""
        if late > tolerated:
            found = (
                f"the load generator fell behind its schedule: {late:,} of {count:,} requests were due while it could"
                " not run"
            )
        elif self._starved > tolerated:
            found = f"the load generator was short of CPU while requests waited, for {self._starved:,} of {count:,}"
        elif self._beats >= _ENOUGH_BEATS:
            found = self._in_all(median)
        return f"{found}; {_REMEDY}" if found else ""

    def _in_all(self, median: float | None) -> str:
        """What single standstills do not show."""
        elapsed = self._expected - BEAT_SECONDS - self._began
        denied = min(self._took / max(self._span_began - self._began, BEAT_SECONDS), 1.0)
        if denied > _STOOD_SHARE:
            return f"the load generator wanted a CPU and was not given one for {denied:.0%} of the time"
        if self._lost > _STOOD_SHARE * elapsed:
            return f"the load generator stood still for {self._lost / elapsed:.0%} of the time"
        tolerance = max(_SHORT_SECONDS, _LATE_SHARE * (median or 0.0))
        met = sum(came - expected > tolerance for expected, came in self._late) / self._beats
        if met > _MET_SHARE:
            return f"the load generator stood still {met:.0%} of the times that it had something to do"
        return ""
